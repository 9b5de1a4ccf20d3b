//! Measures C, with a program that is compiled with a generated header.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use jit_runtime::Uop;
use jit_stencils::StencilSet;

use crate::input::{prelude, record};
use crate::rust::{BASE, address};

/// The example's `Programs/link.c`, compiled with a linker and stencils.
pub(crate) struct Program {
    directory: tempfile::TempDir,
}

impl Program {
    /// Compiles the program, with symbols at the same addresses as for jit-runtime.
    pub(crate) fn compile(header: &Path, set: &StencilSet, symbols: &[String]) -> Program {
        let directory = tempfile::tempdir().expect("a directory");
        let example = fixtures::tinyvm::root();
        let host = std::env::var_os("JIT_BENCH_HOST")
            .map_or_else(|| example.join("Python/jit.c"), PathBuf::from);
        let declarations = directory.path().join("prelude.h");
        std::fs::write(&declarations, prelude(set, symbols)).expect("a file");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
        let mut command = Command::new(compiler);
        command
            .args([
                "-O3",
                "-DNDEBUG",
                "-w",
                "-no-pie",
                "-fno-pic",
                "-mcmodel=large",
            ])
            .args([
                "-DVM_JIT",
                "-DVM_JIT_TRAMPOLINE_SIZE=0",
                "-DVM_JIT_DATA_ALIGNMENT=1",
            ])
            .arg("-DVM_JIT_I386=0")
            .arg(format!("-DVM_JIT_STENCILS={header:?}"));
        for include in [".", "Include", "Include/internal"] {
            command.arg("-I").arg(example.join(include));
        }
        if std::env::var_os("JIT_BENCH_HEADER").is_some() {
            command.arg("-include").arg(&declarations);
        }
        for name in symbols {
            let place = address(symbols, name).expect("it is in the list");
            command.arg(format!("-Wl,--defsym={name}={place:#x}"));
        }
        command.arg(host).arg(example.join("Programs/link.c"));
        command.arg("-o").arg(directory.path().join("link"));
        let output = command.output().expect("a C compiler");
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}\n{messages}");
        Program { directory }
    }

    /// Writes the traces to a file for the program.
    pub(crate) fn input(&self, traces: &[Vec<Uop>]) -> PathBuf {
        let mut bytes = Vec::new();
        bytes.extend((traces.len() as u32).to_le_bytes());
        for trace in traces {
            bytes.extend(BASE.to_le_bytes());
            bytes.extend(4096_u32.to_le_bytes());
            bytes.extend((trace.len() as u32).to_le_bytes());
            bytes.extend(trace.iter().flat_map(record));
        }
        let path = self.directory.path().join("traces");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// Runs the program, and returns the nanoseconds per micro-op of each measurement.
    pub(crate) fn times(&self, input: &Path) -> Vec<(String, f64)> {
        let output = Command::new(self.directory.path().join("link"))
            .args(["--time", "10"])
            .arg(input)
            .output()
            .expect("the program runs");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {messages}", output.status);
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines()
            .map(|line| {
                let (name, time) = line.split_once(' ').expect("a name and a time");
                let name = match name {
                    "link" => "C emit functions",
                    "memcpy" => "C memcpy per uop",
                    "map" => "C mmap, emit, mprotect, munmap",
                    other => panic!("unexpected {other}"),
                };
                (name.to_owned(), time.parse().expect("a number"))
            })
            .collect()
    }
}

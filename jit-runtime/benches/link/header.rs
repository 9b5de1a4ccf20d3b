//! Measures the linker in the C header that `jit_writer::host_header` writes.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use jit_runtime::Uop;
use jit_stencils::StencilSet;
use jit_writer::Preamble;

use crate::host_input::{General, start};
use crate::rust::{BASE, address};

/// The program of the test of images, compiled with a header, and the traces for it.
pub(crate) struct Program {
    directory: tempfile::TempDir,
}

impl Program {
    /// Compiles the program, and writes the traces to a file, with symbols at the same addresses as for jit-runtime.
    pub(crate) fn compile(set: &StencilSet, symbols: &[String], traces: &[Vec<Uop>]) -> Program {
        let directory = tempfile::tempdir().expect("a directory");
        let header = directory.path().join("host.h");
        let preamble = Preamble {
            digest: "a digest",
            comment: "",
        };
        let text = jit_writer::host_header(preamble, set).expect("a header");
        std::fs::write(&header, text).expect("a file");
        let program = Program { directory };
        let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
        let mut command = Command::new(compiler);
        command
            .args(["-std=c11", "-O3", "-DNDEBUG"])
            .arg(format!("-DJIT_HEADER={header:?}"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/c_host.c"))
            .arg("-o")
            .arg(program.directory.path().join("program"));
        let output = command.output().expect("a C compiler");
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}\n{messages}");

        let names = program.run(&["symbols"]);
        let addresses: Vec<u64> = names
            .lines()
            .map(|name| address(symbols, name).expect("it is in the list"))
            .collect();
        let mut bytes = Vec::new();
        for trace in traces {
            bytes.extend(start(BASE, trace.len(), addresses.iter().copied()));
            bytes.extend(trace.iter().flat_map(|uop| General::of(uop).record()));
        }
        std::fs::write(program.directory.path().join("traces"), bytes).expect("a file");
        program
    }

    /// Runs the program, and returns the nanoseconds per micro-op of each measurement.
    pub(crate) fn times(&self) -> Vec<(String, f64)> {
        let text = self.run(&["time", "10"]);
        text.lines()
            .map(|line| {
                let (name, time) = line.split_once(' ').expect("a name and a time");
                let name = match name {
                    "link" => "C header's linker",
                    "compile" => "C header's jit_compile, pages",
                    other => panic!("unexpected {other}"),
                };
                (name.to_owned(), time.parse().expect("a number"))
            })
            .collect()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.directory.path().join("program"));
        command.args(arguments);
        if let Ok(input) = File::open(self.directory.path().join("traces")) {
            command.stdin(input);
        }
        let output = command.output().expect("the program runs");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {messages}", output.status);
        String::from_utf8(output.stdout).expect("text")
    }
}

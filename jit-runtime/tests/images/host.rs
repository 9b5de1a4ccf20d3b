//! The linker in C: the example's `Python/jit.c` with a generated header, and its program `Programs/link.c`, which
//! describes the format of its input and output.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jit_schema::{Arch, ObjectFormat, Target};
use tempfile::TempDir;

use crate::input::record;
use crate::traces::Job;

/// A generated header and what it needs to compile.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) path: &'a Path,
    pub(crate) target: &'a Target,
    /// Declarations of micro-ops and symbols, for a header that is not the example's.
    pub(crate) prelude: Option<String>,
}

/// The linker as object files. They are linked again for each set of symbol addresses.
#[derive(Debug)]
pub(crate) struct Host {
    directory: TempDir,
}

/// The result of linking a trace in C.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The image.
    Linked(Vec<u8>),
    /// The trace is too long, or the image too large.
    Refused,
    /// An assertion failed.
    Asserted,
    /// The process read or wrote unmapped memory.
    Crashed,
}

fn compiler() -> OsString {
    std::env::var_os("CC").unwrap_or_else(|| "cc".into())
}

fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

impl Host {
    /// Compiles a header with the example's jit.c, or with the file that `JIT_IMAGES_HOST` names.
    pub(crate) fn compile(header: &Header<'_>) -> Host {
        let directory = tempfile::tempdir().unwrap();
        let example = fixtures::tinyvm::root();
        let jit = std::env::var_os("JIT_IMAGES_HOST")
            .map_or_else(|| example.join("Python/jit.c"), PathBuf::from);
        // The targets for which CPython's jit.c has trampolines; it asks the compiler's macros.
        let slots = header.target.arch == Arch::Aarch64
            || (header.target.arch == Arch::X86_64 && header.target.format == ObjectFormat::MachO);
        for (source, object) in [(jit, "jit.o"), (example.join("Programs/link.c"), "link.o")] {
            let mut command = Command::new(compiler());
            // A symbol can have any address, so addresses have 64 bits.
            command
                .args(["-O1", "-w", "-c", "-fno-pic", "-mcmodel=large", "-UNDEBUG"])
                .arg("-DVM_JIT")
                .arg(format!("-DVM_JIT_STENCILS={:?}", header.path))
                .arg(format!("-DVM_JIT_TRAMPOLINE_SIZE={}", slots as u8 * 16))
                .arg(format!(
                    "-DVM_JIT_DATA_ALIGNMENT={}",
                    if slots { 8 } else { 1 }
                ))
                .arg(format!(
                    "-DVM_JIT_I386={}",
                    (header.target.arch == Arch::I686) as u8
                ));
            for include in [".", "Include", "Include/internal"] {
                command.arg("-I").arg(example.join(include));
            }
            if let Some(prelude) = &header.prelude {
                let path = directory.path().join("prelude.h");
                std::fs::write(&path, prelude).unwrap();
                command.arg("-include").arg(path);
            }
            run(command
                .arg(source)
                .arg("-o")
                .arg(directory.path().join(object)));
        }
        Host { directory }
    }

    /// Links the traces, with symbols at these addresses.
    pub(crate) fn images(&self, symbols: &HashMap<String, u64>, jobs: &[Job]) -> Vec<Outcome> {
        let program = self.directory.path().join("link");
        let input = self.directory.path().join("traces");
        std::fs::write(&input, records(jobs)).unwrap();
        let mut command = Command::new(compiler());
        command.arg("-no-pie").arg("-o").arg(&program);
        command.args(["jit.o", "link.o"].map(|name| self.directory.path().join(name)));
        for (name, address) in symbols {
            command.arg(format!("-Wl,--defsym={name}={address:#x}"));
        }
        run(&mut command);
        let output = run(Command::new(&program).arg(&input).stdin(Stdio::null()));
        parse(&output.stdout, jobs.len())
    }
}

/// Returns the input of `Programs/link.c` for some traces.
fn records(jobs: &[Job]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend((jobs.len() as u32).to_le_bytes());
    for job in jobs {
        bytes.extend(job.base.to_le_bytes());
        bytes.extend((job.page_size as u32).to_le_bytes());
        bytes.extend((job.trace.len() as u32).to_le_bytes());
        bytes.extend(job.trace.iter().flat_map(record));
    }
    bytes
}

/// Reads the output of `Programs/link.c`.
fn parse(mut bytes: &[u8], count: usize) -> Vec<Outcome> {
    let word = |bytes: &mut &[u8]| {
        let (word, rest) = bytes.split_first_chunk().expect("the output ends early");
        *bytes = rest;
        u32::from_le_bytes(*word)
    };
    let outcomes = (0..count)
        .map(|_| {
            let status = word(&mut bytes);
            let size = word(&mut bytes) as usize;
            let (image, rest) = bytes.split_at(size);
            bytes = rest;
            match status {
                0 => Outcome::Linked(image.to_vec()),
                1 => Outcome::Refused,
                2 => Outcome::Asserted,
                _ => Outcome::Crashed,
            }
        })
        .collect();
    assert!(bytes.is_empty(), "{} bytes too many", bytes.len());
    outcomes
}

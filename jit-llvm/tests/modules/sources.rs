//! The modules that the tests split, and the tools that make and compile them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file with functions named `op_*`.
pub(crate) struct File {
    pub(crate) name: &'static str,
    text: &'static str,
}

pub(crate) const FILES: [File; 3] = [
    File {
        name: "ops.c",
        text: include_str!("ops.c"),
    },
    File {
        name: "ops.cpp",
        text: include_str!("ops.cpp"),
    },
    // What rustc 1.95 makes of `ops.rs` with `--edition 2024 --emit llvm-ir -C panic=abort -C opt-level=s
    // -C no-prepopulate-passes -C codegen-units=1 -C debuginfo=1`, for x86_64.
    File {
        name: "ops.ll",
        text: include_str!("ops.ll"),
    },
];

/// What clang gets for code that stencils could have.
pub(crate) const FLAGS: [&str; 7] = [
    "-fno-builtin",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    "-ffreestanding",
];

/// The targets and their flags.
pub(crate) const TARGETS: [(&str, &[&str]); 6] = [
    (
        "x86_64-unknown-linux-gnu",
        &[
            "-fno-pic",
            "-mcmodel=medium",
            "-mlarge-data-threshold=0",
            "-fno-plt",
        ],
    ),
    (
        "aarch64-unknown-linux-gnu",
        &["-fpic", "-mno-outline-atomics"],
    ),
    ("x86_64-apple-darwin", &[]),
    ("aarch64-apple-darwin", &[]),
    ("x86_64-pc-windows-msvc", &[]),
    ("i686-pc-windows-msvc", &["-mno-sse"]),
];

pub(crate) struct Clang {
    pub(crate) path: PathBuf,
}

impl Clang {
    pub(crate) fn all() -> Vec<Clang> {
        let new = fixtures::needs::clang_22();
        let old = fixtures::needs::prefix_21().map(|prefix| prefix.join("bin/clang"));
        new.into_iter()
            .chain(old)
            .map(|path| Clang { path })
            .collect()
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &Path, output: &Path) {
        run(&self.path, arguments, input, output);
    }

    /// Returns a file's LLVM IR before optimization.
    pub(crate) fn ir(&self, file: &File, arguments: &[&str], directory: &Path) -> String {
        let words = [&FLAGS[..], arguments].concat();
        self.ir_of((file.name, file.text), &words, directory)
    }

    /// Returns the LLVM IR before optimization of a text in a file of this name.
    pub(crate) fn ir_of(
        &self,
        (name, text): (&str, &str),
        arguments: &[&str],
        directory: &Path,
    ) -> String {
        let (input, output) = (directory.join(name), directory.join("whole.ll"));
        fs::write(&input, text).unwrap();
        let words = [
            &["-S", "-emit-llvm", "-Xclang", "-disable-llvm-passes", "-w"],
            arguments,
        ]
        .concat();
        self.run(&words, &input, &output);
        fs::read_to_string(output).unwrap()
    }

    /// Returns the assembly that is made of IR.
    pub(crate) fn assembly(&self, ir: &str, arguments: &[&str], directory: &Path) -> String {
        let input = directory.join("input.ll");
        fs::write(&input, ir).unwrap();
        let output = directory.join("output.s");
        let words = [&["-x", "ir", "-S", "-w"], &FLAGS[..], arguments].concat();
        self.run(&words, &input, &output);
        fs::read_to_string(output).unwrap()
    }
}

pub(crate) fn run(program: &Path, arguments: &[&str], input: &Path, output: &Path) {
    let done = Command::new(program)
        .args(arguments)
        .arg("-o")
        .arg(output)
        .arg(input)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{} {arguments:?}: {}",
        program.display(),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// LLVM's own optimizer beside a clang, which keeps one function and what it reaches.
pub(crate) fn opt(clang: &Clang) -> Option<PathBuf> {
    let real = clang.path.canonicalize().unwrap();
    let opt = real.parent().unwrap().join("opt");
    opt.is_file().then_some(opt)
}

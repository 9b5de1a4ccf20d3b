//! clang 21, without llvm-objdump.

use fixtures::{TRIPLES, generated::HEADER_LINES, golden::Golden};

use crate::{
    batch,
    goldens::LITERALS,
    sandbox::{LINUX, Run, Sandbox, complaints},
    tinyvm::{Files, text},
    tools,
};

/// The program that makes `fixtures/golden-21`.
const REGENERATE: &str = "python3 fixtures/regenerate_21.py CPYTHON/Tools/jit target/llvm-21";

/// Returns a build that finds no other LLVM.
fn build<'a>(sandbox: &'a Sandbox, triples: &[&str]) -> Run<'a> {
    sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out"])
        .with(&["--llvm-version", "21"])
        .with(&[
            "--llvm-tools-install-dir".as_ref(),
            tools::prefix_21().as_os_str(),
        ])
        .with(triples)
}

#[track_caller]
fn check(files: &Files, triple: &str) {
    let directory = fixtures::root().join("golden-21").join(triple);
    for prefix in ["jit_stencils", "jit_unwind_info"] {
        let name = format!("{prefix}-{triple}.h");
        Golden::new(directory.join(&name))
            .skip_lines(HEADER_LINES)
            .made_by_upstream_with(REGENERATE)
            .check_text(text(files, &name));
    }
    let name = format!("jit_shim-{triple}.o");
    Golden::new(directory.join(&name))
        .made_by_upstream_with(REGENERATE)
        .check_bytes(&files[&name]);
}

#[test]
fn all_targets() {
    fixtures::needs!(prefix_21);
    let sandbox = Sandbox::new().tinyvm();
    let printed = build(&sandbox, &TRIPLES).succeeds();
    assert_eq!(complaints(&printed.stderr), [LITERALS]);
    let files = sandbox.files("out");
    for triple in TRIPLES {
        check(&files, triple);
        // There is no llvm-objdump, so headers have no disassembly.
        let header = text(&files, &format!("jit_stencils-{triple}.h"));
        assert!(!header.contains("file format"), "{triple}");
        assert!(!header.contains("Disassembly of section"), "{triple}");
    }
}

#[test]
fn batches_give_the_same() {
    fixtures::needs!(prefix_21);
    batch::both_ways(&batch::some(), |sandbox| build(sandbox, &TRIPLES));
}

/// The version that the checkout's `_llvm.py` pins takes precedence over newer ones that are installed.
#[test]
fn pinned_by_the_checkout() {
    fixtures::needs!(prefix_21);
    let sandbox = batch::some();
    sandbox.write(
        "vm/Tools/jit/_llvm.py",
        "import re\n\n_LLVM_VERSION = \"21\"\n_EXTERNALS_LLVM_TAG = \"llvm-21.1.4.0\"\n",
    );
    // LLVM 21 is where CPython's PCbuild installs it. LLVM 22 would be found first.
    let bin = sandbox.path("vm/externals/llvm-21.1.4.0/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(tools::prefix_21().join("bin/clang"), bin.join("clang")).unwrap();
    sandbox.clang_that_says("bin/clang", "clang version 22.1.0");
    let pinned = sandbox.run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX]);
    let path = std::env::var_os("PATH").unwrap();
    let mut directories = vec![sandbox.path("bin")];
    directories.extend(std::env::split_paths(&path));
    pinned
        .env("PATH", std::env::join_paths(directories).unwrap())
        .succeeds();
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    let command = header.lines().nth(1).unwrap();
    assert!(command.contains("--llvm-version=21"), "{command}");
    let emitted = |text: &str| -> Vec<String> {
        let from = text.find("emit__JUMP_r00(").unwrap();
        let lines = text[from..].lines().take_while(|line| *line != "}");
        lines.map(str::to_owned).collect()
    };
    let golden = fixtures::root().join(format!("golden-21/{LINUX}/jit_stencils-{LINUX}.h"));
    let golden = fixtures::golden::read_text(&golden);
    assert_eq!(emitted(&header), emitted(&golden));
}

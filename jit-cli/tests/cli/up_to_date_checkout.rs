//! CPython checkouts: the digest in the files decides, and the state in the cache knows better.

use std::fs;

use crate::{
    sandbox::{LINUX, Printed, Run, Sandbox},
    tinyvm::case,
};

const STENCILS: &str = "out/jit_stencils-x86_64-unknown-linux-gnu.h";
const UNWIND: &str = "out/jit_unwind_info-x86_64-unknown-linux-gnu.h";
const SHIM: &str = "out/jit_shim-x86_64-unknown-linux-gnu.o";
const HEADER: &str = "vm/Include/internal/vm_values.h";

fn small() -> Sandbox {
    Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_LOAD_NONE_r01")])
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox.build().with(&["--cache-dir", "cache"])
}

fn is_current(printed: &Printed) -> bool {
    let mut lines = printed.stdout.lines();
    let line = lines.find(|line| line.starts_with(LINUX)).unwrap();
    line.contains("up to date")
}

/// Checks that a build says why it does not believe the digest, and that it gives the files of a clean build. The next
/// one does nothing.
#[track_caller]
fn is_built_because(sandbox: &Sandbox, reason: &str, more: &[&str]) {
    let printed = build(sandbox).with(more).succeeds();
    assert!(!is_current(&printed), "{reason}");
    let lines: Vec<&str> = printed.stderr.lines().collect();
    let [line] = lines.as_slice() else {
        panic!("{}", printed.stderr);
    };
    for part in ["the digest in the files has not changed", reason] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let after = sandbox.files("out");
    let words = ["build", "--cpython", "vm", "-p", "vm", "-o", "clean", LINUX];
    fs::remove_dir_all(sandbox.path("clean")).ok();
    let clean = sandbox.run(&words).with(&["--llvm-version", "22"]);
    clean.with(&["--no-cache"]).with(more).succeeds();
    assert!(after == sandbox.files("clean"), "{reason}");
    let printed = build(sandbox).with(more).succeeds();
    assert!(is_current(&printed), "{reason}");
    assert_eq!(printed.stderr, "");
}

#[test]
fn what_the_digest_does_not_cover() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    build(&sandbox).succeeds();
    let names: Vec<String> = sandbox.files("out").into_keys().collect();
    assert_eq!(names.len(), 5, "{names:?}");
    sandbox.replace(HEADER, "0xFFFEu", "0xFFFBu");
    let before = sandbox.text(STENCILS);
    is_built_because(&sandbox, "Include/internal/vm_values.h has changed", &[]);
    assert!(sandbox.text(STENCILS) != before);
    let text = sandbox.text(HEADER).replace("0xFFFBu", "0xFFFCu");
    sandbox.write("vm/vm_values.h", text);
    is_built_because(&sandbox, "vm_values.h is new", &[]);
    let directory = sandbox.path("machine-headers").display().to_string();
    sandbox.write("machine-headers/more.h", "int more;\n");
    sandbox.replace(
        "vm/vm_values.h",
        "#define VM_NONE",
        "#if __has_include(\"more.h\")\n#endif\n#define VM_NONE",
    );
    is_built_because(&sandbox, "vm_values.h has changed", &[]);
    let flags = format!("--cflags=-I{directory}");
    let printed = build(&sandbox).with(&[&flags]).succeeds();
    assert!(!is_current(&printed));
    sandbox.write("machine-headers/more.h", "int much_more;\n");
    is_built_because(&sandbox, "machine-headers/more.h has changed", &[&flags]);
}

#[test]
fn outputs_that_were_not_written() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    build(&sandbox).succeeds();
    let whole = sandbox.files("out");
    // The code of the shim comes after the header of the object file.
    for (name, place, start) in [
        (STENCILS, 400, "jit_stencils-"),
        (UNWIND, 200, "jit_unwind_info-"),
        (SHIM, 70, "jit_shim-"),
    ] {
        let mut flipped = fs::read(sandbox.path(name)).unwrap();
        flipped[place] ^= 1;
        sandbox.write(name, flipped);
        is_built_because(&sandbox, start, &[]);
        assert!(sandbox.files("out") == whole);
    }
}

#[test]
fn other_tools() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    build(&sandbox).succeeds();
    sandbox.clang_with("");
    let directory = sandbox.path("llvm").display().to_string();
    let words = ["--llvm-tools-install-dir", &directory];
    is_built_because(&sandbox, "the tools were", &words);
    is_built_because(&sandbox, "the tools were", &[]);
    // Without clang, and without the state, the digest decides.
    let empty = sandbox.path("empty");
    assert!(is_current(&build(&sandbox).env("PATH", &empty).succeeds()));
    let other = sandbox.build().with(&["--cache-dir", "other-cache"]);
    assert!(is_current(&other.succeeds()));
}

/// A header that has another text while it is compiled.
#[test]
fn a_change_during_a_build() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let header = sandbox.path(HEADER);
    let copy = sandbox.write("copy.h", sandbox.text(HEADER));
    let (header, copy) = (header.display(), copy.display());
    sandbox.clang_with(&format!(
        "sed s/0xFFFEu/0xFFFBu/ {copy} > {header}\n\"$real\" \"$@\"\nstatus=$?\ncp {copy} {header}\nexit $status"
    ));
    let directory = sandbox.path("llvm").display().to_string();
    let words = ["--llvm-tools-install-dir", &directory, "-j1"];
    build(&sandbox).with(&words).succeeds();
    // Nothing is wrong with what is there now, but it is not what was compiled.
    sandbox.clang_with("");
    let printed = build(&sandbox).with(&words).succeeds();
    assert!(!is_current(&printed));
    let reason = "vm_values.h was changed during the build";
    assert!(printed.stderr.contains(reason), "{}", printed.stderr);
    let printed = build(&sandbox).with(&words).succeeds();
    assert!(is_current(&printed));
}

/// `size` and `show` build nothing that the user has, so they do not speak of files.
#[test]
fn looking_does_not_speak_of_files() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    for (name, more, value) in [("size", &[][..], "0xFFFBu"), ("show", &["*"], "0xFFFAu")] {
        sandbox.look(name, more).succeeds();
        sandbox.replace(HEADER, "0xFFFEu", value);
        let printed = sandbox.look(name, more).succeeds();
        assert_eq!(printed.stderr, "", "{name}");
        sandbox.replace(HEADER, value, "0xFFFEu");
    }
}

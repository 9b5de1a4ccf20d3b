//! Packs: stencils for machines without LLVM.

use std::{fs, path::Path, process::Command};

use fixtures::tinyvm::files;

use crate::{
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, case},
};

const HEADER: &str = "Include/tinyvm.h";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// Returns a sandbox with a small machine in `vm`, and its pack.
pub(crate) fn packed() -> Sandbox {
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_DUP_r12")]);
    pack(&sandbox, "p.pack").succeeds();
    sandbox
}

pub(crate) fn pack<'a>(sandbox: &'a Sandbox, name: &str) -> Run<'a> {
    let run = sandbox.run(&["pack", name, LINUX, "--cpython", "vm", "-p", "vm"]);
    run.with(&["--llvm-version", "22"])
}

/// Returns a run that finds no program.
pub(crate) fn without_tools<'a>(sandbox: &'a Sandbox, words: &[&str]) -> Run<'a> {
    sandbox
        .run(words)
        .with(&["--cpython", "vm", "-p", "vm", "-t", LINUX])
        .env("PATH", sandbox.path("empty"))
}

fn use_pack(sandbox: &Sandbox) -> Run<'_> {
    without_tools(sandbox, &["use", "p.pack", "-o", "out"])
}

/// Changes a file of the machine.
fn change(sandbox: &Sandbox, name: &str, from: &str, to: &str) {
    let path = format!("vm/{name}");
    let text = sandbox.text(&path);
    assert!(text.contains(from), "{name}: {from}");
    sandbox.write(&path, text.replacen(from, to, 1));
}

#[test]
fn what_is_used_is_what_is_built() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    let printed = use_pack(&sandbox).succeeds();
    assert_eq!(printed.stderr, "");
    let mut used = sandbox.files("out");
    assert_eq!(used.remove(".jit-stamp"), Some(Vec::new()));
    // A build takes it as its own.
    let current = sandbox
        .build()
        .env("PATH", sandbox.path("empty"))
        .succeeds();
    assert!(current.stdout.contains("up to date"), "{}", current.stdout);
    sandbox.build().with(&["--force"]).succeeds();
    let mut built = sandbox.files("out");
    built.remove(".jit-stamp");
    assert_eq!(
        used.keys().collect::<Vec<_>>(),
        built.keys().collect::<Vec<_>>()
    );
    for (name, contents) in &used {
        assert!(*contents == built[name], "{name}");
    }
    // make needs a stamp that is newer than what it stands for.
    let time = |name: &str| {
        fs::metadata(sandbox.path(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    use_pack(&sandbox).succeeds();
    assert!(time("out/.jit-stamp") >= time(&format!("out/jit_stencils-{LINUX}.h")));
}

/// The host's compiler, and nothing else, is on the other machine.
#[test]
fn the_host_is_compiled_without_llvm() {
    fixtures::needs!(objdump_22);
    let Some(clang) = fixtures::needs::clang_22() else {
        return;
    };
    let sandbox = Sandbox::new();
    for (name, contents) in files() {
        sandbox.write(&format!("vm/{name}"), contents);
    }
    pack(&sandbox, "p.pack").succeeds();
    use_pack(&sandbox).succeeds();
    let done = Command::new(clang)
        .args([
            "-c",
            "-O1",
            "-DVM_JIT",
            "-Ivm",
            "-Ivm/Include",
            "-Ivm/Include/internal",
            "-Iout",
        ])
        .args(["vm/Python/jit.c", "-o", "jit.o"])
        .args([format!("--target={LINUX}")])
        .current_dir(sandbox.path(""))
        .env("PATH", sandbox.path("empty"))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(fs::metadata(sandbox.path("jit.o")).unwrap().len() > 1000);
}

#[test]
fn changes_without_effect_are_accepted() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    change(
        &sandbox,
        HEADER,
        "// The types of the machine",
        "// The types and more of the machine",
    );
    change(
        &sandbox,
        HEADER,
        "typedef uint64_t vm_value;",
        "#define NOBODY_READS_THIS 1\ntypedef   uint64_t\n vm_value;",
    );
    change(
        &sandbox,
        "pyconfig.h",
        "#define SIZEOF_VOID_P",
        "#define HAVE_SOMETHING_NEW 1\n#define SIZEOF_VOID_P",
    );
    change(
        &sandbox,
        "Python/executor_cases.c.h",
        "// Some",
        "// Some of another patch release:",
    );
    let printed = use_pack(&sandbox).succeeds();
    assert_eq!(printed.stderr, "");
    let verified = without_tools(&sandbox, &["verify", "p.pack"]).succeeds();
    for name in [HEADER, "pyconfig.h", "Python/executor_cases.c.h"] {
        let line = format!("harmless: {name}: ");
        assert!(verified.stdout.contains(&line), "{}", verified.stdout);
    }
    // They are what is built from the changed sources.
    let used = sandbox.files("out");
    sandbox.build().with(&["--force"]).succeeds();
    for (name, contents) in sandbox.files("out") {
        assert!(contents == used[&name], "{name}");
    }
}

#[test]
fn changes_with_an_effect_are_refused() {
    fixtures::needs!(clang_22, objdump_22);
    for (name, from, to, named) in [
        (HEADER, "uint32_t kind;", "uint64_t kind;", HEADER),
        (
            CASES.strip_prefix("vm/").unwrap(),
            "break;",
            "tstate = 0; break;",
            "Python/executor_cases.c.h",
        ),
        ("Tools/jit/shim.c", "{", "{ ;", "Tools/jit/shim.c"),
        ("pyconfig.h", "__SIZEOF_POINTER__", "4", "SIZEOF_VOID_P"),
        (
            "pyconfig.h",
            "#define SIZEOF_VOID_P",
            "#pragma pack(4)\n#define SIZEOF_VOID_P",
            "pyconfig.h",
        ),
    ] {
        let sandbox = packed();
        if named == "SIZEOF_VOID_P" {
            // Nothing in the example mentions it.
            change(
                &sandbox,
                HEADER,
                "typedef uint64_t vm_value;",
                "enum { VOID_P = SIZEOF_VOID_P };\ntypedef uint64_t vm_value;",
            );
            pack(&sandbox, "p.pack").succeeds();
        }
        change(&sandbox, name, from, to);
        let text = use_pack(&sandbox).fails(27);
        assert!(text.contains(&format!("\n  {named}: ")), "{text}");
        assert_eq!(text.matches("\n  ").count(), 1, "{text}");
        let text = without_tools(&sandbox, &["verify", "p.pack"]).fails(27);
        assert!(text.contains(named), "{text}");
        // One reason at a time, and the header says so.
        use_pack(&sandbox).with(&["--accept", "other"]).fails(27);
        let printed = use_pack(&sandbox).with(&["--accept", named]).succeeds();
        assert!(
            printed.stdout.contains(&format!("accepted: {named}: ")),
            "{}",
            printed.stdout
        );
        let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
        assert_eq!(
            header.lines().nth(2).unwrap(),
            format!("// $ jit-cli use --accept {named}")
        );
    }
}

#[test]
fn a_file_that_hides_another_is_refused() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    sandbox.write(
        "vm/Include/vm_uops.h",
        sandbox.text("vm/Include/internal/vm_uops.h"),
    );
    let text = use_pack(&sandbox).fails(27);
    assert!(
        text.contains("Include/vm_uops.h: it was not there, and clang looks for such a file"),
        "{text}"
    );
    fs::remove_file(sandbox.path("vm/Include/internal/vm_uops.h")).unwrap();
    let text = use_pack(&sandbox).fails(27);
    assert!(
        text.contains("Include/internal/vm_uops.h: it is missing"),
        "{text}"
    );
}

#[test]
fn another_configuration_is_not_in_it() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    let text = without_tools(&sandbox, &["use", "p.pack", "-o", "out", "-t", ARM]).fails(27);
    assert!(
        text.contains(&format!(
            "nothing for {ARM} (release); it has {LINUX} (release)"
        )),
        "{text}"
    );
    change(
        &sandbox,
        "pyconfig.h",
        "#define SIZEOF_VOID_P",
        "#define Py_DEBUG 1\n#define SIZEOF_VOID_P",
    );
    let text = use_pack(&sandbox).fails(27);
    assert!(
        text.contains("nothing for x86_64-unknown-linux-gnu (debug)"),
        "{text}"
    );
    pack(&sandbox, "p.pack").with(&["--add", ARM]).succeeds();
    use_pack(&sandbox).succeeds();
    let printed = sandbox.run(&["verify", "p.pack"]).succeeds();
    assert!(printed.stdout.contains("whole"), "{}", printed.stdout);
    // The configuration of this pyconfig.h is built again, and no other.
    let rebuilt = sandbox
        .run(&[
            "verify",
            "p.pack",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "--rebuild",
        ])
        .succeeds();
    assert_eq!(rebuilt.stdout.matches("(debug): built again").count(), 2);
    assert!(
        !rebuilt.stdout.contains("(release): built again"),
        "{}",
        rebuilt.stdout
    );
    // What was there is still there.
    change(&sandbox, "pyconfig.h", "#define Py_DEBUG 1\n", "");
    use_pack(&sandbox).succeeds();
    let text = use_pack(&sandbox).with(&["--cflags=-DA"]).fails(27);
    assert!(text.contains("(release) with the flags \"-DA\""), "{text}");
    // In a debug build, the numbers of lines are in assertions.
    change(
        &sandbox,
        "pyconfig.h",
        "#define SIZEOF_VOID_P",
        "#define Py_DEBUG 1\n#define SIZEOF_VOID_P",
    );
    use_pack(&sandbox).succeeds();
    change(
        &sandbox,
        HEADER,
        "// The types",
        "// One more line.\n// The types",
    );
    assert!(use_pack(&sandbox).fails(27).contains(HEADER));
}

/// A file beside pyconfig.h, outside of the checkout, counts as well, and so does a header with an indirect name.
#[test]
fn files_beside_pyconfig() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let text = sandbox.text("vm/pyconfig.h");
    sandbox.write(
        "build/pyconfig.h",
        format!("{text}#include \"pyconfig-64.h\"\n"),
    );
    sandbox.write(
        "build/pyconfig-64.h",
        "#define SIZE 8\n#include \"../vm/Python/../Python/more.h\"\n",
    );
    sandbox.write("vm/Python/more.h", "enum { MORE = SIZE };\n");
    let here = ["--cpython", "vm", "-p", "build"];
    sandbox
        .run(&["pack", "p.pack", LINUX, "--llvm-version", "22"])
        .with(&here)
        .succeeds();
    let apply = || {
        sandbox
            .run(&["use", "p.pack", "-o", "out", "-t", LINUX])
            .with(&here)
    };
    apply().succeeds();
    sandbox.write(
        "build/pyconfig-64.h",
        "#define SIZE 4\n#include \"../vm/Python/../Python/more.h\"\n",
    );
    assert!(apply().fails(27).contains("pyconfig-64.h"));
    sandbox.write(
        "build/pyconfig-64.h",
        "#define SIZE 8\n#include \"../vm/Python/../Python/more.h\"\n",
    );
    sandbox.write("vm/Python/more.h", "enum { MORE = SIZE + 1 };\n");
    assert!(apply().fails(27).contains("Python/more.h"));
}

/// Flags in a pack may run programs. They are used if the user names them, too.
#[test]
fn flags_of_a_pack_are_not_used() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    pack(&sandbox, "p.pack")
        .with(&["--cflags=-DANY"])
        .succeeds();
    let verify = || {
        sandbox.run(&[
            "verify",
            "p.pack",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "--rebuild",
        ])
    };
    assert!(verify().fails(27).contains("with the flags \"-DANY\""));
    verify().with(&["--cflags=-DANY"]).succeeds();
}

#[test]
fn what_is_packed_is_built_again() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    let verify = || {
        sandbox.run(&[
            "verify",
            "p.pack",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "--rebuild",
        ])
    };
    let printed = verify().succeeds();
    assert!(
        printed
            .stdout
            .contains("built again, everything is the same"),
        "{}",
        printed.stdout
    );
    change(
        &sandbox,
        CASES.strip_prefix("vm/").unwrap(),
        "tos1 = tos0;",
        "tos1 = tos0 + 1;",
    );
    let text = verify().fails(27);
    assert!(
        text.contains("can't be reproduced. These differ: _DUP_r12, jit_stencils-"),
        "{text}"
    );
}

#[test]
fn packs_do_not_depend_on_the_machine() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = packed();
    let other = Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_DUP_r12")]);
    fs::rename(other.path("vm"), other.path("another directory")).unwrap();
    let machine = other.path("another directory");
    other
        .run(&[
            "pack",
            "sub.pack",
            LINUX,
            "-j1",
            "--no-cache",
            "--llvm-version",
            "22",
        ])
        .with(&[Path::new("--cpython"), &machine, Path::new("-p"), &machine])
        .env("USER", "somebody")
        .env("LANG", "de_DE.UTF-8")
        .env("TZ", "Asia/Tokyo")
        .succeeds();
    let read = |path| fs::read(path).unwrap();
    assert!(read(sandbox.path("p.pack")) == read(other.path("sub.pack")));
}

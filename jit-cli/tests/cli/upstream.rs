//! `jit-cli check --upstream`. The checkout's build.py is one of these tests: it gives the goldens, which CPython's own
//! build.py has made of the whole example.

use std::fs;

use fixtures::TRIPLES;

use crate::{
    cache::events,
    diff::git,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::CASES,
};

const BUILD_PY: &str = include_str!("upstream/build.py");

/// Returns a checkout with the example's micro-ops.
fn checkout(faults: &str) -> Sandbox {
    let sandbox = Sandbox::new().tinyvm();
    fs::remove_file(sandbox.path("vm/jit.toml")).unwrap();
    for tool in [
        "_dwarf",
        "_optimizers",
        "_schema",
        "_stencils",
        "_targets",
        "_writer",
    ] {
        sandbox.write(&format!("vm/Tools/jit/{tool}.py"), "# Not CPython's.\n");
    }
    sandbox.write("vm/Tools/jit/_llvm.py", "_LLVM_VERSION = \"21\"\n");
    sandbox.write("vm/Tools/jit/build.py", BUILD_PY);
    sandbox.write("vm/Tools/jit/faults.txt", faults);
    sandbox.headers_of_a_checkout();
    sandbox
}

fn check<'a>(sandbox: &'a Sandbox, arguments: &[&str]) -> Run<'a> {
    sandbox
        .run(&["check", "--upstream", "--cpython", "vm", "-p", "vm"])
        .with(&["--llvm-version", "22"])
        .with(arguments)
        .env("TEST_GOLDEN", fixtures::root().join("golden"))
        .env("TEST_SEEN", sandbox.path("seen"))
}

/// All targets are equal to what CPython's tool has written, but for the time in objects for Windows.
#[test]
fn everything_is_equal() {
    fixtures::needs!(clang_22, objdump_22, python_3_11);
    let sandbox = checkout("");
    let before = sandbox.files("vm");
    let targets = TRIPLES.iter().flat_map(|triple| ["--target", triple]);
    let all: Vec<&str> = ["--sample", "all"].into_iter().chain(targets).collect();
    let printed = check(&sandbox, &all).succeeds();
    let verdicts = |word: &str| {
        let lines = printed.stdout.lines();
        lines.filter(|line| line.starts_with(word)).count()
    };
    // Three files for each target, and two that include the headers.
    assert_eq!(
        (verdicts("equal "), verdicts("differs ")),
        (23, 0),
        "{}",
        printed.stdout
    );
    assert!(
        printed.stdout.contains("\n70 of 70 micro-ops\n"),
        "{}",
        printed.stdout
    );
    // The files are not CPython's.
    assert!(
        printed
            .stdout
            .contains("not the files that jit-cli was verified with: Tools/jit/_dwarf.py, ")
    );
    assert_eq!(sandbox.files("vm"), before);
}

#[test]
fn differences_are_named() {
    fixtures::needs!(clang_22, objdump_22, python_3_11);
    let run = |faults: &str| {
        let sandbox = checkout(faults);
        let printed = check(&sandbox, &["--sample", "all"]).prints(30);
        (printed.stdout, printed.stderr)
    };
    let (lines, message) = run("code");
    let expected = "differs  jit_stencils-x86_64-unknown-linux-gnu.h, in 2 micro-ops\n  \
                    _ADD_FLOAT_r21 _NOP_r00\n  the first difference in _ADD_FLOAT_r21:\n  \
                    build.py: line 23: 0x66, 0x49, 0x0f, 0x6e, 0xc7, 0x66, 0x48, 0x0f,\n  \
                    jit-cli:  line 23: 0x66, 0x48, 0x0f, 0x6e, 0xc7, 0x66, 0x48, 0x0f,\n";
    assert!(lines.contains(expected), "{lines}");
    assert!(
        message.contains("jit_stencils-x86_64-unknown-linux-gnu.h, 2 micro-ops"),
        "{message}"
    );

    let (lines, message) = run("object");
    let expected = "differs  jit_shim-x86_64-unknown-linux-gnu.o\n  the first difference:\n  build.py: the file ends before\n";
    assert!(lines.contains(expected), "{lines}");
    assert!(
        message.contains("jit-cli: jit_shim-x86_64-unknown-linux-gnu.o\n"),
        "{message}"
    );

    let (lines, message) = run("missing");
    let expected = "differs  jit_unwind_info.h\n  only one of the two tools writes this file\n";
    assert!(lines.contains(expected), "{lines}");
    assert!(message.contains("jit-cli: 2 files\n"), "{message}");
}

#[test]
fn json() {
    fixtures::needs!(clang_22, objdump_22, python_3_11);
    let sandbox = checkout("code");
    let arguments = ["--sample", "all", "--message-format", "json"];
    let events = events(&check(&sandbox, &arguments).prints(30).stdout);
    let found = &events[0];
    assert_eq!(found["reason"], "upstream");
    assert_eq!(
        (&found["equal"], &found["all_uops"]),
        (&false.into(), &70.into())
    );
    let files = found["files"].as_array().unwrap();
    let differs: Vec<_> = files.iter().filter(|file| file["equal"] == false).collect();
    let [header] = differs[..] else {
        panic!("{found}");
    };
    assert_eq!(header["difference"]["uop"], "_ADD_FLOAT_r21");
    assert_eq!(header["difference"]["jit-cli"]["line"], 23);
    assert_eq!(events[1]["status"], 30);
}

/// Returns the names of the micro-ops that build.py has seen, which are those that are printed.
fn seen(sandbox: &Sandbox, size: &str) -> Vec<String> {
    // The goldens are those of all micro-ops.
    let printed = check(sandbox, &["--sample", size]).prints(30).stdout;
    let seen: Vec<String> = sandbox.text("seen").lines().map(str::to_owned).collect();
    assert_eq!(seen.len().to_string(), size);
    for name in &seen {
        assert!(printed.contains(&format!(" {name}")), "{printed}");
    }
    seen
}

/// What has changed since the last commit is in the sample, or what has changed in it.
#[test]
fn samples() {
    fixtures::needs!(clang_22, objdump_22, python_3_11);
    let sandbox = checkout("");
    let usual = seen(&sandbox, "5");
    assert_eq!(seen(&sandbox, "5"), usual);
    let other = "_SWAP_r22".to_owned();
    assert!(!usual.contains(&other));
    git(&sandbox, &["init", "-q"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-q", "-m", "one"]);
    assert_eq!(seen(&sandbox, "5"), usual);
    let start = format!("case {other}: {{\n");
    let text = sandbox
        .text(CASES)
        .replace(&start, &format!("{start}            (void)0;\n"));
    sandbox.write(CASES, text);
    assert_eq!(seen(&sandbox, "1"), std::slice::from_ref(&other));
    assert!(seen(&sandbox, "5").contains(&other));
    git(&sandbox, &["commit", "-q", "-a", "-m", "two"]);
    assert_eq!(seen(&sandbox, "1"), [other]);
}

/// A build.py before 3.15 has no option for the version of LLVM.
#[test]
fn a_version_that_is_pinned() {
    fixtures::needs!(clang_22, objdump_22, python_3_11);
    let sandbox = checkout("");
    let option = BUILD_PY.replace("\"--llvm-\" + \"version\"", "\"--llvm-version\"");
    check(&sandbox, &["--sample", "all"]).succeeds();
    assert_eq!(sandbox.text("pinned"), "None _LLVM_VERSION = \"22\"\n");
    sandbox.write("vm/Tools/jit/build.py", option);
    check(&sandbox, &["--sample", "all"]).succeeds();
    assert_eq!(sandbox.text("pinned"), "22 _LLVM_VERSION = \"21\"\n");
}

#[test]
fn pythons() {
    fixtures::needs!(clang_22);
    let sandbox = checkout("");
    let message = check(&sandbox, &["--python", "no-such-python"]).fails(31);
    assert!(
        message.contains("needs Python 3.11 or newer, and no-such-python can't be run"),
        "{message}"
    );
    let old = sandbox.script("bin/python3", "echo Python 3.9.2\n");
    let old = old.to_str().unwrap();
    let message = check(&sandbox, &["--python", old]).fails(31);
    assert!(
        message.contains(&format!("and {old} is Python 3.9.2\n")),
        "{message}"
    );
    sandbox.write(
        "vm/Tools/jit/_targets.py",
        "if sys.version_info < (3, 99):\n",
    );
    let message = check(&sandbox, &[]).fails(31);
    assert!(
        message.contains("needs Python 3.99 or newer, and "),
        "{message}"
    );
    let message = check(&sandbox, &[]).env("PATH", "empty").fails(31);
    assert!(
        message.contains("and there is no Python in PATH"),
        "{message}"
    );
}

#[test]
fn tools_that_fail() {
    fixtures::needs!(clang_22, objdump_22, python_3_11);
    let sandbox = checkout("fail");
    let message = check(&sandbox, &["--target", LINUX]).fails(31);
    for expected in [
        "vm/Tools/jit/build.py ended with exit status: 1, run by Python 3.",
        "vm/Tools/jit/template.c:3:1: error: what clang says\n",
        "Can't find llvm-readobj-22!\n",
        "install those of the same version",
    ] {
        assert!(message.contains(expected), "{message}");
    }
    // Ours comes first, and names the checkout.
    let text = sandbox.text(CASES).replace(
        "case _SWAP_r22: {\n",
        "case _SWAP_r22: {\n            nonsense;\n",
    );
    sandbox.write(CASES, text);
    let message = check(&sandbox, &["--sample", "all"]).fails(12);
    assert!(
        message.contains("vm/Python/executor_cases.c.h:"),
        "{message}"
    );
    assert!(
        message.contains("nonsense") && !message.contains("jit-stencils-"),
        "{message}"
    );
}

#[test]
fn what_is_no_checkout() {
    let sandbox = Sandbox::new().tinyvm();
    let message = check(&sandbox, &[]).fails(22);
    assert!(
        message.contains("vm is not a CPython checkout: it has no Tools/jit/build.py"),
        "{message}"
    );
    let message = sandbox
        .run(&["check", "--upstream"])
        .within("empty")
        .fails(22);
    assert!(
        message.contains("it has no Tools/jit/build.py"),
        "{message}"
    );
}

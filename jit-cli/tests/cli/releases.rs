//! Checkouts of unknown CPython releases.

use std::fs;

use crate::{
    cache::events,
    sandbox::{LINUX, Sandbox},
    tinyvm::{SHIM, case},
};

/// The files of 3.15's `Tools/jit` that determine what is generated.
const TOOLS: [&str; 8] = [
    "_dwarf.py",
    "_llvm.py",
    "_optimizers.py",
    "_schema.py",
    "_stencils.py",
    "_targets.py",
    "_writer.py",
    "build.py",
];

/// Returns a checkout with one micro-op and these Python files, each of which has one comment.
fn checkout(tools: &[&str], minor: u32) -> Sandbox {
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    fs::remove_file(sandbox.path("vm/jit.toml")).unwrap();
    for tool in tools {
        sandbox.write(&format!("vm/Tools/jit/{tool}"), "# Not CPython's.\n");
    }
    // What a real checkout has, and the example has not.
    for header in [
        "Include/Python.h",
        "Include/cpython/pystate.h",
        "Include/internal/pycore_jit.h",
        "Include/internal/mimalloc/mimalloc.h",
        "Include/internal/mimalloc/mimalloc/prim.h",
    ] {
        sandbox.write(&format!("vm/{header}"), "");
    }
    let header = format!("#define PY_MAJOR_VERSION 3\n#define PY_MINOR_VERSION {minor}\n");
    sandbox.write("vm/Include/patchlevel.h", header);
    sandbox
}

#[test]
fn older_ones_are_refused_by_name() {
    for (minor, tools) in [
        (14, &["_stencils.py"][..]),
        (13, &["_stencils.py"]),
        (12, &[]),
    ] {
        let sandbox = checkout(tools, minor);
        if minor < 14 {
            fs::remove_file(sandbox.path(SHIM)).unwrap();
        }
        let expected = format!(
            "vm is a checkout of CPython 3.{minor}, which can't be built; the releases that can are: 3.15\n"
        );
        let named = sandbox.build().fails(22);
        // The example is not built instead, as it is where there is no project.
        let found = ["build", "-o", "../../out", LINUX];
        let found = sandbox.run(&found).within("vm/Python").fails(22);
        for message in [named, found] {
            assert!(message.contains(&expected), "{message}");
            assert!(message.contains("name another checkout"), "{message}");
        }
    }
}

#[test]
fn files_that_differ_are_named_once() {
    fixtures::needs!(clang_22, objdump_22);
    for (minor, name) in [
        (15, "this checkout is"),
        (16, "this checkout (CPython 3.16) is"),
    ] {
        let sandbox = checkout(&TOOLS, minor);
        let printed = sandbox.build().succeeds();
        let warnings: Vec<&str> = printed
            .stderr
            .lines()
            .filter(|line| line.contains("WARN"))
            .collect();
        let [warning] = warnings[..] else {
            panic!("{}", printed.stderr);
        };
        assert!(warning.contains(name), "{warning}");
        for tool in TOOLS {
            let path = format!("Tools/jit/{tool}");
            assert_eq!(
                warning.matches(&path).count(),
                if tool == "build.py" { 2 } else { 1 }
            );
        }
        // Sources are compiled as they are, so they are not checked.
        assert!(!warning.contains("template.c") && !warning.contains("shim.c"));
        let json = ["--message-format", "json"];
        let printed = sandbox.build().with(&json).succeeds();
        let events = events(&printed.stdout);
        let warnings: Vec<_> = events
            .iter()
            .filter(|event| event["reason"] == "warning")
            .collect();
        assert_eq!(warnings.len(), 1, "{}", printed.stdout);
        let message = warnings[0]["message"].as_str().unwrap();
        assert!(warning.ends_with(message), "{message}");
    }
}

/// As after a sparse checkout, or from an archive without headers.
#[test]
fn half_a_checkout() {
    for (removed, named) in [
        ("Include", "Include"),
        ("Include/internal/mimalloc", "Include/internal/mimalloc"),
    ] {
        let sandbox = checkout(&TOOLS, 15);
        fs::remove_dir_all(sandbox.path(&format!("vm/{removed}"))).unwrap();
        let message = sandbox.build().fails(22);
        let expected = format!("vm is not a CPython checkout: it has no {named}\n");
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("restore what is missing"), "{message}");
    }
}

/// The example has the layout of a checkout, but none of the Python files.
#[test]
fn no_tools_no_warning() {
    fixtures::needs!(clang_22, objdump_22);
    let printed = checkout(&[], 15).build().succeeds();
    assert!(!printed.stderr.contains("WARN"), "{}", printed.stderr);
}

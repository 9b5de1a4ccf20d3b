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
    sandbox.headers_of_a_checkout();
    let header = format!("#define PY_MAJOR_VERSION 3\n#define PY_MINOR_VERSION {minor}\n");
    sandbox.write("vm/Include/patchlevel.h", header);
    sandbox
}

#[test]
fn older_ones_are_refused_by_name() {
    for (minor, tools) in [(13, &["_stencils.py"][..]), (12, &[])] {
        let sandbox = checkout(tools, minor);
        fs::remove_file(sandbox.path(SHIM)).unwrap();
        refused(&sandbox, &format!("3.{minor}"));
    }
}

/// Checks that a checkout is refused as one of a release, wherever it is found.
#[track_caller]
fn refused(sandbox: &Sandbox, release: &str) {
    let expected = format!(
        "vm is a checkout of CPython {release}, which can't be built; the releases that can are: 3.15, 3.14\n"
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

/// Alphas have files of two releases.
#[test]
fn those_in_between_are_refused_by_name() {
    for (minor, tools, release) in [
        (
            15,
            &["_stencils.py", "_optimizers.py"][..],
            "3.15, without Tools/jit/_dwarf.py",
        ),
        (15, &["_stencils.py", "_dwarf.py"], "between 3.14 and 3.15"),
        (
            14,
            &["_stencils.py", "_optimizers.py"],
            "3.14, with Tools/jit/_optimizers.py",
        ),
    ] {
        let sandbox = checkout(tools, minor);
        if minor == 14 {
            for tool in [
                "_llvm.py",
                "_schema.py",
                "_targets.py",
                "_writer.py",
                "build.py",
            ] {
                sandbox.write(&format!("vm/Tools/jit/{tool}"), "");
            }
        }
        refused(&sandbox, release);
    }
    let sandbox = checkout(&[], 15);
    let newer = "\"R_AARCH64_LD64_GOT_LO12_NC\": \"patch_aarch64_33rx\",\n";
    sandbox.write("vm/Tools/jit/_stencils.py", newer);
    refused(&sandbox, "between 3.14 and 3.15");
}

/// A checkout of 3.14 that lacks something is not taken for another release.
#[test]
fn half_of_an_older_one() {
    for (tools, removed, named) in [
        (&["_stencils.py"][..], Some(SHIM), "Tools/jit/shim.c"),
        (&["_targets.py"], None, "Tools/jit/_llvm.py"),
        (&[], None, "Tools/jit/_llvm.py"),
    ] {
        let sandbox = checkout(tools, 14);
        if let Some(removed) = removed {
            fs::remove_file(sandbox.path(removed)).unwrap();
        }
        let message = sandbox.build().fails(22);
        let expected = format!("vm is not a CPython checkout: it has no {named}\n");
        assert!(message.contains(&expected), "{message}");
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

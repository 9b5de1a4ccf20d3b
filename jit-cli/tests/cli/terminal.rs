//! What builds print for people, on a terminal and elsewhere.

use crate::sandbox::{LINUX, Sandbox};

/// The banner of build.py for one target, and one banner for several.
#[test]
fn one_banner() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let printed = sandbox.build().succeeds();
    // `str.center` of Python.
    let request = format!(
        "{0}Please report any issues you encounter.{0}",
        " ".repeat(12)
    );
    let outline = "=".repeat(63);
    let banner = format!(
        "\n{outline}\n\
         JIT support for x86_64-unknown-linux-gnu is still experimental!\n\
         {request}\n{outline}\n\ntarget "
    );
    assert!(printed.stdout.starts_with(&banner), "{}", printed.stdout);
    let printed = sandbox
        .build_for(&[LINUX, "aarch64-apple-darwin"])
        .succeeds();
    let banner = "
======================================================
JIT support for these 2 targets is still experimental!
";
    assert!(printed.stdout.starts_with(banner), "{}", printed.stdout);
    assert_eq!(printed.stdout.matches("experimental").count(), 1);
}

/// A terminal of 100 columns. `script` runs a command in one.
#[test]
#[cfg(target_os = "linux")]
fn a_table_as_wide_as_the_terminal() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let run = format!(
        "stty cols 100 rows 30 && {} build -o out --no-cache --sysroot builtin --target {LINUX}",
        env!("CARGO_BIN_EXE_jit-cli")
    );
    let output = sandbox
        .run::<&str>(&[])
        .command_of("script")
        .args(["-qec", &run, "/dev/null"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let frames: Vec<&str> = text.split(['\r', '\n']).collect();
    let has = |part: &str| frames.iter().any(|frame| frame.contains(part));
    assert!(has("finding out what to compile"), "{text}");
    assert!(has("micro-ops"), "{text}");
    // A bar that is full of nothing.
    assert!(!has("0/0"), "{text}");
    let lines = text.lines().map(str::trim_end);
    let table: Vec<&str> = lines
        .filter(|line| line.starts_with(LINUX) && !line.contains('\r'))
        .collect();
    assert_eq!(table.len(), 2, "{text}");
    for line in table {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

//! What builds print for people, on a terminal and elsewhere.

use crate::{
    sandbox::{LINUX, Sandbox, is_progress},
    tinyvm::case,
};

/// The banner of build.py for one target, and one banner for several.
#[test]
fn one_banner() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let printed = sandbox.build().succeeds();
    let stdout = without_progress(&printed.stdout);
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
    assert!(stdout.starts_with(&banner), "{stdout}");
    let printed = sandbox
        .build_for(&[LINUX, "aarch64-apple-darwin"])
        .succeeds();
    let stdout = without_progress(&printed.stdout);
    let banner = "
======================================================
JIT support for these 2 targets is still experimental!
";
    assert!(stdout.starts_with(banner), "{stdout}");
    assert_eq!(stdout.matches("experimental").count(), 1);
}

/// Returns what a build prints without the lines about its progress, which there are every few seconds.
fn without_progress(stdout: &str) -> String {
    let lines = stdout.split_inclusive('\n');
    lines.filter(|line| !is_progress(line.trim_end())).collect()
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

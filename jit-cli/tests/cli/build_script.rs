//! `Build::emit_to_out_dir`, in a process with the environment of a build script.

use std::{
    env,
    path::Path,
    process::{Command, Output},
};

use jit_cli::{Build, Emit, Sources};

use crate::{
    library::{CASES, SHIM, TEMPLATE},
    sandbox::{LINUX, Sandbox},
};

/// What the script does.
const KIND: &str = "JIT_TEST_BUILD_SCRIPT";

/// The build script: it does nothing unless `run` starts it.
#[test]
fn script() {
    let Ok(kind) = env::var(KIND) else {
        return;
    };
    let build = |shim: &str| {
        Build::from_sources(Sources::new(TEMPLATE, CASES).shim(shim))
            .emit(Emit::Stencils)
            .cflags("-Wall")
    };
    match kind.as_str() {
        "once" => drop(build(SHIM).llvm_version(22).emit_to_out_dir().unwrap()),
        "warning" => {
            let shim = SHIM.replace("return", "int unused;\n    return");
            build(&shim).llvm_version(22).emit_to_out_dir().unwrap();
        }
        "twice" => {
            build(SHIM).llvm_version(22).emit_to_out_dir().unwrap();
            build(SHIM).llvm_version(22).emit_to_out_dir().unwrap_err();
        }
        "two" => {
            build(SHIM).llvm_version(22).emit_to_out_dir().unwrap();
            let second = build(SHIM).llvm_version(22).output_dir("second");
            let written = second.emit_to_out_dir().unwrap();
            assert!(written.directory.ends_with("out/second"));
        }
        _ => drop(build(SHIM).llvm_version(21).emit_to_out_dir().unwrap_err()),
    }
}

/// Runs the script, and returns the lines for cargo.
fn run(sandbox: &Sandbox, kind: &str, path: Option<&Path>) -> Vec<String> {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["build_script::script", "--exact", "--nocapture"])
        .env(KIND, kind)
        .env("OUT_DIR", sandbox.path("out"))
        .env("TARGET", LINUX);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let stdout = String::from_utf8(stdout).unwrap();
    // The first one follows the name of the test.
    let lines = stdout.lines().filter_map(|line| {
        let at = line.find("cargo::")?;
        Some(line[at..].to_owned())
    });
    lines.collect()
}

fn starting<'a>(lines: &'a [String], start: &str) -> Vec<&'a str> {
    let found = lines.iter().filter_map(|line| line.strip_prefix(start));
    found.collect()
}

#[test]
fn variables_and_warnings() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let name = format!("jit_stencils-{LINUX}.stencils");
    let file = sandbox.path("out").join(&name);
    let variable = format!("JIT_STENCILS={}", file.display());
    let lines = run(&sandbox, "once", None);
    assert_eq!(starting(&lines, "cargo::rustc-env="), [&variable]);
    assert_eq!(starting(&lines, "cargo::warning="), [""; 0]);
    assert!(file.is_file());
    // Without the warning, nobody would see what clang says.
    let lines = run(&sandbox, "warning", None);
    let warnings = starting(&lines, "cargo::warning=");
    assert!(
        warnings[0].starts_with("shim.c:2:9: warning: unused variable"),
        "{lines:?}"
    );
}

/// A second build does not replace the files of the first one.
#[test]
fn two_builds() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let lines = run(&sandbox, "twice", None);
    let errors = starting(&lines, "cargo::error=");
    assert!(
        errors[0].contains("another build of this build script"),
        "{lines:?}"
    );
    let lines = run(&sandbox, "two", None);
    assert_eq!(starting(&lines, "cargo::rustc-env=").len(), 1);
    assert_eq!(starting(&lines, "cargo::error="), [""; 0]);
    let file = format!("out/second/jit_stencils-{LINUX}.stencils");
    assert!(sandbox.path(&file).is_file());
}

/// The message names what the author of a script can change, not options of the command.
#[test]
fn no_clang() {
    let sandbox = Sandbox::new();
    sandbox.clang_that_says("bin/clang-22", "clang version 22.1.0");
    for (path, expected) in [
        ("bin", "Build::llvm_version(22)"),
        ("empty", "Build::llvm_dir"),
    ] {
        let lines = run(&sandbox, "no clang", Some(&sandbox.path(path)));
        let errors = starting(&lines, "cargo::error=");
        assert!(errors[0].contains("can't find clang-21"), "{lines:?}");
        assert!(errors[0].contains("PATH"), "{lines:?}");
        assert!(errors[1].contains(expected), "{lines:?}");
        assert!(errors.iter().all(|line| !line.contains("--llvm")));
    }
}

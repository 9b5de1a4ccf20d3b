//! Targets that are up to date are not built. The digest is that of CPython's build.py.

use std::{fs, path::PathBuf, time::SystemTime};

use fixtures::{
    generated::{Build, shim_object, stencils_header, unwind_header},
    golden::{read_bytes, read_text},
};
use sha2::{Digest as _, Sha256};

use crate::{
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, case},
    tools,
};

const STENCILS: &str = "out/jit_stencils-x86_64-unknown-linux-gnu.h";
const UNWIND: &str = "out/jit_unwind_info-x86_64-unknown-linux-gnu.h";
const SHIM: &str = "out/jit_shim-x86_64-unknown-linux-gnu.o";

fn small() -> Sandbox {
    Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_DUP_r12")])
}

/// Returns a build that finds no clang.
fn without_clang(sandbox: &Sandbox) -> Run<'_> {
    sandbox.build().env("PATH", sandbox.path("empty"))
}

#[track_caller]
fn is_current(run: Run<'_>) {
    let printed = run.succeeds();
    let line = printed.stdout.lines().find(|line| line.starts_with(LINUX));
    assert!(line.unwrap().contains("up to date"), "{}", printed.stdout);
}

/// Checks that a build compiles something, and that the next one does not.
#[track_caller]
fn is_built(sandbox: &Sandbox, arguments: &[&str]) {
    // Without clang, the build fails.
    without_clang(sandbox).with(arguments).fails(3);
    let printed = sandbox.build().with(arguments).succeeds();
    assert!(!printed.stdout.contains("up to date"), "{}", printed.stdout);
    is_current(without_clang(sandbox).with(arguments));
}

fn times(sandbox: &Sandbox) -> Vec<(String, SystemTime)> {
    let time = |name: &String| {
        fs::metadata(sandbox.path("out").join(name))
            .unwrap()
            .modified()
    };
    let files = sandbox.files("out");
    let names = files.keys();
    names
        .map(|name| (name.clone(), time(name).unwrap()))
        .collect()
}

#[test]
fn nothing_changed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    sandbox.build().succeeds();
    let before = times(&sandbox);
    assert_eq!(before.len(), 5);
    is_current(without_clang(&sandbox));
    assert_eq!(times(&sandbox), before);
    // How it is built and how the target is spelled make no difference.
    for arguments in [&["-j1"][..], &["-v"], &["--one-process-per-step"]] {
        is_current(without_clang(&sandbox).with(arguments));
    }
    assert_eq!(times(&sandbox), before);
    let spelled = ["build", "--cpython", "vm", "-p", "vm", "-o", "out"];
    let run = sandbox.run(&spelled).with(&["--llvm-version", "22"]);
    is_current(run.with(&["x86_64-pc-linux-gnu"]).env("PATH", ""));
    assert_eq!(times(&sandbox), before);
}

#[test]
fn something_changed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    sandbox.build().succeeds();
    let append = |path: &str| {
        let text = sandbox.text(path);
        sandbox.write(path, format!("{text}\n// Changed.\n"));
    };
    append(CASES);
    is_built(&sandbox, &[]);
    append("vm/pyconfig.h");
    is_built(&sandbox, &[]);
    append("vm/Tools/jit/template.c");
    is_built(&sandbox, &[]);
    sandbox.write("vm/Tools/jit/new.txt", "");
    // Names and times of files are not in the digest.
    is_current(without_clang(&sandbox));
    is_built(&sandbox, &["--cflags=-DNOTHING"]);
    is_built(&sandbox, &["--debug"]);
    // As in build.py, the digest does not cover CPython's headers.
    append("vm/Include/tinyvm.h");
    is_current(without_clang(&sandbox).with(&["--debug"]));
}

#[test]
fn something_is_missing() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    sandbox.build().succeeds();
    let whole = sandbox.files("out");
    for name in [STENCILS, UNWIND, SHIM] {
        fs::remove_file(sandbox.path(name)).unwrap();
        is_built(&sandbox, &[]);
        assert!(sandbox.files("out") == whole);
    }
    // Only the dispatcher is missing: it is written without clang.
    fs::remove_file(sandbox.path("out/jit_stencils.h")).unwrap();
    is_current(without_clang(&sandbox));
    assert!(sandbox.files("out") == whole);
    // A header has another digest.
    sandbox.write(UNWIND, "// 0123\n");
    is_built(&sandbox, &[]);
    assert!(sandbox.files("out") == whole);
}

#[test]
fn by_force() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    sandbox.build().succeeds();
    let (files, before) = (sandbox.files("out"), times(&sandbox));
    without_clang(&sandbox).with(&["--force"]).fails(3);
    let printed = sandbox.build().with(&["--force"]).succeeds();
    assert!(!printed.stdout.contains("up to date"));
    assert!(sandbox.files("out") == files);
    // Dispatchers that do not change are not written, so that make does not rebuild what includes them.
    for (old, new) in before.iter().zip(times(&sandbox)) {
        let generic = ["jit_stencils.h", "jit_unwind_info.h"].contains(&old.0.as_str());
        assert_eq!(old.1 == new.1, generic, "{}", old.0);
    }
}

/// Returns the digest of `_compute_digest` in CPython's `Tools/jit/_targets.py`.
fn upstreams_digest(sandbox: &Sandbox, cflags: &str, tools: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(LINUX);
    hash.update([0]);
    hash.update(cflags);
    hash.update(sandbox.text(CASES));
    hash.update(sandbox.text("vm/pyconfig.h"));
    for name in tools {
        hash.update(sandbox.text(&format!("vm/Tools/jit/{name}")));
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn the_other_tools_output_is_current() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    for name in [
        "build.py",
        "README.md",
        "_writer.py",
        "test/b.c",
        "test/a.c",
        "test/sub/c.c",
        "test-data/x",
        "test/__pycache__/a.pyc",
        "__pycache__/build.cpython-311.pyc",
    ] {
        sandbox.write(
            &format!("vm/Tools/jit/{name}"),
            format!("This is {name}.\n"),
        );
    }
    // Directories are sorted by their path as a string, so that '-' comes before '/', and files by name, with
    // capitals first. Python's caches are left out.
    let tools = [
        "README.md",
        "_writer.py",
        "build.py",
        "jit.h",
        "shim.c",
        "template.c",
        "test/a.c",
        "test/b.c",
        "test-data/x",
        "test/sub/c.c",
    ];
    let digest = upstreams_digest(&sandbox, "-DX", &tools);
    let head = format!("// {digest}\n// $ python3 Tools/jit/build.py {LINUX}\n\n");
    // The files are those of build.py, with this digest.
    let other = |path: PathBuf| {
        let text = read_text(&path);
        let (_, rest) = text.split_once("\n\n").unwrap();
        format!("{head}{rest}")
    };
    let stencils = other(stencils_header(Build::Release, LINUX));
    let unwind = other(unwind_header(Build::Release, LINUX));
    let shim = read_bytes(&shim_object(Build::Release, LINUX));
    sandbox.write(STENCILS, &stencils);
    sandbox.write(UNWIND, &unwind);
    sandbox.write(SHIM, &shim);
    let cflags = ["--cflags=-DX"];
    is_current(without_clang(&sandbox).with(&cflags));
    assert_eq!(sandbox.text(STENCILS), stencils);
    assert_eq!(fs::read(sandbox.path(SHIM)).unwrap(), shim);
    // Files that were cut are not, nor is an object for another target.
    let windows = read_bytes(&shim_object(Build::Release, "x86_64-pc-windows-msvc"));
    let lines = |text: &str, count: usize| -> Vec<u8> {
        let lines: Vec<&str> = text.split_inclusive('\n').take(count).collect();
        lines.concat().into_bytes()
    };
    let most = stencils.lines().count() - 1;
    for (name, whole, bad) in [
        (STENCILS, stencils.as_bytes(), lines(&stencils, 1)),
        (STENCILS, stencils.as_bytes(), lines(&stencils, most / 2)),
        (STENCILS, stencils.as_bytes(), lines(&stencils, most)),
        (UNWIND, unwind.as_bytes(), lines(&unwind, 3)),
        (
            UNWIND,
            unwind.as_bytes(),
            unwind.as_bytes()[..unwind.len() - 2].to_vec(),
        ),
        (SHIM, &shim, Vec::new()),
        (SHIM, &shim, b"shim".to_vec()),
        (SHIM, &shim, shim[..shim.len() - 1].to_vec()),
        (SHIM, &shim, windows),
    ] {
        sandbox.write(name, bad);
        without_clang(&sandbox).with(&cflags).fails(3);
        sandbox.write(name, whole);
        is_current(without_clang(&sandbox).with(&cflags));
    }
    // build.py would take the files of jit-cli as current, too.
    sandbox.build().with(&cflags).with(&["--force"]).succeeds();
    for name in [STENCILS, UNWIND] {
        assert_eq!(
            sandbox.text(name).lines().next(),
            Some(&*format!("// {digest}"))
        );
    }
}

#[test]
fn another_version_of_llvm_that_is_not_installed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let build = |version: &str| {
        let words = [
            "build",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "-o",
            "out",
            "--cache-dir",
            "cache",
            LINUX,
        ];
        sandbox.run(&words).with(&["--llvm-version", version])
    };
    build("22").succeeds();
    let empty = sandbox.path("empty");
    is_current(build("22").env("PATH", &empty));
    // The files are those of another version than the one that is asked for.
    for version in ["21", "24"] {
        build(version).env("PATH", &empty).fails(3);
    }
}

/// Without a state, the digest decides, which does not count LLVM: the version that is asked for does.
#[test]
fn another_version_of_llvm_without_a_state() {
    fixtures::needs!(clang_22, objdump_22, prefix_21);
    let sandbox = small();
    let build = |words: &[&str]| {
        let start = [
            "build",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "-o",
            "out",
            "--no-cache",
            LINUX,
        ];
        sandbox.run(&start).with(words)
    };
    let header = format!("out/jit_stencils-{LINUX}.h");
    let version = || {
        let text = sandbox.text(&header);
        let line = text.lines().nth(1).unwrap_or_default();
        let (_, version) = line.rsplit_once("--llvm-version=").unwrap();
        version.trim_end_matches('\'').to_owned()
    };
    build(&["--llvm-version", "22"]).succeeds();
    is_current(build(&["--llvm-version", "22"]));
    assert_eq!(version(), "22");
    let prefix = tools::prefix_21().display().to_string();
    let other = ["--llvm-version", "21", "--llvm-tools-install-dir", &prefix];
    build(&other).succeeds();
    assert_eq!(version(), "21");
    is_current(build(&other));
    // A version that is not asked for does not matter: the files may be from a pack.
    is_current(build(&[]));
}

//! The files of a build: what may be read, where files are written, and what a failed build leaves.

use std::{
    fs,
    os::unix::net::UnixListener,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::{
    sandbox::{LINUX, Sandbox},
    tinyvm::{CASES, TEMPLATE, case, case_with},
};

const WINDOWS: &str = "x86_64-pc-windows-msvc";

/// A project with one micro-op, in the sandbox's directory.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("jit.toml", SETTINGS);
    sandbox.write(
        "template.c",
        "enum { A };\nextern long _JIT_CONTINUE(long);\n\
         long _JIT_ENTRY(long x) {\n    switch (0) {\n        CASE\n    }\n    \
         __attribute__((musttail)) return _JIT_CONTINUE(x);\n}\n",
    );
    sandbox.write("cases.h", "        case A: {\n        }\n");
    sandbox
}

const SETTINGS: &str = "template = \"template.c\"\ncases = \"cases.h\"\n";

/// What a key names may be another kind of file. None of these is read: a pipe and `/dev/zero` have no end.
#[test]
fn only_regular_files_are_read() {
    let sandbox = project();
    let pipe = sandbox.path("pipe");
    let done = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(done.success());
    let _socket = UnixListener::bind(sandbox.path("socket")).unwrap();
    fs::create_dir(sandbox.path("directory")).unwrap();
    for key in ["template", "cases", "shim"] {
        for other in ["/dev/zero", "pipe", "socket", "directory"] {
            let mut settings: toml::Table = toml::from_str(SETTINGS).unwrap();
            settings.insert(key.to_owned(), other.into());
            sandbox.write("jit.toml", settings.to_string());
            let message = sandbox.run(&["build", "-o", "out"]).fails(21);
            let expected = format!("jit.toml: {key} = \"{other}\": ");
            assert!(message.contains(&expected), "{message}");
            assert!(message.contains("is not a regular file"), "{message}");
        }
    }
    sandbox.write("jit.toml", format!("{SETTINGS}include = [\"cases.h\"]\n"));
    let message = sandbox.run(&["build", "-o", "out"]).fails(21);
    assert!(message.contains("cases.h is not a directory"), "{message}");
    for config in ["/dev/zero", "pipe", "directory"] {
        let message = sandbox.run(&["build", "--config", config]).fails(20);
        let expected = format!("can't read {}", sandbox.path(config).display());
        assert!(message.contains(&expected), "{message}");
        assert!(message.contains("not a regular file"), "{message}");
    }
}

#[test]
fn files_that_are_not_text() {
    fixtures::needs!(clang_22);
    let broken = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend(b"\n\xff\n");
        (
            bytes,
            text.lines().count() + if text.ends_with('\n') { 2 } else { 1 },
        )
    };
    let sandbox = project();
    let (bytes, line) = broken(SETTINGS);
    sandbox.write("jit.toml", bytes);
    let message = sandbox.run(&["build", "-o", "out"]).fails(21);
    let expected = format!("jit.toml: line {line} is not UTF-8 text");
    assert!(message.contains(&expected), "{message}");
    for file in [TEMPLATE, CASES] {
        let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
        let (bytes, line) = broken(&sandbox.text(file));
        sandbox.write(file, bytes);
        let message = sandbox.build().fails(9);
        let expected = format!("{file}:{line}: this line is not UTF-8 text");
        assert!(message.contains(&expected), "{message}");
    }
}

/// Every option with a path may have one that is relative to the current directory.
#[test]
fn relative_paths() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let build = |words: &[&str]| {
        let run = sandbox.run(&["build", "--llvm-version", "22", "--target", LINUX]);
        run.with(words).within("vm").succeeds();
    };
    build(&["--cpython", "../vm", "-p", ".", "-o", "../out/checkout"]);
    let first = ["--config", "jit.toml", "-o", "../out/one"];
    build(&[&first[..], &["--cache-dir", "../c"]].concat());
    let second = ["--config", "../vm/jit.toml", "-o", "./../out/two"];
    build(&[&second[..], &["--keep-temps", "../kept"]].concat());
    assert!(sandbox.files("out/one") == sandbox.files("out/two"));
    build(&["-o", "three", "--sysroot", "builtin", "--cache-dir", "../c"]);
    let header = format!("jit_stencils-{LINUX}.h");
    assert!(sandbox.path("out/checkout").join(&header).is_file());
    assert!(sandbox.path("vm/three").join(&header).is_file());
    assert!(sandbox.path("c/v2/projects").is_dir());
    assert!(sandbox.was_assembled("kept", "_NOP_r00"));
}

/// Generated files are no inputs, even if they are next to headers that are.
#[test]
fn output_among_the_inputs() {
    fixtures::needs!(clang_22);
    let sandbox = project();
    sandbox.write("jit.toml", format!("{SETTINGS}include = [\".\"]\n"));
    let build = || {
        let words = [
            "build",
            "--llvm-version",
            "22",
            "--target",
            LINUX,
            "-o",
            ".",
        ];
        let run = sandbox.run(&words).with(&["--emit", "header,stencils"]);
        run.within("project").succeeds().stdout
    };
    for name in ["jit.toml", "template.c", "cases.h"] {
        let text = sandbox.text(name);
        sandbox.write(&format!("project/{name}"), text);
    }
    assert!(!build().contains("up to date"));
    assert!(build().contains("up to date"));
    // Nor are headers that nothing includes.
    for other in ["jit_stencils.c", "x.h"] {
        sandbox.write(&format!("project/{other}"), "");
        assert!(build().contains("up to date"), "{other}");
    }
}

/// A target's files are all new or all old. Those of targets that were built before the failure are complete, and
/// dispatchers are written last.
#[test]
fn a_target_that_fails_after_another() {
    fixtures::needs!(clang_22, objdump_22);
    let only_linux = "#if !defined(__linux__)\n#error \"only Linux\"\n#endif";
    for old in [false, true] {
        let sandbox = Sandbox::new().tinyvm_of(&[case("_DUP_r12")]);
        if old {
            sandbox.build_for(&[LINUX, WINDOWS]).succeeds();
        }
        let before = sandbox.files("out");
        sandbox.write(
            CASES,
            crate::tinyvm::cases(&[case("_NOP_r00"), case_with("_DUP_r12", only_linux)]),
        );
        let output = sandbox
            .build_for(&[LINUX, WINDOWS])
            .command()
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(12));
        let after = sandbox.files("out");
        let of_linux = |name: &&String| name.contains(LINUX);
        let expected: Vec<&String> = match old {
            true => before.keys().collect(),
            false => after.keys().filter(of_linux).collect(),
        };
        assert_eq!(after.keys().collect::<Vec<_>>(), expected);
        let header = format!("jit_stencils-{LINUX}.h");
        assert_ne!(before.get(&header), after.get(&header));
        assert!(
            after
                .keys()
                .filter(|name| !name.contains(LINUX))
                .all(|name| before[name] == after[name])
        );
        // The files of the first target are complete: they are up to date afterwards.
        let printed = sandbox.build_for(&[LINUX]).succeeds();
        assert!(printed.stdout.contains("up to date"), "{}", printed.stdout);
    }
}

/// If one of the two dispatchers can't be written, the other one is not either.
#[test]
fn a_dispatcher_that_cannot_be_written() {
    fixtures::needs!(clang_22, objdump_22);
    for (taken, other) in [
        ("jit_stencils.h", "jit_unwind_info.h"),
        ("jit_unwind_info.h", "jit_stencils.h"),
    ] {
        let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
        fs::create_dir(sandbox.path("out").join(taken)).unwrap();
        let output = sandbox.build().command().output().unwrap();
        assert_eq!(output.status.code(), Some(20));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("can't replace"), "{message}");
        assert!(message.contains(taken), "{message}");
        let files = sandbox.files("out");
        assert!(!files.contains_key(other), "{files:?}");
        assert!(files.keys().all(|name| !name.ends_with(".new")));
        assert!(files.contains_key(&format!("jit_stencils-{LINUX}.h")));
        fs::remove_dir(sandbox.path("out").join(taken)).unwrap();
        sandbox.build().succeeds();
        assert!(sandbox.files("out").contains_key(other));
    }
}

/// Builds, and checks that this does not wait for anything.
#[track_caller]
fn promptly(sandbox: &Sandbox) -> Output {
    let mut child = crate::interrupt::start(&sandbox.build());
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(60), "it waits");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// A generated file does not replace what is no file, and is not waited for.
#[test]
fn pipes_in_the_place_of_generated_files() {
    fixtures::needs!(clang_22, objdump_22);
    for name in ["jit_stencils.h", "jit_shim-x86_64-unknown-linux-gnu.o"] {
        for other in ["pipe", "socket", "device"] {
            let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
            let path = sandbox.path("out").join(name);
            let _socket = match other {
                "socket" => Some(UnixListener::bind(&path).unwrap()),
                "pipe" => {
                    assert!(
                        Command::new("mkfifo")
                            .arg(&path)
                            .status()
                            .unwrap()
                            .success()
                    );
                    None
                }
                _ => {
                    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
                    None
                }
            };
            let output = promptly(&sandbox);
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(20), "{text}");
            let expected = format!("can't replace {}", path.display());
            assert!(text.contains(&expected), "{text}");
            assert!(text.contains("it is not a regular file"), "{text}");
            assert!(fs::symlink_metadata(&path).is_ok_and(|data| !data.is_file()));
        }
    }
}

/// The files by which a checkout is recognized are not waited for either.
#[test]
fn pipes_in_a_checkout() {
    fixtures::needs!(clang_22, objdump_22);
    for (name, status) in [
        ("Include/patchlevel.h", 0),
        ("Tools/jit/_llvm.py", 20),
        ("pyconfig.h", 8),
        ("Python/executor_cases.c.h", 22),
        ("Tools/jit/template.c", 22),
        ("Tools/jit/shim.c", 22),
    ] {
        let sandbox = Sandbox::new().tinyvm();
        let path = sandbox.path("vm").join(name);
        let _ = fs::remove_file(&path);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let output = promptly(&sandbox);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{name}: {text}");
    }
}

/// Files are on the disk before they get their names, and the names are before the build reports success.
#[test]
#[cfg(target_os = "linux")]
fn on_the_disk() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let trace = sandbox.path("trace");
    let run = sandbox.build();
    let inner = run.command();
    let output = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-e",
            "trace=fdatasync,fsync,rename,renameat,renameat2",
            "-o",
        ])
        .arg(&trace)
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(sandbox.path("."))
        .env("XDG_CACHE_HOME", sandbox.path("home"))
        .output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        eprintln!("there is no strace, or it may not trace here");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let out = sandbox.path("out");
    let text = fs::read_to_string(trace).unwrap();
    // A call that another one interrupts is two lines; only its first has the file.
    let calls: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("resumed>"))
        .collect();
    let renamed: Vec<(usize, &str)> = calls
        .iter()
        .enumerate()
        .filter_map(|(index, call)| {
            let (_, from) = call.split_once("rename")?.1.split_once(".jit-new-")?;
            let named = call.contains(&format!("\"{}/jit_", out.display()));
            named.then(|| (index, &from[..6]))
        })
        .collect();
    assert_eq!(renamed.len(), 5, "{text}");
    for (index, name) in &renamed {
        let file = format!("{}/.jit-new-{name}", out.display());
        let is_it = |call: &&str| call.contains("fdatasync(") && call.contains(&file);
        assert!(calls[..*index].iter().any(is_it), "{file}\n{text}");
    }
    let (last, _) = renamed.last().unwrap();
    let directory = format!("<{}>", out.display());
    let is_it = |call: &&str| call.contains("fsync(") && call.contains(&directory);
    assert!(calls[*last..].iter().any(is_it), "{text}");
}

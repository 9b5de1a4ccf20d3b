//! clang is missing or can't be used.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    batch,
    sandbox::{LINUX, Run, Sandbox},
    tools,
};

/// Returns a build that finds only the tools in `bin` of the sandbox.
fn isolated(sandbox: &Sandbox) -> Run<'_> {
    sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX])
        .with(&["--llvm-version", "22"])
        .env("PATH", sandbox.path("bin"))
}

#[track_caller]
fn mentions(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in:\n{message}");
    }
}

const WHAT_TO_DO: [&str; 4] = [
    "apt-get install clang-22",
    "brew install llvm@22",
    "--llvm-tools-install-dir",
    "--llvm-version",
];

#[test]
fn none() {
    let sandbox = Sandbox::new().tinyvm();
    let message = isolated(&sandbox).fails(3);
    mentions(&message, &WHAT_TO_DO);
    mentions(&message, &["can't find clang-22", "clang in PATH"]);
    // Every place that was searched is named.
    let message = isolated(&sandbox)
        .with(&["--llvm-tools-install-dir", "elsewhere"])
        .fails(3);
    mentions(
        &message,
        &["elsewhere/bin/clang", "clang in PATH", "clang-22 in PATH"],
    );
}

#[test]
fn none_of_the_supported_versions() {
    let sandbox = Sandbox::new().tinyvm();
    let message = sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX])
        .env("PATH", sandbox.path("empty"))
        .fails(3);
    mentions(
        &message,
        &["clang-23 or 22 or 21 or 20 or 19", "clang-21 in PATH"],
    );
}

#[test]
fn the_version_that_the_checkout_pins() {
    let sandbox = Sandbox::new().tinyvm();
    sandbox.write("vm/Tools/jit/_llvm.py", "_LLVM_VERSION = \"20\"\n");
    sandbox.clang_that_says("bin/clang", "clang version 22.1.0");
    let message = sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX])
        .env("PATH", sandbox.path("bin"))
        .fails(4);
    mentions(&message, &["clang-20", "bin/clang is version 22.1.0"]);
    mentions(&message, &["with --llvm-version 22"]);
    // All that are installed are named, newest first.
    sandbox.clang_that_says("bin/clang-21", "clang version 21.1.0");
    let message = sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX])
        .env("PATH", sandbox.path("bin"))
        .fails(4);
    let (new, old) = (sandbox.path("bin/clang"), sandbox.path("bin/clang-21"));
    let named = format!(
        "use version 22, which is installed as {}, or version 21, which is installed as {}",
        new.display(),
        old.display()
    );
    mentions(&message, &[&named, "with --llvm-version 22 or 21"]);
    // As Debian names it, it is not even looked at for another version.
    for (pin, script, status, installed) in [
        ("21", "clang-22", 3, Some("22")),
        ("22", "clang-21", 3, Some("21")),
        ("21", "clang-18", 3, None),
    ] {
        let sandbox = Sandbox::new().tinyvm();
        let pins = format!("_LLVM_VERSION = \"{pin}\"\n");
        sandbox.write("vm/Tools/jit/_llvm.py", pins);
        let major = script.trim_start_matches("clang-");
        let path = format!("bin/{script}");
        sandbox.clang_that_says(&path, &format!("clang version {major}.1.0"));
        let message = sandbox
            .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX])
            .env("PATH", sandbox.path("bin"))
            .fails(status);
        let flag = format!("with --llvm-version {major}");
        assert_eq!(message.contains(&flag), installed.is_some(), "{message}");
        if installed.is_some() {
            mentions(&message, &[&format!("can't find clang-{pin}"), &path]);
        }
    }
}

#[test]
fn of_the_wrong_version() {
    let sandbox = Sandbox::new().tinyvm();
    sandbox.clang_that_says("bin/clang", "Debian clang version 14.0.6\nTarget: x86_64");
    let message = isolated(&sandbox).fails(4);
    mentions(&message, &WHAT_TO_DO);
    mentions(&message, &["clang-22", "bin/clang is version 14.0.6"]);
}

#[test]
fn a_version_that_is_none() {
    let sandbox = Sandbox::new().tinyvm();
    let message = sandbox
        .run(&["build", "--cpython", "vm", "-p", "vm", LINUX])
        .with(&["--llvm-version", "latest"])
        .fails(2);
    mentions(&message, &["\"latest\"", "21"]);
}

#[test]
fn apples() {
    let sandbox = Sandbox::new().tinyvm();
    let version = "Apple clang version 22.0.0 (clang-2200.0.1.2)\nTarget: arm64-apple-darwin";
    sandbox.clang_that_says("bin/clang", version);
    let message = isolated(&sandbox).fails(5);
    mentions(&message, &WHAT_TO_DO);
    mentions(&message, &["bin/clang is Apple's clang"]);
}

#[test]
fn not_executable() {
    for kind in ["file", "directory", "link", "wrong format"] {
        let sandbox = Sandbox::new().tinyvm();
        let path = sandbox.path("llvm/bin/clang");
        match kind {
            "file" => {
                sandbox.clang_that_says("llvm/bin/clang", "clang version 22.1.0");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            }
            "directory" => fs::create_dir_all(&path).unwrap(),
            "link" => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::os::unix::fs::symlink("nowhere", &path).unwrap();
            }
            _ => {
                sandbox.write("llvm/bin/clang", b"\x7fELF, but no program");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        let message = isolated(&sandbox)
            .with(&["--llvm-tools-install-dir", "llvm"])
            .fails(6);
        mentions(&message, &WHAT_TO_DO);
        mentions(&message, &["llvm/bin/clang is not executable"]);
    }
}

#[test]
fn prints_garbage() {
    let sandbox = Sandbox::new().tinyvm();
    for (script, status, words) in [
        ("echo 'I am no compiler'", 4, "I am no compiler"),
        ("true", 4, "prints no LLVM version"),
        ("printf '\\377\\000\\376'", 4, "prints no LLVM version"),
        ("echo 'clang version 22'", 4, "prints no LLVM version"),
        // Megabytes of it.
        ("head -c 3000000 /dev/zero", 4, "prints no LLVM version"),
        ("echo 'no license' >&2; exit 3", 6, "no license"),
        ("kill -9 $$", 6, "signal: 9"),
    ] {
        let script = format!("PATH=/usr/bin:/bin\n{script}\n");
        sandbox.script("bin/clang", &script);
        let message = isolated(&sandbox).fails(status);
        mentions(&message, &WHAT_TO_DO);
        mentions(&message, &["bin/clang", words]);
        assert!(message.len() < 2000, "{} bytes", message.len());
    }
}

/// An unusable clang in one place does not end the search.
#[test]
fn the_next_place_is_tried() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.clang_that_says("bin/clang", "Apple clang version 22.0.0");
    sandbox.clang_that_says("llvm/bin/clang", "clang version 14.0.6");
    std::os::unix::fs::symlink(tools::clang_22(), sandbox.path("bin/clang-22")).unwrap();
    let printed = isolated(&sandbox)
        .with(&["--llvm-tools-install-dir", "llvm"])
        .succeeds();
    mentions(
        &printed.stderr,
        &["llvm has no clang-22", "bin/clang-22 is used"],
    );
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    // There was no llvm-objdump.
    assert!(!header.contains("file format"));
}

/// A directory that is named is meant: a broken tool in it is not replaced by one in `PATH`.
#[test]
fn broken_in_the_named_directory() {
    fixtures::needs!(clang_22, objdump_22);
    for (tool, script, status, words) in [
        (
            "clang",
            "echo 'cannot open libLLVM' >&2; exit 127",
            6,
            "cannot open libLLVM",
        ),
        ("clang", "echo 'I am no compiler'", 4, "I am no compiler"),
        ("llvm-objdump", "kill -9 $$", 6, "signal: 9"),
    ] {
        let sandbox = batch::some();
        sandbox.clang_with("");
        sandbox.script(&format!("llvm/bin/{tool}"), &format!("{script}\n"));
        for version in [&["--llvm-version", "22"][..], &[]] {
            let message = sandbox
                .run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX])
                .with(version)
                .with(&["--llvm-tools-install-dir", "llvm"])
                .fails(status);
            mentions(&message, &[&format!("llvm/bin/{tool}"), words]);
        }
    }
}

/// Without `--llvm-version`, any supported version in the named directory is better than another place's.
#[test]
fn an_older_one_in_the_named_directory() {
    fixtures::needs!(clang_22, objdump_22, prefix_21);
    let sandbox = batch::some();
    let printed = sandbox
        .run(&[
            "build",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "-o",
            "out",
            LINUX,
            "-v",
        ])
        .with(&[
            "--llvm-tools-install-dir".as_ref(),
            tools::prefix_21().as_os_str(),
        ])
        .succeeds();
    mentions(&printed.stderr, &["clang 21."]);
    assert!(!printed.stderr.contains("clang 22."), "{}", printed.stderr);
}

/// llvm-objdump only adds comments, so one of a wrong version is ignored.
#[test]
fn objdump_of_another_version() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    std::os::unix::fs::symlink(tools::clang_22(), sandbox.path("empty/clang")).unwrap();
    sandbox.clang_that_says("empty/llvm-objdump", "LLVM version 14.0.6");
    isolated(&sandbox)
        .env("PATH", sandbox.path("empty"))
        .succeeds();
    let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    assert!(!header.contains("file format"));
    // The right version adds comments, and nothing else differs.
    sandbox.build().with(&["--force"]).succeeds();
    let with = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
    assert!(with.contains("// _JUMP_r00.o:"));
    let code = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("    // "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(code(&header), code(&with));
}

/// One that fails on object files is one warning, and the files are not up to date, so that comments come back as soon as it
/// works: with and without a cache, in a checkout and in another project.
#[test]
fn objdump_that_fails_on_objects() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    std::os::unix::fs::symlink(tools::clang_22(), sandbox.path("empty/clang")).unwrap();
    let real = fixtures::needs::objdump_22().unwrap();
    let real = real.display();
    let broken = format!(
        "case \"$1\" in --version) exec '{real}' --version ;; esac\n\
         if [ -e '{}' ]; then exec '{real}' \"$@\"; fi\necho 'no memory left' >&2; exit 1\n",
        sandbox.path("mended").display()
    );
    sandbox.script("empty/llvm-objdump", &broken);
    let program = sandbox.path("empty/llvm-objdump");
    let expected = format!("{} fails, so comments", program.display());
    let arm = "aarch64-unknown-linux-gnu";
    sandbox.build_to("whole").with(&[LINUX, arm]).succeeds();
    let whole = sandbox.files("whole");
    let own = ["build", "--config", "vm/jit.toml", "-o", "out", "-t", LINUX];
    let checkout = [
        "build",
        "--cpython",
        "vm",
        "-p",
        "vm",
        "-o",
        "out",
        LINUX,
        arm,
    ];
    for words in [&checkout[..], &own] {
        for cache in [&["--no-cache"][..], &["--cache-dir", "cache"]] {
            fs::remove_dir_all(sandbox.path("out")).unwrap();
            let _ = fs::remove_dir_all(sandbox.path("cache"));
            let _ = fs::remove_file(sandbox.path("mended"));
            let build = || {
                let run = sandbox.run(words).with(&["--llvm-version", "22"]);
                run.with(cache).env("PATH", sandbox.path("empty"))
            };
            for _ in 0..2 {
                let printed = build().succeeds().stderr;
                assert_eq!(printed.matches("WARN").count(), 1, "{printed}");
                mentions(&printed, &[&expected, "no memory left"]);
                let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
                assert!(!header.contains("file format"), "{header}");
            }
            sandbox.write("mended", "");
            let printed = build().succeeds().stderr;
            assert!(!printed.contains("WARN"), "{printed}");
            let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
            assert!(header.contains("file format"), "{header}");
            if words == checkout {
                assert!(sandbox.files("out") == whole, "{cache:?}");
            }
            let printed = build().succeeds();
            let text = printed.stdout + &printed.stderr;
            assert!(text.contains("up to date"), "{text}");
        }
    }
}

#[test]
fn a_broken_one_of_a_preferred_version_is_named() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    sandbox.script("bin/clang-23", "echo garbage");
    let path = std::env::join_paths(
        std::iter::once(sandbox.path("bin"))
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let words = ["build", "--config", "p/jit.toml", "-o", "out", "-t", LINUX];
    sandbox.function("p[0] += 1;");
    let printed = sandbox.run(&words).env("PATH", path.unwrap()).succeeds();
    mentions(
        &printed.stderr,
        &["bin/clang-23 prints no LLVM version", "is used instead"],
    );
}

//! The disk is full.

use std::process::Command;

use crate::{
    sandbox::{Sandbox, complaints},
    tinyvm::{case, case_with},
};

/// A file system of 64 KiB, if the test runs as root and may mount one.
struct Small<'a> {
    sandbox: &'a Sandbox,
    place: &'static str,
}

impl<'a> Small<'a> {
    fn mount(sandbox: &'a Sandbox, place: &'static str) -> Option<Self> {
        std::fs::create_dir_all(sandbox.path(place)).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
        let done = command.arg(sandbox.path(place)).output().ok()?;
        done.status.success().then_some(Small { sandbox, place })
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let place = self.sandbox.path(self.place);
        let _ = Command::new("umount").arg(place).status();
    }
}

/// clang's message about a full disk is recognized. This needs no file system.
#[test]
fn as_clang_puts_it() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_DUP_r12")]);
    sandbox.clang_with(
        r#"case "$*" in *_DUP_r12.*)
    echo "fatal error: unable to open output file '_DUP_r12.s': 'No space left on device'" >&2
    exit 1
esac"#,
    );
    for mode in [&[][..], &["--one-process-per-step"]] {
        let message = sandbox
            .build()
            .with(&["--llvm-tools-install-dir", "llvm"])
            // Files have the names of micro-ops where they are kept.
            .with(&["--keep-temps", "kept"])
            .with(mode)
            .fails(19);
        assert!(message.contains("No space left on device"), "{message}");
        assert!(message.contains("_DUP_r12"), "{message}");
    }
}

#[test]
fn temporary_files() {
    fixtures::needs!(clang_22, objdump_22);
    // All files together do not fit, though none is large.
    let body = format!(
        "static const char text[] = \"{}\";\nthread->error = text;",
        "x".repeat(9000)
    );
    let list = crate::batch::SOME.map(|name| case_with(name, &body));
    let sandbox = Sandbox::new().tinyvm_of(&list);
    let Some(small) = Small::mount(&sandbox, "small") else {
        eprintln!("nothing can be mounted here: only as_clang_puts_it tests this");
        return;
    };
    let message = sandbox
        .build()
        .env("TMPDIR", sandbox.path("small"))
        .fails(19);
    assert!(message.contains("No space left on device"), "{message}");
    assert!(message.contains("TMPDIR"), "{message}");
    drop(small);
}

#[test]
fn output() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&crate::batch::SOME.map(case));
    std::fs::create_dir_all(sandbox.path("out")).unwrap();
    let Some(small) = Small::mount(&sandbox, "out") else {
        eprintln!("nothing can be mounted here: only as_clang_puts_it tests this");
        return;
    };
    // The small files alone would fit.
    sandbox.write("out/what-is-there-already", [0; 50_000]);
    let message = sandbox.build().fails(19);
    assert!(
        message.contains("jit_stencils-x86_64-unknown-linux-gnu.h"),
        "{message}"
    );
    drop(small);
}

/// A cache that can't be used is reported once, and the build goes on.
#[test]
fn an_unusable_cache() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&crate::batch::SOME.map(case));
    let build = |cache: &str| {
        let run = sandbox.build().with(&["--force", "--cache-dir", cache]);
        run.succeeds().stderr
    };
    assert_eq!(build("cache"), "");
    let expected = sandbox.files("out");
    let version = sandbox.files("cache").into_keys().next().unwrap();
    // Files in the place of its directories: above it, its own, and of those in it.
    sandbox.write("above", "");
    sandbox.write(&format!("own/{}", version.trim_end_matches('/')), "");
    sandbox.write(&format!("inside/{version}new"), "");
    let full = Small::mount(&sandbox, "full");
    let read_only = Small::mount(&sandbox, "read-only");
    let mut caches = vec!["above/cache", "own", "inside"];
    if full.is_some() && read_only.is_some() {
        let filled = std::fs::write(sandbox.path("full/filler"), [0; 65536]);
        drop(filled);
        let done = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(sandbox.path("read-only"))
            .status();
        assert!(done.unwrap().success());
        caches.extend(["full", "read-only"]);
    }
    for cache in caches {
        let printed = build(cache);
        let warnings: Vec<&str> = complaints(&printed)
            .into_iter()
            .filter(|line| line.contains("WARN"))
            .collect();
        assert_eq!(warnings.len(), 1, "{cache}: {printed}");
        assert!(warnings[0].contains(cache), "{cache}: {printed}");
        assert!(sandbox.files("out") == expected, "{cache}");
    }
}

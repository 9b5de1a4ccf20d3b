//! The cache: which changes it has to notice, and which it may ignore.
//!
//! The files of a build with the cache are compared with those of a build without it.

use std::{fs, path::PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    batch::SOME,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, case, case_with, file},
};

/// Returns every third micro-op of the example: enough for several batches, and for micro-ops that a change has an effect on and
/// others.
fn micro_ops() -> Vec<String> {
    let lines = file("Python/executor_cases.c.h").lines();
    let names = lines.filter_map(|line| line.strip_prefix("        case ")?.strip_suffix(": {"));
    names.step_by(3).map(case).collect()
}

/// Returns a copy of the example with these micro-ops only.
fn machine() -> Sandbox {
    Sandbox::new().tinyvm_of(&micro_ops())
}

/// Returns their number.
fn all() -> u64 {
    micro_ops().len() as u64
}

/// Parses the events of `--message-format json`.
pub(crate) fn events(stdout: &str) -> Vec<Value> {
    let lines = stdout.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect(stdout)
}

impl Sandbox {
    fn build_into(&self, directory: &str) -> Run<'_> {
        self.run(&[
            "build",
            "--cpython",
            "vm",
            "-p",
            "vm",
            "-o",
            directory,
            LINUX,
        ])
        .with(&["--llvm-version", "22", "--force"])
    }

    fn cached_build_into(&self, directory: &str) -> Run<'_> {
        self.build_into(directory)
            .with(&["--cache-dir", "cache", "--message-format", "json"])
    }

    fn cached_build(&self) -> Run<'_> {
        self.cached_build_into("out")
    }

    /// Builds with the cache. Returns the number of micro-ops that came from it.
    fn cached(&self) -> u64 {
        cached(&self.cached_build().succeeds().stdout)
    }

    /// Builds with and without the cache, and compares the files. Returns the number of micro-ops that came from
    /// the cache.
    fn cached_and_right(&self) -> u64 {
        let cached = self.cached();
        self.build_into("plain").with(&["--no-cache"]).succeeds();
        assert!(self.files("out") == self.files("plain"));
        cached
    }

    /// Replaces a text, which occurs once, in a file of the copy.
    pub(crate) fn replace(&self, relative: &str, old: &str, new: &str) {
        let text = self.text(relative);
        assert!(text.contains(old), "{relative} has no {old}");
        self.write(relative, text.replacen(old, new, 1));
    }
}

fn cached(stdout: &str) -> u64 {
    let events = events(stdout);
    let target = events
        .iter()
        .find(|event| event["reason"] == "target")
        .unwrap();
    assert_eq!(target["uops"], all());
    target["cached"].as_u64().unwrap()
}

pub(crate) fn entries(directory: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("projects") {
            found.extend(entries(path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

pub(crate) const HEADER: &str = "vm/Include/internal/vm_values.h";

#[test]
fn changes_without_effect() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    assert_eq!(sandbox.cached_and_right(), 0);
    assert_eq!(sandbox.cached_and_right(), all());

    // Comments and blank lines, in a header and in a micro-op.
    sandbox.replace(HEADER, "#define VM_NONE", "/* None. */\n\n#define VM_NONE");
    assert_eq!(sandbox.cached_and_right(), all());
    sandbox.replace(
        CASES,
        "            break;\n",
        "            // Done.\n\n            break;\n",
    );
    assert_eq!(sandbox.cached_and_right(), all());

    // Unused macros.
    let config = sandbox.text("vm/pyconfig.h");
    sandbox.write(
        "vm/pyconfig.h",
        format!("{config}\n#define HAVE_NEW_THING 1\n"),
    );
    assert_eq!(sandbox.cached_and_right(), all());
    let run = sandbox
        .cached_build()
        .with(&["--cflags=-DNOBODY=1 -I/nowhere"]);
    assert_eq!(cached(&run.succeeds().stdout), all());

    // A header is moved to another directory.
    fs::rename(
        sandbox.path("vm/Include/internal/vm_values.h"),
        sandbox.path("vm/Include/vm_values.h"),
    )
    .unwrap();
    assert_eq!(sandbox.cached_and_right(), all());

    // The checkout is in another directory.
    let other = machine();
    fs::rename(sandbox.path("cache"), other.path("cache")).unwrap();
    assert_eq!(other.cached_and_right(), all());
}

#[test]
fn changes_with_effect() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    assert_eq!(sandbox.cached(), 0);

    // A micro-op is changed.
    sandbox.replace(
        CASES,
        "            break;\n",
        "            thread->error = 0;\n            break;\n",
    );
    assert_eq!(sandbox.cached_and_right(), all() - 1);
    assert_eq!(sandbox.cached_and_right(), all());

    // A macro is changed, which affects the micro-ops that use it.
    sandbox.replace(HEADER, "0xFFFEu", "0xFFFBu");
    let cached_then = sandbox.cached_and_right();
    assert!(cached_then < all(), "{cached_then}");

    // A structure is changed.
    let text = sandbox.text("vm/Include/tinyvm.h");
    let start = text
        .find("struct vm_thread {")
        .map(|at| at + "struct vm_thread {".len());
    let (head, tail) = text.split_at(start.expect("struct vm_thread"));
    sandbox.write(
        "vm/Include/tinyvm.h",
        format!("{head}\n    long padding[3];{tail}"),
    );
    // Micro-ops that use none of its fields have the same IR as before.
    let cached_then = sandbox.cached_and_right();
    assert!((1..all()).contains(&cached_then), "{cached_then}");

    // Flags for code generation are added.
    let run = sandbox.cached_build().with(&["--cflags=-O1"]);
    assert_eq!(cached(&run.succeeds().stdout), 0);
    // A debug build has other micro-ops where they have assertions.
    let run = sandbox.cached_build().with(&["--debug"]);
    let cached_then = cached(&run.succeeds().stdout);
    assert!(cached_then < all(), "{cached_then}");
    // The first build's results are still in the cache.
    assert_eq!(sandbox.cached_and_right(), all());
}

/// A new header in an earlier include directory replaces the one that was read.
#[test]
fn a_header_that_hides_another() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    sandbox.cached();
    let text = sandbox.text(HEADER).replace("0xFFFEu", "0xFFFBu");
    sandbox.write("vm/vm_values.h", text);
    assert!(sandbox.cached_and_right() < all());
}

#[test]
fn damaged_entries_are_reported_and_built_anew() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    sandbox.cached();
    let before = sandbox.files("out");
    let entries = entries(sandbox.path("cache"));
    assert!(entries.len() as u64 >= all(), "{}", entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let mut bytes = fs::read(entry).unwrap();
        match index % 3 {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes.clear(),
            _ => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
        }
        fs::write(entry, bytes).unwrap();
    }
    let printed = sandbox.cached_build().succeeds();
    assert_eq!(cached(&printed.stdout), 0);
    // One warning is enough.
    assert_eq!(printed.stderr.matches("is damaged").count(), 1);
    assert!(before == sandbox.files("out"));
    let printed = sandbox.cached_build().succeeds();
    assert_eq!(cached(&printed.stdout), all());
    assert_eq!(printed.stderr, "");
}

#[test]
fn several_builds_share_a_cache() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let runs: Vec<_> = (0..4)
        .map(|index| {
            let mut command = sandbox.cached_build_into(&format!("out-{index}")).command();
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    assert_eq!(sandbox.cached_and_right(), all());
    for index in 0..4 {
        assert!(sandbox.files(&format!("out-{index}")) == sandbox.files("plain"));
    }
}

#[test]
fn its_size_is_limited() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    sandbox.cached();
    let before = entries(sandbox.path("cache")).len();
    // The limit is 0: the newest entry of each directory that is written to stays.
    sandbox
        .cached_build()
        .with(&["--cache-size", "0", "--debug"])
        .succeeds();
    let after = entries(sandbox.path("cache")).len();
    assert!(after < 2 * before, "{before} {after}");
    let directories = fs::read_dir(sandbox.path("cache/v2")).unwrap().count();
    assert!(after <= 2 * directories, "{after} {directories}");
    // The results are still right.
    sandbox.cached_and_right();
}

/// It is a number of bytes in 64 bits: 2^64 bytes are 2^44 MiB.
#[test]
fn a_size_beyond_all_limits_is_refused() {
    let sandbox = Sandbox::new().tinyvm();
    for size in ["17592186044416", "18446744073709551615"] {
        let run = sandbox.cached_build().with(&["--cache-size", size]);
        let message = run.fails(2);
        assert!(message.contains("--cache-size"), "{message}");
        assert!(message.contains("17592186044415"), "{message}");
    }
}

#[test]
fn builds_without_a_cache() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    for flag in ["--no-cache", "--one-process-per-step"] {
        // A few micro-ops are enough.
        let cases = [case(SOME[0]), case(SOME[1])];
        sandbox.write(CASES, crate::tinyvm::cases(&cases));
        sandbox
            .build_into("out")
            .with(&["--cache-dir", "cache", flag])
            .succeeds();
        assert!(!sandbox.path("cache").exists(), "{flag}");
    }
    // A build does not fail if the cache can't be written.
    sandbox.write("file", "");
    let run = sandbox
        .build_into("out")
        .with(&["--cache-dir", "file/cache"]);
    let printed = run.succeeds();
    assert!(printed.stderr.contains("file/cache"), "{}", printed.stderr);
    assert!(
        sandbox
            .path(&format!("out/jit_stencils-{LINUX}.h"))
            .exists()
    );
}

/// A micro-op with a warning is not stored, so that the next build shows the warning again.
#[test]
fn warnings_come_again() {
    fixtures::needs!(clang_22, objdump_22);
    let bad = case_with("_NOP_r00", "if (tos0 = tos1) {\n    thread->error = 0;\n}");
    let good = case(SOME[0]);
    let sandbox = Sandbox::new().tinyvm_of(&[bad, good]);
    for cached in [0, 1, 1] {
        let printed = sandbox.cached_build().succeeds();
        assert_eq!(
            printed.stderr.matches(": warning: ").count(),
            1,
            "{}",
            printed.stderr
        );
        let events = events(&printed.stdout);
        let target = events
            .iter()
            .find(|event| event["reason"] == "target")
            .unwrap();
        assert_eq!(target["cached"], cached);
    }
}

#[test]
fn what_the_cache_gives_is_verified() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = machine();
    let verify = || sandbox.cached_build().with(&["--verify-cache"]);
    let human = [
        "--verify-cache",
        "--message-format",
        "human",
        "--cache-dir",
        "empty",
    ];
    let printed = sandbox.build_into("out").with(&human).succeeds();
    assert!(
        printed
            .stdout
            .contains("the cache has no results to compare"),
        "{}",
        printed.stdout
    );
    for without in [
        &["--no-cache"][..],
        &["--keep-temps", "kept"],
        &["--one-process-per-step"],
    ] {
        let message = verify().with(without).fails(2);
        assert!(message.contains(without[0]), "{message}");
    }
    sandbox.cached();
    let before = sandbox.files("out");
    let printed = verify().succeeds();
    assert_eq!(cached(&printed.stdout), 0);
    let verified = events(&printed.stdout)
        .into_iter()
        .find(|event| event["reason"] == "verified");
    // The shim is one as well.
    assert_eq!(verified.unwrap()["same"], all() + 1);
    assert!(before == sandbox.files("out"));
    // A part of them is compiled in other batches than before.
    let part = || sandbox.cached_build().with(&["--verify-cache=30%"]);
    let taken = cached(&part().succeeds().stdout);
    assert!((1..all()).contains(&taken), "{taken}");
    // Entries with other contents, whose checksums are right.
    let objects = entries(sandbox.path("cache"))
        .into_iter()
        .filter(|path| path.metadata().unwrap().len() > 500);
    for entry in objects {
        let mut bytes = fs::read(&entry).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let checksum = Sha256::digest(&bytes[32..]);
        bytes[..32].copy_from_slice(&checksum);
        fs::write(&entry, bytes).unwrap();
    }
    let printed = verify().fails(25);
    assert!(printed.contains("is not what clang generates"), "{printed}");
    verify().succeeds();
    assert_eq!(sandbox.cached_and_right(), all());
    sandbox
        .cached_build()
        .with(&["--verify-cache=101%"])
        .fails(2);
}

#[test]
fn warnings_that_are_errors() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let start = "case _NOP_r00: {\n";
    let header = "vm/Include/tinyvm.h";
    let (cases, text) = (sandbox.text(CASES), sandbox.text(header));
    let build = || {
        sandbox
            .cached_build()
            .with(&["--cflags=-Werror=misleading-indentation"])
    };
    let statements = |second: &str| {
        format!(
            "{start}            if (thread->error)\n                thread->error = 0;\n{second}thread->error = 0;\n"
        )
    };
    sandbox.write(CASES, cases.replace(start, &statements("            ")));
    build().succeeds();
    let from_cache = |printed: &str| {
        let events = events(printed);
        let target = events.iter().find(|event| event["reason"] == "target");
        target.unwrap()["cached"].clone()
    };
    assert_eq!(from_cache(&build().succeeds().stdout), 1);
    // The tokens are the same.
    sandbox.write(CASES, cases.replace(start, &statements("                ")));
    build().fails(12);

    let pragma =
        |what: &str| format!("{text}\n#pragma GCC diagnostic {what} \"-Wunused-variable\"\n");
    sandbox.write(
        CASES,
        cases.replace(start, &format!("{start}            int unused = 0;\n")),
    );
    sandbox.write(header, pragma("ignored"));
    sandbox.cached_build().succeeds();
    assert_eq!(from_cache(&sandbox.cached_build().succeeds().stdout), 1);
    sandbox.write(header, pragma("error"));
    sandbox.cached_build().fails(12);
}

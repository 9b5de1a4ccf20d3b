//! Tools that hang, print without end, leave processes behind or do nothing.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{
    batch,
    interrupt::{runs, signal, slow_clang, start, wait_for},
    sandbox::{Run, Sandbox},
};

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox.build().with(&["--llvm-tools-install-dir", "llvm"])
}

#[track_caller]
fn mentions(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in:\n{message}");
    }
}

/// Checks that a clang that hangs when its arguments match a pattern is named and killed, with what it has started.
#[track_caller]
fn hangs(when: &str, flags: &[&str], words: &[&str]) {
    let sandbox = batch::some();
    slow_clang(&sandbox, when);
    let started = Instant::now();
    let message = build(&sandbox)
        .with(&["--tool-timeout", "2"])
        .with(flags)
        .fails(24);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(2), "{took:?}");
    assert!(took < Duration::from_secs(40), "{took:?}");
    mentions(&message, &["llvm/bin/clang did not end within 2s"]);
    mentions(&message, &["--tool-timeout"]);
    mentions(&message, words);
    let child = fs::read_to_string(sandbox.path("marker")).unwrap();
    assert!(!runs(child.trim()), "what clang has started still runs");
}

#[test]
fn hangs_in_a_batch() {
    fixtures::needs!(clang_22, objdump_22);
    hangs(
        "*-cc1*' -S '*",
        &[],
        &["to compile 7 files", "_CHECK_STACK_r00 was not done"],
    );
    hangs("*-cc1*' -emit-obj '*.ll", &[], &["to assemble 7 files"]);
}

#[test]
fn hangs_elsewhere() {
    fixtures::needs!(clang_22, objdump_22);
    hangs("*-emit-pch*", &[], &["to precompile preamble.h"]);
    hangs("*shim.o*", &[], &["to compile shim.c"]);
    let alone = ["--one-process-per-step", "--jobs", "1"];
    hangs("*_JUMP_r00.c", &alone, &["to compile _JUMP_r00.c"]);
}

/// The search for tools does not wait for one that hangs.
#[test]
fn hangs_when_asked_for_its_version() {
    let sandbox = batch::some();
    sandbox.script("llvm/bin/clang", "sleep 60\n");
    let message = build(&sandbox).with(&["--tool-timeout", "1"]).fails(24);
    mentions(&message, &["llvm/bin/clang", "1s", "to print its version"]);
}

/// The other tool, and the question for cc1's commands, which a wrapper answers in the other tests.
#[test]
fn hangs_before_and_after_clang() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.clang_with("");
    sandbox.script(
        "llvm/bin/llvm-objdump",
        "case $1 in --version) echo LLVM version 22.1.0 ;; *) sleep 60 ;; esac\n",
    );
    let message = build(&sandbox).with(&["--tool-timeout", "2"]).fails(24);
    mentions(&message, &["llvm/bin/llvm-objdump did not end within 2s"]);
    mentions(&message, &["to disassemble 7 files"]);
    sandbox.script(
        "llvm/bin/clang",
        "case $1 in --version) echo clang version 22.1.0 ;; *) sleep 60 ;; esac\n",
    );
    let message = build(&sandbox).with(&["--tool-timeout", "2"]).fails(24);
    mentions(&message, &["to print the commands for the flags"]);
}

/// The time in which jit-cli itself is stopped does not count, since the tool may have ended in it.
#[test]
fn stopped_time_does_not_count() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let marker = sandbox.path("marker");
    sandbox.clang_with(&format!(
        "case \"$*\" in *shim.o*) : > '{}'; sleep 9 ;; esac",
        marker.display()
    ));
    let child = start(&build(&sandbox).with(&["--tool-timeout", "7"]));
    wait_for("clang", || marker.is_file());
    signal("STOP", child.id());
    std::thread::sleep(Duration::from_secs(9));
    signal("CONT", child.id());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

/// A tool that is slow, but not too slow, is waited for.
#[test]
fn slow_is_not_hanging() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.clang_with("case \"$*\" in *shim.c*) sleep 3 ;; esac");
    build(&sandbox).with(&["--tool-timeout", "20"]).succeeds();
    build(&sandbox)
        .with(&["--tool-timeout", "0", "--force"])
        .succeeds();
}

/// What a wrapper leaves in the background holds the pipes of clang that it has inherited.
#[test]
fn a_daemon_holds_the_pipes() {
    fixtures::needs!(clang_22, objdump_22);
    for (start, stays) in [("sleep 60 &", false), ("setsid sleep 60 &", true)] {
        let sandbox = batch::some();
        let marker = sandbox.path("marker");
        sandbox.clang_with(&format!(
            "case \"$*\" in *shim.c*) {start} echo $! > '{}' ;; esac",
            marker.display()
        ));
        let started = Instant::now();
        build(&sandbox).succeeds();
        assert!(started.elapsed() < Duration::from_secs(40));
        let daemon = fs::read_to_string(marker).unwrap();
        assert_eq!(runs(daemon.trim()), stays, "{start}");
        if stays {
            signal("KILL", daemon.trim().parse().unwrap());
        }
    }
}

/// A daemon that nobody can find does not hold up an interrupted build either.
#[test]
fn a_daemon_when_interrupted() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let marker = sandbox.path("marker");
    sandbox.clang_with(&format!(
        "case \"$*\" in *shim.c*) setsid sleep 60 & echo $! > '{}'; sleep 50 ;; esac",
        marker.display()
    ));
    let child = start(&build(&sandbox));
    let has_pid = || fs::read_to_string(&marker).is_ok_and(|text| text.ends_with('\n'));
    wait_for("daemon", has_pid);
    let signalled = Instant::now();
    signal("TERM", child.id());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(signalled.elapsed() < Duration::from_secs(3));
    let daemon = fs::read_to_string(marker).unwrap();
    signal("KILL", daemon.trim().parse().unwrap());
}

/// Returns the most memory that a process had so far, in KiB.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs a build, and returns its exit status, what it printed on standard error, and its peak memory in KiB.
fn measured(run: &Run<'_>) -> (Option<i32>, String, u64) {
    let child = start(run);
    let id = child.id();
    let ended = std::thread::spawn(move || child.wait_with_output().unwrap());
    let mut most = 0;
    while !ended.is_finished() {
        most = peak(id).map_or(most, |now| most.max(now));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = ended.join().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text, most)
}

#[test]
#[cfg(target_os = "linux")]
fn hundreds_of_megabytes_of_errors() {
    fixtures::needs!(clang_22, objdump_22);
    // Twice the memory that is allowed would be enough.
    let bytes = if fixtures::is_thorough() {
        1_000_000_000
    } else {
        200_000_000
    };
    let flood = format!("head -c {bytes} /dev/zero | tr '\\0' '\\n' >&2");
    for (then, status) in [("", 0), ("exit 1", 12)] {
        let sandbox = batch::some();
        sandbox.clang_with(&format!(
            "case \"$*\" in *shim.c*) echo 'what is wrong' >&2; {flood}; {then} ;; esac"
        ));
        let (code, text, memory) = measured(&build(&sandbox));
        assert_eq!(code, Some(status), "{} bytes", text.len());
        if status != 0 {
            mentions(&text, &["what is wrong", "bytes more"]);
        }
        assert!(text.len() < 5 << 20, "{} bytes", text.len());
        assert!(memory < 100 << 10, "{memory} KiB");
    }
}

#[test]
fn prints_without_end() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.script("llvm/bin/clang", "exec yes\n");
    let message = build(&sandbox).fails(24);
    mentions(&message, &["llvm/bin/clang printed more than 16 MiB"]);
    sandbox.clang_with("");
    sandbox.script(
        "llvm/bin/llvm-objdump",
        "case $1 in --version) echo LLVM version 22.1.0 ;; *) exec yes ;; esac\n",
    );
    let message = build(&sandbox).fails(24);
    mentions(&message, &["llvm-objdump printed more than 256 MiB"]);
    mentions(&message, &["to disassemble 7 files"]);
}

/// Returns the message about a clang that runs `body` when its arguments match a pattern. There, `$out` is the
/// file after `-o`.
fn lies(when: &str, body: &str, status: i32, flags: &[&str]) -> String {
    let sandbox = batch::some();
    sandbox.clang_with(&format!(
        "case \"$*\" in {when})
            while [ $# -gt 1 ]; do [ \"$1\" = -o ] && out=$2; shift; done
            {body}
            exit 0 ;;
        esac"
    ));
    build(&sandbox).with(flags).fails(status)
}

#[test]
fn writes_nothing() {
    fixtures::needs!(clang_22, objdump_22);
    for (number, (when, what)) in [
        (
            "*' -S '*_JUMP_r00.[cs]|*'-cc1'*' -S '*",
            "assembly for _JUMP_r00",
        ),
        (
            "*' -c '*_JUMP_r00.s|*-cc1*' -emit-obj '*",
            "object file for _JUMP_r00",
        ),
        ("*shim.o*", "object file for shim"),
    ]
    .into_iter()
    .enumerate()
    {
        for (kind, body) in ["true", ": > \"$out\""].into_iter().enumerate() {
            // No file in one of the ways and an empty one in the other, and for the next step the other way round.
            let ways = [&[][..], &["--one-process-per-step"]];
            for flags in fixtures::some_of(ways.to_vec(), number + kind, 2) {
                let message = lies(when, body, 24, flags);
                let expected = format!("exited with status 0, but wrote no {what}");
                mentions(&message, &[&expected, "llvm/bin/clang"]);
            }
        }
    }
}

/// Kept files of an earlier build are no results.
#[test]
fn writes_nothing_over_an_earlier_result() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let kept = ["--keep-temps", "kept", "--one-process-per-step", "--force"];
    sandbox.build().with(&kept).succeeds();
    sandbox.clang_with("case \"$*\" in *_JUMP_r00.c) exit 0 ;; esac");
    let message = build(&sandbox).with(&kept).fails(24);
    mentions(&message, &["wrote no assembly for _JUMP_r00"]);
}

#[test]
fn writes_garbage() {
    fixtures::needs!(clang_22, objdump_22);
    for (when, status, words) in [
        ("*' -S '*_JUMP_r00.c", 12, "_JUMP_r00 does not assemble"),
        ("*' -c '*_JUMP_r00.s", 16, "_JUMP_r00"),
        ("*shim.o*", 18, "shim.c: no unwind information"),
    ] {
        let alone = ["--one-process-per-step"];
        let message = lies(when, "echo garbage > \"$out\"", status, &alone);
        mentions(&message, &[words]);
    }
}

/// A limit on the size of files is a message, whoever exceeds it.
#[test]
fn files_of_limited_size() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    for blocks in ["4", "60"] {
        let run = sandbox.build().with(&["--no-cache"]);
        let inner = run.command();
        let mut command = std::process::Command::new("bash");
        command
            .args(["-c", "ulimit -c 0; ulimit -f $0; exec \"$@\"", blocks])
            .arg(inner.get_program())
            .args(inner.get_args())
            .current_dir(inner.get_current_dir().unwrap());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(20), "{text}");
        mentions(&text, &["File too large", "ulimit -f"]);
        assert_eq!(sandbox.files("out").len(), 0);
        assert_eq!(sandbox.files("tmp").len(), 0);
    }
}

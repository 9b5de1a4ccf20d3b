//! Builds that are interrupted by Ctrl-C, by a terminal that is closed, or by a supervisor.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    batch,
    sandbox::{Run, Sandbox},
    tinyvm::case,
};

/// Writes a clang that starts a process that takes long, as a wrapper does, and writes its ID to the file `marker`.
pub(crate) fn slow_clang(sandbox: &Sandbox, when: &str) {
    let marker = sandbox.path("marker");
    sandbox.clang_with(&format!(
        "case \"$*\" in {when}) sleep 60 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; wait ;; esac",
        marker.display()
    ));
}

pub(crate) fn start(run: &Run<'_>) -> Child {
    let mut command = run.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

pub(crate) fn signal(name: &str, process: u32) {
    let done = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(done.unwrap().success());
}

/// Returns whether a process runs. A zombie does not.
pub(crate) fn runs(process: &str) -> bool {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", process])
        .output();
    let state = String::from_utf8(output.unwrap().stdout).unwrap();
    !(state.trim().is_empty() || state.starts_with('Z'))
}

#[track_caller]
pub(crate) fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(30), "no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn ends(signal_name: &str, when: &str) {
    let sandbox = batch::some();
    slow_clang(&sandbox, when);
    sandbox.write("out/jit_stencils.h", "from before");
    let run = sandbox.build().with(&["--llvm-tools-install-dir", "llvm"]);
    let child = start(&run);
    let marker = sandbox.path("marker");
    wait_for("clang", || marker.is_file());
    let signalled = Instant::now();
    signal(signal_name, child.id());
    let output = child.wait_with_output().unwrap();
    let took = signalled.elapsed();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(text.ends_with("error: interrupted\n"), "{text}");
    let clang = fs::read_to_string(marker).unwrap();
    assert!(!runs(clang.trim()), "clang still runs");
    assert_eq!(sandbox.files("tmp").len(), 0);
    let files = sandbox.files("out");
    assert_eq!(files.len(), 1);
    assert_eq!(files["jit_stencils.h"], b"from before");
}

#[test]
fn while_a_batch_is_compiled() {
    fixtures::needs!(clang_22, objdump_22);
    ends("INT", "*-cc1*' -S '*");
}

#[test]
fn while_the_headers_are_precompiled() {
    fixtures::needs!(clang_22, objdump_22);
    ends("TERM", "*-emit-pch*");
}

#[test]
fn while_the_shim_is_compiled() {
    fixtures::needs!(clang_22, objdump_22);
    ends("HUP", "*shim.c*");
}

/// The next build uses the results that were stored before the signal.
#[test]
fn the_next_build_is_whole() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    let before = {
        sandbox.build().succeeds();
        sandbox.files("out")
    };
    let marker = sandbox.path("marker");
    slow_clang(&sandbox, "*-cc1*-emit-obj*");
    let fake = ["--llvm-tools-install-dir", "llvm", "--force"];
    let child = start(&sandbox.build().with(&fake));
    wait_for("clang", || marker.is_file());
    signal("INT", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(sandbox.files("out") == before);
    sandbox.build().with(&["--force"]).succeeds();
    assert!(sandbox.files("out") == before);
}

/// A process that cannot end by itself, because nobody reads what it prints, ends at the second signal.
#[test]
fn the_second_signal() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let marker = sandbox.path("marker");
    sandbox.clang_with(&format!(
        "case \"$*\" in *shim.c*) head -c 1000000 /dev/zero | tr '\\0' x >&2; touch '{}' ;; esac",
        marker.display()
    ));
    let run = sandbox.build().with(&["--llvm-tools-install-dir", "llvm"]);
    let mut child = start(&run);
    wait_for("clang", || marker.is_file());
    std::thread::sleep(Duration::from_secs(2));
    signal("INT", child.id());
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    let signalled = Instant::now();
    signal("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(signalled.elapsed() < Duration::from_secs(1));
}

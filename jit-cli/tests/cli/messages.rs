//! The output for other programs: messages and timelines.

use serde_json::Value;

use crate::{
    cache::events,
    sandbox::{LINUX, Sandbox},
};

#[test]
fn one_object_a_line() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let json = ["--message-format", "json"];
    let printed = sandbox.build().with(&json).with(&["--no-cache"]).succeeds();
    let events = events(&printed.stdout);
    let target = events
        .iter()
        .find(|event| event["reason"] == "target")
        .unwrap();
    assert_eq!(target["target"], LINUX);
    assert_eq!(target["built"], true);
    assert!(target["code_bytes"].as_u64().unwrap() > 1000);
    assert!(target["stage_seconds"]["compile"].as_f64().unwrap() > 0.0);
    let progress: Vec<_> = events
        .iter()
        .filter(|event| event["reason"] == "progress")
        .collect();
    let last = progress.iter().map(|event| event["done"].as_u64()).max();
    assert_eq!(last.unwrap(), target["uops"].as_u64());
    let finished = events.last().unwrap();
    assert_eq!(finished["reason"], "finished");
    assert_eq!(finished["success"], true);
}

#[test]
fn failures() {
    let sandbox = Sandbox::new().tinyvm();
    let run = sandbox
        .build_for(&["riscv64-unknown-linux-gnu"])
        .with(&["--message-format", "json"]);
    let output = run.command().output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let events = events(&String::from_utf8(output.stdout).unwrap());
    let finished = events.last().unwrap();
    assert_eq!(finished["success"], false);
    assert_eq!(finished["status"], 7);
    assert!(finished["message"].as_str().unwrap().contains("riscv64"));
}

/// A build goes on if the reader of its output ends: `jit-cli explain | head`, `jit-cli build 2>&1 | head`.
#[test]
fn a_reader_that_ends() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let nobody = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let words = ["explain", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX];
    let explain = || sandbox.run(&words).with(&["--llvm-version", "22"]);
    for format in ["human", "json"] {
        for run in [explain(), sandbox.build()] {
            let run = run.with(&["--message-format", format]);
            let output = run.command().stdout(nobody()).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && stderr.is_empty(), "{stderr}");
        }
        // The files were written.
        std::fs::remove_file(sandbox.path(&format!("out/jit_stencils-{LINUX}.h"))).unwrap();
    }
    let run = sandbox.build_for(&["riscv64-unknown-linux-gnu"]);
    let status = run.command().stdout(nobody()).stderr(nobody()).status();
    assert_eq!(status.unwrap().code(), Some(7));
}

#[test]
fn a_timeline() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    sandbox
        .build()
        .with(&["--timeline", "out/trace.json", "--no-cache"])
        .succeeds();
    let trace: Value = serde_json::from_str(&sandbox.text("out/trace.json")).unwrap();
    let events = trace.as_array().unwrap();
    let of = |phase: &str| {
        let matching = events.iter().filter(|event| event["ph"] == phase);
        matching.filter(|event| event["name"] == "process").count()
    };
    // Each process begins and ends: at least the search, the plans, the preamble and two batches.
    assert_eq!(of("B"), of("E"));
    assert!(of("B") > 8, "{}", of("B"));
    // A trace that can't be written is an error.
    sandbox
        .build()
        .with(&["--timeline", "nowhere/trace.json"])
        .fails(20);
}

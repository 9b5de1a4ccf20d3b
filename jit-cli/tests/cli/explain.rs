//! `jit-cli explain`.

use serde_json::Value;

use crate::{
    cache::events,
    sandbox::{LINUX, Sandbox},
    tinyvm::CASES,
};

impl Sandbox {
    pub(crate) fn explain(&self, more: &[&str]) -> Value {
        let words = ["explain", "--cpython", "vm", "-p", "vm", "-o", "out"];
        let run = self
            .run(&words)
            .with(&["--llvm-version", "22", "--cache-dir", "cache", LINUX]);
        let people = run.with(more).succeeds().stdout;
        let run = self
            .run(&words)
            .with(&["--llvm-version", "22", "--cache-dir", "cache", LINUX]);
        let tools = run
            .with(more)
            .with(&["--message-format", "json"])
            .succeeds();
        let events = events(&tools.stdout);
        let found = events.iter().find(|event| event["reason"] == "explanation");
        let found = found.unwrap().clone();
        // Both formats have the same contents.
        let compiled = found["compiled"].as_array().unwrap().len();
        let line = format!(
            "{compiled} of {} micro-ops would be compiled",
            found["uops"]
        );
        assert!(people.contains(&line), "{people}");
        found
    }
}

#[test]
fn what_has_changed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let found = sandbox.explain(&[]);
    assert_eq!(found["current"], false);
    assert_eq!(found["changes"], Value::Null);
    assert_eq!(
        found["compiled"].as_array().unwrap().len() as u64,
        found["uops"]
    );

    let build = sandbox.build().with(&["--cache-dir", "cache"]);
    build.succeeds();
    let before = sandbox.files("out");
    let found = sandbox.explain(&[]);
    assert_eq!(found["current"], true);
    assert_eq!(found["compiled"].as_array().unwrap().len(), 0);
    for (kind, changed) in found["changes"].as_object().unwrap() {
        assert_eq!(changed.as_array().unwrap().len(), 0, "{kind}");
    }

    // An unused macro is added to pyconfig.h.
    let config = sandbox.text("vm/pyconfig.h");
    sandbox.write(
        "vm/pyconfig.h",
        format!("{config}\n#define HAVE_NEW_THING 1\n"),
    );
    let found = sandbox.explain(&[]);
    assert_eq!(found["current"], false);
    assert_eq!(found["changes"]["file"][0], "pyconfig.h");
    assert_eq!(found["changes"]["macro"][0], "+ #define HAVE_NEW_THING 1");
    assert_eq!(found["compiled"].as_array().unwrap().len(), 0);
    sandbox.write("vm/pyconfig.h", config);

    // A micro-op is changed.
    let text = sandbox.text(CASES);
    sandbox.replace(
        CASES,
        "            break;\n",
        "            thread->error = 0;\n            break;\n",
    );
    let found = sandbox.explain(&[]);
    assert_eq!(found["compiled"].as_array().unwrap().len(), 1);
    assert_eq!(found["changes"]["micro-op"], found["compiled"]);
    assert_eq!(found["changes"]["file"].as_array().unwrap().len(), 0);
    sandbox.write(CASES, text);

    // A flag is added.
    let found = sandbox.explain(&["--cflags=-O1"]);
    let flags = found["changes"]["flag"].to_string();
    assert!(flags.contains("+ -O1"), "{flags}");
    assert_eq!(
        found["compiled"].as_array().unwrap().len() as u64,
        found["uops"]
    );

    // `explain` has not changed any file.
    assert_eq!(sandbox.explain(&[])["current"], true);
    assert!(before == sandbox.files("out"));
}

#[test]
fn functions() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new();
    sandbox.function("p[0] += 1;");
    let run = |command: &str| {
        let words = [
            command,
            "--config",
            "p/jit.toml",
            "-o",
            "out",
            "--cache-dir",
            "cache",
            "-t",
            LINUX,
        ];
        sandbox.run(&words).with(&["--llvm-version", "22"])
    };
    run("build").succeeds();
    let printed = run("explain").succeeds().stdout;
    assert!(
        printed.contains("when clang has read the files"),
        "{printed}"
    );
    let printed = run("explain")
        .with(&["--message-format", "json"])
        .succeeds()
        .stdout;
    let found = events(&printed)
        .into_iter()
        .find(|event| event["reason"] == "explanation")
        .unwrap();
    assert_eq!(
        (&found["current"], &found["uops"]),
        (&Value::Bool(true), &Value::Null)
    );
}

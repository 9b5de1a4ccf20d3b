//! `jit-cli diff`.

use std::process::Command;

use serde_json::Value;

use crate::{
    batch,
    cache::events,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::CASES,
};

/// Adds an instruction or two to a micro-op, and removes another micro-op.
fn edit(sandbox: &Sandbox) {
    let text = sandbox.text(CASES);
    let (start, rest) = text.split_once("case _CHECK_STACK_r00: {\n").unwrap();
    let text = format!(
        "{start}case _CHECK_STACK_r00: {{\n            __asm__ volatile (\"nop\");\n            \
         __asm__ volatile (\"nop\");\n{rest}"
    );
    sandbox.write(CASES, text);
}

fn build_to(sandbox: &Sandbox, directory: &str, codegen: &str) {
    let run = sandbox
        .build_to(directory)
        .with(&[LINUX, "--codegen", codegen]);
    run.with(&["--cache-dir", "cache"]).succeeds();
}

/// Runs git in a copy of the example.
pub(crate) fn git(sandbox: &Sandbox, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(sandbox.path("vm"))
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .env("HOME", sandbox.path("empty"))
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

fn difference(run: Run<'_>) -> (Vec<Value>, Value) {
    let printed = run.with(&["--message-format", "json"]).succeeds();
    let events = events(&printed.stdout);
    let of = |reason: &str| -> Vec<Value> {
        events
            .iter()
            .filter(|event| event["reason"] == reason)
            .cloned()
            .collect()
    };
    (of("difference"), of("differences").remove(0))
}

#[test]
fn files_and_the_project() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.build().with(&["--cache-dir", "cache"]).succeeds();
    let (stencils, total) = difference(sandbox.look("diff", &["out"]));
    assert_eq!(stencils, [Value::Null; 0]);
    assert_eq!(
        (&total["same"], &total["different"]),
        (&7.into(), &0.into())
    );
    edit(&sandbox);
    let (stencils, total) = difference(sandbox.look("diff", &["out"]));
    assert_eq!(
        (&total["same"], &total["different"]),
        (&6.into(), &1.into())
    );
    // A nop is one byte.
    let [one] = &stencils[..] else {
        panic!("{stencils:?}")
    };
    assert_eq!(
        (&one["stencil"], &one["growth"]),
        (&"_CHECK_STACK_r00".into(), &2.into())
    );
    let number = |side: &str, column: &str| one[side][column].as_u64().unwrap();
    assert_eq!(number("after", "code"), number("before", "code") + 2);
    assert_eq!(
        number("after", "instructions"),
        number("before", "instructions") + 2
    );

    let text = sandbox.look("diff", &["out", "--asm"]).succeeds().stdout;
    assert!(
        text.starts_with("out to the project\n\n1 larger, 6 the same; "),
        "{text}"
    );
    let added: Vec<&str> = text.lines().filter(|line| line.starts_with('+')).collect();
    assert_eq!(added.len(), 2, "{text}");
    assert!(added.iter().all(|line| line.ends_with("  nop")), "{text}");
    assert!(!text.lines().any(|line| line.starts_with('-')), "{text}");

    let text = sandbox
        .look("diff", &["out", "--form", "markdown", "--asm"])
        .succeeds()
        .stdout;
    for expected in ["| stencil |", "| --- |", "#### _CHECK_STACK_r00", "```diff"] {
        assert!(text.contains(expected), "{text}");
    }
    let text = sandbox
        .look("diff", &["out", "--form", "github"])
        .succeeds()
        .stdout;
    let expected = format!("::warning title=stencils of {LINUX}::1 larger, 6 the same; ");
    assert!(text.starts_with(&expected), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    // Only what is asked for.
    let (stencils, total) = difference(sandbox.look("diff", &["out", "--only", "_JUMP*"]));
    assert!(stencils.is_empty());
    assert!(total["same"].as_u64() < Some(7));
}

#[test]
fn limits() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.build().with(&["--cache-dir", "cache"]).succeeds();
    edit(&sandbox);
    let look = |more: &[&str]| sandbox.look("diff", &["out"]).with(more);
    for allowed in ["2", "100%"] {
        look(&[
            "--fail-if-larger",
            allowed,
            "--fail-if-stencil-larger",
            allowed,
        ])
        .succeeds();
    }
    let message = look(&["--fail-if-larger", "1"]).fails(28);
    let expected = format!("all stencils of {LINUX} grew by +2 (");
    assert!(
        message.contains(&expected) && message.contains("the limit is 1 bytes"),
        "{message}"
    );
    let message = look(&["--fail-if-stencil-larger", "0%"]).fails(28);
    assert!(message.contains("_CHECK_STACK_r00 of "), "{message}");
    look(&["--fail-if-larger", "-1"]).fails(2);
    // What is smaller is no problem.
    let more = ["--fail-if-larger", "0"];
    build_to(&sandbox, "new", "upstream");
    sandbox.look("diff", &["new", "out"]).with(&more).succeeds();
}

#[test]
fn revisions() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    git(&sandbox, &["init", "-q"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-q", "-m", "one"]);
    edit(&sandbox);
    let counts = |more: &[&str]| {
        let (stencils, total) = difference(sandbox.look("diff", more));
        let growth: i64 = stencils
            .iter()
            .map(|one| one["growth"].as_i64().unwrap())
            .sum();
        (total["different"].as_u64().unwrap(), growth)
    };
    // The project as it is now, with changes that are in no revision.
    assert_eq!(counts(&["HEAD"]), (1, 2));
    git(&sandbox, &["commit", "-q", "-a", "-m", "two"]);
    assert_eq!(counts(&["HEAD"]), (0, 0));
    let kept = |sandbox: &Sandbox| {
        let files = sandbox.files("cache");
        files.keys().filter(|name| name.contains("/kept/")).count()
    };
    let before = kept(&sandbox);
    assert!(before > 0);
    assert_eq!(counts(&["HEAD~1..HEAD"]), (1, 2));
    assert_eq!(counts(&["HEAD~1.."]), (1, 2));
    assert_eq!(counts(&["HEAD", "main~1"]), (1, -2));
    // Revisions are in another directory each time, so nothing is kept for their next build.
    assert_eq!(kept(&sandbox), before);
    // The name of a file that is there is not a revision.
    let message = sandbox.look("diff", &["HEAD..nothing"]).fails(2);
    assert!(
        message.contains("nothing is neither a file or directory nor a git revision"),
        "{message}"
    );
    let message = sandbox.look("diff", &["--", "--output=x", "HEAD"]).fails(2);
    assert!(message.contains("--output=x is neither"), "{message}");
    assert!(!sandbox.path("vm/x").exists() && !sandbox.path("x").exists());
    let message = sandbox.look("diff", &[]).fails(2);
    assert!(message.contains("name what to compare"), "{message}");
}

/// One project with two code generations. The sums are those of the headers.
#[test]
fn two_code_generations() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let code = |codegen: &str| -> u64 {
        build_to(&sandbox, codegen, codegen);
        let header = sandbox.text(&format!("{codegen}/jit_stencils-{LINUX}.h"));
        let rows = header
            .lines()
            .filter_map(|line| line.split_once("] = {emit_"));
        rows.map(|(_, row)| row.split(", ").nth(1).unwrap().parse::<u64>().unwrap())
            .sum()
    };
    let expected = [code("upstream"), code("tuned")];
    let (_, total) = difference(sandbox.look("diff", &["--codegen", "upstream,tuned"]));
    let found = ["before", "after"].map(|side| total[side]["code"].as_u64().unwrap());
    assert_eq!(found, expected);
    assert!(found[1] < found[0]);
}

/// A revision has the files that a checkout of it has, whatever the attributes say about archives, and no others.
#[test]
fn attributes_and_paths_of_revisions() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let header = "vm/Include/internal/vm_values.h";
    let text = sandbox.text(header);
    sandbox.write(
        header,
        format!("/* $Format:%H$ */\n#define VERSION \"$Format:%H$\"\n{text}"),
    );
    sandbox.write(
        "vm/.gitattributes",
        "Include/internal/vm_values.h export-subst\nPython export-ignore\n",
    );
    git(&sandbox, &["init", "-q"]);
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-q", "-m", "one"]);
    let (stencils, total) = difference(sandbox.look("diff", &["HEAD"]));
    assert!(stencils.is_empty());
    assert_eq!(total["same"], 7);
    // As many times as tar archives of unlucky sizes failed.
    for _ in 0..3 {
        sandbox
            .look("size", &["--from", "HEAD", "--top", "0"])
            .succeeds();
    }
    // What is beside the repository is not beside the revision.
    let config = sandbox.text("vm/jit.toml");
    let project = config.replace("include = [", "include = [\"../own\", ");
    assert_ne!(config, project);
    sandbox.write("vm/jit.toml", project);
    sandbox.write("own/own.h", "");
    git(&sandbox, &["commit", "-q", "-a", "-m", "two"]);
    let run = |command: &str| {
        let words = [
            command,
            "--config",
            "vm/jit.toml",
            "--llvm-version",
            "22",
            "--target",
            LINUX,
        ];
        sandbox.run(&words).with(&["--cache-dir", "cache"])
    };
    run("size").succeeds();
    let message = run("size").with(&["--from", "HEAD"]).fails(21);
    assert!(
        message.starts_with("error: HEAD can't be built: ") && message.contains("own"),
        "{message}"
    );
}

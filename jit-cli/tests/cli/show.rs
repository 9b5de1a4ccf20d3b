//! `jit-cli show`.

use fixtures::{generated, golden};
use serde_json::Value;

use crate::{
    cache,
    sandbox::{LINUX, Sandbox},
    tinyvm::case,
};

/// Returns a copy of the example with a few micro-ops.
fn some() -> Sandbox {
    let names = ["_ADD_INT_r21", "_CHECK_STACK_r00", "_SWITCH_TABLE_r11"];
    Sandbox::new().tinyvm_of(&names.map(case))
}

/// Returns the stencils of `--message-format json`.
fn stencils(printed: &str) -> Vec<Value> {
    let events = cache::events(printed).into_iter();
    events
        .filter(|event| event["reason"] == "stencil")
        .collect()
}

/// Returns a copy of the example, and what `show` prints there.
#[track_caller]
fn shown(sandbox: &Sandbox, more: &[&str]) -> String {
    sandbox.look("show", more).succeeds().stdout
}

/// The title of a stencil.
fn title(name: &str) -> String {
    format!("{name} ({LINUX})\n")
}

/// The instructions are those of `fixtures/golden`, which llvm-objdump has printed.
#[test]
fn names_are_in_the_place_of_values() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let expected = "25 bytes of code, 1 hole\n   0  movl    %esi, %eax\n   2  addl    %edi, %eax\n\
                    \x20  4  jo      <jump target>\n   a  movl    %eax, %eax\n\
                    \x20  c  movabsq $-0x4000000000000, %rdi\n  16  orq     %rax, %rdi\n";
    let printed = shown(&sandbox, &["_ADD_INT_r21"]);
    assert_eq!(printed, title("_ADD_INT_r21") + expected);
    // Without code.
    let expected = "0 bytes of code, 0 holes\n; no instructions\n";
    let printed = shown(&sandbox, &["_NOP_r00"]);
    assert_eq!(printed, title("_NOP_r00") + expected);
}

#[test]
fn instructions_are_those_of_llvm_objdump() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let path = generated::stencils_header(generated::Build::Release, LINUX);
    let header = golden::read_text(&path);
    let printed = shown(&sandbox, &["*", "--message-format", "json"]);
    let all = stencils(&printed);
    assert_eq!(all.len(), generated::opnames(LINUX).len());
    let mut count = 0;
    for stencil in all {
        let name = stencil["name"].as_str().unwrap();
        let (_, text) = header.split_once(&format!("emit_{name}(")).unwrap();
        let (text, _) = text.split_once("\n}\n").unwrap();
        for instruction in stencil["instructions"].as_array().unwrap() {
            let text_of = |field: &str| instruction[field].as_str().unwrap();
            let words = format!("{} {}", text_of("mnemonic"), text_of("encoded"));
            let words: Vec<&str> = words.split_whitespace().collect();
            let offset = format!("    // {:x}: ", instruction["offset"].as_u64().unwrap());
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&offset))
                .unwrap();
            let line: Vec<&str> = line.split_whitespace().collect();
            assert!(
                line.join(" ").contains(&words.join(" ")),
                "{name}: {line:?} {words:?}"
            );
            count += 1;
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn wherever_the_stencils_are() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let build = ["--emit", "header,stencils"];
    sandbox.build().with(&build).succeeds();
    let project = shown(&sandbox, &["*"]);
    assert_eq!(project.matches(&format!(" ({LINUX})\n")).count(), 3);
    let stencils = format!("out/jit_stencils-{LINUX}.stencils");
    for from in ["out", &stencils] {
        assert_eq!(shown(&sandbox, &["*", "--from", from]), project, "{from}");
    }
    // A header does not say how code ends.
    let plain = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("; control"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let header = format!("out/jit_stencils-{LINUX}.h");
    let printed = shown(&sandbox, &["*", "--bytes", "--from", &header]);
    assert_eq!(plain(&printed), plain(&shown(&sandbox, &["*", "--bytes"])));
}

#[test]
fn patterns_and_similar_names() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let titles = |names: &[&str]| {
        let printed = shown(&sandbox, names);
        let lines = printed.lines();
        let titles = lines.filter_map(|line| line.strip_suffix(&format!(" ({LINUX})")));
        titles.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(titles(&["_add_INT"]), ["_ADD_INT_r21"]);
    assert_eq!(titles(&["_ADD_*_r21"]), ["_ADD_FLOAT_r21", "_ADD_INT_r21"]);
    let message = sandbox.look("show", &["_ADD_INNT_r21"]).fails(2);
    assert!(
        message.contains("there is no stencil _ADD_INNT_r21; similar names: _ADD_INT"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 2, "{message}");
}

#[test]
fn colours_on_a_terminal_only() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let plain = shown(&sandbox, &["*"]);
    assert!(!plain.contains('\u{1b}'));
    let colored = shown(&sandbox, &["*", "--color", "always"]);
    let mut stripped = String::new();
    for (index, part) in colored.split('\u{1b}').enumerate() {
        let rest = part.split_once('m').map_or(part, |(_, rest)| rest);
        stripped.push_str(if index == 0 { part } else { rest });
    }
    assert!(colored.len() > plain.len());
    assert_eq!(stripped, plain);
}

#[test]
fn two_code_generations() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let one = |codegen: &str| shown(&sandbox, &["_ADD_INT_r21", "--codegen", codegen]);
    let both = ["_ADD_INT_r21", "--codegen", "upstream,tuned"];
    let below = one("upstream") + "\n" + &one("tuned");
    assert_eq!(shown(&sandbox, &both), below);
    let beside = sandbox
        .look("show", &both)
        .env("COLUMNS", "200")
        .succeeds()
        .stdout;
    assert!(beside.lines().all(|line| line.contains("  │")), "{beside}");
    let [left, right] = ["upstream", "tuned"].map(|name| format!("({LINUX}, {name})"));
    let first = beside.lines().next().unwrap();
    assert!(first.contains(&left) && first.ends_with(&right), "{first}");
    let narrow = sandbox
        .look("show", &both)
        .env("COLUMNS", "40")
        .succeeds()
        .stdout;
    assert_eq!(narrow, below);
}

/// Returns the stencil of `--message-format json`.
#[track_caller]
fn json(sandbox: &Sandbox, name: &str, form: &str) -> Value {
    let printed = shown(sandbox, &[name, form, "--message-format", "json"]);
    let mut all = stencils(&printed);
    assert_eq!(all.len(), 1, "{printed}");
    all.remove(0)
}

#[test]
fn other_forms() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let name = "_ADD_INT_r21";
    // The source of the micro-op, as it is in the cases file.
    let cases = sandbox.text("vm/Python/executor_cases.c.h");
    let c = shown(&sandbox, &[name, "--c"]);
    let (_, text) = c.split_once(".h:").unwrap();
    let (line, text) = text.split_once('\n').unwrap();
    let expected = cases
        .lines()
        .nth(line.parse::<usize>().unwrap() - 1)
        .unwrap();
    assert_eq!(expected.trim(), format!("case {name}: {{"));
    assert!(cases.contains(text.trim_end()), "{c}");
    let ir = shown(&sandbox, &[name, "--ir"]);
    assert!(
        ir.contains("\ndefine ") && ir.contains("@llvm.sadd.with.overflow.i32"),
        "{ir}"
    );
    assert!(!ir.contains("jit-stencils-"), "{ir}");
    // The patch is that of the header in `fixtures/golden`.
    let holes = shown(&sandbox, &[name, "--holes"]);
    let row = "code  0x6     4      patch_32r  <jump target>  jo <jump target>";
    assert!(holes.lines().any(|line| line == row), "{holes}");
    let bytes = shown(&sandbox, &[name, "--bytes"]);
    let row =
        "   0  89 f0 01 f8 0f 80[00 00 00 00]89 c0 48 bf 00 00   ............H...  <jump target>";
    assert!(bytes.lines().any(|line| line == row), "{bytes}");
    let graph = shown(&sandbox, &[name, "--cfg"]);
    assert!(graph.starts_with("digraph \"_ADD_INT_r21\" {\n"), "{graph}");
    let edges: Vec<&str> = graph.lines().filter(|line| line.contains("->")).collect();
    assert_eq!(edges, ["  b0 -> ba;", "  ba -> next;"]);
    let json = json(&sandbox, name, "--bytes");
    assert_eq!(json["code"].as_str().unwrap().len(), 2 * 25);
    assert_eq!(json["holes"][0]["value"], "<jump target>");
}

#[test]
fn lines_of_the_source() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let printed = sandbox.look("show", &["*", "--lines"]).succeeds();
    assert!(!printed.stderr.contains("not known"), "{}", printed.stderr);
    let sources = ["vm/Python/executor_cases.c.h", "vm/Tools/jit/template.c"];
    let sources = sources.map(|path| sandbox.text(path)).concat();
    let lines: Vec<&str> = sources.lines().map(str::trim).collect();
    let mut own = 0;
    for line in printed.stdout.lines() {
        let Some((_, beside)) = line.split_once("  | ") else {
            continue;
        };
        let is_own = lines.contains(&beside);
        assert!(is_own || beside.contains(".h:"), "{line}");
        own += usize::from(is_own);
    }
    assert!(own > 3, "{own}");
    let mut lines = printed.stdout.lines();
    let message = lines.find(|line| line.contains("$<data>, %rdi")).unwrap();
    assert!(
        message.ends_with("| vm_fatal(\"stack underflow\");"),
        "{message}"
    );
    // Without lines, the rest is the same.
    let mut without = String::new();
    for line in printed.stdout.lines() {
        let line = line
            .split_once("  | ")
            .map_or(line, |(line, _)| line.trim_end());
        without += &format!("{line}\n");
    }
    assert_eq!(without, shown(&sandbox, &["*"]));
}

#[test]
fn files_are_not_made_again() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let build = ["--emit", "stencils"];
    sandbox.build().with(&build).succeeds();
    for option in [
        &["--c"][..],
        &["--ir"],
        &["--lines"],
        &["--codegen", "tuned"],
    ] {
        let more = [&["_ADD_INT_r21", "--from", "out"], option].concat();
        let message = sandbox.look("show", &more).fails(2);
        let name = option[0];
        assert!(
            message.contains(&format!("{name} is for a project")),
            "{message}"
        );
    }
}

/// What was built before is shown without compiling anything, and is never out of date.
#[test]
fn from_the_cache() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let name = "_ADD_INT_r21";
    let run = || sandbox.look("show", &[name, "-v"]).succeeds();
    let first = run();
    assert!(first.stderr.contains("-cc1"), "{}", first.stderr);
    let again = run();
    assert!(!again.stderr.contains("-cc1"), "{}", again.stderr);
    assert_eq!(again.stdout, first.stdout);
    // Each code generation has its own.
    let tuned = || {
        sandbox
            .look("show", &[name, "-v", "--codegen", "tuned"])
            .succeeds()
    };
    tuned();
    assert!(!tuned().stderr.contains("-cc1"));
    assert!(!run().stderr.contains("-cc1"));
    let path = "vm/Python/executor_cases.c.h";
    let cases = sandbox.text(path);
    let changed = cases.replacen(
        "case _ADD_INT_r21: {",
        "case _ADD_INT_r21: {\n            __builtin_trap();",
        1,
    );
    assert_ne!(changed, cases);
    sandbox.write(path, changed);
    let printed = run();
    assert!(printed.stdout.contains("ud2"), "{}", printed.stdout);
}

/// What bash gets when a name is completed. No tool is needed for it.
#[test]
fn names_for_shells() {
    let sandbox = some();
    let words = ["--", "jit-cli", "show", "_c"];
    let run = sandbox.run(&words).within("vm").env("COMPLETE", "bash");
    let run = run
        .env("_CLAP_COMPLETE_INDEX", "2")
        .env("_CLAP_COMPLETE_COMP_TYPE", "9");
    let run = run.env("_CLAP_IFS", "\n").env("PATH", "");
    assert_eq!(run.succeeds().stdout, "_CHECK_STACK_r00");
}

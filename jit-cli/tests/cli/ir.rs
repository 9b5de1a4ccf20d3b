//! The second level of the cache: micro-ops with the same LLVM IR as others that were compiled.
//!
//! A build with an empty cache takes the IR of all micro-ops from their assembly, so `goldens` and `llvm21` compare that
//! assembly with what CPython's build.py makes. Here it is compared with clang's own way from C.

use std::fs;

use fixtures::TRIPLES;
use sha2::{Digest as _, Sha256};

use crate::{
    cache::{HEADER, entries, events},
    sandbox::{Run, Sandbox},
    tinyvm::{Files, case, case_with, file},
    tools,
};

/// Returns the names of the example's micro-ops without inline assembly. In IR, that has its place in the source.
fn names() -> Vec<String> {
    let text = file("Python/executor_cases.c.h");
    let names = text.lines().filter_map(|line| {
        let name = line.strip_prefix("        case ")?;
        Some(name.strip_suffix(": {")?.to_owned())
    });
    names.filter(|name| !case(name).contains("asm")).collect()
}

fn sandbox() -> Sandbox {
    let cases: Vec<String> = names().iter().map(|name| case(name)).collect();
    Sandbox::new().tinyvm_of(&cases)
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox.build().with(&[
        "--force",
        "--cache-dir",
        "cache",
        "--message-format",
        "json",
    ])
}

/// Returns the number of micro-ops that came from the cache.
fn cached(stdout: &str) -> u64 {
    let events = events(stdout);
    let target = events.iter().find(|event| event["reason"] == "target");
    target.unwrap()["cached"].as_u64().unwrap()
}

/// Builds with and without the cache, and compares the files. Returns the number of micro-ops that came from it.
#[track_caller]
fn cached_and_right(sandbox: &Sandbox) -> usize {
    let printed = build(sandbox).succeeds();
    let files = sandbox.files("out");
    plain(sandbox.build().with(&["--force"])).succeeds();
    assert!(files == sandbox.files("out"));
    cached(&printed.stdout).try_into().unwrap()
}

fn plain(run: Run<'_>) -> Run<'_> {
    run.with(&["--no-cache"])
}

/// Adds a declaration to the header that all micro-ops include.
fn declare(sandbox: &Sandbox, text: &str) {
    sandbox.replace(
        HEADER,
        "static inline uint32_t\nvm_tag",
        &format!("{text}\nstatic inline uint32_t\nvm_tag"),
    );
}

/// Changes the place of a field of the thread: the micro-ops that use it or a later one are others.
fn move_a_field(sandbox: &Sandbox) {
    sandbox.replace(
        "vm/Include/tinyvm.h",
        "    const char *error;\n",
        "    long new_field;\n    const char *error;\n",
    );
}

/// Targets of which there is one with each object format and each processor, for LLVM 21.
const SOME_21: [&str; 3] = [
    "aarch64-apple-darwin",
    "i686-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
];

/// Assembly with IR in it, and assembly from IR, are those of clang's usual way. The IR is the same. Without
/// `JIT_TEST_THOROUGH=1`, this is every third micro-op; `goldens` and `llvm21` have all of them, as the comment above says.
#[track_caller]
fn same_code(triples: &[&str], with_llvm: fn(Run<'_>) -> Run<'_>) {
    let text = file("Python/executor_cases.c.h");
    let all = text.lines().filter_map(|line| {
        let name = line.strip_prefix("        case ")?;
        Some(case(name.strip_suffix(": {")?))
    });
    let some = fixtures::some_of(all.collect(), 0, 3);
    let sandbox = Sandbox::new().tinyvm_of(&some);
    let run = |codegen| {
        with_llvm(sandbox.run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out"]))
            .with(&["--force", "--codegen", codegen, "-v"])
            .with(triples)
    };
    let cached = |codegen| run(codegen).with(&["--cache-dir", "cache"]).succeeds();
    let steps = ["-fembed-bitcode=all'", "-emit-llvm-bc", ".bc"];
    let check = |codegen, expected: [bool; 3]| {
        let printed = cached(codegen).stderr;
        assert_eq!(
            steps.map(|step| printed.contains(step)),
            expected,
            "{codegen}"
        );
        let files = sandbox.files("out");
        let printed = plain(run(codegen)).succeeds().stderr;
        assert_eq!(
            steps.map(|step| printed.contains(step)),
            [false; 3],
            "{codegen}"
        );
        same_files(&files, &sandbox.files("out"));
    };
    // Nothing is in the cache that could be found by its IR.
    check("upstream", [true, false, false]);
    check("tuned", [true, false, false]);
    // The IR is the same as that in the assembly.
    declare(&sandbox, "extern int new_function(vm_thread *);");
    check("upstream", [false, true, false]);
    // Some of it is new.
    move_a_field(&sandbox);
    check("upstream", [false, true, true]);
}

#[track_caller]
fn same_files(ours: &Files, theirs: &Files) {
    assert!(ours.keys().eq(theirs.keys()));
    let different = ours.keys().find(|name| ours[*name] != theirs[*name]);
    assert_eq!(different, None);
}

#[test]
fn the_code_is_clangs() {
    fixtures::needs!(clang_22, objdump_22);
    // The targets that the next test does not have.
    let mut triples = TRIPLES.to_vec();
    triples.retain(|triple| fixtures::is_thorough() || !SOME_21.contains(triple));
    same_code(&triples, |run| run.with(&["--llvm-version", "22"]));
}

#[test]
fn the_code_is_that_of_clang_21() {
    fixtures::needs!(prefix_21);
    // On all targets, it was compared by hand (docs/cache.md). That is half a minute of work.
    same_code(&SOME_21, |run| {
        run.with(&["--llvm-version", "21"]).with(&[
            "--llvm-tools-install-dir".as_ref(),
            tools::prefix_21().as_os_str(),
        ])
    });
}

#[test]
fn declarations_that_nobody_uses() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = sandbox();
    let all = names().len();
    assert_eq!(cached_and_right(&sandbox), 0);
    for text in [
        "extern int new_function(vm_thread *);",
        "struct new_structure { union { int a; char *b; } u; struct { long c; } s; };",
        "static inline int new_inline(int x) { static int k[2]; return k[x & 1]; }",
        "enum new_enum { NEW_ONE, NEW_TWO };",
    ] {
        declare(&sandbox, text);
        assert_eq!(cached_and_right(&sandbox), all, "{text}");
        // Now it is known by its tokens.
        let printed = build(&sandbox).with(&["-v"]).succeeds();
        assert!(!printed.stderr.contains("-emit-llvm-bc"), "{text}");
        assert_eq!(cached(&printed.stdout), all as u64);
    }
}

#[test]
fn changes_that_somebody_sees() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = sandbox();
    let all = names().len();
    assert_eq!(cached_and_right(&sandbox), 0);
    move_a_field(&sandbox);
    let using = names()
        .iter()
        .filter(|name| case(name).contains("thread->"))
        .count();
    let taken = cached_and_right(&sandbox);
    assert!(
        using > 0 && taken <= all - using,
        "{taken} of {all}, {using}"
    );
    // A definition that is not static is in all of them.
    declare(&sandbox, "const int new_constant = 1;");
    assert_eq!(cached_and_right(&sandbox), 0);
    // An attribute of a function that only some of them call.
    let function = "static inline int\nvm_is_int";
    sandbox.replace(
        HEADER,
        function,
        &format!("__attribute__((noinline)) {function}"),
    );
    let taken = cached_and_right(&sandbox);
    assert!((1..all).contains(&taken), "{taken}");
}

/// A micro-op with a warning is compiled in each build, which prints it again.
#[test]
fn warnings_are_printed_again() {
    fixtures::needs!(clang_22, objdump_22);
    let bad = case_with("_NOP_r00", "if (tos0 = tos1) {\n    thread->error = 0;\n}");
    let mut cases: Vec<String> = names()
        .iter()
        .filter(|name| *name != "_NOP_r00")
        .map(|name| case(name))
        .collect();
    cases.insert(1, bad);
    let sandbox = Sandbox::new().tinyvm_of(&cases);
    let warnings = |stderr: &str| stderr.matches(": warning: ").count();
    // The IR is the same without the warning, but does not say that there is one.
    let silent = "#pragma clang diagnostic ignored \"-Wparentheses\"";
    declare(&sandbox, silent);
    let printed = build(&sandbox).succeeds();
    assert_eq!(warnings(&printed.stderr), 0, "{}", printed.stderr);
    sandbox.replace(HEADER, silent, "");
    for _ in 0..2 {
        let printed = build(&sandbox).succeeds();
        assert_eq!(warnings(&printed.stderr), 1, "{}", printed.stderr);
        assert_eq!(cached(&printed.stdout), cases.len() as u64 - 1);
    }
}

/// clang reads IR without options for the language, so it would not fuse multiplications and additions.
#[test]
fn flags_that_stored_ir_would_not_have() {
    fixtures::needs!(clang_22, objdump_22);
    let cases: Vec<String> = names().iter().map(|name| case(name)).collect();
    let sandbox = Sandbox::new().tinyvm_of(&cases);
    let flags = ["--cflags=-ffp-contract=fast", "-v"];
    for _ in 0..2 {
        let printed = build(&sandbox).with(&flags).succeeds();
        let files = sandbox.files("out");
        plain(sandbox.build().with(&["--force"]))
            .with(&flags)
            .succeeds();
        assert!(files == sandbox.files("out"));
        assert!(!printed.stderr.contains("-emit-llvm-bc"));
        assert!(printed.stderr.contains("because of -ffp-contract=fast"));
        assert_eq!(cached(&printed.stdout), 0);
        declare(&sandbox, "extern int new_variable;");
    }
}

#[test]
fn entries_can_be_verified() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = sandbox();
    let all = names().len() as u64;
    build(&sandbox).succeeds();
    declare(&sandbox, "extern int new_variable;");
    let verify = || build(&sandbox).with(&["--verify-cache"]);
    let printed = verify().succeeds();
    assert_eq!(cached(&printed.stdout), 0);
    let events = events(&printed.stdout);
    let verified = events.iter().find(|event| event["reason"] == "verified");
    // The shim is known by its tokens.
    assert_eq!(verified.unwrap()["same"], all + 1);

    // Entries with other contents, whose checksums are right.
    for entry in entries(sandbox.path("cache")) {
        let mut bytes = fs::read(&entry).unwrap();
        if bytes.len() > 500 {
            *bytes.last_mut().unwrap() ^= 1;
            let checksum = Sha256::digest(&bytes[32..]);
            bytes[..32].copy_from_slice(&checksum);
            fs::write(&entry, bytes).unwrap();
        }
    }
    declare(&sandbox, "extern int another_variable;");
    let printed = verify().fails(25);
    assert!(
        printed.contains("what the cache has for _ADD_FLOAT_r21,"),
        "{printed}"
    );
    verify().succeeds();
    assert_eq!(cached_and_right(&sandbox) as u64, all);
}

//! Checkouts of CPython 3.14: the example with a template, a shim and micro-ops as that release has them.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use fixtures::{
    DEBUG_TRIPLES, TRIPLES,
    generated::{Build, HEADER_LINES, dispatcher_3_14, header_3_14},
    golden::{self, Golden},
};

use crate::{
    cache::events,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, Files, case, cases, text},
};

/// The program that makes `fixtures/golden-3.14`.
const REGENERATE: &str =
    "python3 fixtures/regenerate_3_14.py CPYTHON/Tools/jit /usr/lib/llvm-19/bin";

/// A spelling that Debian's configure has.
const SPELLED: &str = "x86_64-pc-linux-gnu";

/// The files of 3.14's `Tools/jit` that determine what is generated.
const TOOLS: [&str; 6] = [
    "_llvm.py",
    "_schema.py",
    "_stencils.py",
    "_targets.py",
    "_writer.py",
    "build.py",
];

/// Returns a checkout in `vm` with these micro-ops.
fn checkout_of(names: &[&str]) -> Sandbox {
    let all: Vec<String> = names.iter().map(|name| case(name)).collect();
    let sandbox = Sandbox::new().tinyvm();
    sandbox.write(CASES, cases(&all));
    fs::remove_file(sandbox.path("vm/jit.toml")).unwrap();
    for name in ["jit.h", "shim.c", "template.c"] {
        let path = fixtures::root().join("cpython-3.14/Tools/jit").join(name);
        sandbox.write(&format!("vm/Tools/jit/{name}"), golden::read_text(&path));
    }
    for name in TOOLS {
        let text = match name {
            "_llvm.py" => "_LLVM_VERSION = 19\n",
            _ => "# Not CPython's.\n",
        };
        sandbox.write(&format!("vm/Tools/jit/{name}"), text);
    }
    sandbox.headers_of_a_checkout();
    let version = "#define PY_MAJOR_VERSION 3\n#define PY_MINOR_VERSION 14\n";
    sandbox.write("vm/Include/patchlevel.h", version);
    sandbox
}

/// Returns a checkout with the micro-ops of the golden files.
fn checkout() -> Sandbox {
    let path = fixtures::root().join("cpython-3.14/micro-ops");
    let names = golden::read_text(&path);
    checkout_of(&names.split_whitespace().collect::<Vec<_>>())
}

/// Returns a build with the LLVM that the checkout pins.
fn build<'a>(sandbox: &'a Sandbox, triples: &[&str]) -> Run<'a> {
    let run = sandbox.run(&["build", "--cpython", "vm", "-p", "vm", "-o", "out"]);
    run.with(triples)
}

#[track_caller]
fn check(files: &Files, build: Build, triple: &str) {
    let ours = text(files, &format!("jit_stencils-{triple}.h"));
    Golden::new(header_3_14(build, triple))
        .skip_lines(HEADER_LINES)
        .made_by_upstream_with(REGENERATE)
        .check_text(ours);
}

/// There are headers for each target and the dispatcher, and nothing else.
#[test]
fn all_targets() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout();
    let printed = build(&sandbox, &TRIPLES).succeeds();
    let banner = "JIT support for these 7 targets is still experimental!";
    assert!(printed.stdout.contains(banner), "{}", printed.stdout);
    let files = sandbox.files("out");
    for triple in TRIPLES {
        check(&files, Build::Release, triple);
    }
    Golden::new(dispatcher_3_14())
        .skip_lines(1)
        .made_by_upstream_with(REGENERATE)
        .check_text(text(&files, "jit_stencils.h"));
    assert_eq!(files.len(), TRIPLES.len() + 1);
    // Where the addresses of literals are wrong, there is no other code generation to advise.
    let wrong = "wrong addresses of literals in _CHECK_STACK_r00 and another micro-op, as CPython's Tools/jit writes them: \
                 such a micro-op reads its strings and constants from a wrong place (docs/parity.md)\n";
    assert!(printed.stderr.contains(wrong), "{}", printed.stderr);
}

#[test]
fn debug() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout();
    build(&sandbox, &DEBUG_TRIPLES)
        .with(&["--debug"])
        .succeeds();
    let files = sandbox.files("out");
    for triple in DEBUG_TRIPLES {
        check(&files, Build::Debug, triple);
    }
}

/// Driver processes, the cache and a warm cache give the same, and the second build compiles nothing.
#[test]
fn in_all_ways_the_same() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout_of(&["_LOAD_CONST_r01", "_NOP_r00", "_PRINT_r10"]);
    let built = |words: &[&str]| {
        let run = build(&sandbox, &[LINUX]).with(&["--force", "--message-format", "json"]);
        let printed = run.with(words).succeeds();
        let events = events(&printed.stdout);
        let target = events.into_iter().find(|event| event["reason"] == "target");
        let header = sandbox.text(&format!("out/jit_stencils-{LINUX}.h"));
        (target.unwrap()["cached"].clone(), header)
    };
    let (cached, first) = built(&["--cache-dir", "cache"]);
    assert_eq!(cached, 0);
    assert!(first.contains("file format elf64-x86-64"), "{first}");
    let (cached, again) = built(&["--cache-dir", "cache"]);
    assert_eq!(cached, 3);
    assert_eq!(again, first);
    let (_, verified) = built(&["--cache-dir", "cache", "--verify-cache"]);
    assert_eq!(verified, first);
    let (_, alone) = built(&["--one-process-per-step"]);
    assert_eq!(alone, first);
    // A header that the shim includes as well.
    let header = "vm/Include/tinyvm.h";
    sandbox.write(header, sandbox.text(header) + "typedef int vm_more;\n");
    let (_, changed) = built(&["--cache-dir", "cache"]);
    assert_eq!(changed, first);
}

/// The name of the file, what the dispatcher includes, the digest and the banner have the triple as it was given.
#[test]
fn the_triple_stays_as_given() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout_of(&["_NOP_r00"]);
    let printed = build(&sandbox, &[SPELLED]).with(&["-v"]).succeeds();
    let banner = format!("JIT support for {SPELLED} is still experimental!");
    assert!(printed.stdout.contains(&banner), "{}", printed.stdout);
    let target = format!("--target={SPELLED}");
    assert!(printed.stderr.contains(&target), "{}", printed.stderr);
    let name = format!("jit_stencils-{SPELLED}.h");
    let files = sandbox.files("out");
    assert_eq!(files.len(), 2);
    assert!(text(&files, "jit_stencils.h").contains(&format!("#include \"{name}\"")));
    let digest = |files: &Files, name: &str| text(files, name).lines().next().unwrap().to_owned();
    // The same inputs with another spelling.
    build(&sandbox, &[LINUX]).succeeds();
    let both = sandbox.files("out");
    let other = format!("jit_stencils-{LINUX}.h");
    assert_ne!(digest(&both, &name), digest(&both, &other));
    // It is up to date, and known by its name.
    let again = build(&sandbox, &[SPELLED]).succeeds();
    assert!(again.stdout.contains("up to date"), "{}", again.stdout);
    let shown = sandbox
        .run(&["size", "--from", &format!("out/{name}")])
        .succeeds();
    assert!(shown.stdout.contains("_NOP_r00"), "{}", shown.stdout);
}

#[test]
fn what_it_has_not_is_refused_by_name() {
    let sandbox = checkout_of(&["_NOP_r00"]);
    for (words, expected) in [
        (
            &["--codegen", "tuned"][..],
            "CPython 3.14 can't be built with --codegen tuned: its stencils are clang's object files as they are",
        ),
        (
            &["--emit", "header,stencils,c"],
            "CPython 3.14 can't be built with --emit stencils,c: its stencils are for its own Python/jit.c",
        ),
        (
            &["--emit", "rust"],
            "CPython 3.14 can't be built with --emit rust: ",
        ),
        (
            &["--llvm-version", "18"],
            "CPython 3.14 can't be built with LLVM 18: its micro-ops use a calling convention that clang has since \
             version 19",
        ),
    ] {
        let message = build(&sandbox, &[LINUX]).with(words).fails(2);
        assert!(message.contains(expected), "{message}");
    }
}

/// make compares the time of the dispatcher with those of the inputs, and with that of `jit.o`.
#[test]
fn the_dispatcher_is_as_new_as_the_headers() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout_of(&["_NOP_r00"]);
    let past = SystemTime::now() - Duration::from_secs(60);
    let build = || {
        build(&sandbox, &[LINUX])
            .with(&["--cache-dir", "cache"])
            .succeeds()
    };
    build();
    let dispatcher = sandbox.path("out/jit_stencils.h");
    let text = fs::read(&dispatcher).unwrap();
    let time = || fs::metadata(&dispatcher).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(&dispatcher).unwrap();
    file.set_modified(past).unwrap();
    // Nothing is built, so nothing that includes it has to be.
    build();
    assert!(time() < past + Duration::from_secs(1));
    sandbox.write(CASES, cases(&[case("_JUMP_r00")]));
    build();
    assert!(time() > past + Duration::from_secs(1));
    assert_eq!(fs::read(&dispatcher).unwrap(), text);
}

#[test]
fn stencils_are_shown() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout_of(&["_LOAD_CONST_r01", "_JUMP_r00"]);
    let shown = sandbox
        .run(&["show", "_LOAD_CONST_r01", "--cpython", "vm", "-p", "vm"])
        .with(&["-t", LINUX, "--cache-dir", "cache"]);
    let printed = shown.succeeds();
    assert!(printed.stdout.contains("operand0"), "{}", printed.stdout);
    let sizes = sandbox
        .run(&["size", "--cpython", "vm", "-p", "vm", "-t", LINUX])
        .with(&["--no-cache"])
        .succeeds();
    assert!(sizes.stdout.contains("_JUMP_r00"), "{}", sizes.stdout);
}

/// A pack is for the target, however the triple is spelled.
#[test]
fn packs() {
    fixtures::needs!(llvm_19);
    let sandbox = checkout_of(&["_NOP_r00", "_LOAD_CONST_r01"]);
    sandbox
        .run(&["pack", "p.pack", SPELLED, "--cpython", "vm", "-p", "vm"])
        .succeeds();
    for triple in [SPELLED, LINUX] {
        build(&sandbox, &[triple]).succeeds();
        let built = sandbox.files("out");
        fs::remove_dir_all(sandbox.path("out")).unwrap();
        sandbox
            .run(&["use", "p.pack", "--cpython", "vm", "-p", "vm", "-o", "out"])
            .with(&["-t", triple])
            .env("PATH", sandbox.path("empty"))
            .succeeds();
        let used = sandbox.files("out");
        // Without the line with the command, which has the triple of the pack.
        let lines = |files: &Files, name: &str| -> Vec<String> {
            let lines = text(files, name).lines();
            let kept = lines.filter(|line| !line.starts_with("// $ "));
            kept.map(str::to_owned).collect()
        };
        assert_eq!(
            built.keys().collect::<Vec<_>>(),
            used.keys().collect::<Vec<_>>()
        );
        for name in built.keys() {
            assert_eq!(lines(&built, name), lines(&used, name), "{name}");
        }
        fs::remove_dir_all(sandbox.path("out")).unwrap();
    }
}

/// Its stencils are made in a way of their own, so no other project has such headers.
#[test]
fn no_other_project_has_its_headers() {
    let sandbox = Sandbox::new().tinyvm();
    let config = sandbox.text("vm/jit.toml");
    sandbox.write(
        "vm/jit.toml",
        config.replace("cpython-3.15", "cpython-3.14"),
    );
    let message = sandbox
        .run(&["build", "--config", "vm/jit.toml", "-o", "out"])
        .fails(21);
    let expected = "there is no such format; name one of \"cpython-3.15\", \"plain\"";
    assert!(message.contains(expected), "{message}");
}

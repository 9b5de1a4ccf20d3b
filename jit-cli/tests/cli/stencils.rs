//! Stencil files: `--emit stencils`.

use std::{fs, time::SystemTime};

use fixtures::{
    TRIPLES,
    generated::{Build, opnames, shim_object},
    golden::{self, Golden},
    inputs,
};
use jit_schema::Target;
use jit_stencils::{CodeEnd, Listing, StencilGroup, StencilSet, file};

use crate::{
    goldens,
    sandbox::{LINUX, Run, Sandbox},
    tinyvm::{CASES, SHIM, case},
};

const EMIT: [&str; 2] = ["--emit", "stencils"];

fn name(triple: &str) -> String {
    format!("jit_stencils-{triple}.stencils")
}

fn stamp(triple: &str) -> String {
    format!("{}.digest", name(triple))
}

/// The micro-ops of the example whose C code always jumps, returns or stops.
const LEAVES: [&str; 9] = [
    "_JUMP_r00",
    "_JUMP_BACKWARD_r00",
    "_EXIT_TRACE_r00",
    "_STOP_r00",
    "_RESUME_r00",
    "_ENTER_TRACE_r00",
    "_ERROR_r00",
    "_FATAL_ERROR_r00",
    "_ASM_JUMP_r00",
];

/// Returns the stencils of the objects that CPython's tools made, without listings, and with the ends of
/// their code as the example's C code has them.
fn expected(triple: &str) -> StencilSet {
    let target = Target::from_triple(triple).unwrap();
    let groups = opnames(triple).into_iter().map(|opname| {
        let bytes = golden::read_bytes(&inputs::object(triple, &opname));
        let object = jit_schema::native::read(&bytes).unwrap();
        (opname, jit_stencils::lower(target, &object).unwrap())
    });
    let mut set = jit_stencils::resolve(target, groups).unwrap();
    for (name, group) in &mut set.groups {
        group.end = match LEAVES.contains(&name.as_str()) {
            true => CodeEnd::Leaves,
            false => CodeEnd::FallsThrough,
        };
    }
    let shim = golden::read_bytes(&shim_object(Build::Release, triple));
    jit_stencils::attach_shim(&mut set, &shim).unwrap();
    let clear = |group: &mut StencilGroup| group.listing = Listing::default();
    set.groups.iter_mut().for_each(|(_, group)| clear(group));
    set.shim.iter_mut().for_each(|shim| clear(&mut shim.group));
    set
}

/// Stencil files are written with the headers, which do not change, and alone, from a cache and with another
/// number of jobs.
#[test]
fn all_targets() {
    fixtures::needs!(clang_22, objdump_22);
    let (headers, _) = goldens::release();
    let sandbox = Sandbox::new().tinyvm();
    let cached = ["--cache-dir", "cache", "-j1"];
    let both = sandbox.build_for(&TRIPLES).with(&cached);
    both.with(&["--emit", "header,stencils"]).succeeds();
    let files = sandbox.files("out");
    for triple in TRIPLES {
        let bytes = &files[&name(triple)];
        assert!(file::decode(bytes).unwrap() == expected(triple), "{triple}");
        Golden::new(fixtures::stencils::path(triple)).check_bytes(bytes);
    }
    for (name, contents) in headers {
        assert!(files[name] == *contents, "{name}");
    }
    assert_eq!(files.len(), headers.len() + 2 * TRIPLES.len());

    let words = ["build", "--cpython", "vm", "-p", "vm", "-o", "again", "-j2"];
    let again = sandbox.run(&words).with(&["--llvm-version", "22"]);
    let again = again.with(&["--cache-dir", "cache"]).with(&EMIT);
    again.with(&TRIPLES).succeeds();
    let again = sandbox.files("again");
    let names: Vec<String> = TRIPLES
        .iter()
        .flat_map(|triple| [name(triple), stamp(triple)])
        .collect();
    assert_eq!(again.keys().cloned().collect::<Vec<_>>(), names);
    for (name, contents) in &again {
        assert!(files[name] == *contents, "{name}");
    }
}

fn small() -> Sandbox {
    Sandbox::new().tinyvm_of(&[case("_NOP_r00"), case("_DUP_r12")])
}

fn without_clang(sandbox: &Sandbox) -> Run<'_> {
    sandbox.build().env("PATH", sandbox.path("empty"))
}

fn time(sandbox: &Sandbox, name: &str) -> SystemTime {
    let path = sandbox.path("out").join(name);
    fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn built_only_if_something_changed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let current = |emit: &str| {
        let printed = without_clang(&sandbox).with(&["--emit", emit]).succeeds();
        assert!(printed.stdout.contains("up to date"), "{}", printed.stdout);
    };
    let built = |emit: &str| {
        without_clang(&sandbox).with(&["--emit", emit]).fails(3);
        sandbox.build().with(&["--emit", emit]).succeeds();
        current(emit);
    };
    built("stencils");
    let whole = sandbox.files("out");
    // Each file must exist and be unchanged.
    for name in [name(LINUX), stamp(LINUX)] {
        let path = sandbox.path("out").join(&name);
        fs::remove_file(&path).unwrap();
        built("stencils");
        fs::write(&path, "another").unwrap();
        built("stencils");
        assert!(sandbox.files("out") == whole);
    }
    // If the header is missing, only that is written.
    let before = time(&sandbox, &name(LINUX));
    built("header");
    current("header,stencils");
    assert_eq!(time(&sandbox, &name(LINUX)), before);
    let header = format!("jit_stencils-{LINUX}.h");
    let before = time(&sandbox, &header);
    fs::remove_file(sandbox.path("out").join(name(LINUX))).unwrap();
    current("header");
    built("stencils,header");
    assert_eq!(time(&sandbox, &header), before);
    // Both have the same inputs.
    sandbox.write(CASES, format!("{}\n// Changed.\n", sandbox.text(CASES)));
    let files = sandbox.files("out");
    built("header");
    built("stencils");
    let names = [name(LINUX), stamp(LINUX)].map(|name| (files[&name].clone(), name));
    let now = sandbox.files("out");
    // A comment changes the digest, but not the stencils.
    let changed = names.map(|(before, name)| now[&name] != before);
    assert_eq!(changed, [false, true]);
}

#[test]
fn a_header_with_a_linker_is_built_if_something_changed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let emit = ["--emit", "c"];
    let built = || {
        without_clang(&sandbox).with(&emit).fails(3);
        sandbox.build().with(&emit).succeeds();
        let printed = without_clang(&sandbox).with(&emit).succeeds();
        assert!(printed.stdout.contains("up to date"), "{}", printed.stdout);
    };
    built();
    let file = format!("out/jit_host-{LINUX}.h");
    let text = sandbox.text(&file);
    assert!(text.contains("    JIT_OP__DUP_r12 = ") && text.contains("#define JIT_SHIM 2u\n"));
    for other in [&text[1..], &text[..text.len() - 1]] {
        sandbox.write(&file, other);
        built();
        assert!(sandbox.text(&file) == text);
    }
}

#[test]
fn events_for_programs() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let json = ["--message-format", "json", "--emit", "stencils,header"];
    let events = |run: Run<'_>| crate::cache::events(&run.with(&json).succeeds().stdout);
    let find = |events: &[serde_json::Value], reason: &str| {
        let found = events.iter().find(|event| event["reason"] == reason);
        found.unwrap().clone()
    };
    let explain = || {
        let words = ["explain", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX];
        let run = sandbox.run(&words).with(&["--llvm-version", "22"]);
        find(&events(run), "explanation")
    };
    assert_eq!(
        explain()["outdated"],
        serde_json::json!(["header", "stencils"])
    );
    let target = find(&events(sandbox.build()), "target");
    let files = target["files"].as_array().unwrap();
    let mut names: Vec<&str> = files.iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    let mut found: Vec<String> = sandbox.files("out").into_keys().collect();
    // All targets are reported.
    found.retain(|name| !["jit_stencils.h", "jit_unwind_info.h"].contains(&name.as_str()));
    assert_eq!(names, found);
    assert_eq!(explain()["current"], true);
    fs::remove_file(sandbox.path("out").join(name(LINUX))).unwrap();
    assert_eq!(explain()["outdated"], serde_json::json!(["stencils"]));
    let words = ["explain", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX];
    let run = sandbox.run(&words).with(&["--llvm-version", "22"]);
    let printed = run.with(&EMIT).succeeds();
    assert!(
        printed
            .stdout
            .contains("files (stencils) are not up to date")
    );
    let reason = format!("{} is missing", name(LINUX));
    assert!(printed.stdout.contains(&reason), "{}", printed.stdout);
}

#[test]
fn emit_in_jit_toml() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let config = sandbox.text("vm/jit.toml");
    let build = |emit: &str| {
        sandbox.write("vm/jit.toml", format!("emit = {emit}\n{config}"));
        let run = sandbox.run(&["build", "-o", "../out", "-t", LINUX]);
        run.with(&["--llvm-version", "22"]).within("vm")
    };
    build("[\"stencils\"]").succeeds();
    assert_eq!(
        sandbox.files("out").into_keys().collect::<Vec<_>>(),
        [format!("jit_stencils-{LINUX}.state"), name(LINUX)]
    );
    // The command line takes precedence over it.
    let run = build("[\"stencils\"]").with(&["--emit", "header"]);
    run.succeeds();
    assert_eq!(sandbox.files("out").len(), 7);
    let message = build("[]").fails(21);
    assert!(message.contains("nothing would be written"), "{message}");
    let message = build("[\"objects\"]").fails(21);
    assert!(
        message.contains("expected one of `header`, `stencils`, `c`"),
        "{message}"
    );
}

/// An object file to link may have contents that a stencil can't have.
#[test]
fn shims_that_are_no_stencils() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = small();
    let shim = sandbox.text(SHIM);
    let fails = |triples: &[&str], old: &str, new: &str, status: i32, message: &str| {
        sandbox.write(SHIM, shim.replacen(old, new, 1));
        for triple in triples {
            let text = sandbox.build_for(&[triple]).with(&EMIT).fails(status);
            let expected = "shim.c: it can't be in the stencil file: the shim";
            assert!(text.contains(expected), "{triple}: {text}");
            assert!(text.contains(message), "{triple}: {text}");
        }
        // The object file alone can be built.
        let words = ["build", "--cpython", "vm", "-p", "vm", "-o", "object"];
        let run = sandbox.run(&words).with(&["--llvm-version", "22"]);
        run.with(triples).succeeds();
    };
    // Each object format has an example.
    let all = [
        LINUX,
        "aarch64-apple-darwin",
        "i686-pc-windows-msvc",
        "x86_64-pc-windows-msvc",
    ];
    let function = "const vm_code_unit *\nvm_enter_jit";
    let body = "    vm_jit_entry *entry =";
    fails(
        &all,
        function,
        &format!("int more(void) {{ return 1; }}\n{function}"),
        15,
        "exactly one function that is not static, but it defines more, vm_enter_jit: make the",
    );
    for start in ["= 5", ""] {
        fails(
            &all,
            body,
            &format!("    static volatile int calls {start}; calls++;\n{body}"),
            14,
            " has 4 bytes of variables",
        );
    }
    let use_of_oparg =
        "extern char _JIT_OPARG; if (executor->length > (uintptr_t)&_JIT_OPARG) return 0;";
    fails(
        &[LINUX, "aarch64-apple-darwin", "i686-pc-windows-msvc"],
        body,
        &format!("    {use_of_oparg}\n{body}"),
        15,
        "the shim's vm_enter_jit refers to _JIT_OPARG at ",
    );
    // The data of another DLL can't be reached without an import. Functions can, by a jump.
    fails(
        &["x86_64-pc-windows-msvc"],
        body,
        &format!("    extern int more; if (more) return 0;\n{body}"),
        15,
        "vm_enter_jit: more is used at code+",
    );
}

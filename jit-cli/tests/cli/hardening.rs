//! Hardened code, and the check that finds code that is not. Expected bytes and instructions are from the processors' manuals.

mod addresses;
mod machine_code;

use jit_cli::{Build, Emit, Hardening, Sources};

use crate::{
    sandbox::{LINUX, Sandbox},
    tinyvm::{CASES, case},
};

const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";
const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
const BTI_C: u32 = 0xd503_245f;

const TEMPLATE: &str = "
enum { START, DOUBLE, TWICE, LEAVE, TABLE };
typedef long f(long *, long (*)(long));
extern __attribute__((visibility(\"hidden\"))) f _JIT_CONTINUE;
long _JIT_ENTRY(long *x, long (*call)(long)) {
    switch (_JIT_OPCODE) {
        CASE
        default:
            __builtin_unreachable();
    }
    __attribute__((musttail)) return _JIT_CONTINUE(x, call);
}
";

fn cases(names: &[(&str, &str)]) -> String {
    let cases = names.iter().map(|(name, body)| {
        format!("        case {name}: {{\n            {body}\n            break;\n        }}\n\n")
    });
    format!("\n{}", cases.collect::<String>())
}

/// Different code for each of many values, which clang makes a table for.
const SWITCH: &str = "switch (*x) { case 0: *x = call(7); break; case 1: *x = 5 + call(1); break; case 2: *x ^= 77; break; \
                      case 3: *x -= call(2); break; case 4: *x *= call(9); break; case 5: *x = ~*x; break; \
                      case 6: *x /= 3; break; case 7: *x = call(*x) - 4; break; case 8: *x <<= 3; break; \
                      case 9: *x = call(4) ^ 5; break; case 10: *x = -call(8); break; case 11: *x %= 9; break; \
                      case 12: *x |= 1234; break; case 13: *x &= call(5); break; case 14: *x >>= 2; break; }";

const LEAVE: &str = "__attribute__((musttail)) return ((f *)*x)(x, call);";

/// Returns a directory with a project of these cases and this table in its `jit.toml`.
fn project(names: &[(&str, &str)], table: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("vm/template.c", TEMPLATE);
    sandbox.write("vm/cases.h", cases(names));
    sandbox.write(
        "vm/jit.toml",
        format!(
            "template = \"template.c\"\ncases = \"cases.h\"\noutput = \"out\"\nemit = [\"stencils\"]\nllvm-version = 22\n\
             targets = [\"{LINUX}\", \"{ARM_LINUX}\"]\n\n[hardening]\n{table}\n"
        ),
    );
    sandbox
}

/// Returns which stencils of a project begin with a landing pad, and how many there are in all of the code.
fn pads(sandbox: &Sandbox, triple: &str) -> (Vec<String>, usize) {
    let file =
        std::fs::read(sandbox.path(&format!("vm/out/jit_stencils-{triple}.stencils"))).unwrap();
    let set = jit_stencils::file::decode(&file).unwrap();
    let pad = match triple {
        LINUX => ENDBR64,
        _ => BTI_C.to_le_bytes(),
    };
    let mut starts = Vec::new();
    let mut all = 0;
    for (name, group) in &set.groups {
        let body = &group.code.body;
        all += body.windows(4).filter(|bytes| **bytes == pad).count();
        if body.starts_with(&pad) {
            starts.push(name.clone());
        }
    }
    (starts, all)
}

#[test]
fn pads_are_where_the_rules_say() {
    fixtures::needs!(clang_22);
    let ops = [
        ("START", "*x += 1;"),
        ("DOUBLE", "*x *= 2;"),
        // The same code, and the same IR: a cache has to know that it has no pad.
        ("TWICE", "*x *= 2;"),
        ("LEAVE", LEAVE),
        ("TABLE", SWITCH),
    ];
    let table =
        "checks = [\"cet\", \"bti\"]\nentries = [\"START\", \"TWICE\"]\njumps = [\"LEAVE\"]";
    let sandbox = project(&ops, table);
    let cached = |words: &[&str]| {
        let run = sandbox.run(words).with(&["--cache-dir", "../cache"]);
        run.within("vm").succeeds()
    };
    for round in 0..2 {
        sandbox.run(&["build", "--force"]).within("vm").succeeds();
        let (starts, all) = pads(&sandbox, LINUX);
        assert_eq!(starts, ["START", "TWICE"], "{round}");
        // The table's blocks have pads, too.
        assert!(all > 10, "{all}");
        let (starts, all) = pads(&sandbox, ARM_LINUX);
        assert_eq!(
            (starts, all),
            (vec!["START".to_owned(), "TWICE".to_owned()], 2)
        );
    }
    let other = table.replace("TWICE", "DOUBLE");
    let text = sandbox.text("vm/jit.toml").replace(table, &other);
    sandbox.write("vm/jit.toml", text);
    sandbox.run(&["build"]).within("vm").succeeds();
    assert_eq!(pads(&sandbox, LINUX).0, ["DOUBLE", "START"]);
    assert_eq!(pads(&sandbox, ARM_LINUX).0, ["DOUBLE", "START"]);
    // Whoever only looks at other code, or checks it, has not built it.
    cached(&["build", "--force"]);
    cached(&["check", "--hardening", "--cflags=-O1"]);
    cached(&["size", "--codegen", "tuned"]);
    let explained = cached(&["explain"]).stdout;
    assert_eq!(
        explained.matches("nothing has changed").count(),
        2,
        "{explained}"
    );
    let checked = sandbox
        .run(&["check", "--hardening"])
        .within("vm")
        .succeeds();
    assert_eq!(
        checked
            .stdout
            .matches("5 stencils, 2 of them entered")
            .count(),
        2
    );
    // Another program would read what is not hardened from the same files.
    let run = sandbox.run(&[
        "check",
        "--hardening",
        "--from",
        "out",
        "--entries",
        "START",
        "--jumps",
        "LEAVE",
    ]);
    let message = run.within("vm").fails(29);
    assert!(
        message.contains("DOUBLE+0x0: no pointer leads to this landing pad"),
        "{message}"
    );
    let run = sandbox.run(&[
        "check",
        "--hardening",
        "--from",
        "out",
        "--entries",
        "*",
        "--jumps",
        "LEAVE",
    ]);
    let message = run.within("vm").fails(29);
    assert!(message.contains("TWICE+0x0: control enters"), "{message}");
}

#[test]
fn what_is_not_known_is_refused() {
    fixtures::needs!(clang_22);
    let both = "checks = [\"cet\", \"bti\"]";
    let sandbox = project(&[("DOUBLE", "*x *= 2;"), ("LEAVE", LEAVE)], both);
    let message = sandbox.run(&["build"]).within("vm").fails(29);
    assert!(message.contains("LEAVE+"), "{message}");
    assert!(message.contains("a jump through a pointer"), "{message}");
    let sandbox = project(
        &[("DOUBLE", "*x *= 2;")],
        &format!("{both}\nentries = [\"STRAT\"]"),
    );
    let message = sandbox.run(&["build"]).within("vm").fails(2);
    assert!(message.contains("STRAT"), "{message}");
    let sandbox = project(&[("DOUBLE", "*x *= 2;")], "");
    let message = sandbox
        .run(&["build", "--hardening", "cet"])
        .within("vm")
        .fails(2);
    assert!(
        message.contains(ARM_LINUX) && message.contains("bti"),
        "{message}"
    );
    let sandbox = project(&[("DOUBLE", "*x *= 2;")], "checks = [\"cfi\"]");
    let message = sandbox.run(&["build"]).within("vm").fails(21);
    assert!(message.contains("cfi"), "{message}");
}

/// Without `--hardening`, a flag does what clang makes of it: a pad in front of each stencil.
#[test]
fn flags_alone() {
    fixtures::needs!(clang_22);
    let ops = [("START", "*x += 1;"), ("DOUBLE", "*x *= 2;")];
    let sandbox = project(&ops, "entries = [\"START\"]");
    for (triple, flag) in [
        (LINUX, "-fcf-protection"),
        (ARM_LINUX, "-mbranch-protection=standard"),
    ] {
        let run = |words: &[&str]| {
            let start = ["build", "--target", triple, "--cflags", flag];
            sandbox
                .run(&[&start, words].concat())
                .within("vm")
                .succeeds();
            pads(&sandbox, triple).0
        };
        assert_eq!(run(&[]), ["DOUBLE", "START"]);
        assert_eq!(run(&["--hardening", "flags"]), ["START"]);
        assert_eq!(run(&[]), ["DOUBLE", "START"]);
    }
    sandbox
        .run(&["build", "--hardening", "flags"])
        .within("vm")
        .succeeds();
    assert_eq!(pads(&sandbox, LINUX).1, 0);
    // The second flag also signs return addresses; without a shim, nothing is said about its own.
    let signed = [
        "build",
        "--target",
        ARM_LINUX,
        "--cflags",
        "-mbranch-protection=standard",
    ];
    let printed = sandbox
        .run(&signed)
        .with(&["--force"])
        .within("vm")
        .succeeds();
    assert!(!printed.stderr.contains("shim"), "{}", printed.stderr);
}

/// `--hardening flags` does not read clang's configuration files, so what they ask for is named.
#[test]
fn flags_in_a_configuration_file() {
    fixtures::needs!(clang_22);
    let sandbox = project(&[("DOUBLE", "*x *= 2;")], "");
    for (triple, flag, check) in [
        (LINUX, "-fcf-protection=branch", "cet"),
        (ARM_LINUX, "-mbranch-protection=bti", "bti"),
    ] {
        sandbox.write("vm/a.cfg", format!("{flag}\n"));
        let path = sandbox.path("vm/a.cfg").display().to_string();
        let build = |words: &[&str]| {
            let config = format!("--cflags=--config={path}");
            let run = sandbox.run(&["build", "--force", "--target", triple, &config]);
            run.with(words).within("vm")
        };
        let message = build(&["--hardening", "flags"]).fails(2);
        assert!(
            message.contains(&format!("--hardening {check}")),
            "{message}"
        );
        build(&["--hardening", check]).succeeds();
        // The flag alone puts a pad at each start, as without a file.
        build(&[]).succeeds();
        assert_eq!(pads(&sandbox, triple).0, ["DOUBLE"]);
    }
}

/// Outside of a project, the rules are the documented defaults, not those of the example.
#[test]
fn files_outside_of_a_project() {
    fixtures::needs!(clang_22);
    let sandbox = project(
        &[("LEAVE", LEAVE)],
        "checks = [\"cet\", \"bti\"]\njumps = [\"LEAVE\"]",
    );
    sandbox.run(&["build"]).within("vm").succeeds();
    let check = |words: &[&str]| {
        let run = sandbox.run(&["check", "--hardening", "--from", "vm/out"]);
        run.with(words)
    };
    let message = check(&[]).fails(29);
    assert!(
        message.contains("LEAVE+") && message.contains("a jump through a pointer"),
        "{message}"
    );
    check(&["--jumps", "LEAVE"]).succeeds();
}

/// The shim's object says that it is fit for the checks, in the note that linkers read.
#[test]
fn the_shims_note() {
    fixtures::needs!(clang_22);
    let shim = "long vm_run(long *x, long (*call)(long), long (*code)(long *, long (*)(long))) { return code(x, call) + 1; }\n";
    let sources = || Sources::new(TEMPLATE, cases(&[("DOUBLE", "*x *= 2;")])).shim(shim);
    // Type, length and value of the property: IBT and SHSTK; BTI.
    for (triple, property) in [
        (LINUX, [0xc000_0002_u32, 4, 3]),
        (ARM_LINUX, [0xc000_0000, 4, 1]),
    ] {
        let note: Vec<u8> = property
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        for hardening in [Hardening::NONE, Hardening::ALL] {
            let directory = tempfile::tempdir().unwrap();
            let build = Build::from_sources(sources())
                .target(triple)
                .llvm_version(22)
                .no_cache();
            let build = build
                .emit(Emit::Header)
                .emit(Emit::Stencils)
                .output_dir(directory.path());
            build.hardening(hardening).write().unwrap();
            let object = directory.path().join(format!("jit_shim-{triple}.o"));
            let object = std::fs::read(object).unwrap();
            let has_note = object.windows(note.len()).any(|bytes| bytes == note);
            assert_eq!(
                has_note,
                hardening == Hardening::ALL,
                "{triple} {hardening}"
            );
        }
    }
}

/// A pack may have hardened code besides other code of the same target.
#[test]
fn packs() {
    fixtures::needs!(clang_22, objdump_22);
    // Micro-ops with the names of those that CPython enters and leaves through pointers.
    let names = ["_NOP_r00", "_DUP_r12", "_STOP_r00", "_EXIT_TRACE_r00"];
    let sandbox = Sandbox::new().tinyvm_of(&names.map(case));
    for path in [CASES, "vm/Include/internal/vm_uops.h"] {
        let mut text = sandbox.text(path);
        for (old, new) in names.into_iter().zip([
            "_START_EXECUTOR_r00",
            "_COLD_EXIT_r00",
            "_COLD_DYNAMIC_EXIT_r00",
            "_EXIT_TRACE_r00",
        ]) {
            text = text.replace(old, new);
        }
        sandbox.write(path, text);
    }
    let checkout = ["--cpython", "vm", "-p", "vm"];
    let pack = |words: &[&str]| {
        let run = sandbox.run(&["pack", "p.pack", LINUX]).with(&checkout);
        run.with(&["--llvm-version", "22"]).with(words)
    };
    let use_pack = |directory: &str, words: &[&str]| {
        let run = sandbox.run(&["use", "p.pack", "-t", LINUX, "-o", directory]);
        run.with(&checkout).with(words)
    };
    pack(&[]).succeeds();
    let message = use_pack("used", &["--hardening", "cet"]).fails(27);
    assert!(message.contains("(release-hardened)"), "{message}");
    assert!(message.contains("leave out --hardening"), "{message}");
    // Code that is there in the other way only is found by the option.
    pack(&["--hardening", "cet"]).succeeds();
    let verify = |words: &[&str]| {
        sandbox
            .run(&["verify", "p.pack", "-t", LINUX])
            .with(&checkout)
            .with(words)
    };
    for run in [use_pack("used", &[]), verify(&[])] {
        let message = run.fails(27);
        assert!(
            message.contains("take it with --hardening cet,bti"),
            "{message}"
        );
    }
    verify(&["--hardening", "cet,bti"]).succeeds();
    pack(&[]).succeeds();
    pack(&["--add", "--hardening", "cet"]).succeeds();
    for words in [&[][..], &["--hardening", "cet"]] {
        use_pack("used", words).succeeds();
        let built = sandbox.build_to("built").with(&[LINUX, "--force"]);
        built.with(words).succeeds();
        let (mut used, mut built) = (sandbox.files("used"), sandbox.files("built"));
        used.retain(|name, _| name.contains("linux"));
        built.retain(|name, _| name.contains("linux"));
        assert!(!used.is_empty() && used == built, "{words:?}");
    }
    let rebuilt = sandbox
        .run(&["verify", "p.pack", "--rebuild"])
        .with(&checkout)
        .succeeds();
    assert_eq!(rebuilt.stdout.matches("everything is the same").count(), 2);
}

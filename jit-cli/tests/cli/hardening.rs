//! Hardened code, and the check that finds code that is not. Expected bytes and instructions are from the processors' manuals.

use jit_cli::{
    Build, Emit, Hardening, HardeningProblem as Problem, HardeningRules, Sources, StencilSet,
    Target, check_hardening,
};
use jit_schema::CodeEnd;
use jit_stencils::{Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup};

use crate::{
    sandbox::{LINUX, Sandbox},
    tinyvm::{CASES, case},
};

const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";
const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
const BTI_C: u32 = 0xd503_245f;
const BTI_J: u32 = 0xd503_249f;

fn group(code: &[u8], holes: Vec<Hole>) -> StencilGroup {
    StencilGroup {
        code: Stencil {
            body: code.to_vec(),
            holes,
        },
        end: CodeEnd::FallsThrough,
        ..StencilGroup::default()
    }
}

fn hole(offset: usize, patch: PatchKind, base: HoleValue, addend: i64) -> Hole {
    Hole {
        offset,
        patch,
        value: PatchValue::Address {
            base,
            symbol: None,
            addend,
        },
        first: None,
        void: false,
    }
}

/// Returns what the check finds in a stencil, which is entered through pointers if its name is `start`.
fn check(triple: &str, name: &str, group: StencilGroup) -> Vec<(usize, Problem)> {
    let set = StencilSet {
        target: *Target::from_triple(triple).unwrap(),
        groups: vec![(name.to_owned(), group)],
        symbols: vec!["host".to_owned()],
        shim: None,
        families: vec![],
    };
    let rules = HardeningRules::default().entries(["start", "leave"]);
    let rules = rules.unwrap().jumps(["leave"]).unwrap();
    let found = check_hardening(&set, &rules).findings.into_iter();
    found.map(|one| (one.offset, one.problem)).collect()
}

fn x86(name: &str, code: &[u8]) -> Vec<(usize, Problem)> {
    check(LINUX, name, group(code, vec![]))
}

fn arm(name: &str, words: &[u32]) -> Vec<(usize, Problem)> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    check(ARM_LINUX, name, group(&bytes, vec![]))
}

#[test]
fn landing_pads_of_x86() {
    let with_pad = |rest: &[u8]| [&ENDBR64, rest].concat();
    // nop; and the same with a pad.
    assert_eq!(x86("other", &[0x90]), []);
    assert_eq!(x86("start", &with_pad(&[0x90])), []);
    // A pad that was removed by hand, one too many, and one that only looks like one.
    assert_eq!(x86("start", &[0x90]), [(0, Problem::NoPadAtStart)]);
    assert_eq!(
        x86("start", &[0x0f, 0x1f, 0x40, 0x00]),
        [(0, Problem::NoPadAtStart)]
    );
    assert_eq!(x86("other", &with_pad(&[])), [(0, Problem::SparePad)]);
    assert_eq!(x86("start", &with_pad(&ENDBR64)), [(4, Problem::SparePad)]);
    // endbr32
    assert_eq!(
        x86("start", &[0xf3, 0x0f, 0x1e, 0xfb]),
        [(0, Problem::NoPadAtStart)]
    );
    // mov eax, 0xfa1e0ff3
    assert_eq!(
        x86("other", &[0xb8, 0xf3, 0x0f, 0x1e, 0xfa]),
        [(1, Problem::HiddenPad)]
    );
    // call rax, after which a function such as setjmp returns a second time.
    assert_eq!(x86("other", &[&[0xff, 0xd0], &ENDBR64[..]].concat()), []);
}

#[test]
fn indirect_branches_of_x86() {
    // jmp rax, with and without notrack; jmp [rax]
    assert_eq!(x86("other", &[0xff, 0xe0]), [(0, Problem::Jump)]);
    assert_eq!(x86("other", &[0xff, 0x20]), [(0, Problem::Jump)]);
    assert_eq!(x86("leave", &[&ENDBR64[..], &[0xff, 0xe0]].concat()), []);
    let unchecked = [&ENDBR64[..], &[0x3e, 0xff, 0xe0]].concat();
    assert_eq!(x86("leave", &unchecked), [(4, Problem::Unchecked)]);
    // jmp [rip + slot of `host`], and mov rax, [rip + slot]; jmp rax
    let slot = |offset| Hole {
        value: PatchValue::GotSlot {
            ordinal: 0,
            addend: -4,
        },
        ..hole(offset, PatchKind::X86_64_32rx, HoleValue::Zero, 0)
    };
    let direct = group(&[0xff, 0x25, 0, 0, 0, 0], vec![slot(2)]);
    assert_eq!(check(LINUX, "other", direct), []);
    let code = [0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xff, 0xe0];
    assert_eq!(check(LINUX, "other", group(&code, vec![slot(3)])), []);
    // ... but not if something else is written to rax in between: mov rax, rbx
    let code = [0x48, 0x8b, 0x05, 0, 0, 0, 0, 0x48, 0x89, 0xd8, 0xff, 0xe0];
    let found = check(LINUX, "other", group(&code, vec![slot(3)]));
    assert_eq!(found, [(10, Problem::Jump)]);
    // A far return, and incsspq rax.
    for code in [&[0xcb][..], &[0xf3, 0x48, 0x0f, 0xae, 0xe8]] {
        let found = x86("other", code);
        assert!(
            matches!(found[..], [(0, Problem::Forbidden(_))]),
            "{found:?}"
        );
    }
    // Bytes that are no instruction.
    assert_eq!(x86("other", &[0x06]), [(0, Problem::Unknown)]);
}

/// Addresses of the stencil's own code: in its data, in an instruction, and of another micro-op.
#[test]
fn addresses_of_code() {
    // jmp rax; nop; endbr64; nop
    let code = [&[0xff, 0xe0, 0x90][..], &ENDBR64, &[0x90]].concat();
    let with_table = |place: i64, code: &[u8]| {
        let mut group = group(code, vec![]);
        group.data.body = vec![0; 8];
        group.data.holes = vec![hole(0, PatchKind::Patch64, HoleValue::Code, place)];
        check(LINUX, "other", group)
    };
    assert_eq!(with_table(3, &code), []);
    // At the nop before the pad; then nothing leads to the pad.
    let found = with_table(2, &code);
    assert_eq!(
        found,
        [(2, Problem::NoPadAtAddress), (3, Problem::SparePad)]
    );
    assert_eq!(
        with_table(4, &code),
        [
            (0, Problem::NoInstruction(4)),
            (0, Problem::Jump),
            (3, Problem::SparePad)
        ]
    );
    // lea rax, [rip + 0]; jmp rax: the assembler leaves no hole.
    let code = [0x48, 0x8d, 0x05, 2, 0, 0, 0, 0xff, 0xe0, 0x90];
    assert_eq!(x86("other", &code), [(9, Problem::NoPadAtAddress)]);
    // movabs rax, the address of the micro-op to jump to
    let code = [0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0];
    let place = hole(2, PatchKind::Patch64, HoleValue::JumpTarget, 0);
    let found = check(LINUX, "other", group(&code, vec![place]));
    assert_eq!(found, [(0, Problem::AddressOfPlace)]);
}

/// What a shadow stack would notice: the stack pointer or the return address is not that of the start.
#[test]
fn returns_of_x86() {
    let is_return = |found: Vec<(usize, Problem)>, at: usize| {
        assert!(
            matches!(found[..], [(offset, Problem::Return(_))] if offset == at),
            "{found:?}"
        );
    };
    // push rax; pop rax; ret, and sub rsp, 24; add rsp, 24; ret
    assert_eq!(x86("other", &[0x50, 0x58, 0xc3]), []);
    assert_eq!(
        x86("other", &[0x48, 0x83, 0xec, 24, 0x48, 0x83, 0xc4, 24, 0xc3]),
        []
    );
    // push rbp; mov rbp, rsp; sub rsp, rax; leave; ret
    let frame = [0x55, 0x48, 0x89, 0xe5, 0x48, 0x29, 0xc4, 0xc9, 0xc3];
    assert_eq!(x86("other", &frame), []);
    // push rax; ret: a jump to rax.
    is_return(x86("other", &[0x50, 0xc3]), 1);
    // mov [rsp], rax; ret: the same.
    is_return(x86("other", &[0x48, 0x89, 0x04, 0x24, 0xc3]), 4);
    // sub rsp, rax; ret
    is_return(x86("other", &[0x48, 0x29, 0xc4, 0xc3]), 3);
    // push rax, and on to the next micro-op.
    is_return(x86("other", &[0x50]), 0);
    // call +0; pop rax: the old way to get the instruction pointer.
    let found = x86("other", &[0xe8, 0, 0, 0, 0, 0x58]);
    assert!(!found.is_empty());
    // One way pushes and the other does not: jz +1; push rax; ret
    is_return(x86("other", &[0x74, 1, 0x50, 0xc3]), 3);
}

#[test]
fn landing_pads_of_aarch64() {
    const NOP: u32 = 0xd503_201f;
    // paciasp, whose return address has to be checked: autiasp
    let (sign, authenticate) = (0xd503_233f, 0xd503_23bf);
    assert_eq!(arm("other", &[NOP]), []);
    for pad in [BTI_C, 0xd503_24df] {
        assert_eq!(arm("start", &[pad]), []);
        assert_eq!(arm("other", &[pad]), [(0, Problem::SparePad)]);
    }
    assert_eq!(arm("start", &[sign, authenticate]), []);
    assert_eq!(arm("other", &[sign, authenticate]), []);
    assert_eq!(arm("start", &[NOP]), [(0, Problem::NoPadAtStart)]);
    // bti j accepts no call.
    assert_eq!(arm("start", &[BTI_J]), [(0, Problem::NoPadAtStart)]);
    // br x8 and br x16
    assert_eq!(
        arm("leave", &[BTI_C, 0xd61f_0100]),
        [(4, Problem::Register)]
    );
    assert_eq!(arm("leave", &[BTI_C, 0xd61f_0200]), []);
    assert_eq!(arm("other", &[0xd61f_0200]), [(0, Problem::Jump)]);
    // adr x8, .+8; br x8; bti j: a block whose address is taken.
    assert_eq!(arm("other", &[0x1000_0048, 0xd61f_0100, BTI_J]), []);
    let found = arm("other", &[0x1000_0048, 0xd61f_0100, NOP]);
    assert_eq!(
        found,
        [(4, Problem::Register), (8, Problem::NoPadAtAddress)]
    );
    // blr x8, with the link register saved: str x30, [sp, #-16]!; blr x8; ldr x30, [sp], #16
    assert_eq!(arm("other", &[0xf81f_0ffe, 0xd63f_0100, 0xf841_07fe]), []);
}

#[test]
fn returns_of_aarch64() {
    let ret = 0xd65f_03c0;
    assert_eq!(arm("other", &[ret]), []);
    // ldr xzr, [x8]; ldp xzr, xzr, [x8]: nothing happens to the stack pointer, which has the same number.
    assert_eq!(arm("other", &[0xf940_011f, 0xa940_7d1f, ret]), []);
    // stp x29, x30, [sp, #-16]!; mov x29, sp; blr x8; ldp x29, x30, [sp], #16; ret
    let frame = [0xa9bf_7bfd, 0x9100_03fd, 0xd63f_0100, 0xa8c1_7bfd, ret];
    assert_eq!(arm("other", &frame), []);
    let wrong = |words: &[u32], at: usize| {
        let found = arm("other", words);
        let is_wrong =
            |problem: &Problem| matches!(problem, Problem::Return(_) | Problem::Forbidden(_));
        assert!(
            matches!(&found[..], [(offset, problem)] if *offset == at && is_wrong(problem)),
            "{found:?}"
        );
    };
    // ret x5; mov x30, x5, ret; blr x8, ret
    wrong(&[0xd65f_00a0], 0);
    wrong(&[0xaa05_03fe, ret], 4);
    wrong(&[0xd63f_0100, ret], 4);
    // sub sp, sp, #16, and on to the next micro-op
    wrong(&[0xd100_43ff], 0);
    // str x30, [sp, #-16]!; str x5, [sp]; ldr x30, [sp], #16; ret
    wrong(&[0xf81f_0ffe, 0xf900_03e5, 0xf841_07fe, ret], 12);
    // paciasp without a check.
    wrong(&[0xd503_233f, ret], 4);
}

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

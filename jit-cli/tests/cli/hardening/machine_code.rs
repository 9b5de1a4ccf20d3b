//! Machine code by hand, and what the check says of it.

use jit_cli::{HardeningProblem as Problem, HardeningRules, StencilSet, Target, check_hardening};
use jit_schema::CodeEnd;
use jit_stencils::{Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup};

use super::{ARM_LINUX, BTI_C, ENDBR64};
use crate::sandbox::LINUX;

const WINDOWS: &str = "x86_64-pc-windows-msvc";
const BTI_J: u32 = 0xd503_249f;

pub(super) fn group(code: &[u8], holes: Vec<Hole>) -> StencilGroup {
    StencilGroup {
        code: Stencil {
            body: code.to_vec(),
            holes,
        },
        end: CodeEnd::FallsThrough,
        ..StencilGroup::default()
    }
}

pub(super) fn hole(offset: usize, patch: PatchKind, base: HoleValue, addend: i64) -> Hole {
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
pub(super) fn check(triple: &str, name: &str, group: StencilGroup) -> Vec<(usize, Problem)> {
    let set = StencilSet {
        target: *Target::from_triple(triple).unwrap(),
        groups: vec![(name.to_owned(), group)],
        symbols: ["host", "setjmp", "twice", "__chkstk"]
            .map(str::to_owned)
            .into(),
        shim: None,
        families: vec![],
    };
    let rules = HardeningRules::default().entries(["start", "leave"]);
    let rules = rules.unwrap().jumps(["leave"]).unwrap();
    let rules = rules.functions_that_return_twice(["twi*"]).unwrap();
    let found = check_hardening(&set, &rules).findings.into_iter();
    found.map(|one| (one.offset, one.problem)).collect()
}

pub(super) fn x86(name: &str, code: &[u8]) -> Vec<(usize, Problem)> {
    check(LINUX, name, group(code, vec![]))
}

pub(super) fn arm(name: &str, words: &[u32]) -> Vec<(usize, Problem)> {
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
}

#[test]
fn indirect_branches_of_x86() {
    // jmp rax, with and without notrack; jmp [rax]
    assert_eq!(x86("other", &[0xff, 0xe0]), [(0, Problem::Jump)]);
    assert_eq!(x86("other", &[0xff, 0x20]), [(0, Problem::Jump)]);
    assert_eq!(x86("leave", &[&ENDBR64[..], &[0xff, 0xe0]].concat()), []);
    let unchecked = [&ENDBR64[..], &[0x3e, 0xff, 0xe0]].concat();
    assert_eq!(x86("leave", &unchecked), [(4, Problem::Unchecked)]);
    // A far return, incsspq rax, ret 8, std
    for code in [
        &[0xcb][..],
        &[0xf3, 0x48, 0x0f, 0xae, 0xe8],
        &[0xc2, 8, 0],
        &[0xfd],
    ] {
        let found = x86("other", code);
        assert!(
            matches!(found[..], [(0, Problem::Forbidden(_))]),
            "{found:?}"
        );
    }
    // Bytes that are no instruction.
    assert_eq!(x86("other", &[0x06]), [(0, Problem::Unknown)]);
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
    // mov [rsp + rcx*8], rax; ret: an array that begins at the return address; in a frame, it is one of the frame's.
    let indexed = [0x48, 0x89, 0x04, 0xcc];
    is_return(x86("other", &[&indexed[..], &[0xc3]].concat()), 4);
    let (lower, raise) = ([0x48, 0x83, 0xec, 24], [0x48, 0x83, 0xc4, 24, 0xc3]);
    let frame = [&lower[..], &indexed, &raise].concat();
    assert_eq!(x86("other", &frame), []);
    // lea rdi, [rsp - 16]; mov ecx, `count`; rep stosb; ret
    let fill = |count| {
        [
            0x48, 0x8d, 0x7c, 0x24, 0xf0, 0xb9, count, 0, 0, 0, 0xf3, 0xaa, 0xc3,
        ]
    };
    assert_eq!(x86("other", &fill(16)), []);
    is_return(x86("other", &fill(17)), 12);
    // The same with rep stosq and the counter from the stack: push 3; pop rcx
    let words = [
        0x48, 0x8d, 0x7c, 0x24, 0xf0, 0x6a, 3, 0x59, 0xf3, 0x48, 0xab, 0xc3,
    ];
    is_return(x86("other", &words), 11);
    // mov [rsp + 8], rax; ret: in the caller's frame, but for Windows, where that is room for arguments.
    let above = [0x48, 0x89, 0x44, 0x24, 0x08, 0xc3];
    is_return(x86("other", &above), 5);
    let windows = check(WINDOWS, "other", group(&above, vec![]));
    assert_eq!(windows, []);
    // mov eax, 0x2000; call __chkstk; sub rsp, rax; add rsp, 0x2000; ret
    let large = [
        0xb8, 0, 0x20, 0, 0, 0xe8, 0, 0, 0, 0, 0x48, 0x29, 0xc4, 0x48, 0x81, 0xc4, 0, 0x20, 0, 0,
        0xc3,
    ];
    let of_symbol = |ordinal| Hole {
        value: PatchValue::Symbol { ordinal },
        ..hole(6, PatchKind::X86_64Trampoline, HoleValue::Zero, 0)
    };
    let large = |ordinal| check(WINDOWS, "other", group(&large, vec![of_symbol(ordinal)]));
    assert_eq!(large(3), []);
    // Any other function may change rax.
    is_return(large(0), 20);
    // push eax; push eax; call; ret: functions of 32-bit Windows that remove their arguments, and one that does not.
    for (name, is_right) in [
        ("_two@8", true),
        ("@two@16", true),
        ("_one@4", false),
        ("two", false),
        ("_aulldiv", false),
    ] {
        let call = Hole {
            value: PatchValue::Address {
                base: HoleValue::Zero,
                symbol: Some(name.into()),
                addend: -4,
            },
            ..hole(3, PatchKind::Patch32r, HoleValue::Zero, 0)
        };
        let code = [0x50, 0x50, 0xe8, 0, 0, 0, 0, 0xc3];
        let found = check("i686-pc-windows-msvc", "other", group(&code, vec![call]));
        match is_right {
            true => assert_eq!(found, [], "{name}"),
            false => is_return(found, 7),
        }
    }
    // lock xadd [rsp], rax; ret
    is_return(x86("other", &[0xf0, 0x48, 0x0f, 0xc1, 0x04, 0x24, 0xc3]), 6);
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
    assert_eq!(arm("other", &[NOP, sign, authenticate]), []);
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
    // adr x8, .+8; br x8: a block whose address is taken.
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
    // paciasp without a check; paciaz, which signs with zero.
    wrong(&[0xd503_233f, ret], 4);
    wrong(&[0xd503_231f, ret], 4);
    // ldadd x1, x30, [x0]
    wrong(&[0xf821_001e, ret], 4);
    // str x30, [sp, #-16]!; something that writes there; ldr x30, [sp], #16; ret
    for store in [
        // ldadd x1, x2, [sp]; swp x1, x2, [sp]; cas x1, x2, [sp]
        &[0xf821_03e2][..],
        &[0xf821_83e2],
        &[0xc8a1_7fe2],
        // str x5, [sp, x6]; strb w5, [sp, #4]
        &[0xf826_6be5],
        &[0x3900_13e5],
        // mov x8, sp; dc zva, x8
        &[0x9100_03e8, 0xd50b_7428],
    ] {
        let words = [&[0xf81f_0ffe], store, &[0xf841_07fe, ret]].concat();
        wrong(&words, 4 * words.len() - 4);
    }
    // str x5, [sp, #8]; ret: in the caller's frame.
    wrong(&[0xf900_07e5, ret], 4);
    // gcspopm x9; gcspushm x9; gcsss1 x9; gcsss2 x9; msr gcspr_el0, x9
    for word in [
        0xd52b_7729,
        0xd50b_7709,
        0xd50b_7749,
        0xd52b_7769,
        0xd51b_2529,
    ] {
        let found = arm("other", &[word]);
        assert!(
            matches!(found[..], [(0, Problem::Forbidden(_))]),
            "{word:x} {found:?}"
        );
    }
    // str x30, [sp, #-32]!; add x8, sp, #8; stlxr w10, x11, [x8]; ldr x30, [sp], #32; ret: next to what is saved.
    let beside = [0xf81e_0ffe, 0x9100_23e8, 0xc80a_fd0b, 0xf842_07fe, ret];
    assert_eq!(arm("other", &beside), []);
    // An array of the frame: str x30, [sp, #-32]!; add x8, sp, #16; str x5, [x8, x6, lsl #3]; ldr x30, [sp], #32; ret
    let array = [0xf81e_0ffe, 0x9100_43e8, 0xf826_7905, 0xf842_07fe, ret];
    assert_eq!(arm("other", &array), []);
}

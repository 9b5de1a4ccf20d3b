//! Jumps to addresses, and where the addresses are from: the stencil's own code, its data, the host, or anywhere.

use jit_cli::HardeningProblem as Problem;
use jit_stencils::{Hole, HoleValue, PatchKind, PatchValue, Stencil};

use super::{
    ARM_LINUX, ENDBR64,
    machine_code::{arm, check, group, hole, x86},
};
use crate::sandbox::LINUX;

const WINDOWS_32: &str = "i686-pc-windows-msvc";
const JMP_RAX: [u8; 2] = [0xff, 0xe0];
const BTI_C: u32 = super::BTI_C;
const BTI_J: u32 = 0xd503_249f;

/// A hole for the symbol with that number: its slot in the GOT.
fn slot(offset: usize, patch: PatchKind, ordinal: usize) -> Hole {
    let addend = match patch {
        PatchKind::X86_64_32rx => -4,
        _ => 0,
    };
    Hole {
        value: PatchValue::GotSlot { ordinal, addend },
        ..hole(offset, patch, HoleValue::Zero, 0)
    }
}

/// A hole for the address of a function or variable of the host.
fn symbol(offset: usize, patch: PatchKind, name: &str, addend: i64) -> Hole {
    Hole {
        value: PatchValue::Address {
            base: HoleValue::Zero,
            symbol: Some(name.into()),
            addend,
        },
        ..hole(offset, patch, HoleValue::Zero, 0)
    }
}

/// Checks code of x86_64 with these holes, before a landing pad whose address is the first word of the data. The second word is
/// an operand.
fn with_block(code: &[u8], holes: Vec<Hole>) -> Vec<(usize, Problem)> {
    let mut group = group(&[code, &ENDBR64, &[0x90]].concat(), holes);
    let place = code.len() as i64;
    group.data = Stencil {
        body: vec![0; 16],
        holes: vec![
            hole(0, PatchKind::Patch64, HoleValue::Code, place),
            hole(8, PatchKind::Patch64, HoleValue::Operand0, 0),
            // It fills a slot of the GOT, and writes nothing here.
            Hole {
                value: PatchValue::Symbol { ordinal: 0 },
                ..hole(0, PatchKind::GotSymbol, HoleValue::Zero, 0)
            },
        ],
    };
    check(LINUX, "other", group)
}

/// The displacement of an instruction that ends with it, to an offset in the data.
fn to_data(offset: usize, place: i64) -> Hole {
    hole(offset, PatchKind::Patch32r, HoleValue::Data, place - 4)
}

#[test]
fn jumps_to_blocks_of_x86() {
    let jump = |code: &[u8]| [code, &JMP_RAX].concat();
    // mov rax, [rip + table]; jmp rax
    let load = [0x48, 0x8b, 0x05, 0, 0, 0, 0];
    assert_eq!(with_block(&jump(&load), vec![to_data(3, 0)]), []);
    // push rax; pop rcx; jmp rcx
    let spilled = [&load[..], &[0x50, 0x59, 0xff, 0xe1]].concat();
    assert_eq!(with_block(&spilled, vec![to_data(3, 0)]), []);
    // The operand is the address of anything.
    let found = with_block(&jump(&load), vec![to_data(3, 8)]);
    assert_eq!(found, [(7, Problem::Jump)]);
    // add rax, rdi in between; a call in between, which does not keep rax: call rdx
    for code in [&[0x48, 0x01, 0xf8][..], &[0xff, 0xd2]] {
        let found = with_block(&jump(&[&load, code].concat()), vec![to_data(3, 0)]);
        assert_eq!(found, [(7 + code.len(), Problem::Jump)]);
    }
    // jmp rax, and jmp [rdi], in a stencil that takes an address.
    assert_eq!(with_block(&JMP_RAX, vec![]), [(0, Problem::Jump)]);
    assert_eq!(with_block(&[0xff, 0x27], vec![]), [(0, Problem::Jump)]);
    // jmp [rdi * 8 + table]; the object ends where the next one begins: mov rax, [rip + operand]
    let table = hole(3, PatchKind::Patch32s, HoleValue::Data, 0);
    let indexed = [0xff, 0x24, 0xfd, 0, 0, 0, 0];
    let found = with_block(&indexed, vec![table.clone()]);
    assert_eq!(found, [(0, Problem::Jump)]);
    let both = [&load[..], &indexed].concat();
    let table = Hole {
        offset: 10,
        ..table
    };
    assert_eq!(with_block(&both, vec![to_data(3, 8), table]), []);
    // lea rax, [rip + 2]; jmp rax: the assembler leaves no hole.
    let code = [0x48, 0x8d, 0x05, 2, 0, 0, 0, 0xff, 0xe0, 0x90];
    assert_eq!(x86("other", &code), [(9, Problem::NoPadAtAddress)]);
    let padded = [&code[..9], &ENDBR64].concat();
    assert_eq!(x86("other", &padded), []);
}

/// A jump through a table leads to the places of this table, not to those of a function with another frame.
#[test]
fn tables_of_two_functions() {
    let mut code = Vec::new();
    // lea rax, [rip + first]; jmp [rax + rdi*8]; endbr64; call +1; ret
    code.extend([0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xff, 0x24, 0xf8]);
    code.extend(ENDBR64);
    code.extend([0xe8, 1, 0, 0, 0, 0xc3]);
    // push rbx; lea rax, [rip + second]; jmp [rax + rsi*8]; endbr64; pop rbx; ret
    code.extend([0x53, 0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xff, 0x24, 0xf0]);
    code.extend(ENDBR64);
    code.extend([0x5b, 0xc3]);
    let with_second = |place: i64| {
        let mut group = group(&code, vec![to_data(3, 0), to_data(24, 8)]);
        group.data = Stencil {
            body: vec![0; 16],
            holes: vec![
                hole(0, PatchKind::Patch64, HoleValue::Code, 10),
                hole(8, PatchKind::Patch64, HoleValue::Code, place),
            ],
        };
        check(LINUX, "other", group)
    };
    assert_eq!(with_second(31), []);
    // The second table leads to the first one's place, with the frame of its own function.
    assert!(with_second(10).contains(&(31, Problem::SparePad)));
    assert!(
        with_second(10)
            .iter()
            .any(|(_, found)| matches!(found, Problem::Return(_)))
    );
}

/// clang's jump tables: distances from the table.
#[test]
fn jump_tables_of_x86() {
    // lea rcx, [rip + table]; movsxd rax, [rcx + rax*4]; add rax, rcx; jmp rax; endbr64; endbr64
    let start = [
        0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0x48, 0x63, 0x04, 0x81, 0x48, 0x01, 0xc8, 0xff, 0xe0,
    ];
    let code = [&start[..], &ENDBR64, &ENDBR64].concat();
    let with_base = |base: u8| {
        let mut code = code.clone();
        // add rax, `base`
        code[13] = base;
        let mut group = group(&code, vec![to_data(3, 0)]);
        group.data = Stencil {
            body: vec![0; 8],
            holes: vec![
                hole(0, PatchKind::Patch32r, HoleValue::Code, 16),
                hole(4, PatchKind::Patch32r, HoleValue::Code, 24),
            ],
        };
        check(LINUX, "other", group)
    };
    assert_eq!(with_base(0xc8), []);
    // add rax, rdx: not the table.
    assert_eq!(with_base(0xd0), [(14, Problem::Jump)]);
}

#[test]
fn jumps_to_the_host_from_x86() {
    // jmp [rip + slot of `host`], and mov rax, [rip + slot]; jmp rax
    let got = |offset| slot(offset, PatchKind::X86_64_32rx, 0);
    let direct = group(&[0xff, 0x25, 0, 0, 0, 0], vec![got(2)]);
    assert_eq!(check(LINUX, "other", direct), []);
    let load = [0x48, 0x8b, 0x05, 0, 0, 0, 0];
    let code = [&load[..], &JMP_RAX].concat();
    assert_eq!(check(LINUX, "other", group(&code, vec![got(3)])), []);
    // ... but not if something else is written to rax in between: mov rax, rbx
    let other = [&load[..], &[0x48, 0x89, 0xd8], &JMP_RAX].concat();
    let found = check(LINUX, "other", group(&other, vec![got(3)]));
    assert_eq!(found, [(10, Problem::Jump)]);
    // A variable of the host: mov rax, [rip + host]; jmp rax. Its address instead: lea rax, [rip + host]; jmp rax
    let address = || symbol(3, PatchKind::Patch32r, "host", -4);
    let found = check(LINUX, "other", group(&code, vec![address()]));
    assert_eq!(found, [(7, Problem::Jump)]);
    let lea = [0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xff, 0xe0];
    assert_eq!(check(LINUX, "other", group(&lea, vec![address()])), []);
    // jmp [host], through a variable and through the slot of a function
    let through = [0xff, 0x25, 0, 0, 0, 0];
    let variable = symbol(2, PatchKind::Patch32, "host", 0);
    let found = check(WINDOWS_32, "other", group(&through, vec![variable]));
    assert_eq!(found, [(0, Problem::Jump)]);
    let function = slot(2, PatchKind::Patch32, 0);
    let found = check(WINDOWS_32, "other", group(&through, vec![function]));
    assert_eq!(found, []);
}

#[test]
fn jumps_of_aarch64() {
    let check = |words: &[u32], holes: Vec<Hole>| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut group = group(&bytes, holes);
        group.data = Stencil {
            body: vec![0; 8],
            holes: vec![hole(0, PatchKind::Patch64, HoleValue::Code, 12)],
        };
        check(ARM_LINUX, "other", group)
    };
    let page = |value: Hole| Hole { offset: 0, ..value };
    let low = |value: Hole| Hole { offset: 4, ..value };
    // adrp x8; ldr x16, [x8]; br x16; bti j: through the GOT, a variable, and a word of the data
    let code = [0x9000_0008, 0xf940_0110, 0xd61f_0200, BTI_J];
    let got = |patch| slot(0, patch, 0);
    let (first, second) = (got(PatchKind::Aarch64_21rx), got(PatchKind::Aarch64_12x));
    assert_eq!(check(&code, vec![page(first), low(second)]), []);
    let of = |patch| symbol(0, patch, "host", 0);
    let (first, second) = (of(PatchKind::Aarch64_21r), of(PatchKind::Aarch64_12));
    let found = check(&code, vec![page(first.clone()), low(second.clone())]);
    assert_eq!(found, [(8, Problem::Jump)]);
    // adrp x8; add x16, x8, #0; br x16: the address of a function.
    let address = [0x9000_0008, 0x9100_0110, 0xd61f_0200, BTI_J];
    assert_eq!(check(&address, vec![page(first), low(second)]), []);
    // The word of the data is the address of the `bti j`, which a jump through x8 may arrive at: ldr x8, [x8]; br x8
    let word = |patch| hole(0, patch, HoleValue::Data, 0);
    let (first, second) = (word(PatchKind::Aarch64_21r), word(PatchKind::Aarch64_12));
    let code = [0x9000_0008, 0xf940_0108, 0xd61f_0100, BTI_J];
    let holes = || vec![page(first.clone()), low(second.clone())];
    assert_eq!(check(&code, holes()), []);
    // ldadd x1, x8, [x0] instead of the load: x8 is anything.
    let atomic = [0x9000_0008, 0xf821_0008, 0xd61f_0100, BTI_J];
    assert_eq!(
        check(&atomic, vec![page(first.clone())]),
        [(8, Problem::Register)]
    );
    // br x17 to anything, in a stencil that takes an address.
    let any = [0x9000_0008, 0xf940_0108, 0xd61f_0220, BTI_J];
    assert_eq!(check(&any, holes()), [(8, Problem::Jump)]);
    // adr x8, .+8; br x8; bti j: a block whose address is taken. br x9 is not that.
    assert_eq!(arm("other", &[0x1000_0048, 0xd61f_0100, BTI_J]), []);
    let found = arm("other", &[0x1000_0048, 0xd61f_0120, BTI_J]);
    assert_eq!(found, [(4, Problem::Register)]);
}

/// A landing pad after a call is for functions that return twice.
#[test]
fn functions_that_return_twice() {
    // call [rip + slot]; endbr64, with the slots of `host`, `setjmp` and `twice`, which the rules name
    let code = [&[0xff, 0x15, 0, 0, 0, 0][..], &ENDBR64].concat();
    let after = |ordinal| {
        let holes = vec![slot(2, PatchKind::X86_64_32rx, ordinal)];
        check(LINUX, "other", group(&code, holes))
    };
    assert_eq!(after(0), [(6, Problem::PadAfterCall)]);
    assert_eq!(after(1), []);
    assert_eq!(after(2), []);
    // Without the pad: call [rip + slot]; nop
    let bare = [0xff, 0x15, 0, 0, 0, 0, 0x90];
    let holes = vec![slot(2, PatchKind::X86_64_32rx, 1)];
    let found = check(LINUX, "other", group(&bare, holes));
    assert_eq!(found, [(6, Problem::NoPadAfterCall)]);
    // call rax; endbr64
    let code = [&[0xff, 0xd0], &ENDBR64[..]].concat();
    assert_eq!(x86("other", &code), [(2, Problem::PadAfterCall)]);
    // str x30, [sp, #-16]!; adrp x8; ldr x8, [x8]; blr x8; bti j; ldr x30, [sp], #16
    let words = [
        0xf81f_0ffe,
        0x9000_0008,
        0xf940_0108,
        0xd63f_0100,
        BTI_J,
        0xf841_07fe,
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let after = |ordinal| {
        let holes = vec![
            slot(4, PatchKind::Aarch64_21rx, ordinal),
            slot(8, PatchKind::Aarch64_12x, ordinal),
        ];
        check(ARM_LINUX, "other", group(&bytes, holes))
    };
    assert_eq!(after(0), [(16, Problem::PadAfterCall)]);
    assert_eq!(after(1), []);
    // The same with bl
    let words = [0xf81f_0ffe, 0x9400_0000, BTI_J, 0xf841_07fe];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let call = Hole {
        value: PatchValue::Symbol { ordinal: 1 },
        ..hole(4, PatchKind::Aarch64Trampoline, HoleValue::Zero, 0)
    };
    assert_eq!(check(ARM_LINUX, "other", group(&bytes, vec![call])), []);
}

/// Data is in executable pages in CPython.
#[test]
fn landing_pads_in_data() {
    let with_data = |triple: &str, code: &[u8], data: &[u8]| {
        let mut group = group(code, vec![]);
        group.data.body = data.to_vec();
        check(triple, "other", group)
    };
    let data = [&[0; 3][..], &ENDBR64].concat();
    let found = with_data(LINUX, &[0x90], &data);
    assert_eq!(found, [(0, Problem::PadInData(3))]);
    assert_eq!(with_data(LINUX, &[0x90], &data[1..6]), []);
    let nop = 0xd503_201f_u32.to_le_bytes();
    let words = [0_u32.to_le_bytes(), BTI_C.to_le_bytes()].concat();
    let found = with_data(ARM_LINUX, &nop, &words);
    assert_eq!(found, [(0, Problem::PadInData(4))]);
    // Instructions begin at multiples of four bytes.
    assert_eq!(
        with_data(ARM_LINUX, &nop, &[&[0; 2], &words[..]].concat()),
        []
    );
}

/// Addresses that lead to no instruction, or to another micro-op.
#[test]
fn addresses_that_are_no_places() {
    // nop; endbr64; nop
    let code = [&[0x90][..], &ENDBR64, &[0x90]].concat();
    let with_table = |place: i64| {
        let mut group = group(&code, vec![]);
        group.data.body = vec![0; 8];
        group.data.holes = vec![hole(0, PatchKind::Patch64, HoleValue::Code, place)];
        check(LINUX, "other", group)
    };
    assert_eq!(with_table(1), []);
    // At the nop before the pad; then nothing leads to the pad.
    assert_eq!(
        with_table(0),
        [(0, Problem::NoPadAtAddress), (1, Problem::SparePad)]
    );
    assert_eq!(
        with_table(2),
        [(0, Problem::NoInstruction(2)), (1, Problem::SparePad)]
    );
    // movabs rax, the address of the micro-op to jump to
    let code = [0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0];
    let place = hole(2, PatchKind::Patch64, HoleValue::JumpTarget, 0);
    let found = check(LINUX, "other", group(&code, vec![place]));
    assert_eq!(found, [(0, Problem::AddressOfPlace)]);
}

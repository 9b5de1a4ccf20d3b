//! Reads instructions with decoders of other projects.

use iced_x86::{Decoder, DecoderOptions, Instruction};
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction as Aarch64, Operand};

pub(crate) use iced_x86::{Code, Mnemonic, OpKind, Register};
pub(crate) use yaxpeax_arm::armv8::a64::{Opcode, SizeCode};

/// Decodes bytes that must be one x86 instruction.
pub(crate) fn x86(bitness: u32, bytes: &[u8], address: u64) -> Instruction {
    let instruction = x86_first(bitness, bytes, address);
    assert_eq!(instruction.len(), bytes.len(), "{bytes:02x?}");
    instruction
}

/// Decodes the first x86 instruction of the bytes.
pub(crate) fn x86_first(bitness: u32, bytes: &[u8], address: u64) -> Instruction {
    let instruction = Decoder::with_ip(bitness, bytes, address, DecoderOptions::NONE).decode();
    assert!(!instruction.is_invalid(), "{bytes:02x?}");
    instruction
}

/// Returns the address that an x86 instruction jumps to, or that its memory operand has relative to it.
pub(crate) fn x86_target(instruction: &Instruction) -> u64 {
    if instruction.is_ip_rel_memory_operand() {
        return instruction.ip_rel_memory_address();
    }
    let target = instruction.near_branch_target();
    assert_ne!(
        instruction.op0_kind(),
        OpKind::Memory,
        "{instruction:?} has no target"
    );
    target
}

pub(crate) fn aarch64(word: u32) -> Aarch64 {
    let bytes = word.to_le_bytes();
    InstDecoder::default()
        .decode(&mut U8Reader::new(&bytes))
        .unwrap_or_else(|error| panic!("{word:#010x}: {error:?}"))
}

/// Returns the offset in an AArch64 instruction in bytes: from its page for adrp, otherwise from the instruction.
pub(crate) fn aarch64_offset(word: u32) -> i64 {
    let instruction = aarch64(word);
    let offset = instruction
        .operands
        .iter()
        .find_map(|operand| match operand {
            Operand::PCOffset(offset) => Some(*offset),
            _ => None,
        });
    offset.unwrap_or_else(|| panic!("{instruction} has no target"))
}

/// Returns the immediate that an AArch64 instruction adds to a register.
pub(crate) fn aarch64_immediate(word: u32) -> u64 {
    let instruction = aarch64(word);
    let immediate = instruction
        .operands
        .iter()
        .find_map(|operand| match operand {
            Operand::Immediate(immediate) => Some(u64::from(*immediate)),
            Operand::RegPreIndex(_, offset, false) => Some(*offset as u64),
            _ => None,
        });
    immediate.unwrap_or_else(|| panic!("{instruction} has no immediate"))
}

/// Returns the 16 bits of a movz, movn or movk, and the shift.
pub(crate) fn aarch64_move(word: u32) -> (u64, u32) {
    let instruction = aarch64(word);
    match instruction.operands[1] {
        Operand::ImmShift(immediate, shift) => (u64::from(immediate), u32::from(shift)),
        _ => panic!("{instruction} is not a move"),
    }
}

/// Executes the instructions at these addresses one after the other, with memory that `load` reads, and returns the
/// content of register `register`. It supports only the instructions that a pair can become.
pub(crate) fn aarch64_run(
    register: u16,
    instructions: &[(u64, u32)],
    load: impl Fn(u64) -> u64,
) -> u64 {
    let mut content = 0xdead_beef_dead_beef;
    let own = |operand: Operand| {
        let is_own = matches!(
            operand,
            Operand::Register(SizeCode::X, number) | Operand::RegisterOrSP(SizeCode::X, number)
                if number == register
        );
        assert!(is_own, "{operand:?} is not x{register}");
    };
    for (address, word) in instructions {
        let instruction = aarch64(*word);
        let [first, second, ..] = instruction.operands;
        if instruction.opcode == Opcode::HINT {
            assert_eq!(*word, 0xd503_201f, "not the nop of the architecture manual");
            continue;
        }
        own(first);
        let after = |offset: i64| address.wrapping_add_signed(offset);
        content = match (instruction.opcode, second) {
            (Opcode::ADRP, Operand::PCOffset(offset)) => {
                (address & !0xfff).wrapping_add_signed(offset)
            }
            (Opcode::LDR, Operand::PCOffset(offset)) => load(after(offset)),
            (Opcode::LDR, Operand::RegPreIndex(base, offset, false)) => {
                assert_eq!(base, register);
                load(content.wrapping_add_signed(i64::from(offset)))
            }
            (Opcode::ADD, source) => {
                own(source);
                content.wrapping_add(aarch64_immediate(*word))
            }
            (Opcode::MOVZ, Operand::ImmShift(bits, shift)) => u64::from(bits) << shift,
            (Opcode::MOVK, Operand::ImmShift(bits, shift)) => {
                content & !(0xffff << shift) | u64::from(bits) << shift
            }
            _ => panic!("{instruction} is not what a pair becomes"),
        };
    }
    content
}

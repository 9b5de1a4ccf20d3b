//! The operands of AArch64's instructions, as far as the check has to know them.

use yaxpeax_arm::armv8::a64::{Instruction, Opcode, Operand, SizeCode};

/// The most that an instruction writes, in bytes.
const FOUR_VECTORS: i64 = 64;

/// A memory operand: its base, the offset of the access, and what is added to the base.
pub(super) fn memory(instruction: &Instruction) -> Option<(u16, i64, i64)> {
    let mut operands = instruction.operands.iter();
    operands.find_map(|operand| match *operand {
        Operand::RegPreIndex(base, offset, writes_back) => {
            let offset = i64::from(offset);
            Some((base, offset, if writes_back { offset } else { 0 }))
        }
        Operand::RegPostIndex(base, offset) => Some((base, 0, i64::from(offset))),
        _ => None,
    })
}

pub(super) fn register(operand: Option<&Operand>) -> Option<u16> {
    match operand {
        Some(Operand::Register(_, number)) => Some(*number),
        _ => None,
    }
}

/// Returns the number of an operand that is a register or the stack pointer.
pub(super) fn with_sp(operand: Option<&Operand>) -> Option<u16> {
    match operand {
        Some(Operand::Register(_, number) | Operand::RegisterOrSP(_, number)) => Some(*number),
        _ => None,
    }
}

pub(super) fn immediate(operand: Option<&Operand>) -> Option<i64> {
    match operand {
        Some(Operand::Immediate(value)) => Some(i64::from(*value)),
        Some(Operand::Imm16(value)) => Some(i64::from(*value)),
        Some(Operand::ImmShift(value, shift)) => Some(i64::from(*value) << shift),
        _ => None,
    }
}

/// How an instruction uses memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    None,
    Load,
    Store,
}

pub(super) fn access(instruction: &Instruction) -> Access {
    let name = instruction.opcode.to_string();
    match name.get(..2) {
        Some("st") => Access::Store,
        Some("ld") => Access::Load,
        // Atomic ones.
        _ if name.starts_with("swp") || name.starts_with("cas") => Access::Store,
        _ => Access::None,
    }
}

/// Returns how many bytes a store writes at most, from that many operands.
pub(super) fn size(instruction: &Instruction, operands: usize) -> i64 {
    match instruction.opcode {
        Opcode::STRB | Opcode::STURB | Opcode::STLRB => return 1,
        Opcode::STRH | Opcode::STURH | Opcode::STLRH => return 2,
        _ if !is_plain_store(instruction) => return FOUR_VECTORS,
        _ => {}
    }
    let written = instruction.operands.iter().take(operands);
    let sizes = written.map(|operand| match operand {
        Operand::Register(SizeCode::W, _) => 4,
        Operand::Register(SizeCode::X, _) => 8,
        _ => 16,
    });
    sizes.sum()
}

/// Returns whether a store writes no register but its base.
pub(super) fn is_plain_store(instruction: &Instruction) -> bool {
    matches!(
        instruction.opcode,
        Opcode::STP
            | Opcode::STNP
            | Opcode::STR
            | Opcode::STUR
            | Opcode::STRB
            | Opcode::STRH
            | Opcode::STURB
            | Opcode::STURH
            | Opcode::STLR
            | Opcode::STLRB
            | Opcode::STLRH
    )
}

/// Returns the number of bytes from an instruction to the place that it refers to.
pub(super) fn distance(instruction: &Instruction) -> Option<i64> {
    let mut operands = instruction.operands.iter();
    operands.find_map(|operand| match operand {
        Operand::PCOffset(distance) => Some(*distance),
        _ => None,
    })
}

//! The operands of AArch64's instructions, as far as the check has to know them.

use yaxpeax_arm::armv8::a64::{Instruction, Opcode, Operand, SizeCode};

/// The most that an instruction writes, in bytes.
const FOUR_VECTORS: i64 = 64;

/// A memory operand.
pub(super) struct Memory {
    pub(super) base: usize,
    /// A register that is added to the base.
    pub(super) index: Option<usize>,
    /// The number that is added to the base.
    pub(super) offset: i64,
    pub(super) update: Update,
}

/// What happens to the base of a memory operand.
pub(super) enum Update {
    None,
    /// So many bytes are added.
    By(i64),
    Unknown,
}

/// Returns the memory operand of an instruction, but for places that count from the instruction.
pub(super) fn memory(instruction: &Instruction) -> Option<Memory> {
    let mut operands = instruction.operands.iter();
    operands.find_map(|operand| {
        let (base, index, offset, update) = match *operand {
            Operand::RegPreIndex(base, offset, true) => {
                let offset = i64::from(offset);
                (base, None, offset, Update::By(offset))
            }
            Operand::RegPreIndex(base, offset, false) => {
                (base, None, i64::from(offset), Update::None)
            }
            Operand::RegPostIndex(base, offset) => (base, None, 0, Update::By(i64::from(offset))),
            Operand::RegPostIndexReg(base, _) => (base, None, 0, Update::Unknown),
            Operand::RegRegOffset(base, index, ..) => (base, Some(index), 0, Update::None),
            _ => return None,
        };
        Some(Memory {
            base: usize::from(base),
            index: index.map(usize::from),
            offset,
            update,
        })
    })
}

pub(super) fn register(operand: Option<&Operand>) -> Option<usize> {
    match operand {
        Some(Operand::Register(_, number)) => Some(usize::from(*number)),
        _ => None,
    }
}

/// Returns the registers that an instruction names, in their order. For 31, it does not name the stack pointer.
pub(super) fn registers(instruction: &Instruction) -> impl Iterator<Item = usize> {
    let operands = instruction.operands.iter().flat_map(|operand| {
        let (one, other) = match *operand {
            Operand::Register(_, number) => (Some(number), None),
            Operand::RegisterPair(_, number) => (Some(number), Some(number + 1)),
            _ => (None, None),
        };
        [one, other]
    });
    operands.flatten().map(usize::from)
}

/// Returns the number of an operand that is a register or the stack pointer.
pub(super) fn with_sp(operand: Option<&Operand>) -> Option<usize> {
    match operand {
        Some(Operand::Register(_, number) | Operand::RegisterOrSP(_, number)) => {
            Some(usize::from(*number))
        }
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

/// What the names of instructions begin with that only read memory. Others with `ld` are atomic ones, which write it, too.
const LOADS: [&str; 16] = [
    "ldr", "ldp", "ldnp", "ldur", "ldar", "ldapr", "ldapur", "ldlar", "ldax", "ldx", "ldtr", "ldg",
    "ld1", "ld2", "ld3", "ld4",
];

pub(super) fn access(instruction: &Instruction) -> Access {
    let name = instruction.opcode.to_string();
    match name.get(..2) {
        Some("ld") if LOADS.iter().any(|load| name.starts_with(load)) => Access::Load,
        Some("ld" | "st") => Access::Store,
        // Atomic ones.
        _ if name.starts_with("swp") || name.starts_with("cas") => Access::Store,
        _ => Access::None,
    }
}

/// Returns whether an instruction moves two registers.
pub(super) fn is_pair(instruction: &Instruction) -> bool {
    matches!(instruction.opcode, Opcode::STP | Opcode::STNP)
}

/// Returns whether a load fills general registers of 64 bits with what is in memory.
pub(super) fn is_whole_load(instruction: &Instruction) -> bool {
    let is_load = matches!(
        instruction.opcode,
        Opcode::LDR | Opcode::LDUR | Opcode::LDP | Opcode::LDNP
    );
    let first = instruction.operands.first();
    is_load && matches!(first, Some(Operand::Register(SizeCode::X, _)))
}

/// Returns whether an instruction changes the link register without naming it: it signs, checks or strips the return address.
pub(super) fn changes_link(instruction: &Instruction) -> bool {
    let name = instruction.opcode.to_string();
    let signs = name.starts_with("paci") || name.starts_with("auti");
    let is_named = matches!(instruction.operands.first(), Some(Operand::Register(..)));
    name == "xpaclri" || signs && !is_named && !changes_16_and_17(instruction)
}

/// Returns whether an instruction changes x16 or x17 without naming it: it signs or checks an address there.
pub(super) fn changes_16_and_17(instruction: &Instruction) -> bool {
    matches!(
        instruction.opcode,
        Opcode::PACIA1716 | Opcode::PACIB1716 | Opcode::AUTIA1716 | Opcode::AUTIB1716
    )
}

/// Returns how many bytes a store writes at most, from that many operands.
pub(super) fn size(instruction: &Instruction, operands: usize) -> i64 {
    match instruction.opcode {
        Opcode::STRB | Opcode::STURB | Opcode::STLRB => return 1,
        Opcode::STRH | Opcode::STURH | Opcode::STLRH => return 2,
        _ if !is_plain_store(instruction) => return atomic_size(instruction),
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

/// Returns how many bytes an instruction writes at most that is no plain store.
fn atomic_size(instruction: &Instruction) -> i64 {
    let name = instruction.opcode.to_string();
    let is_pair = ["stxp", "stlxp", "casp", "swpp"]
        .iter()
        .any(|pair| name.starts_with(pair));
    let is_atomic = ["stx", "stlx", "cas", "swp", "ld"]
        .iter()
        .any(|one| name.starts_with(one));
    match (is_pair, is_atomic) {
        (true, _) => 16,
        (false, true) => 8,
        (false, false) => FOUR_VECTORS,
    }
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

/// Returns whether the bytes of an instruction are one that changes the guarded control stack: GCSPUSHM, GCSPOPM, GCSSS1, GCSSS2,
/// GCSPOPCX and the like, which are SYS or SYSL with CRn and CRm of 7, or MSR to GCSPR_ELx. The decoder knows no names for them.
pub(super) fn changes_second_stack(bytes: &[u8]) -> bool {
    let word = bytes.first_chunk().map(|word| u32::from_le_bytes(*word));
    word.is_some_and(|word| word & 0xffd8_ff00 == 0xd508_7700 || word & 0xfff0_ff00 == 0xd510_2500)
}

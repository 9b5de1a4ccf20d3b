//! What single instructions do to registers and to the stack.

use crate::instruction::{Instruction, Operation};
use crate::isa::x86::operands::{Register, is_plain, split};

pub(super) const EAX: usize = 0;
pub(super) const ECX: usize = 2;
pub(super) const EDX: usize = 3;
const ESP: usize = 7;
/// The number of registers.
pub(super) const COUNT: usize = 8;
/// All registers, one bit each.
pub(super) const ALL: u8 = 0xff;

/// What an instruction does, as far as this pass needs it. Registers are indexes into
/// [`REGISTERS`](crate::isa::x86::operands::REGISTERS), and offsets are in bytes from the stack
/// pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// `movl 8(%esp), %eax`
    Load { offset: i32, to: usize },
    /// `movl %eax, 8(%esp)`
    Store { from: usize, offset: i32 },
    /// `movl %eax, %ecx`
    Copy { from: usize, to: usize },
    /// `pushl %eax`
    Push,
    /// `popl %eax`
    Pop { to: usize },
    /// `addl $8, %esp`
    Adjust { by: i32 },
    /// A call, direct or indirect.
    Call,
    /// An instruction that writes these registers, one bit each, and maybe to the stack.
    Other { writes: u8, offset: Option<i32> },
    /// A jump or branch to a label.
    Branch,
    /// A return or an indirect jump, which ends a block.
    Leave,
}

impl Step {
    /// An instruction that changes neither registers nor the stack.
    const NOTHING: Step = Step::Other {
        writes: 0,
        offset: None,
    };
}

/// The registers that an instruction uses, one bit each.
pub(super) struct Effect {
    /// The registers that it certainly writes as a whole.
    writes: u8,
    /// The registers that it may read.
    reads: u8,
}

impl Effect {
    /// Returns the registers that may be read from before the instruction on, from those that may be
    /// read after it.
    pub(super) fn live_before(&self, after: u8) -> u8 {
        after & !self.writes | self.reads
    }
}

/// Returns the registers that an instruction uses.
pub(super) fn effect(instruction: &Instruction<'_>) -> Effect {
    let (writes, reads) = match step(instruction) {
        Some(Step::Load { to, .. } | Step::Pop { to }) => (bit(to), bit(ESP)),
        Some(Step::Copy { from, to }) => (bit(to), bit(from)),
        Some(Step::Store { from, .. }) => (0, bit(from) | bit(ESP)),
        Some(Step::Push) => (0, mentioned(&instruction.text) | bit(ESP)),
        Some(Step::Adjust { .. }) => (0, bit(ESP)),
        // The blocks after it add what they read.
        Some(Step::Branch) => (0, 0),
        // A function does not read the registers that it has to preserve.
        Some(Step::Call) => {
            let passed = bit(EAX) | bit(ECX) | bit(EDX) | bit(ESP);
            (0, mentioned(&instruction.text) | passed)
        }
        Some(Step::Other { writes, .. }) => other_effect(instruction, writes),
        Some(Step::Leave) | None => (0, ALL),
    };
    Effect { writes, reads }
}

/// Returns the registers that an instruction certainly writes, and those that it may read, if it is a
/// [`Step::Other`].
fn other_effect(instruction: &Instruction<'_>, writes: u8) -> (u8, u8) {
    let Some((mnemonic, operands)) = split(instruction) else {
        return (0, ALL);
    };
    let overwrites = matches!(
        mnemonic,
        "movl" | "leal" | "movzwl" | "movzbl" | "movswl" | "movsbl"
    );
    let implied = match mnemonic {
        "imull" | "mull" | "idivl" | "divl" | "cltd" => bit(EAX) | bit(EDX),
        _ => 0,
    };
    match (operands.split_last(), overwrites) {
        (Some((destination, sources)), true) if Register::parse(destination).is_some() => {
            let reads = sources
                .iter()
                .fold(0, |all, source| all | mentioned(source));
            (writes, reads)
        }
        _ => (0, mentioned(&instruction.text) | implied),
    }
}

/// Returns the registers that a text names.
fn mentioned(text: &str) -> u8 {
    text.split('%').skip(1).fold(0, |all, rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        Register::parse(&format!("%{name}")).map_or(all, |register| all | bit(register.number))
    })
}

fn bit(register: usize) -> u8 {
    1 << (register % COUNT)
}

/// Returns what an instruction does, or `None` if that is not certain.
pub(super) fn step(instruction: &Instruction<'_>) -> Option<Step> {
    match instruction.operation {
        Operation::Call { .. } => return Some(Step::Call),
        Operation::Return => return Some(Step::Leave),
        Operation::Jump { .. } => return Some(Step::Branch),
        Operation::Branch { branch, .. } => {
            return branch.inverse.is_some().then_some(Step::Branch);
        }
        Operation::Other => {}
    }
    match instruction.text.trim() {
        "cltd" => {
            return Some(Step::Other {
                writes: bit(EDX),
                offset: None,
            });
        }
        "retl" => return Some(Step::Leave),
        // `@feat.00 = 1` gives a symbol its value.
        text if text.split_whitespace().nth(1) == Some("=") => return Some(Step::NOTHING),
        _ => {}
    }
    match split(instruction) {
        Some((mnemonic, operands)) => with_operands(mnemonic, &operands),
        // `fldz` and other floating-point instructions have none.
        None => {
            let text = instruction.text.split('#').next()?.trim();
            let alone = is_float(text) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            alone.then_some(Step::NOTHING)
        }
    }
}

fn is_float(mnemonic: &str) -> bool {
    mnemonic.starts_with('f')
}

/// Returns what an instruction with operands does, or `None` if that is not certain.
fn with_operands(mnemonic: &str, operands: &[&str]) -> Option<Step> {
    let (&last, sources) = operands.split_last()?;
    match (mnemonic, sources, last) {
        ("addl" | "subl", [by], "%esp") => {
            let by: i32 = by.strip_prefix('$')?.parse().ok()?;
            let by = if mnemonic == "subl" {
                by.checked_neg()?
            } else {
                by
            };
            return Some(Step::Adjust { by });
        }
        ("leal", [source], _) if source.contains("%esp") => return None,
        _ => {}
    }
    // Any other use of the stack pointer must be `8(%esp)`.
    let mut offsets = [None; 3];
    for (operand, offset) in operands.iter().zip(&mut offsets) {
        *offset = match stack_offset(operand.trim_start_matches('*')) {
            Some(offset) => Some(offset),
            None if operand.contains("esp") || operand.contains("%sp") => return None,
            None => None,
        };
    }
    let at_last = offsets.get(operands.len() - 1).copied().flatten();
    match (mnemonic, sources, last) {
        ("movl", [source], _) => match (offsets[0], number(source), at_last, number(last)) {
            (Some(offset), _, _, Some(to)) => return Some(Step::Load { offset, to }),
            (_, Some(from), Some(offset), _) => return Some(Step::Store { from, offset }),
            (_, Some(from), _, Some(to)) => return Some(Step::Copy { from, to }),
            _ => {}
        },
        ("pushl", [], _) => return Some(Step::Push),
        ("popl", [], _) => return number(last).map(|to| Step::Pop { to }),
        ("calll", [], _) => return Some(Step::Call),
        ("jmpl", [], _) => return Some(Step::Leave),
        _ => {}
    }
    let implied = match (mnemonic, sources.len()) {
        ("imull", 0) | ("mull" | "idivl" | "divl", 0) => bit(EAX) | bit(EDX),
        ("imull", _) => 0,
        _ if is_plain(mnemonic) || is_float(mnemonic) => 0,
        _ => return None,
    };
    let reads_only = mnemonic.starts_with("cmp") || mnemonic.starts_with("test");
    let written = Register::parse(last).filter(|_| !reads_only);
    Some(Step::Other {
        writes: implied | written.map_or(0, |register| bit(register.number)),
        offset: at_last.filter(|_| !reads_only),
    })
}

/// Returns the 32-bit register that an operand names, if it is one.
fn number(operand: &str) -> Option<usize> {
    let register = Register::parse(operand)?;
    (register.bits == 32 && register.number < COUNT).then_some(register.number)
}

/// Returns the offset of `8(%esp)` or `(%esp)`.
fn stack_offset(operand: &str) -> Option<i32> {
    match operand.strip_suffix("(%esp)")? {
        "" => Some(0),
        number => number.parse().ok(),
    }
}

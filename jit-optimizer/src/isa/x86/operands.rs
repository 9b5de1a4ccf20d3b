//! The operands of x86 instructions in AT&T syntax.

use std::fmt;

use crate::instruction::Instruction;
use crate::scan;

/// The names of the general registers, for their lowest 64, 32, 16 and 8 bits.
pub(super) const REGISTERS: [[&str; 4]; 16] = [
    ["rax", "eax", "ax", "al"],
    ["rbx", "ebx", "bx", "bl"],
    ["rcx", "ecx", "cx", "cl"],
    ["rdx", "edx", "dx", "dl"],
    ["rsi", "esi", "si", "sil"],
    ["rdi", "edi", "di", "dil"],
    ["rbp", "ebp", "bp", "bpl"],
    ["rsp", "esp", "sp", "spl"],
    ["r8", "r8d", "r8w", "r8b"],
    ["r9", "r9d", "r9w", "r9b"],
    ["r10", "r10d", "r10w", "r10b"],
    ["r11", "r11d", "r11w", "r11b"],
    ["r12", "r12d", "r12w", "r12b"],
    ["r13", "r13d", "r13w", "r13b"],
    ["r14", "r14d", "r14w", "r14b"],
    ["r15", "r15d", "r15w", "r15b"],
];

/// The names of bits 8 to 15 of the first four registers.
const HIGH_BYTES: [&str; 4] = ["ah", "bh", "ch", "dh"];

/// Instructions that write no general register except their last operand, and read none that they do
/// not name, except that `push` and `pop` use the stack pointer. A letter for the width may follow.
const PLAIN: [&str; 29] = [
    "mov", "movabs", "movsl", "movsb", "movsw", "movzb", "movzw", "lea", "add", "adc", "sub",
    "sbb", "and", "or", "xor", "cmp", "test", "inc", "dec", "neg", "not", "shl", "shr", "sar",
    "rol", "ror", "bt", "push", "pop",
];

/// A general register, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Register {
    /// Index into [`REGISTERS`].
    pub(super) number: usize,
    pub(super) bits: u32,
}

impl Register {
    /// Returns the register that an operand names, if it is a register.
    pub(super) fn parse(operand: &str) -> Option<Register> {
        Register::named(operand.strip_prefix('%')?)
    }

    /// Returns the register with a name, which has no `%`.
    pub(super) fn named(name: &str) -> Option<Register> {
        if let Some(number) = HIGH_BYTES.iter().position(|known| *known == name) {
            return Some(Register { number, bits: 8 });
        }
        REGISTERS.iter().enumerate().find_map(|(number, names)| {
            let width = names.iter().position(|known| *known == name)?;
            Some(Register {
                number,
                bits: 64 >> width,
            })
        })
    }

    /// Returns the operand that names all 64 bits of it.
    pub(super) fn wide(self) -> String {
        format!("%{}", REGISTERS[self.number][0])
    }

    /// Returns the name of its lowest 32 bits.
    pub(super) fn narrow(self) -> &'static str {
        REGISTERS[self.number][1]
    }
}

/// An operand in memory that has no symbol: `8(%rax,%rcx,2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) displacement: i64,
    pub(super) base: Option<Register>,
    pub(super) index: Option<Register>,
    /// 1, 2, 4 or 8.
    pub(super) scale: i64,
}

impl Memory {
    /// Returns the place that an operand names by 64-bit registers, if it does.
    pub(super) fn parse(operand: &str) -> Option<Memory> {
        let (displacement, registers) = operand.strip_suffix(')')?.split_once('(')?;
        let displacement = match displacement.trim() {
            "" => 0,
            number => number.parse().ok()?,
        };
        let register = |name: &str| match name {
            "" => Some(None),
            name => {
                let register = Register::parse(name).filter(|register| register.bits == 64)?;
                Some(Some(register))
            }
        };
        let mut parts = registers.split(',').map(str::trim);
        let base = register(parts.next()?)?;
        let index = register(parts.next().unwrap_or_default())?;
        let scale = parts.next().map_or(Some(1), |scale| scale.parse().ok())?;
        let valid = parts.next().is_none() && matches!(scale, 1 | 2 | 4 | 8);
        valid.then_some(Memory {
            displacement,
            base,
            index,
            scale,
        })
    }

    /// Returns whether its address depends on a register.
    pub(super) fn has(self, register: usize) -> bool {
        let is = |one: Option<Register>| one.is_some_and(|one| one.number == register);
        is(self.base) || is(self.index)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.displacement)?;
        if let Some(base) = self.base {
            f.write_str(&base.wide())?;
        }
        if let Some(index) = self.index {
            write!(f, ",{},{}", index.wide(), self.scale)?;
        }
        f.write_str(")")
    }
}

/// Returns the number that an operand is, if it is one.
pub(super) fn immediate(operand: &str) -> Option<i64> {
    operand.strip_prefix('$')?.parse().ok()
}

/// Returns whether an instruction writes no general register except its last operand.
pub(super) fn is_plain(mnemonic: &str) -> bool {
    let is = |word: &str| PLAIN.contains(&word);
    is(mnemonic)
        || mnemonic.strip_suffix(['b', 'w', 'l', 'q']).is_some_and(is)
        || mnemonic.starts_with("set")
        || mnemonic.starts_with("cmov")
}

/// Returns the mnemonic and the operands, or `None` for a line that does not have both, or that may be
/// more than one instruction.
pub(super) fn split<'t>(instruction: &'t Instruction<'_>) -> Option<(&'t str, Vec<&'t str>)> {
    split_code(instruction.text.split('#').next()?)
}

/// Does the same as [`split`] for a line without a comment.
pub(super) fn split_code(code: &str) -> Option<(&str, Vec<&str>)> {
    let (mnemonic, rest) = scan::mnemonic(code)?;
    if rest.contains([';', '{']) || mnemonic.contains(';') {
        return None;
    }
    let mut depth = 0_usize;
    let operands = rest.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    Some((mnemonic, operands.map(str::trim).collect()))
}

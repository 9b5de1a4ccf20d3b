//! The forms of instructions: how long they are, and which can have a field.

use jit_schema::label::FIELD_MARK;

use super::value::{Extension, Field, Value};
use crate::isa::x86::operands::{Memory, REGISTERS, Register, immediate};

/// What becomes of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// It becomes one that copies 32 bits.
    Copy { from: Register, to: Register },
    /// It becomes one that puts a field into a register.
    Set { register: Register, field: Field },
    /// Its first operand becomes a field.
    Immediate { field: Field },
    /// It adds a register to a value and becomes `lea`, whose displacement is the field.
    Sum {
        to: Register,
        memory: Memory,
        field: Field,
    },
    /// The displacement of an operand in memory becomes a field.
    Displacement {
        operand: usize,
        memory: Memory,
        field: Field,
    },
}

/// Returns about how many bytes an instruction has whose result is known.
pub(super) fn size(mnemonic: &str, operands: &[&str]) -> i64 {
    let extended = |operand: &&str| {
        let name = operand.trim_start_matches('%');
        Register::named(name).is_some_and(|register| register.number >= 8 || register.bits == 64)
    };
    let prefix = i64::from(operands.iter().any(extended));
    let symbol = |operand: &&str| operand.contains("_JIT_");
    let small = |operand: &&str| operand.contains("_JIT_OPARG") || operand.contains("_JIT_TARGET");
    match mnemonic {
        // If it stays, it becomes an instruction with a field.
        _ if operands.iter().any(small) => {
            5 + i64::from(
                operands
                    .last()
                    .and_then(|to| Register::parse(to))
                    .is_some_and(|to| to.number >= 8),
            )
        }
        "movabsq" => 10,
        _ if operands.iter().any(symbol) => 7,
        "popq" | "movslq" | "movzwl" => 3,
        "leal" | "leaq" => {
            let memory = operands.first().and_then(|operand| Memory::parse(operand));
            let rex = i64::from(mnemonic == "leaq");
            3 + rex + memory.map_or(0, displacement_size)
        }
        "movl" | "movq" | "xorl" => {
            let number = operands
                .first()
                .is_some_and(|operand| immediate(operand).is_some());
            2 + prefix + if number { 3 } else { 0 }
        }
        _ => 2 + prefix + i64::from(operands.len() == 2 && immediate(operands[0]).is_some()),
    }
}

/// Returns whether an instruction uses no more than the lowest 32 bits of a register, and keeps none of the others.
pub(super) fn uses_low(operands: &[&str], register: usize) -> bool {
    let wide = REGISTERS[register][0];
    let names = operands
        .iter()
        .flat_map(|operand| operand.split(|c: char| !c.is_ascii_alphanumeric()));
    let destination = operands.last().and_then(|operand| Register::parse(operand));
    let is_part = destination.is_some_and(|to| to.number == register && to.bits < 32);
    !is_part && !names.into_iter().any(|name| name == wide)
}

/// Returns how many bytes a displacement has.
fn displacement_size(memory: Memory) -> i64 {
    let needed = memory
        .base
        .is_some_and(|base| matches!(base.number, 6 | 13));
    match memory.displacement {
        _ if memory.base.is_none() => 4,
        0 if !needed => 0,
        -128..=127 => 1,
        _ => 4,
    }
}

/// Makes the first operand, a register, an immediate.
pub(super) fn immediate_plan(
    mnemonic: &str,
    operands: &[&str],
    register: usize,
    value: Value,
) -> Option<(Plan, i64)> {
    let [source, destination] = *operands else {
        return None;
    };
    let source = Register::parse(source).filter(|source| source.number == register)?;
    let other = match Register::parse(destination) {
        Some(other) => other.number == register,
        None => Memory::parse(destination).is_none_or(|memory| memory.has(register)),
    };
    let suffix = match source.bits {
        32 => "l",
        64 => "q",
        _ => return None,
    };
    let operation = mnemonic.strip_suffix(suffix)?;
    let known = [
        "mov", "add", "sub", "and", "or", "xor", "cmp", "test", "adc", "sbb",
    ];
    if other || !known.contains(&operation) {
        return None;
    }
    let extension = match source.bits {
        64 => Extension::Sign,
        _ => Extension::None,
    };
    Some((
        Plan::Immediate {
            field: value.field(extension)?,
        },
        4,
    ))
}

/// Returns whether an instruction writes all bits of a register that is the operand with a number, and does not read it there.
fn is_load(mnemonic: &str, number: usize, bits: u32) -> bool {
    let starts = |word| mnemonic.starts_with(word);
    number == 1 && bits >= 32 && (starts("mov") || starts("lea"))
}

/// Makes a register of an address a part of the displacement.
pub(super) fn displacement_plan(
    mnemonic: &str,
    operands: &[&str],
    register: usize,
    value: Value,
) -> Option<(Plan, i64)> {
    let mut found = None;
    for (number, operand) in operands.iter().enumerate() {
        match (Register::parse(operand), Memory::parse(operand)) {
            // What is loaded may replace it.
            (Some(other), _)
                if other.number == register && !is_load(mnemonic, number, other.bits) =>
            {
                return None;
            }
            (None, Some(memory)) if memory.has(register) => found = Some((number, memory)),
            _ => {}
        }
    }
    let (operand, memory) = found?;
    let is = |one: Option<Register>| one.is_some_and(|one| one.number == register);
    let (factor, rest) = match (is(memory.base), is(memory.index)) {
        (false, true) => (
            memory.scale,
            Memory {
                index: None,
                scale: 1,
                ..memory
            },
        ),
        (true, false) if memory.scale == 1 => {
            let rest = Memory {
                base: memory.index,
                index: None,
                ..memory
            };
            (1, rest)
        }
        (true, false) => (
            1,
            Memory {
                base: None,
                ..memory
            },
        ),
        _ => return None,
    };
    // Without a register, it is an address below 2^31.
    if rest.base.is_none() && rest.index.is_none() {
        return None;
    }
    let sum = value
        .times(factor, 64)?
        .plus(Value::number(memory.displacement), 64)?;
    let field = sum.field(Extension::Sign)?;
    let sib = match rest.base {
        Some(base) => rest.index.is_none() && !matches!(base.number, 7 | 12),
        None => false,
    };
    let longer = 4 - displacement_size(memory) - i64::from(sib);
    let memory = Memory {
        displacement: FIELD_MARK.into(),
        ..rest
    };
    Some((
        Plan::Displacement {
            operand,
            memory,
            field,
        },
        longer,
    ))
}

/// Makes an addition of a register to one with the value an address: the register, with the value as its displacement. That leaves the
/// flags, so they must be dead.
pub(super) fn sum_plan(
    mnemonic: &str,
    operands: &[&str],
    register: usize,
    value: Value,
) -> Option<(Plan, i64)> {
    let [source, destination] = *operands else {
        return None;
    };
    let source = Register::parse(source).filter(|source| source.number != register)?;
    let to = Register::parse(destination).filter(|to| to.number == register)?;
    let extension = match (mnemonic, source.bits, to.bits) {
        ("addq", 64, 64) => Extension::Sign,
        // The rest of the sum is cut off.
        ("addl", 32, 32) => Extension::None,
        _ => return None,
    };
    let base = Register { bits: 64, ..source };
    let memory = Memory {
        displacement: FIELD_MARK.into(),
        base: Some(base),
        index: None,
        scale: 1,
    };
    let field = value.field(extension)?;
    // Four bytes for the field, and one for addresses that begin at rsp or r12.
    let longer = 4 + i64::from(matches!(base.number, 7 | 12));
    Some((Plan::Sum { to, memory, field }, longer))
}

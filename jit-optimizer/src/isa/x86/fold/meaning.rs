//! What an instruction does with registers that hold known values.

use jit_schema::ObjectFormat;

use super::value::Value;
use crate::effect::{Effect, Registers};
use crate::isa::x86::effects;
use crate::isa::x86::operands::{Memory, REGISTERS, Register, immediate, split_code};
use crate::pass::Context;
use crate::symbol::Symbol;

/// What each register holds, if it is known, and the instruction that put it there.
pub(super) type State = [Option<Known>; REGISTERS.len()];

/// A known value in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) value: Value,
    /// The number of the instruction.
    pub(super) by: usize,
}

/// The registers that an instruction uses, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touched {
    /// Those that it may read.
    pub(super) reads: Registers,
    /// Those that it may write.
    pub(super) writes: Registers,
    /// Those that it writes all bits of, whatever they held.
    pub(super) replaces: Registers,
}

impl Touched {
    /// None of them.
    pub(super) const NONE: Touched = Touched {
        reads: Registers::NONE,
        writes: Registers::NONE,
        replaces: Registers::NONE,
    };

    /// All of them: those of an instruction that is not known.
    pub(super) const ALL: Touched = Touched {
        reads: Registers::ALL,
        writes: Registers::ALL,
        replaces: Registers::NONE,
    };

    /// Those of an instruction without a comment that is no branch, jump, call or return.
    pub(super) fn of(code: &str, format: ObjectFormat) -> Touched {
        if let Some((mnemonic, operands)) = split_code(code)
            && let Some(register) = zeroed(mnemonic, &operands)
        {
            return Touched::sets(register.number);
        }
        match effects::effect(code, format, 64) {
            Effect::Address { to, from: None, .. } => Touched::sets(to),
            Effect::Copy { from, to } => Touched {
                reads: Registers::one(from),
                ..Touched::sets(to)
            },
            Effect::Other { reads, .. } if only_reads(code) => Touched {
                reads,
                ..Touched::NONE
            },
            Effect::Other {
                reads,
                writes,
                replaces,
            } => Touched {
                reads,
                writes,
                replaces,
            },
            Effect::Address { .. }
            | Effect::JumpTo { .. }
            | Effect::CallTo { .. }
            | Effect::JumpThroughSlot { .. } => Touched::ALL,
        }
    }

    fn sets(register: usize) -> Touched {
        let register = Registers::one(register);
        Touched {
            reads: Registers::NONE,
            writes: register,
            replaces: register,
        }
    }
}

/// Returns whether an instruction writes to none of its operands.
fn only_reads(code: &str) -> bool {
    let mnemonic = split_code(code).map_or("", |(mnemonic, _)| mnemonic);
    let operation = mnemonic.strip_suffix(['b', 'w', 'l', 'q']);
    operation.is_some_and(|operation| ["cmp", "test", "bt", "push"].contains(&operation))
}

/// If an instruction makes a register 0 whatever it holds: returns the register.
fn zeroed(mnemonic: &str, operands: &[&str]) -> Option<Register> {
    let [source, destination] = *operands else {
        return None;
    };
    let register = Register::parse(destination).filter(|register| register.bits >= 32)?;
    let clears = matches!(mnemonic, "xorl" | "xorq" | "subl" | "subq") && source == destination;
    clears.then_some(register)
}

/// Returns the symbol of C whose value an operand is, and a number that is added to it.
///
/// On Linux that is the address of the symbol, on the other systems what is in the symbol's slot.
fn symbol(operand: &str, context: &Context<'_>) -> Option<(Symbol, i64)> {
    let syntax = context.syntax;
    let named = |name| Symbol::named(name, context.known.operands);
    match syntax.format {
        ObjectFormat::Elf => {
            let text = operand.strip_prefix('$')?;
            let (name, addend) = match text.split_once('+') {
                Some((name, addend)) => (name, addend.parse().ok()?),
                None => (text, 0),
            };
            Some((named(name)?, addend))
        }
        ObjectFormat::MachO => {
            let name = operand.strip_suffix("@GOTPCREL(%rip)")?;
            let name = name.strip_prefix(syntax.symbol_prefix)?;
            Some((named(name)?, 0))
        }
        ObjectFormat::Coff => {
            let name = operand.strip_prefix("__imp_")?.strip_suffix("(%rip)")?;
            let name = name.strip_prefix(syntax.symbol_prefix)?;
            Some((named(name)?, 0))
        }
    }
}

/// Returns the register that an instruction replaces by a value that is known, and the value. `before` is
/// the code of the instruction before it in the same block.
pub(super) fn result(
    state: &State,
    code: &str,
    before: Option<&str>,
    context: &Context<'_>,
) -> Option<(Register, Value)> {
    let (mnemonic, operands) = split_code(code)?;
    if let Some(register) = zeroed(mnemonic, &operands) {
        return Some((register, Value::number(0)));
    }
    let (destination, sources) = operands.split_last()?;
    let to = Register::parse(destination)?;
    let value = match *sources {
        [] if mnemonic == "popq" && to.bits == 64 => Value::number(pushed(before?)?),
        [] => unary(state, mnemonic, to)?,
        [source] => match symbol(source, context) {
            Some((symbol, addend)) => load(mnemonic, to, symbol, addend, context.syntax.format)?,
            None => binary(state, mnemonic, source, to)?,
        },
        [factor, source] => {
            let from = Register::parse(source).filter(|from| from.bits == to.bits)?;
            let suffix = mnemonic.strip_prefix("imul")?;
            let valid = matches!((suffix, to.bits), ("l", 32) | ("q", 64));
            let factor = immediate(factor).filter(|_| valid)?;
            held(state, from)?.times(factor, to.bits)?
        }
        _ => return None,
    };
    Some((to, value))
}

/// Returns the number that an instruction pushes.
pub(super) fn pushed(code: &str) -> Option<i64> {
    match split_code(code)? {
        ("pushq", operands) => match *operands {
            [operand] => immediate(operand),
            _ => None,
        },
        _ => None,
    }
}

/// Returns what an instruction that loads a symbol's value puts into a register.
fn load(
    mnemonic: &str,
    to: Register,
    symbol: Symbol,
    addend: i64,
    format: ObjectFormat,
) -> Option<Value> {
    let value = Value::of(symbol, addend);
    match (mnemonic, to.bits, format) {
        ("movabsq", 64, ObjectFormat::Elf) => Some(value),
        ("movq", 64, ObjectFormat::MachO | ObjectFormat::Coff) => Some(value),
        ("movl", 32, ObjectFormat::MachO | ObjectFormat::Coff) => Some(value.low()),
        ("movzwl", 32, ObjectFormat::MachO | ObjectFormat::Coff) => value.low_16(),
        _ => None,
    }
}

fn unary(state: &State, mnemonic: &str, to: Register) -> Option<Value> {
    let (operation, suffix) = mnemonic.split_at_checked(mnemonic.len().checked_sub(1)?)?;
    let valid = matches!((suffix, to.bits), ("l", 32) | ("q", 64));
    let value = held(state, to).filter(|_| valid)?;
    let one = |number| Value::number(number);
    match operation {
        "neg" => value.times(-1, to.bits),
        "not" => value.times(-1, to.bits)?.plus(one(-1), to.bits),
        "inc" => value.plus(one(1), to.bits),
        "dec" => value.plus(one(-1), to.bits),
        "shl" | "sal" => value.times(2, to.bits),
        _ => None,
    }
}

fn binary(state: &State, mnemonic: &str, source: &str, to: Register) -> Option<Value> {
    let from = Register::parse(source);
    let number = immediate(source);
    // What the source is as an operand of so many bits.
    let operand = |bits: u32| match (from, number) {
        (Some(from), _) if from.bits == bits => held(state, from),
        (None, Some(number)) => Some(Value::number(number)),
        _ => None,
    };
    match (mnemonic, to.bits) {
        ("movl", 32) => operand(32).map(Value::low),
        ("movq", 64) => operand(64),
        ("movabsq", 64) => number.map(Value::number),
        ("movslq", 64) => operand(32).filter(|_| from.is_some())?.sign_extended(),
        ("movzwl", 32) => operand(16).filter(|_| from.is_some())?.low_16(),
        ("leal", 32) | ("leaq", 64) => address(state, Memory::parse(source)?, to.bits),
        ("addl", 32) | ("addq", 64) => held(state, to)?.plus(operand(to.bits)?, to.bits),
        ("subl", 32) | ("subq", 64) => {
            let minus = operand(to.bits)?.times(-1, to.bits)?;
            held(state, to)?.plus(minus, to.bits)
        }
        ("shll" | "sall", 32) | ("shlq" | "salq", 64) => {
            let count = number.filter(|count| (0..i64::from(to.bits)).contains(count))?;
            held(state, to)?.times(1_i64.checked_shl(count.try_into().ok()?)?, to.bits)
        }
        _ => None,
    }
}

/// Returns the address of a place in memory, whose registers must all be known.
fn address(state: &State, memory: Memory, bits: u32) -> Option<Value> {
    let part = |register: Option<Register>, scale: i64| match register {
        Some(register) => held(state, register)?.times(scale, bits),
        None => Some(Value::number(0)),
    };
    let displacement = Value::number(memory.displacement);
    part(memory.base, 1)?
        .plus(part(memory.index, memory.scale)?, bits)?
        .plus(displacement, bits)
}

fn held(state: &State, register: Register) -> Option<Value> {
    state[register.number].map(|known| known.value)
}

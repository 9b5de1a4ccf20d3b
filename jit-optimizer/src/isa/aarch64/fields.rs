//! A tuned pass: numbers that are small enough become offsets and immediates.
//!
//! A number of a few bits, multiplied by the size of an access, fits the 12 bits that loads, stores, additions,
//! subtractions and comparisons have for a number:
//!
//! ```text
//! movz x8, #<operand 0>
//! ldr x9, [x20, x8, lsl #3]             ldr x9, [x20, #<8 * operand 0>]
//! ```
//!
//! The patch is `patch_aarch64_12`, which takes the low 12 bits of a number of bytes. So the greatest value of the
//! operand, times its scale, must be less than 4,096: that is not so for CPython's oparg, which has 16 bits. The
//! `movz` is removed only if all instructions that read the register can do without it.

mod dead;

use jit_schema::RelocationKind;
use jit_schema::label::{Label, LabelTarget};

use self::dead::{Next, Registers};
use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::pass::{Context, Pass};
use crate::scan;
use crate::symbol::Symbol;

/// Makes fields of small numbers.
pub(super) const FOLD: Pass = Pass {
    name: "fold-values",
    run: fold,
};

/// The greatest number that a field can have.
const MOST: u64 = 0xfff;

fn fold(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let registers = Registers::new(graph, context);
    let mut labels = 0;
    let blocks: Vec<BlockId> = graph
        .linked()
        .take_while(|&id| id != context.continuation)
        .filter(|&id| registers.is_known(id))
        .collect();
    for id in blocks {
        let mut at = 0;
        while at < graph[id].instructions.len() {
            match number(&graph[id].instructions[at..], context)
                .and_then(|number| plan(graph, &registers, (id, at), &number))
            {
                Some(uses) => {
                    let instructions = &mut graph[id].instructions;
                    for (place, used) in uses.into_iter().rev() {
                        let line = instructions[place].line;
                        let label = Label::Relocation {
                            kind: RelocationKind::CustomAarch64Field12,
                            target: LabelTarget::Scaled {
                                symbol: &used.symbol,
                                scale: used.scale,
                                addend: 0,
                            },
                            number: labels,
                        };
                        labels += 1;
                        let new = [format!("{label}:"), used.text];
                        let new = new.map(|text| Instruction::synthetic(text, line));
                        instructions.splice(place..=place, new);
                    }
                    instructions.drain(at..at + 2);
                }
                None => at += 1,
            }
        }
    }
    Ok(())
}

/// A `movz` of a number of the instruction.
struct Number {
    symbol: Symbol,
    /// The number of the register.
    register: u8,
}

/// If the first of these instructions is the label of a `movz` that loads all bits of a number: returns the number.
fn number(instructions: &[Instruction<'_>], context: &Context<'_>) -> Option<Number> {
    let [label, load, ..] = instructions else {
        return None;
    };
    let Some(Label::Relocation {
        kind: RelocationKind::CustomAarch64Const16a,
        target: LabelTarget::Symbol(name),
        ..
    }) = Label::parse(label.text.strip_suffix(':')?).ok()?
    else {
        return None;
    };
    let symbol = Symbol::named(name, context.known.operands)?;
    let mut words = scan::symbols(&load.text);
    let is_load = words.next() == Some("movz");
    let register = dead::number(words.next().filter(|_| is_load)?)?;
    (symbol.most() <= MOST).then_some(Number { symbol, register })
}

/// An instruction that has the number in a field.
struct Use {
    text: String,
    symbol: String,
    scale: i32,
}

/// Returns the instructions that read a register from its `movz` on, as they are without it. Returns `None` if one of them
/// needs it, and if it is not known which ones read it.
fn plan(
    graph: &Graph<'_>,
    registers: &Registers<'_>,
    (id, at): (BlockId, usize),
    number: &Number,
) -> Option<Vec<(usize, Use)>> {
    let mut uses = Vec::new();
    let rest = graph[id].instructions.iter().enumerate().skip(at + 2);
    for (place, instruction) in rest {
        match registers.next(instruction, number.register) {
            Next::Nothing => {}
            Next::Replaces => return Some(uses),
            Next::Reads { replaces } => {
                let code = registers.code(instruction);
                let (text, shift) = with_field(code, number)?;
                let scale = 1_i32 << shift;
                uses.push((
                    place,
                    Use {
                        text,
                        symbol: number.symbol.to_string(),
                        scale,
                    },
                ));
                if replaces {
                    return Some(uses);
                }
            }
            Next::Unknown => return None,
        }
    }
    registers
        .is_dead_after(graph, id, number.register)
        .then_some(uses)
}

/// Returns an instruction that does the same with a number in a field, which is 0 here, and by how many bits the number is
/// shifted there.
fn with_field(code: &str, number: &Number) -> Option<(String, u32)> {
    let (mnemonic, rest) = scan::mnemonic(code)?;
    let (before, shift) = match access(mnemonic, rest) {
        Some(size) => {
            let (data, address) = rest.trim().split_once(", [")?;
            let (base, index) = address.strip_suffix(']')?.split_once(", ")?;
            let shift = shift(index, number)?;
            let is_used = dead::number(data) == Some(number.register) && mnemonic.starts_with("st");
            // Offsets are multiples of the size of the access.
            if is_used || shift != size || dead::number(base) == Some(number.register) {
                return None;
            }
            (format!("{data}, [{base}]"), shift)
        }
        None => {
            let (before, last) = arithmetic(mnemonic, rest)?;
            let shift = shift(last, number)?;
            // In the form with a number, the zero register's code is that of the stack pointer.
            let mut others = before.split(", ");
            let read = match mnemonic {
                "cmp" | "cmn" => others.next(),
                _ => others.nth(1),
            };
            let is_other =
                |name: &str| dead::number(name).is_some_and(|other| other != number.register);
            if !read.is_some_and(is_other)
                || before.split(", ").any(|name| dead::number(name).is_none())
            {
                return None;
            }
            (format!("{before}, #0"), shift)
        }
    };
    (number.symbol.most() << shift <= MOST).then(|| (format!("\t{mnemonic}\t{before}"), shift))
}

/// Returns the logarithm of the number of bytes that a load or store with an index accesses.
fn access(mnemonic: &str, operands: &str) -> Option<u32> {
    Some(match mnemonic {
        "ldrb" | "strb" | "ldrsb" => 0,
        "ldrh" | "strh" | "ldrsh" => 1,
        "ldrsw" => 2,
        "ldr" | "str" => match operands.trim().chars().next()? {
            'b' => 0,
            'h' => 1,
            'w' | 's' => 2,
            'x' | 'd' => 3,
            'q' => 4,
            _ => return None,
        },
        _ => return None,
    })
}

/// Splits the operands of an addition, subtraction or comparison before its second source.
fn arithmetic<'t>(mnemonic: &str, operands: &'t str) -> Option<(&'t str, &'t str)> {
    let count = match mnemonic {
        "add" | "sub" | "adds" | "subs" => 2,
        "cmp" | "cmn" => 1,
        _ => return None,
    };
    let operands = operands.trim();
    let (at, _) = operands.match_indices(", ").nth(count - 1)?;
    Some((operands.get(..at)?, operands.get(at + 2..)?))
}

/// Returns by how many bits the register of a number is shifted in an operand, `x8, lsl #3` or `w8, uxtw #3`, if that is all
/// that happens to it.
fn shift(operand: &str, number: &Number) -> Option<u32> {
    let (register, how) = operand.split_once(", ").unwrap_or((operand, "lsl #0"));
    let (kind, count) = how.split_once(" #").unwrap_or((how, "0"));
    let keeps = match kind {
        // The greatest number is less than 2^12.
        "lsl" | "uxtx" | "uxtw" | "uxth" | "sxtx" | "sxtw" | "sxth" => true,
        "uxtb" => number.symbol.most() <= 0xff,
        _ => false,
    };
    let count: u32 = count.parse().ok()?;
    (keeps && count <= 4 && dead::number(register) == Some(number.register)).then_some(count)
}

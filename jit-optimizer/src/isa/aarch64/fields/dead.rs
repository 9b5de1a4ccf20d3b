//! Which instructions read a register, and whether any does later.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::instruction::{Instruction, Operation};
use crate::pass::Context;
use crate::scan;

/// The registers that a stencil passes to the next one, in the order of the arguments (`CC_AArch64_Preserve_None` in LLVM's
/// `AArch64CallingConv.td`).
const ARGUMENTS: [u8; 24] = [
    20, 21, 22, 23, 24, 25, 26, 27, 28, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 9, 15,
];
/// The most arguments that are counted.
const COUNTED: u8 = 12;
/// Those that are never arguments, and that no function keeps: the address of a result, and what linkers use.
const NEVER: [u8; 3] = [8, 16, 17];
/// Those that have neither a result nor what belongs to whoever called.
const TEMPORARY: RangeInclusive<u8> = 8..=17;
/// How instructions start that use registers which they do not name: system calls, loads and stores of 64 bytes, and those
/// of x16, x17 and x30, which may be spelled as hints.
const IMPLICIT: [&str; 12] = [
    "svc", "hvc", "smc", "sys", "ld64b", "st64b", "eret", "hint", "pac", "aut", "xpac", "chkfeat",
];
/// Instructions that write all bits of their first operand, a general register, and read only the others.
const PLAIN: [&str; 45] = [
    "adc", "add", "adds", "adr", "adrp", "and", "ands", "asr", "bic", "cinc", "clz", "cneg",
    "csel", "cset", "csetm", "csinc", "csinv", "csneg", "eon", "eor", "fmov", "ldr", "ldrb",
    "ldrh", "ldrsb", "ldrsh", "ldrsw", "ldur", "ldurb", "ldurh", "lsl", "lsr", "madd", "mov",
    "movn", "movz", "msub", "mul", "mvn", "neg", "orr", "sub", "subs", "ubfx", "udiv",
];

/// The registers of a stencil.
pub(super) struct Registers<'c> {
    context: &'c Context<'c>,
    /// Whether a block is one of the stencil's code, and its code is known.
    known: PerBlock<bool>,
    /// Whether a block is one of the stencil's code.
    inside: PerBlock<bool>,
}

/// What an instruction does with a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Nothing,
    /// It writes all bits, and does not read it, or nothing reads it afterwards.
    Replaces,
    /// It reads it, and may write all bits afterwards.
    Reads { replaces: bool },
    /// That is not known.
    Unknown,
}

impl<'c> Registers<'c> {
    pub(super) fn new(graph: &Graph<'_>, context: &'c Context<'c>) -> Registers<'c> {
        let unknown = graph.unknown_blocks();
        let (mut known, mut inside) = (PerBlock::new(graph), PerBlock::new(graph));
        for id in graph.linked().take_while(|&id| id != context.continuation) {
            inside[id] = true;
            known[id] = !unknown[id];
        }
        Registers {
            context,
            known,
            inside,
        }
    }

    /// Returns whether a block is one of the stencil's code, and not written by somebody else than the compiler.
    pub(super) fn is_known(&self, id: BlockId) -> bool {
        self.known[id]
    }

    /// Returns an instruction without a comment.
    pub(super) fn code<'t>(&self, instruction: &'t Instruction<'_>) -> &'t str {
        self.context.syntax.code(&instruction.text).trim_end()
    }

    /// Returns what an instruction does with a register.
    pub(super) fn next(&self, instruction: &Instruction<'_>, register: u8) -> Next {
        let syntax = self.context.syntax;
        let code = self.code(instruction);
        if code.trim().is_empty() || code.ends_with(':') || code.trim_start().starts_with('#') {
            return match code.contains("_JIT_OVER_") {
                true => Next::Unknown,
                false => Next::Nothing,
            };
        }
        if syntax.is_several(code) {
            return Next::Unknown;
        }
        let is_mentioned = scan::symbols(code).any(|word| number(word) == Some(register));
        if self.context.isa.is_call(code) {
            // No function reads such a register, and none keeps it.
            return match NEVER.contains(&register) && !is_mentioned {
                true => Next::Replaces,
                false => Next::Unknown,
            };
        }
        match instruction.operation {
            Operation::Jump { .. } => return Next::Nothing,
            // Whoever called does not read it.
            Operation::Return if TEMPORARY.contains(&register) && !is_mentioned => {
                return Next::Replaces;
            }
            Operation::Call { .. } | Operation::Return => return Next::Unknown,
            Operation::Branch { .. } if is_mentioned => return Next::Unknown,
            Operation::Branch { .. } => return Next::Nothing,
            Operation::Other => {}
        }
        // A jump to an address, or something that stops.
        let mnemonic = code.trim_start();
        if self.context.isa.never_continues(code)
            || IMPLICIT.iter().any(|start| mnemonic.starts_with(start))
        {
            return Next::Unknown;
        }
        if !is_mentioned {
            return Next::Nothing;
        }
        let mut words = scan::symbols(code);
        let is_plain = words
            .next()
            .is_some_and(|mnemonic| PLAIN.contains(&mnemonic));
        let is_first = words.next().and_then(number) == Some(register);
        let is_other = words.any(|word| number(word) == Some(register));
        // The address of a load may be written as well.
        let writes_address = code.contains('!') || code.contains("],");
        match (is_plain && is_first && !writes_address, is_other) {
            (true, false) => Next::Replaces,
            (replaces, _) => Next::Reads { replaces },
        }
    }

    /// Returns whether nothing reads a register after a block, before it is replaced.
    pub(super) fn is_dead_after(&self, graph: &Graph<'_>, id: BlockId, register: u8) -> bool {
        let mut seen = HashSet::new();
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let block = &graph[id];
            let mut after = block.successors().peekable();
            // Where control goes from here is not known.
            if after.peek().is_none() {
                return false;
            }
            for next in after.filter(|next| seen.insert(*next)) {
                if !self.inside[next] {
                    if !self.is_dead_at_place(graph, next, register) {
                        return false;
                    }
                    continue;
                }
                if !self.known[next] {
                    return false;
                }
                let instructions = graph[next].instructions.iter();
                let first = instructions
                    .map(|instruction| self.next(instruction, register))
                    .find(|what| *what != Next::Nothing);
                match first {
                    None => todo.push(next),
                    Some(Next::Replaces) => {}
                    Some(_) => return false,
                }
            }
        }
        true
    }

    /// Returns whether a block outside of the stencil is a place that gets no argument in a register.
    fn is_dead_at_place(&self, graph: &Graph<'_>, id: BlockId, register: u8) -> bool {
        let continuation = graph[self.context.continuation].label;
        let label = graph[id].label.zip(continuation);
        let place = label.and_then(|(label, next)| self.context.syntax.place(label, next));
        let Some(count) = self.context.known.arguments.filter(|_| place.is_some()) else {
            return false;
        };
        let position = ARGUMENTS.iter().position(|one| *one == register);
        NEVER.contains(&register)
            || count < COUNTED && position.is_some_and(|position| position >= count.into())
    }
}

/// Returns the number of the general register that a word names, `x8` or `w8`.
pub(super) fn number(word: &str) -> Option<u8> {
    let digits = word.strip_prefix(['x', 'w'])?;
    let number = digits.parse().ok().filter(|number| *number <= 30)?;
    (digits.len() == 1 || !digits.starts_with('0')).then_some(number)
}

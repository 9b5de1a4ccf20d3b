//! A tuned pass for x86_64: what a branch has just compared need not be written again.
//!
//! Where a branch has found that a value is zero, or that two values are equal, clang takes the
//! constant, or the other value, for it. It writes that to the register of an argument, even if the
//! same value is in there:
//!
//! ```text
//! testq %r13, %r13        testq %r13, %r13
//! jne   NEXT              je    TAKEN
//! xorl  %r13d, %r13d
//! jmp   TAKEN
//! ```
//!
//! Without that instruction, the block only jumps, and the shared passes make the branch go straight
//! to the target.

use super::flags;
use super::operands::{Register, immediate, split};
use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};

/// Removes instructions that write the value that a register has after a comparison.
pub(super) const DROP_WRITES: Pass = Pass {
    name: "drop-known-writes",
    run: drop_writes,
};

/// What holds where the zero flag is set after a comparison. The numbers are those of registers, and
/// all 64 bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Two registers are equal.
    Equal(usize, usize),
    /// A register has this value.
    Value(usize, i64),
}

fn drop_writes(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut predecessors: PerBlock<usize> = PerBlock::new(graph);
    for id in graph.linked() {
        for successor in graph[id].successors() {
            predecessors[successor] += 1;
        }
    }
    let edges: Vec<_> = graph
        .linked()
        .filter_map(|id| edge(graph, id, &predecessors))
        .collect();
    for (known, id) in edges {
        let count = redundant(&graph[id].instructions, known);
        if count > 0 && flags::are_dead(graph, context, id, count) {
            graph[id].instructions.drain(..count);
        }
    }
    Ok(())
}

/// If a block ends with a comparison and a branch, returns what holds if it finds a zero or an equal
/// value, and the block that control only gets to in that case.
fn edge(
    graph: &Graph<'_>,
    id: BlockId,
    predecessors: &PerBlock<usize>,
) -> Option<(Known, BlockId)> {
    let [.., comparison, last] = graph[id].instructions.as_slice() else {
        return None;
    };
    let Operation::Branch { branch, .. } = last.operation else {
        return None;
    };
    let (target, next) = (graph[id].target?, graph[id].fallthrough()?);
    let equal = match branch.mnemonic {
        "je" | "jz" => target,
        "jne" | "jnz" => next,
        _ => return None,
    };
    let block = &graph[equal];
    let only_way = target != next && predecessors[equal] == 1 && !block.referenced;
    let plain = block.is_defined() && !block.opaque && !graph.is_global(equal);
    (only_way && plain)
        .then(|| known(comparison))
        .flatten()
        .map(|known| (known, equal))
}

/// Returns what holds if an instruction has set the zero flag.
fn known(comparison: &Instruction<'_>) -> Option<Known> {
    let (mnemonic, operands) = split(comparison)?;
    let whole = |operand: &str| Register::parse(operand).filter(|register| register.bits == 64);
    let (first, last) = (*operands.first()?, *operands.last()?);
    let last_register = Register::parse(last)?;
    let zero = Known::Value(last_register.number, 0);
    match mnemonic {
        "testq" => (first == last && last_register.bits == 64).then_some(zero),
        "cmpq" => {
            let to = whole(last)?.number;
            match first.strip_prefix('$') {
                Some(number) => Some(Known::Value(to, number.parse().ok()?)),
                None => Some(Known::Equal(whole(first)?.number, to)),
            }
        }
        // The result is in the register. That of 32 bits is extended by zeros.
        "addq" | "subq" | "andq" | "orq" | "xorq" | "incq" | "decq" | "negq" => {
            (last_register.bits == 64).then_some(zero)
        }
        "addl" | "subl" | "andl" | "orl" | "xorl" | "incl" | "decl" | "negl" => {
            (last_register.bits == 32).then_some(zero)
        }
        _ => None,
    }
}

/// Returns how many instructions at the start only write a value that is there already.
fn redundant(instructions: &[Instruction<'_>], known: Known) -> usize {
    let [first, rest @ ..] = instructions else {
        return 0;
    };
    match written(first, rest.first()) {
        Some((count, what)) if is_known(known, what) => count,
        _ => 0,
    }
}

fn is_known(known: Known, written: Known) -> bool {
    match (known, written) {
        (Known::Equal(one, two), Known::Equal(from, to)) => {
            (one, two) == (from, to) || (two, one) == (from, to)
        }
        _ => known == written,
    }
}

/// Returns what holds after an instruction that writes a register, or after a `pushq` and a `popq`,
/// and how many instructions these are.
fn written(first: &Instruction<'_>, second: Option<&Instruction<'_>>) -> Option<(usize, Known)> {
    let (mnemonic, operands) = split(first)?;
    if let ("pushq", [value]) = (mnemonic, operands.as_slice()) {
        let (mnemonic, operands) = split(second?)?;
        let ("popq", [register]) = (mnemonic, operands.as_slice()) else {
            return None;
        };
        let register = Register::parse(register).filter(|register| register.bits == 64)?;
        return Some((2, Known::Value(register.number, immediate(value)?)));
    }
    let [source, destination] = *operands.as_slice() else {
        return None;
    };
    let to = Register::parse(destination)?;
    let what = match (mnemonic, to.bits) {
        ("xorl", 32) | ("xorq", 64) if source == destination => Known::Value(to.number, 0),
        ("movl", 32) => {
            let value = immediate(source)?;
            // The lowest 32 bits, which are extended by zeros.
            Known::Value(to.number, value & 0xffff_ffff)
        }
        ("movq" | "movabsq", 64) if source.starts_with('$') => {
            Known::Value(to.number, immediate(source)?)
        }
        ("movq", 64) => {
            let from = Register::parse(source).filter(|register| register.bits == 64)?;
            Known::Equal(from.number, to.number)
        }
        _ => return None,
    };
    Some((1, what))
}

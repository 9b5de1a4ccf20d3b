//! Whether the flags that an instruction has set are read.

use super::operands::split_code;
use crate::cfg::{BlockId, Graph};
use crate::instruction::Operation;
use crate::instruction_set::InstructionSet as _;
use crate::isa::x86::X86_64;
use crate::pass::Context;

/// Returns whether the flags do not matter from an instruction of a block on, because others write them before one reads
/// them. Those that are set at a jump out of the stencil do not matter either, as no calling convention passes flags.
pub(super) fn are_dead(graph: &Graph<'_>, context: &Context<'_>, id: BlockId, at: usize) -> bool {
    for instruction in graph[id].instructions.iter().skip(at) {
        match instruction.operation {
            Operation::Branch { .. } => return false,
            Operation::Call { .. } | Operation::Return => return true,
            Operation::Jump { .. } => break,
            Operation::Other => {}
        }
        let code = context.syntax.code(&instruction.text);
        if X86_64.is_call(code) {
            return true;
        }
        match split_code(code) {
            Some((mnemonic, _)) if writes_all(mnemonic) => return true,
            Some((mnemonic, _)) if are_left(mnemonic) => {}
            _ => return false,
        }
    }
    graph[id]
        .successors()
        .all(|next| leaves(graph, context, next))
}

/// Returns whether a block is the next micro-op, or outside of the stencil.
fn leaves(graph: &Graph<'_>, context: &Context<'_>, id: BlockId) -> bool {
    let is_next = |id| id == context.continuation;
    is_next(id) || is_next(graph.resolve(id)) || !graph[id].is_defined()
}

/// Returns whether an instruction neither reads nor writes flags.
pub(super) fn are_left(mnemonic: &str) -> bool {
    ["mov", "lea", "push", "pop", "not"]
        .iter()
        .any(|start| mnemonic.starts_with(start))
}

/// Returns whether an instruction writes all flags and reads none.
fn writes_all(mnemonic: &str) -> bool {
    let known = ["add", "sub", "and", "or", "xor", "cmp", "test", "neg"];
    let operation = mnemonic.strip_suffix(['b', 'w', 'l', 'q']);
    operation.is_some_and(|operation| known.contains(&operation))
}

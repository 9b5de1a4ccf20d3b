//! Inverts branches to hot code.

use std::borrow::Cow;

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::{Branch, Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;
use crate::syntax::Syntax;

/// Inverts a branch to hot code that is followed by a jump to cold code (`_invert_hot_branches`), so
/// that the jump to hot code can become a fall-through:
///
/// ```text
/// je  HOT         jne COLD
/// jmp COLD        jmp HOT
/// ```
pub(super) const INVERT: Pass = Pass {
    name: "invert-hot-branches",
    run: invert,
};

fn invert(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut predecessors: PerBlock<usize> = PerBlock::new(graph);
    for id in graph.linked() {
        for successor in graph[id].successors() {
            predecessors[successor] += 1;
        }
    }
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        next = graph[id].link;
        let Some((jump, hot, cold)) = jump_over(graph, id, &predecessors) else {
            continue;
        };
        let Some(inverted) = inverted(graph, id, cold, context.syntax) else {
            continue;
        };
        for successor in graph[id].successors().chain(graph[jump].successors()) {
            predecessors[successor] -= 1;
        }
        if let Some(branch) = graph[id].instructions.last_mut() {
            *branch = inverted;
        }
        let hot_label = graph[hot].label;
        if let (Some(instruction), Some(label)) = (graph[jump].instructions.last_mut(), hot_label) {
            instruction.retarget(label);
        }
        graph[id].target = Some(cold);
        graph[jump].target = Some(hot);
        graph[jump].hot = true;
        for successor in graph[id].successors().chain(graph[jump].successors()) {
            predecessors[successor] += 1;
        }
    }
    Ok(())
}

/// If a block ends in a branch (or call) to hot code, and control flow only gets to the jump to cold
/// code after it by falling through, returns the blocks of the jump, the hot and the cold code.
fn jump_over(
    graph: &Graph<'_>,
    id: BlockId,
    predecessors: &PerBlock<usize>,
) -> Option<(BlockId, BlockId, BlockId)> {
    let hot = graph[id].target?;
    let jump = graph[id].fallthrough()?;
    if !graph[hot].hot {
        return None;
    }
    let jump = graph.resolve(jump);
    let cold = graph[jump].target.filter(|_| graph[jump].ends_flow)?;
    let only_way = predecessors[jump] == 1 && graph[id].successors().any(|next| next == jump);
    let only_jump = graph[jump].instructions.len() == 1 && !graph[jump].opaque;
    let found = !graph[cold].hot && only_jump && only_way && !graph[jump].referenced;
    found.then_some((jump, hot, cold))
}

/// Returns a block's last instruction with the opposite condition and another target, if there is
/// such an instruction (`_invert_branch`).
fn inverted<'a>(
    graph: &Graph<'a>,
    id: BlockId,
    target: BlockId,
    syntax: &Syntax,
) -> Option<Instruction<'a>> {
    let (last, label) = graph[id].instructions.last().zip(graph[target].label)?;
    // It may also be a call. Upstream asserts that it is none.
    let Operation::Branch {
        branch,
        target: old_label,
    } = last.operation
    else {
        return None;
    };
    let inverse = branch.inverse?;
    if !syntax.reaches(branch.reach, label) {
        return None;
    }
    let text = last.text.replacen(branch.mnemonic, inverse, 1);
    Some(Instruction {
        text: Cow::Owned(scan::replace_symbol(&text, old_label, label)),
        line: last.line,
        operation: Operation::Branch {
            branch: Branch {
                mnemonic: inverse,
                inverse: Some(branch.mnemonic),
                reach: branch.reach,
            },
            target: label,
        },
        sets_frame_pointer: last.sets_frame_pointer,
    })
}

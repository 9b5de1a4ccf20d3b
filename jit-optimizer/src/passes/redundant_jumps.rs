//! Removes jumps that lead nowhere else than to the next instruction.

use crate::cfg::{Block, BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};

/// Removes jumps and branches to the code that follows, and lets jumps and branches to a block that
/// only jumps on go straight to the end of the way (`_remove_redundant_jumps`).
pub(super) const REMOVE: Pass = Pass {
    name: "remove-redundant-jumps",
    run: remove,
};

fn remove(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut shortcuts = PerBlock::new(graph);
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        next = graph[id].link;
        let Some(target) = graph[id].target else {
            continue;
        };
        let target = resolve(graph, &mut shortcuts, target);
        let last = graph[id].instructions.last().map(|last| last.operation);
        if next.is_some_and(|next| resolve(graph, &mut shortcuts, next) == target) {
            // Upstream removes calls as well, and so loses one of the two times that the callee
            // runs: once called, once fallen into.
            if !matches!(last, Some(Operation::Call { .. })) {
                let block = &mut graph[id];
                block.target = None;
                block.ends_flow = false;
                block.instructions.pop();
            }
            continue;
        }
        let Some(label) = only_jump(&graph[target]) else {
            continue;
        };
        if let Some(Operation::Branch { branch, .. }) = last
            && !context.syntax.reaches(branch.reach, label)
        {
            continue;
        }
        graph[id].target = graph[target].target;
        if let Some(last) = graph[id].instructions.last_mut() {
            last.retarget(label);
        }
    }
    Ok(())
}

/// Returns where a block jumps to, if it does nothing else.
fn only_jump<'a>(block: &Block<'a>) -> Option<&'a str> {
    let [
        Instruction {
            operation: Operation::Jump { target },
            ..
        },
    ] = *block.instructions
    else {
        return None;
    };
    // `1f` means something else in another place.
    let relative = target.starts_with(|c: char| c.is_ascii_digit());
    (!relative && !block.opaque).then_some(target)
}

/// Does what [`Graph::resolve`] does, but walks no run of empty blocks twice. The shortcuts lead past
/// blocks that were empty. They hold as long as no link changes and no empty block is filled.
fn resolve(graph: &Graph<'_>, shortcuts: &mut PerBlock<Option<BlockId>>, id: BlockId) -> BlockId {
    let step = |shortcuts: &PerBlock<Option<BlockId>>, at: BlockId| {
        let next = shortcuts[at].or(graph[at].link);
        next.filter(|_| graph[at].is_empty())
    };
    let mut end = id;
    while let Some(next) = step(shortcuts, end) {
        end = next;
    }
    let mut at = id;
    while at != end {
        let next = step(shortcuts, at).unwrap_or(end);
        shortcuts[at] = Some(end);
        at = next;
    }
    end
}

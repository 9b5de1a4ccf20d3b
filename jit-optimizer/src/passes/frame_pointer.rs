//! Refuses instructions that set the frame pointer, except where they make a frame.

use super::ends;
use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::instruction::Operation;
use crate::pass::{Context, Pass};

/// Refuses code that sets the frame pointer (`_validate`), unless the code has been removed.
///
/// Arrays of variable length and variables with a large alignment need a frame. If the frame is linked
/// to the one before it, and control does not leave the stencil before the frame is gone, then debuggers
/// and profilers find the shim's frame as they do from other stencils. Upstream refuses that as well.
pub(super) const CHECK: Pass = Pass {
    name: "check-frame-pointer",
    run: check,
};

fn check(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    for id in graph.linked() {
        for (at, instruction) in graph[id].instructions.iter().enumerate() {
            if instruction.sets_frame_pointer && !makes_frame(graph, context, id, at) {
                return Err(OptimizeError::FramePointerModified {
                    line: instruction.line,
                    text: instruction.text.trim().to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Returns a block and those that it always goes on to, and that nothing else goes to: a comment starts a block, such as the
/// one before inline assembly.
fn straight(graph: &Graph<'_>, context: &Context<'_>, id: BlockId) -> Vec<BlockId> {
    let mut all = vec![id];
    let mut last = &graph[id];
    while let (None, Some(next)) = (last.target, last.fallthrough()) {
        let block = &graph[next];
        if next == context.continuation || block.label.is_some() || block.opaque {
            break;
        }
        all.push(next);
        last = block;
    }
    all
}

/// Returns whether an instruction makes a linked frame, which is gone on every way out of the stencil.
fn makes_frame(graph: &Graph<'_>, context: &Context<'_>, id: BlockId, at: usize) -> bool {
    let code = straight(graph, context, id)
        .into_iter()
        .flat_map(|id| &graph[id].instructions)
        .map(|instruction| context.syntax.code(&instruction.text).trim())
        .collect::<Vec<_>>();
    if !context.isa.links_frame(&code, at) {
        return false;
    }
    let mut seen: PerBlock<bool> = PerBlock::new(graph);
    let mut todo = vec![(id, at + 1)];
    while let Some((id, start)) = todo.pop() {
        let block = &graph[id];
        if id == context.continuation || block.opaque || !block.is_defined() {
            return false;
        }
        let rest = || block.instructions.iter().skip(start);
        if rest().any(|instruction| {
            let code = context.syntax.code(&instruction.text).trim();
            context.isa.restores_frame_pointer(code)
        }) {
            continue;
        }
        let mut to: Vec<BlockId> = Vec::new();
        if let Some(last) = block.instructions.last() {
            match last.operation {
                Operation::Return => return false,
                Operation::Call { .. } => {}
                Operation::Branch { .. } | Operation::Jump { .. } => to.extend(block.target),
                // An indirect jump, maybe.
                Operation::Other if context.isa.never_continues(&last.text) => {
                    to.extend(graph.linked().filter(|&id| graph[id].referenced));
                }
                Operation::Other => {}
            }
        }
        to.extend(ends::next(graph, context, block));
        for id in to {
            if !std::mem::replace(&mut seen[id], true) {
                todo.push((id, 0));
            }
        }
    }
    true
}

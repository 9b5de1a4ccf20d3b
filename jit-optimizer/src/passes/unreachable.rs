//! Removes code that nothing reaches.

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};

/// Unlinks the blocks that no global label reaches (`_remove_unreachable`). What comes after the
/// continuation stays: it is data and metadata.
///
/// Control flow also gets to what something mentions that stays: to a function whose address is passed
/// on, or to the blocks of a jump table. Upstream removes those, and the constants before the code.
pub(super) const REMOVE: Pass = Pass {
    name: "remove-unreachable-blocks",
    run: remove,
};

fn remove(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let live = live(graph, context);
    // The first block always stays.
    let mut previous = Graph::ROOT;
    let mut next = graph[previous].link;
    while let Some(id) = next.filter(|&id| id != context.continuation) {
        next = graph[id].link;
        let block = &mut graph[id];
        if live[id] {
            previous = id;
        } else if block.data || block.pinned {
            block.instructions.clear();
            block.target = None;
            block.ends_flow = false;
            previous = id;
        } else {
            graph[previous].link = next;
        }
    }
    Ok(())
}

/// Returns which blocks control flow, or a reference, can get to.
fn live(graph: &Graph<'_>, context: &Context<'_>) -> PerBlock<bool> {
    let mut live: PerBlock<bool> = PerBlock::new(graph);
    let mut todo: Vec<BlockId> = Vec::new();
    let mut after_code = false;
    for id in graph.linked() {
        let block = &graph[id];
        after_code |= id == context.continuation;
        // Nothing but the stencil itself knows its other functions.
        if graph.entry.map_or(graph.is_global(id), |entry| entry == id) {
            todo.push(id);
        }
        if id == Graph::ROOT || block.data || after_code {
            todo.extend(&block.references);
        }
    }
    while let Some(id) = todo.pop() {
        if !std::mem::replace(&mut live[id], true) {
            todo.extend(graph[id].successors());
            todo.extend(&graph[id].references);
        }
    }
    live
}

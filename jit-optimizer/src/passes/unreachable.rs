//! Removes code that nothing reaches.

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};

/// Unlinks the blocks that no global label reaches (`_remove_unreachable`). What comes after the
/// continuation stays: it is data and metadata.
pub(super) const REMOVE: Pass = Pass {
    name: "remove-unreachable-blocks",
    run: remove,
};

fn remove(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut live: PerBlock<bool> = PerBlock::new(graph);
    let mut todo: Vec<BlockId> = graph.linked().filter(|&id| graph.is_global(id)).collect();
    while let Some(id) = todo.pop() {
        if !std::mem::replace(&mut live[id], true) {
            todo.extend(graph[id].successors());
        }
    }
    // The first block always stays.
    let mut previous = Graph::ROOT;
    let mut next = graph[previous].link;
    while let Some(id) = next.filter(|&id| id != context.continuation) {
        next = graph[id].link;
        if live[id] {
            previous = id;
        } else {
            graph[previous].link = next;
        }
    }
    Ok(())
}

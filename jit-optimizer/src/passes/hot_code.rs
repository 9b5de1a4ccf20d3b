//! Marks the hot code of a stencil.

use crate::cfg::{BlockId, Graph, PerBlock};
use crate::error::OptimizeError;
use crate::pass::{Context, Pass};

/// Marks the blocks that can reach the last block, and so the next micro-op (`_mark_hot_blocks`).
pub(super) const MARK: Pass = Pass {
    name: "mark-hot-blocks",
    run: mark,
};

fn mark(graph: &mut Graph<'_>, _: &Context<'_>) -> Result<(), OptimizeError> {
    let mut predecessors: PerBlock<Vec<BlockId>> = PerBlock::new(graph);
    let mut last = Graph::ROOT;
    for id in graph.linked() {
        for successor in graph[id].successors() {
            predecessors[successor].push(id);
        }
        last = id;
    }
    let mut todo = vec![last];
    while let Some(id) = todo.pop() {
        graph[id].hot = true;
        let cold = predecessors[id].iter().filter(|&&id| !graph[id].hot);
        todo.extend(cold.copied());
    }
    Ok(())
}

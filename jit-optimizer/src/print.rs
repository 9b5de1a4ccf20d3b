//! From a graph of basic blocks to text.

use crate::cfg::Graph;

/// Returns the linked blocks, with a line wherever the code gets hot or cold (`_body`). Lines end in
/// `\n`, except for the last one.
pub(crate) fn print(graph: &Graph<'_>) -> String {
    let mut text = String::new();
    let mut hot = true;
    for id in graph.linked() {
        let block = &graph[id];
        if hot != block.hot {
            hot = block.hot;
            let marker = if hot { "# JIT: HOT " } else { "# JIT: COLD " };
            text.push_str(&format!("{marker:#<80}\n"));
        }
        for line in &block.noninstructions {
            text.push_str(line);
            text.push('\n');
        }
        for instruction in &block.instructions {
            text.push_str(&instruction.text);
            text.push('\n');
        }
    }
    // Lines are joined, not terminated.
    text.pop();
    text
}

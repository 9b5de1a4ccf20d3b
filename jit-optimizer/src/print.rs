//! From a graph of basic blocks to text.

use std::collections::HashSet;

use jit_schema::ObjectFormat;

use crate::cfg::Graph;
use crate::scan;
use crate::section::Sections;

/// Returns the linked blocks, with a line wherever the code gets hot or cold (`_body`). Lines end in
/// `\n`, except for the last one.
pub(crate) fn print(graph: &Graph<'_>, format: ObjectFormat) -> String {
    let mut text = String::new();
    let mut hot = true;
    let mut sections = Sections::new(format);
    let removed = removed(graph);
    for id in graph.linked() {
        let block = &graph[id];
        if hot != block.hot {
            hot = block.hot;
            let marker = if hot { "# JIT: HOT " } else { "# JIT: COLD " };
            text.push_str(&format!("{marker:#<80}\n"));
        }
        // The directive may have been removed together with code before it.
        if !sections.current().is(&block.section) {
            text.push_str(block.section.directive);
            text.push('\n');
            sections.read(block.section.directive);
        }
        for line in &block.noninstructions {
            if is_about(line, &removed) {
                continue;
            }
            text.push_str(line);
            text.push('\n');
            sections.read(line);
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

/// Returns the labels that have been removed.
fn removed<'a>(graph: &Graph<'a>) -> HashSet<&'a str> {
    let defined = graph.defined().filter_map(|id| graph[id].label);
    let mut labels: HashSet<&str> = defined.collect();
    for id in graph.linked() {
        if let Some(label) = graph[id].label {
            labels.remove(label);
        }
    }
    labels
}

/// Returns whether a line is metadata of a label that has been removed. The assembler would refuse it.
fn is_about(line: &str, removed: &HashSet<&str>) -> bool {
    let text = scan::skip_space(line);
    let metadata = text.starts_with(".size") || text.starts_with(".loh");
    metadata && !removed.is_empty() && scan::symbols(text).any(|word| removed.contains(word))
}

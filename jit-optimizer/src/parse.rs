//! From lines of assembly to a graph of basic blocks.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::isa::Isa;
use crate::syntax::{Line, Syntax};

/// Splits lines into basic blocks (`__post_init__`).
///
/// `continue_label` is the label that the optimizer is going to add, so the input must not have it.
///
/// # Errors
///
/// [`OptimizeError::ContinueLabelDefined`] and [`OptimizeError::DuplicateLabel`].
pub(crate) fn parse<'a>(
    isa: &dyn Isa,
    syntax: &Syntax,
    lines: impl IntoIterator<Item = &'a str>,
    continue_label: &str,
) -> Result<Graph<'a>, OptimizeError> {
    let mut graph = Graph::new();
    let mut defined = HashSet::new();
    let mut current = Graph::ROOT;
    for (number, text) in (1..).zip(lines) {
        match syntax.classify(text) {
            Line::Label(label) => {
                if label == continue_label {
                    return Err(OptimizeError::ContinueLabelDefined {
                        label: label.to_owned(),
                        line: number,
                    });
                }
                if !defined.insert(label) {
                    return Err(OptimizeError::DuplicateLabel {
                        label: label.to_owned(),
                        line: number,
                    });
                }
                let next = graph.look_up(label);
                graph[current].link = Some(next);
                current = next;
                graph[current].noninstructions.push(text);
            }
            Line::Global(name) => {
                graph.add_global(name);
                graph[current].noninstructions.push(text);
            }
            Line::Noninstruction => {
                if !graph[current].instructions.is_empty() {
                    current = graph.append_after(current);
                }
                graph[current].noninstructions.push(text);
            }
            Line::Instruction => {
                if graph[current].target.is_some() || graph[current].ends_flow {
                    current = graph.append_after(current);
                }
                let instruction = instruction(isa, text, number);
                let target = instruction.target().map(|label| graph.look_up(label));
                let block = &mut graph[current];
                block.target = target;
                block.ends_flow = match instruction.operation {
                    Operation::Jump { .. } | Operation::Return => true,
                    Operation::Branch { .. } | Operation::Call { .. } | Operation::Other => false,
                };
                block.instructions.push(instruction);
            }
        }
    }
    Ok(graph)
}

/// Returns the instruction on a line (`_parse_instruction`).
fn instruction<'a>(isa: &dyn Isa, text: &'a str, line: usize) -> Instruction<'a> {
    Instruction {
        text: Cow::Borrowed(text),
        line,
        operation: isa.operation(text),
        sets_frame_pointer: isa.sets_frame_pointer(text),
    }
}

//! The start of a stencil's code, where control enters it.

use crate::cfg::{BlockId, Graph};
use crate::instruction::{Instruction, Operation};
use crate::instruction_set::InstructionSet;
use crate::syntax::Syntax;

/// What is written at the start of the code if other code comes before the entry.
#[derive(Debug)]
pub(crate) struct Start {
    /// The symbol at which control enters.
    entry: String,
    entry_line: String,
    /// The local label that the code of the entry has instead.
    body: String,
    body_line: String,
    /// The instruction that goes from one to the other.
    jump: String,
}

impl Start {
    pub(crate) fn new(isa: &dyn InstructionSet, syntax: &Syntax) -> Start {
        let entry = syntax.entry();
        let body = format!("{}_JIT_BODY", syntax.label_prefix);
        Start {
            entry_line: format!("{entry}:"),
            body_line: syntax.function_line(&body),
            jump: format!("\t{}\t{body}", isa.jump()),
            entry,
            body,
        }
    }

    /// Puts the entry at the start of the code: a jump to its code if other functions come before that, as
    /// compilers leave functions that are not static in the order of the source.
    ///
    /// Nothing else is moved, so the code of the entry still is where it can go on to the next micro-op
    /// without a jump. Passes remove the jump again if they remove the other functions.
    pub(crate) fn add<'a>(&'a self, graph: &mut Graph<'a>, syntax: &Syntax) {
        let Some(code) = graph.defined_as(&self.entry) else {
            return;
        };
        // An assignment is no code, though the graph has it among the instructions.
        let is_code = |id: BlockId| {
            let block = &graph[id];
            let mut instructions = block.instructions.iter();
            let any = instructions.any(|one| syntax.assigned(&one.text).is_none());
            block.opaque || block.code && any
        };
        let is_first = !graph.linked().take_while(|&id| id != code).any(is_code);
        // There is no place for a jump before code without a label.
        if is_first || is_code(Graph::ROOT) || !graph.relabel(code, &self.body) {
            return;
        }
        let block = &mut graph[code];
        let line = block.instructions.first().map_or(1, |first| first.line);
        for text in &mut block.noninstructions {
            // The line of the label; it has nothing but a comment after it.
            if text.starts_with(&*self.entry_line) {
                *text = &self.body_line;
            }
        }
        let start = graph.insert_after_root(&self.entry);
        let block = &mut graph[start];
        block.code = true;
        block.ends_flow = true;
        block.target = Some(code);
        block.noninstructions.push(&self.entry_line);
        block.instructions.push(Instruction {
            operation: Operation::Jump { target: &self.body },
            ..Instruction::synthetic(self.jump.clone(), line)
        });
        graph.entry = Some(start);
    }
}

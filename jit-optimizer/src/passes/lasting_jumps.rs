//! Jumps to the next micro-op that stay.

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};

/// Makes jumps to `_JIT_CONTINUE_JUMP` jumps to the next micro-op, of the longest form, so that their
/// target can be changed later to any place in reach. A branch goes around such a jump. This runs after the
/// passes that remove jumps.
pub(super) const LENGTHEN: Pass = Pass {
    name: "keep-lasting-jumps",
    run: lengthen,
};

fn lengthen(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let syntax = context.syntax;
    let Some(next) = graph[context.continuation].label else {
        return Ok(());
    };
    let jump = format!("\t{}\t{next}", context.isa.long_jump());
    let mut number = 0;
    let mut at = Some(Graph::ROOT);
    while let Some(id) = at {
        let block = &mut graph[id];
        at = block.link;
        let Some(last) = block.instructions.last() else {
            continue;
        };
        if !last.target().is_some_and(|target| syntax.stays(target)) {
            continue;
        }
        let lines = match last.operation {
            Operation::Jump { .. } => vec![Instruction::synthetic(jump.clone(), last.line)],
            Operation::Branch { .. } => {
                let label = format!("{}_JIT_STAY_{number}", syntax.label_prefix);
                number += 1;
                match last.around(syntax.code(&last.text), jump.clone(), &label) {
                    Some(around) => around.to_vec(),
                    None => {
                        return Err(OptimizeError::BranchOutside {
                            line: last.line,
                            text: last.text.trim().to_owned(),
                        });
                    }
                }
            }
            // `check-calls` refuses calls.
            Operation::Call { .. } | Operation::Return | Operation::Other => continue,
        };
        block.instructions.pop();
        block.instructions.extend(lines);
        block.target = None;
    }
    Ok(())
}

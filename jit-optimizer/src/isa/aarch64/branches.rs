//! Conditional branches out of the stencil.

use jit_schema::RelocationKind;
use jit_schema::label::{Label, LabelTarget};

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;
use crate::syntax::Syntax;

/// Gives branches to another place in the trace a label that stands for their relocation, and removes
/// their target (`_fixup_external_labels`): Mach-O has no relocation for the 19 bits of such a branch.
///
/// A function outside of the trace can be further away than a conditional branch reaches, and there is
/// no trampoline for one. Upstream labels branches to functions as well. Here, such a branch goes around
/// a jump:
///
/// ```text
/// cbz x0, function        cbnz x0, .L_JIT_OVER_1
///                         b function
///                     .L_JIT_OVER_1:
/// ```
pub(super) const LABEL: Pass = Pass {
    name: "label-external-branches",
    run: label,
};

fn label(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let syntax = context.syntax;
    let mut next = Some(Graph::ROOT);
    let mut number = 0;
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        if let Some(last) = block.instructions.last_mut()
            && let Operation::Branch { branch, target } = last.operation
            && syntax.is_far_target(target)
        {
            if syntax.reaches(branch.reach, target) {
                let label = relocation(syntax, target, number, last.line);
                last.retarget("0");
                let before = block.instructions.len() - 1;
                block.instructions.insert(before, label);
            } else {
                let label = format!("{}_JIT_OVER_{number}", syntax.label_prefix);
                let jump = format!("\tb\t{target}");
                let around = last.around(syntax.code(&last.text), jump, &label);
                let Some(around) = around else {
                    return Err(OptimizeError::BranchOutside {
                        line: last.line,
                        text: last.text.trim().to_owned(),
                    });
                };
                block.instructions.pop();
                block.instructions.extend(around);
            }
        }
        number += 1;
    }
    Ok(())
}

/// Returns the label that stands for a branch's relocation.
fn relocation<'a>(syntax: &Syntax, target: &str, number: usize, line: usize) -> Instruction<'a> {
    let prefix = syntax.symbol_prefix;
    let name = scan::unquoted(target);
    let label = Label::Relocation {
        kind: RelocationKind::CustomAarch64Branch19,
        target: LabelTarget::Symbol(name.strip_prefix(prefix).unwrap_or(name)),
        number,
    };
    Instruction::synthetic(format!("{prefix}{label}:"), line)
}

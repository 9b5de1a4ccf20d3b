//! Conditional branches out of the stencil.

use jit_schema::RelocationKind;
use jit_schema::label::{Label, LabelTarget};

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation, Reach};
use crate::pass::{Context, Pass};

/// Gives long branches out of the stencil a label that stands for their relocation, and removes their
/// target (`_fixup_external_labels`): Mach-O has no relocation for the 19 bits of such a branch.
pub(super) const LABEL: Pass = Pass {
    name: "label-external-branches",
    run: label,
};

fn label(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let prefix = context.syntax.symbol_prefix;
    let mut next = Some(Graph::ROOT);
    let mut number = 0;
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        if let Some(last) = block.instructions.last_mut()
            && let Operation::Branch { branch, target } = last.operation
            && branch.reach == Reach::Long
            && context.syntax.is_far_target(target)
        {
            let mut name = target.chars();
            name.by_ref().take(prefix.len()).for_each(drop);
            let label = Label::Relocation {
                kind: RelocationKind::CustomAarch64Branch19,
                target: LabelTarget::Symbol(name.as_str()),
                number,
            };
            let label = Instruction::synthetic(format!("{prefix}{label}:"), last.line);
            last.retarget("0");
            let before = block.instructions.len() - 1;
            block.instructions.insert(before, label);
        }
        number += 1;
    }
    Ok(())
}

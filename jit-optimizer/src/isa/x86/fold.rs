//! A tuned pass for x86_64: values of the instruction that a stencil is for become numbers in its code.
//!
//! clang takes oparg and the operands for addresses of symbols: it loads 64 bits into a register and computes
//! with that. But when a stencil is copied, they are numbers, and instructions of x86_64 have fields of 32
//! bits for numbers:
//!
//! ```text
//! movabsq $_JIT_OPARG, %rax           movq 80 + 8 * oparg(%r13), %rdi
//! movq 80(%r13,%rax,8), %rdi
//!
//! movabsq $_JIT_OPERAND0, %rcx        cmpl $(uint32_t)operand0, 384(%rax)
//! cmpl %ecx, 384(%rax)
//! ```
//!
//! The pass follows what registers hold through the control-flow graph, as far as it is a value times a number
//! plus a number. If all uses of such a register can have the value as a field, and the code does not become
//! longer, the instruction that loads or computes it is removed. There is no relocation for such fields, so a
//! label after the instruction stands for one (`CUSTOM_X86_64_FIELD32`). The field itself has the bytes
//! [`FIELD_MARK`], by which it is found.

mod forms;
mod live;
mod meaning;
mod plan;
mod value;

use jit_schema::ObjectFormat;
use jit_schema::RelocationKind;
use jit_schema::label::{FIELD_MARK, Label, LabelTarget};

use super::operands::{Register, split};
use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::pass::{Context, Pass};
use forms::Plan;
use plan::Site;
use value::Field;

/// Makes values of the instruction fields of the code.
pub(super) const FOLD: Pass = Pass {
    name: "fold-values",
    run: fold,
};

fn fold(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let sites = plan::sites(graph, context);
    let mut labels = 0;
    for (id, sites) in sites {
        rewrite(graph, context, id, &sites, &mut labels);
    }
    Ok(())
}

/// Carries out the plans for a block.
fn rewrite(
    graph: &mut Graph<'_>,
    context: &Context<'_>,
    id: BlockId,
    sites: &[Site],
    labels: &mut usize,
) {
    if sites.iter().all(|site| site.plan == Plan::Keep) {
        return;
    }
    let instructions = std::mem::take(&mut graph[id].instructions);
    let output = &mut graph[id].instructions;
    for (instruction, site) in instructions.into_iter().zip(sites) {
        if site.plan == Plan::Remove {
            continue;
        }
        let Some((text, field)) = rewritten(&instruction, site) else {
            output.push(instruction);
            continue;
        };
        output.push(Instruction::synthetic(text, instruction.line));
        let Some(field) = field else { continue };
        let label = Label::Relocation {
            kind: match field.signed {
                true => RelocationKind::CustomX86_64Field32s,
                false => RelocationKind::CustomX86_64Field32,
            },
            target: LabelTarget::Scaled {
                symbol: &field.symbol,
                scale: field.scale,
                addend: field.addend,
            },
            number: *labels,
        };
        *labels += 1;
        let mut push = |text| output.push(Instruction::synthetic(text, instruction.line));
        match context.syntax.format {
            // Without this, the label would start a new atom, and short jumps do not reach another atom.
            ObjectFormat::MachO => push(format!("\t.alt_entry\t{label}")),
            ObjectFormat::Coff | ObjectFormat::Elf => {}
        }
        push(format!("{label}:"));
    }
}

/// Returns the instruction that a plan makes of one, and what its field gets. `None` if it stays.
fn rewritten<'s>(
    instruction: &Instruction<'_>,
    site: &'s Site,
) -> Option<(String, Option<&'s Field>)> {
    Some(match &site.plan {
        Plan::Keep | Plan::Remove => return None,
        Plan::Copy { from, to } => {
            let text = format!("\tmovl\t%{}, %{}", from.narrow(), to.narrow());
            (text, None)
        }
        Plan::Set { register, field } => (set(*register, field), Some(field)),
        Plan::Sum { to, memory, field } => {
            let text = match to.bits {
                64 => format!("\tleaq\t{memory}, {}", to.wide()),
                _ => format!("\tleal\t{memory}, %{}", to.narrow()),
            };
            (text, Some(field))
        }
        Plan::Immediate { field } => {
            let mark = format!("${FIELD_MARK}");
            (with_operand(instruction, 0, &mark)?, Some(field))
        }
        Plan::Displacement {
            operand,
            memory,
            field,
        } => {
            let text = with_operand(instruction, *operand, &memory.to_string())?;
            (text, Some(field))
        }
    })
}

/// Returns an instruction with another operand.
fn with_operand(instruction: &Instruction<'_>, number: usize, operand: &str) -> Option<String> {
    let (mnemonic, mut operands) = split(instruction)?;
    *operands.get_mut(number)? = operand;
    Some(format!("\t{mnemonic}\t{}", operands.join(", ")))
}

/// Returns the instruction that puts a field into a register.
fn set(register: Register, field: &Field) -> String {
    match register.bits {
        64 if field.signed => format!("\tmovq\t${FIELD_MARK}, {}", register.wide()),
        _ => format!("\tmovl\t${FIELD_MARK}, %{}", register.narrow()),
    }
}

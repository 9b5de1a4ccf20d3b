//! Landing pads exactly where an indirect branch can arrive.
//!
//! Compilers put a landing pad at the start of each function that is not static, as a stencil's is, because they do not know that
//! control goes on to most stencils from the one before. Other landing pads are where compilers need them: at blocks whose
//! address is taken, and after calls that return twice. Those stay, and the latter are added where clang leaves them out.

use jit_schema::SectionKind;

use super::ends;
use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::options::Entered;
use crate::pass::{Context, Pass};

/// Removes the landing pads of functions, so that other passes find the code that they find without any. This runs before
/// the others.
pub(super) const REMOVE: Pass = Pass {
    name: "remove-landing-pads",
    run: remove,
};

/// Puts a landing pad at the start of a stencil that is entered through pointers, and of functions whose addresses are taken.
/// Jumps through tables that processors do not check become jumps that they check, and so the blocks of the tables get landing
/// pads, too. This runs after the others, so that nothing moves what it has put.
pub(super) const PLACE: Pass = Pass {
    name: "place-landing-pads",
    run: place,
};

fn remove(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    for id in starts(graph, context) {
        let id = graph.resolve(id);
        if first(graph, context, id).is_some_and(|code| context.isa.is_landing_pad(code)) {
            graph[id].instructions.remove(0);
        }
    }
    Ok(())
}

fn place(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let entry = graph.defined_as(&context.syntax.entry());
    let is_entered = context.known.entered == Entered::ThroughPointers;
    let mut wanted: Vec<BlockId> = starts(graph, context);
    wanted.retain(|&id| graph[id].address_taken || is_entered && entry == Some(id));
    if check_jumps(graph, context) {
        let code = graph.linked().take_while(|&id| id != context.continuation);
        wanted.extend(code.filter(|&id| {
            let block = &graph[id];
            block.address_taken && block.section.kind == SectionKind::Code && !block.opaque
        }));
    }
    for id in wanted {
        let code = first(graph, context, graph.resolve(id));
        if code.is_some_and(|code| context.isa.accepts_calls(code)) {
            continue;
        }
        let block = &mut graph[id];
        let line = block.instructions.first().map_or(1, |first| first.line);
        let pad = format!("\t{}", context.isa.landing_pad());
        block
            .instructions
            .insert(0, Instruction::synthetic(pad, line));
        block.code = true;
    }
    follow_calls(graph, context);
    Ok(())
}

/// Puts landing pads after calls that return twice where the compiler has left them out.
fn follow_calls(graph: &mut Graph<'_>, context: &Context<'_>) {
    let blocks: Vec<BlockId> = graph.linked().collect();
    for id in blocks {
        let instructions = &graph[id].instructions;
        let is_missing = |at: &usize| {
            let code = |at: usize| {
                instructions
                    .get(at)
                    .map(|one| context.syntax.code(&one.text))
            };
            let follows = code(at + 1).is_some_and(|code| context.isa.is_landing_pad(code));
            !follows && code(*at).is_some_and(|code| context.isa.calls_twice(code))
        };
        let calls: Vec<usize> = (0..instructions.len()).filter(is_missing).collect();
        for at in calls.into_iter().rev() {
            let block = &mut graph[id];
            let line = block.instructions.get(at).map_or(1, |call| call.line);
            let pad = format!("\t{}", context.isa.landing_pad());
            block
                .instructions
                .insert(at + 1, Instruction::synthetic(pad, line));
        }
    }
}

/// Makes all jumps such as processors check, and returns whether there were others.
fn check_jumps(graph: &mut Graph<'_>, context: &Context<'_>) -> bool {
    let blocks: Vec<BlockId> = graph.linked().collect();
    let mut found = false;
    for id in blocks {
        for instruction in &mut graph[id].instructions {
            if let Some(checked) = context.isa.checked_jump(&instruction.text) {
                instruction.text = checked.into();
                found = true;
            }
        }
    }
    found
}

/// Returns the blocks at which functions start, with that at which control enters the stencil.
fn starts(graph: &Graph<'_>, context: &Context<'_>) -> Vec<BlockId> {
    let entry = graph.defined_as(&context.syntax.entry());
    let is_start = |id: &BlockId| {
        let block = &graph[*id];
        let is_function = entry == Some(*id) || ends::is_function(context.syntax, block);
        is_function && block.section.kind == SectionKind::Code
    };
    graph.linked().filter(is_start).collect()
}

/// Returns the first instruction of a block, without a comment.
fn first<'g>(graph: &'g Graph<'_>, context: &Context<'_>, id: BlockId) -> Option<&'g str> {
    let first = graph[id].instructions.first()?;
    Some(context.syntax.code(&first.text))
}

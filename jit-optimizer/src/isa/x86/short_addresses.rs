//! Passes for x86_64 Linux: shorter ways to the addresses of symbols.
//!
//! Code that is compiled to be anywhere has the 64 bits of a symbol's address in an instruction of 10 bytes. What the
//! stencil has itself, such as the text of a literal, is near the code, and one of 7 bytes computes its address. The
//! addresses of other symbols can be loaded by 7 bytes from their slots in the GOT, which a trace has once for all its
//! micro-ops; `patch_x86_64_32rx` of `jit.c` makes a `leaq` of it if the symbol is near. The slots take memory, so
//! only small code has such loads:
//!
//! ```text
//! movabsq $.L.str, %rdi           leaq .L.str(%rip), %rdi
//! movabsq $PyLong_Type, %rax      movq PyLong_Type@GOTPCREL(%rip), %rax
//! ```

use jit_schema::ObjectFormat;

use super::operands::{Register, split};
use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;

/// Computes addresses in the stencil from the instruction's own.
pub(super) const COMPUTE_OWN: Pass = Pass {
    name: "compute-own-addresses",
    run: |graph, context| {
        shorten(graph, context, |graph, address, (symbol, _)| {
            graph
                .defines(symbol)
                .then(|| format!("leaq\t{address}(%rip)"))
        })
    },
};

/// Loads addresses from slots.
pub(super) const LOAD_FROM_SLOTS: Pass = Pass {
    name: "load-addresses-from-slots",
    run: |graph, context| {
        shorten(graph, context, |graph, _, (symbol, rest)| {
            let has_slot = !graph.defines(symbol) && rest.is_empty();
            has_slot.then(|| format!("movq\t{symbol}@GOTPCREL(%rip)"))
        })
    },
};

/// Returns an instruction without its destination that has the same result as `movabsq` of an address: of a symbol, with
/// what is added to it.
type Shorter = fn(&Graph<'_>, &str, (&str, &str)) -> Option<String>;

/// Replaces each load of an address for which there is a shorter instruction.
fn shorten(
    graph: &mut Graph<'_>,
    context: &Context<'_>,
    shorter: Shorter,
) -> Result<(), OptimizeError> {
    if context.syntax.format != ObjectFormat::Elf {
        return Ok(());
    }
    let unknown = graph.unknown_blocks();
    let blocks: Vec<BlockId> = graph
        .linked()
        .take_while(|&id| id != context.continuation)
        .filter(|&id| !unknown[id])
        .collect();
    for id in blocks {
        for at in 0..graph[id].instructions.len() {
            let instruction = &graph[id].instructions[at];
            if let Some(text) = replacement(graph, instruction, shorter) {
                let line = instruction.line;
                graph[id].instructions[at] = Instruction::synthetic(text, line);
            }
        }
    }
    Ok(())
}

fn replacement(
    graph: &Graph<'_>,
    instruction: &Instruction<'_>,
    shorter: Shorter,
) -> Option<String> {
    if instruction.operation != Operation::Other {
        return None;
    }
    let ("movabsq", operands) = split(instruction)? else {
        return None;
    };
    let [source, destination] = *operands else {
        return None;
    };
    let register = Register::parse(destination)?.wide();
    let address = source.strip_prefix('$')?;
    let (symbol, rest) = scan::symbol(address)?;
    let is_name = !symbol.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '"');
    if !is_name || scan::unquoted(symbol).starts_with("_JIT_") {
        return None;
    }
    let short = shorter(graph, address, (symbol, rest))?;
    Some(format!("\t{short}, {register}"))
}

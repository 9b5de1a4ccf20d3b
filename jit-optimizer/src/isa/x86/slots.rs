//! A tuned pass for x86_64 Linux: addresses of symbols from slots.
//!
//! Code that is compiled to be anywhere has the 64 bits of a symbol's address in an instruction of 10 bytes. One of
//! 7 bytes loads them from the symbol's slot in the GOT, which a trace has once for all its micro-ops, and
//! `patch_x86_64_32rx` of `jit.c` makes a `leaq` of it if the symbol is near. What the stencil has itself, such
//! as the text of a literal, is near:
//!
//! ```text
//! movabsq $PyLong_Type, %rax      movq PyLong_Type@GOTPCREL(%rip), %rax
//! movabsq $.L.str, %rdi           leaq .L.str(%rip), %rdi
//! ```

use jit_schema::ObjectFormat;

use super::operands::{Register, split};
use crate::cfg::{BlockId, Graph};
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;

/// Loads addresses by shorter instructions.
pub(super) const LOAD: Pass = Pass {
    name: "load-addresses-from-slots",
    run: load,
};

fn load(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
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
            if let Some(text) = shorter(graph, instruction) {
                let line = instruction.line;
                graph[id].instructions[at] = Instruction::synthetic(text, line);
            }
        }
    }
    Ok(())
}

fn shorter(graph: &Graph<'_>, instruction: &Instruction<'_>) -> Option<String> {
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
    if graph.defines(symbol) {
        return Some(format!("\tleaq\t{address}(%rip), {register}"));
    }
    rest.is_empty()
        .then(|| format!("\tmovq\t{symbol}@GOTPCREL(%rip), {register}"))
}

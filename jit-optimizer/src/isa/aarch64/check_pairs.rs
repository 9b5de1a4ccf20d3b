//! Checks that the two instructions of each pair are one to whoever runs them.
//!
//! `patch_aarch64_33rx` writes both instructions as it likes: the `adrp` may become the first half of an
//! immediate, and the `ldr` the second half. That is safe if no control flow comes in between, and if
//! nothing but the `ldr` reads what the `adrp` writes. The passes that label pairs look for that; this one
//! checks what they have written.

use jit_schema::label::{Half, Label};

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;
use crate::syntax::Syntax;

/// Refuses a pair with something between its halves that may jump, or read the register.
pub(super) const CHECK: Pass = Pass {
    name: "check-pairs",
    run: check,
};

fn check(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    for id in graph.linked() {
        let instructions = &graph[id].instructions;
        for (at, instruction) in instructions.iter().enumerate() {
            let Some((half, name)) = half(context.syntax, instruction) else {
                continue;
            };
            let first = match half {
                Half::First => at,
                Half::Second => {
                    let first = |i: &Instruction<'_>| {
                        self::half(context.syntax, i) == Some((Half::First, name))
                    };
                    instructions.iter().position(first).unwrap_or(at)
                }
            };
            let rest = instructions.get(first..).unwrap_or_default();
            if !is_safe(context.syntax, rest, name) {
                return Err(OptimizeError::PairInterrupted {
                    line: instruction.line,
                    symbol: name.0.to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// The symbol and the number of a pair.
pub(super) type Name<'t> = (&'t str, usize);

/// Returns which half of which pair an instruction is the label of, if it is one.
pub(super) fn half<'t>(
    syntax: &Syntax,
    instruction: &'t Instruction<'_>,
) -> Option<(Half, Name<'t>)> {
    let label = instruction.text.strip_suffix(':')?;
    let name = label.strip_prefix(syntax.symbol_prefix).unwrap_or(label);
    let found = [label, name]
        .into_iter()
        .find_map(|name| Label::parse(name).ok()?);
    match found? {
        Label::Pair {
            half,
            symbol,
            number,
            ..
        } => Some((half, (symbol, number))),
        Label::Relocation { .. } => None,
    }
}

/// Returns whether a pair is safe, from the instructions from its first label on.
pub(super) fn is_safe(syntax: &Syntax, instructions: &[Instruction<'_>], name: Name<'_>) -> bool {
    let [_, page, between @ ..] = instructions else {
        return false;
    };
    let second = |i: &Instruction<'_>| half(syntax, i) == Some((Half::Second, name));
    let Some(end) = between.iter().position(second) else {
        return false;
    };
    let (Some(load), Some(between)) = (between.get(end + 1), between.get(..end)) else {
        return false;
    };
    let (page, load) = (syntax.code(&page.text), syntax.code(&load.text));
    let Some(register) = scan::symbols(page).nth(1) else {
        return false;
    };
    let mut words = scan::symbols(load);
    let is_pair = scan::symbols(page).next() == Some("adrp")
        && words.next() == Some("ldr")
        && words.next() == Some(register)
        && words.next() == Some(register);
    is_pair && !syntax.is_several(page) && between.iter().all(|i| is_harmless(syntax, i, register))
}

/// Returns whether control flow goes through an instruction, and the register stays as it is.
pub(super) fn is_harmless(syntax: &Syntax, instruction: &Instruction<'_>, register: &str) -> bool {
    let code = syntax.code(&instruction.text).trim();
    // Passes add labels, but nothing jumps to them.
    if code.ends_with(':') || code.starts_with('#') {
        return !code.contains("_JIT_OVER_");
    }
    let narrow = register.get(1..).unwrap_or_default();
    let reads = |word: &str| word == register || word.strip_prefix('w') == Some(narrow);
    instruction.operation == Operation::Other
        && !syntax.is_several(code)
        && !scan::symbols(code).any(reads)
}

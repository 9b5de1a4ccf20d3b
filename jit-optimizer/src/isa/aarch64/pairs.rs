//! A tuned pass: both halves of a load from a slot as one hole, on all targets.
//!
//! `patch_aarch64_33rx` of `jit.c` fills an `adrp` and an `ldr` together. It can then turn them into
//! immediates, or into the address of something near, so that nothing is loaded. Upstream's optimizer
//! labels such pairs only in the spelling of Linux. This pass labels those of Darwin and Windows.

use jit_schema::ObjectFormat;
use jit_schema::label::{Half, Label, PairKind};

use super::check_pairs::is_harmless;
use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::pass::{Context, Pass};
use crate::scan;
use crate::syntax::Syntax;

/// Labels the two halves of loads from a slot.
pub(super) const LABEL: Pass = Pass {
    name: "label-pairs",
    run: label,
};

fn label(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut number = 0;
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        let mut at = 0;
        while at < block.instructions.len() {
            if let Some((symbol, distance)) = pair(&block.instructions[at..], context.syntax) {
                let label = |half, line| {
                    let label = Label::Pair {
                        kind: PairKind::CustomAarch64Const33,
                        half,
                        symbol: &symbol,
                        number,
                    };
                    Instruction::synthetic(format!("{label}:"), line)
                };
                let load = at + distance;
                let second = label(Half::Second, block.instructions[load].line);
                let first = label(Half::First, block.instructions[at].line);
                block.instructions.insert(load, second);
                block.instructions.insert(at, first);
                number += 1;
                at += 1;
            }
            at += 1;
        }
    }
    Ok(())
}

/// If the first of these instructions is the first half of a pair: returns the symbol, and where the second half is. What is
/// between them does not touch the register.
fn pair(instructions: &[Instruction<'_>], syntax: &Syntax) -> Option<(String, usize)> {
    let (page, rest) = instructions.split_first()?;
    let found = half(&page.text, syntax.format, Half::First)?;
    let (register, symbol) = found;
    let is_second = |i: &Instruction<'_>| half(&i.text, syntax.format, Half::Second) == Some(found);
    let between = rest
        .iter()
        .position(|i| is_second(i) || !is_harmless(syntax, i, register))?;
    is_second(rest.get(between)?).then(|| (symbol.to_owned(), between + 1))
}

/// Returns the register and the symbol of one half: of an `adrp`, or of an `ldr` of 64 bits to the
/// same register that its address is in.
fn half(text: &str, format: ObjectFormat, half: Half) -> Option<(&str, &str)> {
    let code = text.split([';', '/']).next()?;
    let (mnemonic, rest) = scan::mnemonic(code)?;
    let (register, rest) = rest.trim().split_once(", ")?;
    let slot = match (mnemonic, half) {
        ("adrp", Half::First) => rest,
        ("ldr", Half::Second) => rest
            .strip_prefix('[')?
            .strip_prefix(register)?
            .strip_prefix(", ")?
            .strip_suffix(']')?,
        _ => return None,
    };
    let symbol = match (format, half) {
        (ObjectFormat::MachO, Half::First) => slot.strip_suffix("@GOTPAGE")?,
        (ObjectFormat::MachO, Half::Second) => slot.strip_suffix("@GOTPAGEOFF")?,
        (ObjectFormat::Coff, Half::First) => slot.strip_prefix("__imp_")?,
        (ObjectFormat::Coff, Half::Second) => slot.strip_prefix(":lo12:__imp_")?,
        (ObjectFormat::Elf, _) => return None,
    };
    let is_name = symbol
        .bytes()
        .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (register.starts_with('x') && is_name && !symbol.is_empty()).then_some((register, symbol))
}

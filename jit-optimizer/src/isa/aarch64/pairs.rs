//! A tuned pass: both halves of a load from a slot as one hole, on all targets.
//!
//! `patch_aarch64_33rx` of `jit.c` fills an `adrp` and an `ldr` together. It can then turn them into
//! immediates, or into the address of something near, so that nothing is loaded. Upstream's optimizer
//! labels such pairs only in the spelling of Linux. This pass labels those of Darwin and Windows.

use jit_schema::ObjectFormat;
use jit_schema::label::{Half, Label, PairKind};

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::pass::{Context, Pass};
use crate::scan;

/// Labels the two halves of loads from a slot.
pub(super) const LABEL: Pass = Pass {
    name: "label-pairs",
    run: label,
};

fn label(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let format = context.syntax.format;
    let mut number = 0;
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        let mut at = 0;
        while let Some([page, load]) = block.instructions.get(at..at + 2) {
            let pair = half(&page.text, format, Half::First)
                .filter(|page| half(&load.text, format, Half::Second) == Some(*page));
            let Some((_, symbol)) = pair else {
                at += 1;
                continue;
            };
            let label = |half, line| {
                let label = Label::Pair {
                    kind: PairKind::CustomAarch64Const33,
                    half,
                    symbol,
                    number,
                };
                Instruction::synthetic(format!("{label}:"), line)
            };
            let first = label(Half::First, page.line);
            let second = label(Half::Second, load.line);
            block.instructions.insert(at + 1, second);
            block.instructions.insert(at, first);
            number += 1;
            at += 4;
        }
    }
    Ok(())
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

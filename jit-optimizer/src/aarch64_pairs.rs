//! 64-bit Arm, for `--codegen tuned`: both halves of a load from a slot as one hole, on all targets.
//!
//! `patch_aarch64_33rx` of `jit.c` fills an `adrp` and an `ldr` together. It can then make immediates
//! of them, or the address of what is near, so that nothing is loaded. Upstream's optimizer labels
//! such pairs where they are spelled as on Linux. Darwin and Windows have other spellings of the same.

use jit_schema::ObjectFormat;

use crate::cfg::Graph;
use crate::parse::Instruction;
use crate::scan;

/// Label the pairs.
pub(crate) fn label(graph: &mut Graph<'_>, format: ObjectFormat) {
    let mut number = 0;
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        let mut at = 0;
        while let Some([page, load]) = block.instructions.get(at..at + 2) {
            let pair = half(&page.text, format, Half::Page)
                .filter(|page| half(&load.text, format, Half::Load) == Some(*page));
            let Some((_, symbol)) = pair else {
                at += 1;
                continue;
            };
            let label =
                |half| format!("CUSTOM_AARCH64_CONST33{half}_JIT_PAIR_{symbol}_JIT_PAIR_{number}:");
            let labels = [("a", page.line), ("b", load.line)]
                .map(|(half, line)| Instruction::synthetic(label(half), line));
            let [first, second] = labels;
            block.instructions.insert(at + 1, second);
            block.instructions.insert(at, first);
            number += 1;
            at += 4;
        }
    }
}

#[derive(Clone, Copy)]
enum Half {
    /// The `adrp`.
    Page,
    /// The `ldr`, of 64 bits and to the register that it is through.
    Load,
}

/// The register and the symbol.
fn half(text: &str, format: ObjectFormat, half: Half) -> Option<(&str, &str)> {
    let code = text.split([';', '/']).next()?;
    let (mnemonic, rest) = scan::mnemonic(code)?;
    let (register, rest) = rest.trim().split_once(", ")?;
    let slot = match (mnemonic, half) {
        ("adrp", Half::Page) => rest,
        ("ldr", Half::Load) => rest
            .strip_prefix('[')?
            .strip_prefix(register)?
            .strip_prefix(", ")?
            .strip_suffix(']')?,
        _ => return None,
    };
    let symbol = match (format, half) {
        (ObjectFormat::MachO, Half::Page) => slot.strip_suffix("@GOTPAGE")?,
        (ObjectFormat::MachO, Half::Load) => slot.strip_suffix("@GOTPAGEOFF")?,
        (ObjectFormat::Coff, Half::Page) => slot.strip_prefix("__imp_")?,
        (ObjectFormat::Coff, Half::Load) => slot.strip_prefix(":lo12:__imp_")?,
        (ObjectFormat::Elf, _) => return None,
    };
    let is_name = symbol
        .bytes()
        .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (register.starts_with('x') && is_name && !symbol.is_empty()).then_some((register, symbol))
}

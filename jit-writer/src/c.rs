//! C text that all formats share.

use std::fmt::{self, Write as _};

use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::{Part, StencilGroup, SymbolMask, UnwindInfo};

/// Formats a hexadecimal number as Python does, with the sign before the `0x`.
pub(crate) struct SignedHex(pub(crate) i64);

impl fmt::Display for SignedHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{:#x}", self.0.unsigned_abs())
    }
}

/// Writes the array of a stencil's bytes, 8 per line. Zeros at the end are part of the array's
/// size, but C fills them in; a stencil of only zeros has no array.
pub(crate) fn write_body(out: &mut String, part: Part, body: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let bytes = without_trailing_zeros(body);
    if bytes.is_empty() {
        return;
    }
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "    const unsigned char {part}_body[{}] = {{",
        body.len()
    );
    for row in bytes.chunks(8) {
        out.push_str("       ");
        for byte in row {
            let [high, low] = [byte >> 4, byte & 15].map(usize::from);
            let digit = |index| DIGITS.get(index).copied().unwrap_or_default();
            out.push_str(" 0x");
            out.push(digit(high));
            out.push(digit(low));
            out.push(',');
        }
        out.push('\n');
    }
    out.push_str("    };\n");
}

/// Writes the statement that copies that array, if there is one.
pub(crate) fn write_copy(out: &mut String, part: Part, body: &[u8]) {
    if !without_trailing_zeros(body).is_empty() {
        let _ = writeln!(out, "    memcpy({part}, {part}_body, sizeof({part}_body));");
    }
}

fn without_trailing_zeros(body: &[u8]) -> &[u8] {
    let end = body.iter().rposition(|byte| *byte != 0);
    end.and_then(|last| body.get(..=last)).unwrap_or_default()
}

/// Writes the words of a mask as an initializer.
pub(crate) fn write_mask(out: &mut String, mask: &SymbolMask) {
    let words = mask.words();
    if words.is_empty() {
        out.push_str("{0}");
        return;
    }
    let mut separator = "{";
    for word in words {
        let _ = write!(out, "{separator}{word:#04x}");
        separator = ", ";
    }
    out.push('}');
}

/// Returns the groups in the order of their names.
pub(crate) fn by_name(groups: &[(String, StencilGroup)]) -> Vec<(&str, &StencilGroup)> {
    let mut sorted: Vec<_> = groups
        .iter()
        .map(|(name, group)| (name.as_str(), group))
        .collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// Returns the preprocessor condition that is true when C is compiled for the target, from
/// `get_target` in CPython's `Tools/jit/_targets.py`.
pub(crate) fn target_condition(target: &Target) -> String {
    match target.format {
        ObjectFormat::Coff => format!(
            "defined({})",
            match target.arch {
                Arch::Aarch64 => "_M_ARM64",
                Arch::I686 => "_M_IX86",
                Arch::X86_64 => "_M_X64",
            }
        ),
        ObjectFormat::Elf => format!("{} && defined(__linux__)", gnu_condition(target.arch)),
        ObjectFormat::MachO => format!("{} && defined(__APPLE__)", gnu_condition(target.arch)),
    }
}

fn gnu_condition(arch: Arch) -> &'static str {
    match arch {
        Arch::Aarch64 => "defined(__aarch64__)",
        Arch::I686 => "defined(__i386__)",
        Arch::X86_64 => "defined(__x86_64__)",
    }
}

/// A target whose header a dispatcher includes.
#[derive(Debug, Clone, Copy)]
pub struct Included<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its triple as the name of its header has it.
    pub triple: &'a str,
}

impl<'a> From<&'a Target> for Included<'a> {
    fn from(target: &'a Target) -> Included<'a> {
        let triple = target.triple;
        Included { target, triple }
    }
}

/// Writes the `#if` that includes the header for the target of the C compiler.
pub(crate) fn write_choice(out: &mut String, prefix: &str, targets: &[Included<'_>], error: &str) {
    let mut directive = "#if";
    for Included { target, triple } in targets {
        let _ = writeln!(
            out,
            "{directive} {}\n#include \"{prefix}-{triple}.h\"",
            target_condition(target),
        );
        directive = "#elif";
    }
    let _ = write!(out, "#else\n#error \"{error}\"\n#endif\n");
}

/// Returns the approximate size of the C text of a group, in bytes.
pub(crate) fn estimate(group: &StencilGroup) -> usize {
    let stencils = [&group.code, &group.data]
        .into_iter()
        .map(|stencil| stencil.body.len() * 11 + stencil.holes.len() * 90);
    let disassembly = group.listing.disassembly.as_ref();
    stencils.sum::<usize>() + disassembly.map_or(0, |text| text.len() * 3 / 2) + 512
}

/// Returns whether a text ends with the macros of [`write_unwind_macros`].
pub(crate) fn ends_with_unwind_macros(text: &str) -> bool {
    let last = text
        .strip_suffix('\n')
        .and_then(|text| text.lines().next_back());
    let is_number = |value: &str| value.parse::<i64>().is_ok();
    last.is_some_and(|line| {
        line == "#define JIT_UNWIND_INFO_SUPPORTED 0"
            || line
                .strip_prefix("#define JIT_UNWIND_RA_OFFSET ")
                .is_some_and(is_number)
    })
}

/// Writes macros with the unwind rules for JIT code (`dump_unwind_info` in CPython's
/// `Tools/jit/_writer.py`).
pub(crate) fn write_unwind_macros(out: &mut String, info: Option<&UnwindInfo>) {
    let Some(info) = info else {
        out.push_str("#define JIT_UNWIND_INFO_SUPPORTED 0\n");
        return;
    };
    let _ = write!(
        out,
        "#define JIT_UNWIND_INFO_SUPPORTED 1\n\
         #define JIT_UNWIND_CODE_ALIGNMENT_FACTOR {}\n\
         #define JIT_UNWIND_DATA_ALIGNMENT_FACTOR {}\n\
         #define JIT_UNWIND_RA_REG {}\n\
         #define JIT_UNWIND_CFA_REG {}\n\
         #define JIT_UNWIND_CFA_OFFSET {}\n\
         #define JIT_UNWIND_FP_REG {}\n\
         #define JIT_UNWIND_FP_OFFSET {}\n\
         #define JIT_UNWIND_RA_OFFSET {}\n",
        info.code_alignment_factor,
        info.data_alignment_factor,
        info.return_address_register,
        info.cfa_register,
        info.cfa_offset,
        info.frame_pointer_register,
        info.frame_pointer_offset,
        info.return_address_offset,
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// With the same condition as another target's, a header would never be included.
    #[test]
    fn each_target_has_a_condition_of_its_own() {
        let conditions = Target::ALL.map(|target| target_condition(&target));
        let distinct: BTreeSet<_> = conditions.iter().collect();
        assert_eq!(distinct.len(), conditions.len(), "{conditions:?}");
    }
}

//! The instructions that make constants.

use jit_schema::label::Constant;

use crate::scan;

/// An operand that fits into 32 bits: `_JIT_OPARG_16`, `_JIT_OPERAND0_32` and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Small {
    pub(super) constant: Constant,
    /// Whether it has 32 bits, not 16.
    pub(super) wide: bool,
}

/// The role of an instruction in making a constant. Registers are `x0` to `x99`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role<'a> {
    /// `adrp` of the page of a small operand.
    SmallPage { register: &'a str, value: Small },
    /// `ldr` of a small operand.
    SmallLoad { register: &'a str, value: Small },
    /// `and` with 0xffff, which is redundant after a load of 16 bits. The register is spelled as in
    /// the instruction, `w0` or `x0`.
    Mask { register: &'a str },
    /// `adrp` of the page of a GOT entry.
    LargePage { register: &'a str, value: &'a str },
    /// `ldr` of a GOT entry.
    LargeLoad { register: &'a str, value: &'a str },
}

impl<'a> Role<'a> {
    /// Returns the role of an instruction, if it has one.
    pub(super) fn parse(line: &'a str) -> Option<Role<'a>> {
        let (mnemonic, rest) = scan::mnemonic(line)?;
        match mnemonic {
            "adrp" => {
                let (register, rest) = destination(rest)?;
                if let Some(value) = small_value(rest) {
                    return Some(Role::SmallPage { register, value });
                }
                let value = marked_value(rest, ":got:")?;
                Some(Role::LargePage { register, value })
            }
            "ldr" => {
                let (register, rest) = destination(rest)?;
                if let Some(value) = small_value(rest) {
                    return Some(Role::SmallLoad { register, value });
                }
                let value = marked_value(rest, ":got_lo12:")?;
                Some(Role::LargeLoad { register, value })
            }
            "and" => mask(rest),
            _ => None,
        }
    }
}

/// Returns the first operand, an `x` register, and what follows its comma: the start of
/// `_re_small_const_1`, `_re_small_const_2`, `_re_large_const_1` and `_re_large_const_2`.
fn destination(operands: &str) -> Option<(&str, &str)> {
    let (register, rest) = register(scan::skip_space(operands), &['x'])?;
    Some((register, rest.strip_prefix(',')?))
}

/// Returns the last small operand that a text names.
fn small_value(text: &str) -> Option<Small> {
    text.rmatch_indices("_JIT_OP").find_map(|(at, _)| {
        let name = text.get(at..)?;
        let operand = |constant: Constant| {
            let width = name.strip_prefix(constant.symbol())?;
            let wide = width.starts_with("_32");
            (wide || width.starts_with("_16")).then_some(Small { constant, wide })
        };
        Constant::ALL.iter().copied().find_map(operand)
    })
}

/// Returns the symbol after the last marker that has one.
fn marked_value<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    // `rmatch_indices` does not find both of two markers that share a colon.
    let mut end = text.len();
    loop {
        let at = text.get(..end)?.rfind(marker)?;
        let after = text.get(at + marker.len()..)?;
        let (value, _) = scan::split_run(after, |c| c == '_' || c.is_ascii_alphanumeric());
        if !value.is_empty() {
            return Some(value);
        }
        end = at + marker.len() - 1;
    }
}

/// Matches `_re_small_const_mask`: `[xw]\d\d?, *([xw]\d\d?).*0xffff`.
fn mask(operands: &str) -> Option<Role<'_>> {
    let (_, rest) = register(scan::skip_space(operands), &['x', 'w'])?;
    let source = rest.strip_prefix(',')?.trim_start_matches(' ');
    let (mut name, mut rest) = register(source, &['x', 'w'])?;
    if !rest.contains("0xffff") {
        // The second digit may be the first digit of the number.
        (name, rest) = source.split_at_checked(2)?;
    }
    rest.contains("0xffff")
        .then_some(Role::Mask { register: name })
}

/// Splits off a register of one of these classes, with two digits or else one.
fn register<'a>(text: &'a str, classes: &[char]) -> Option<(&'a str, &'a str)> {
    let digits = text.strip_prefix(classes)?.bytes().take(2);
    match digits.take_while(u8::is_ascii_digit).count() {
        0 => None,
        count => text.split_at_checked(1 + count),
    }
}

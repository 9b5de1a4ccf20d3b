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
    /// `and` of a register with a number, which is redundant if the register has no other bits. The
    /// registers are numbers, for the instruction may say `w0` or `x0`.
    Mask {
        destination: u8,
        source: u8,
        bits: u64,
    },
    /// `adrp` of the page of a GOT entry.
    LargePage { register: &'a str, value: &'a str },
    /// `ldr` of a GOT entry.
    LargeLoad { register: &'a str, value: &'a str },
}

impl<'a> Role<'a> {
    /// Returns the role of an instruction, which has no comment, if it has one.
    pub(super) fn parse(code: &'a str) -> Option<Role<'a>> {
        let (mnemonic, rest) = scan::mnemonic(code)?;
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

/// Returns the small operand that a text names, if it names one.
fn small_value(text: &str) -> Option<Small> {
    scan::symbols(text).find_map(|symbol| {
        let at = symbol.find("_JIT_OP")?;
        let (prefix, name) = symbol.split_at_checked(at)?;
        if !matches!(prefix, "" | "_" | "__imp_") {
            return None;
        }
        let (name, _) = name.split_once('@').unwrap_or((name, ""));
        let operand = |constant: Constant| {
            let wide = match name.strip_prefix(constant.symbol())? {
                "_32" => true,
                "_16" => false,
                _ => return None,
            };
            Some(Small { constant, wide })
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
        if let Some((value, _)) = scan::symbol(after) {
            // A label cannot have quotes in the middle.
            return Some(value).filter(|value| !value.starts_with('"'));
        }
        end = at + marker.len() - 1;
    }
}

/// Reads the operands of an `and` with a number that starts with four digits f, as upstream's
/// `_re_small_const_mask` does, which only looks for the text `0xffff`: `w8, w8, #0xffff`.
fn mask(operands: &str) -> Option<Role<'_>> {
    let (destination, rest) = register(scan::skip_space(operands), &['x', 'w'])?;
    let (source, rest) = register(scan::skip_space(rest.strip_prefix(',')?), &['x', 'w'])?;
    let number = scan::skip_space(rest.strip_prefix(',')?).strip_prefix("#0x")?;
    let bits = number.trim_end();
    let bits = bits
        .starts_with("ffff")
        .then(|| u64::from_str_radix(bits, 16).ok())??;
    let number = |register: &str| register.get(1..)?.parse().ok();
    Some(Role::Mask {
        destination: number(destination)?,
        source: number(source)?,
        bits,
    })
}

/// Splits off a register of one of these classes, with two digits or else one.
fn register<'a>(text: &'a str, classes: &[char]) -> Option<(&'a str, &'a str)> {
    let digits = text.strip_prefix(classes)?.bytes().take(2);
    match digits.take_while(u8::is_ascii_digit).count() {
        0 => None,
        count => text.split_at_checked(1 + count),
    }
}

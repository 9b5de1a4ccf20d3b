//! Reads calls of patch functions: the inverse of [`expression`](crate::expression).

use jit_schema::{PatchKind, PatchShape};
use jit_stencils::{Hole, HoleValue, Part, PatchValue};

use crate::expression::{BaseExpression, LOW_32, WIDE};

/// Reads the call that fills a hole, for example `patch_32r(code + 0x1, instruction->jump_target + -0x4);`. Returns
/// what is wrong with it otherwise.
pub(super) fn parse(line: &str, base: BaseExpression) -> Result<(Part, Hole), String> {
    let unknown = || format!("{line:?} fills no hole");
    let (function, arguments) = line.split_once('(').ok_or_else(unknown)?;
    let arguments = arguments.strip_suffix(");").ok_or_else(unknown)?;
    let patch = PatchKind::ALL
        .iter()
        .copied()
        .find(|patch| patch.c_name() == function)
        .ok_or_else(|| format!("{function} is not a known patch function"))?;
    // The same function writes numbers with a sign.
    let low = format!(", {LOW_32}(");
    if patch == PatchKind::Patch32
        && let Some((place, value)) = arguments.split_once(&low)
    {
        let value = value.strip_suffix(')').ok_or_else(unknown)?;
        let arguments = format!("{place}, {value}");
        return call(PatchKind::Patch32s, &arguments, base).ok_or_else(unknown);
    }
    call(patch, arguments, base).ok_or_else(unknown)
}

fn call(patch: PatchKind, arguments: &str, base: BaseExpression) -> Option<(Part, Hole)> {
    let hole = |offset, first, value| Hole {
        offset,
        patch,
        value,
        first,
        void: false,
    };
    let shape = patch.row().shape;
    if shape == PatchShape::Slot {
        let ordinal = number(arguments.strip_prefix("state, ")?)?;
        return Some((Part::Data, hole(0, None, PatchValue::Symbol { ordinal })));
    }
    let (place, rest) = arguments.split_once(", ")?;
    let (part, mut offset) = place_of(place)?;
    let mut first = None;
    let mut rest = rest;
    if shape == PatchShape::Pair
        && let Some((place, value)) = rest.split_once(", ")
        && let Some((other, second)) = place_of(place)
    {
        if other != part {
            return None;
        }
        first = Some(offset);
        offset = second;
        rest = value;
    }
    let value = match shape {
        PatchShape::Trampoline => PatchValue::Symbol {
            ordinal: number(rest.strip_suffix(", state")?)?,
        },
        PatchShape::Field | PatchShape::Pair | PatchShape::Slot => value(rest, base)?,
    };
    Some((part, hole(offset, first, value)))
}

/// Reads `code + 0x12`.
fn place_of(text: &str) -> Option<(Part, usize)> {
    let (part, offset) = text.split_once(" + ")?;
    let part = Part::ALL.into_iter().find(|known| known.name() == part)?;
    Some((part, number(offset)?))
}

fn number(text: &str) -> Option<usize> {
    usize::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Reads the value of a hole.
fn value(text: &str, base: BaseExpression) -> Option<PatchValue> {
    if let Some(rest) = text.strip_prefix("got_symbol_address(") {
        let (ordinal, rest) = rest.split_once(", state)")?;
        let addend = match rest {
            "" => 0,
            rest => match rest.strip_prefix(" - ") {
                Some(digits) => 0_i64.checked_sub_unsigned(digits.parse().ok()?)?,
                None => rest.strip_prefix(" + ")?.parse().ok()?,
            },
        };
        let ordinal = number(ordinal)?;
        return Some(PatchValue::GotSlot { ordinal, addend });
    }
    if let Some(text) = text.strip_prefix(WIDE) {
        let (expression, rest) = text.split_once(" * ")?;
        let (scale, addend) = match rest.split_once(" + ") {
            Some((scale, addend)) => (scale, signed(addend)?),
            None => (rest, 0),
        };
        let is_it = |value: &HoleValue| base(*value).is_some_and(|known| known == expression);
        let fixed = bases().find(is_it);
        let base = fixed.or_else(|| Some(numbered(expression, base)?.0))?;
        let scale = i32::try_from(signed(scale)?).ok()?;
        return Some(PatchValue::Scaled {
            base,
            scale,
            addend,
        });
    }
    let (base, rest) = bases()
        .filter_map(|value| Some((value, base(value)?)))
        .filter(|(_, expression)| !expression.is_empty())
        .filter_map(|(value, expression)| {
            let rest = text.strip_prefix(&*expression)?;
            (rest.is_empty() || rest.starts_with(" + ")).then_some((value, rest))
        })
        // One expression may start with another one. Of bases with the same, the first is read.
        .min_by_key(|(_, rest)| rest.len())
        .or_else(|| numbered(text, base))
        .unwrap_or((HoleValue::Zero, text));
    let mut symbol = None;
    let mut addend = 0;
    for term in rest.split(" + ").filter(|term| !term.is_empty()) {
        match term.strip_prefix("(uintptr_t)&") {
            Some(name) if symbol.is_none() && addend == 0 => symbol = Some(name.into()),
            Some(_) => return None,
            None => addend = signed(term)?,
        }
    }
    Some(PatchValue::Address {
        base,
        symbol,
        addend,
    })
}

fn bases() -> impl Iterator<Item = HoleValue> {
    HoleValue::FIXED.iter().copied()
}

/// Finds the base with a number that a text starts with.
fn numbered(text: &str, base: BaseExpression) -> Option<(HoleValue, &str)> {
    let end = text.find(" + ").unwrap_or(text.len());
    let (expression, rest) = text.split_at_checked(end)?;
    let (_, after) = expression.split_once('[')?;
    let (digits, _) = after.split_once(']')?;
    let number = digits.parse().ok()?;
    let candidates = [
        HoleValue::Operand(number),
        HoleValue::OperandHigh(number),
        HoleValue::OperandLow(number),
        HoleValue::Place(number),
    ];
    let found = candidates.into_iter();
    let mut found = found.filter(|value| base(*value).is_some_and(|known| known == expression));
    Some((found.next()?, rest))
}

/// Reads `-0x4`.
fn signed(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let magnitude = u64::from_str_radix(digits.strip_prefix("0x")?, 16).ok()?;
    match negative {
        true => 0_i64.checked_sub_unsigned(magnitude),
        false => i64::try_from(magnitude).ok(),
    }
}

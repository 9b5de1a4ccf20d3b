//! What instructions do with addresses of symbols in registers.

use jit_schema::ObjectFormat;

use crate::effect::{Effect, PAGE, Parts, Registers, SLOT_PAGE, WHOLE};
use crate::scan;

/// Returns what an instruction without a comment does.
pub(super) fn effect(code: &str, format: ObjectFormat) -> Effect<'_> {
    let Some((mnemonic, rest)) = scan::mnemonic(code) else {
        return Effect::UNKNOWN;
    };
    if let Some(effect) = address(mnemonic, rest, format) {
        return effect;
    }
    match mnemonic {
        "br" => match wide(rest.trim()) {
            Some(register) => Effect::JumpTo { register },
            None => Effect::UNKNOWN,
        },
        "blr" => match wide(rest.trim()) {
            Some(register) => Effect::CallTo { register },
            None => Effect::UNKNOWN,
        },
        // Calls, system calls, and loads and stores of eight registers of which they name one.
        _ if mnemonic.starts_with("bl")
            || mnemonic.starts_with("br")
            || matches!(mnemonic, "svc" | "hvc" | "smc" | "sysl" | "eret")
            || mnemonic.starts_with("ld64b")
            || mnemonic.starts_with("st64b") =>
        {
            Effect::UNKNOWN
        }
        _ => {
            let branch = mnemonic == "b"
                || mnemonic.starts_with("b.")
                || mnemonic.starts_with("bc.")
                || matches!(mnemonic, "cbz" | "cbnz" | "tbz" | "tbnz");
            let named = named(rest);
            Effect::Other {
                reads: named,
                writes: if branch { Registers::NONE } else { named },
                replaces: Registers::NONE,
            }
        }
    }
}

/// If an instruction puts an address, or a part of it, into a register, or copies a register, returns its
/// effect.
fn address<'a>(mnemonic: &str, rest: &'a str, format: ObjectFormat) -> Option<Effect<'a>> {
    let (first, rest) = rest.split_once(',')?;
    let (to, rest) = (wide(first.trim())?, rest.trim());
    let effect = |symbol, from, parts| Effect::Address {
        to,
        symbol,
        from,
        parts,
    };
    match mnemonic {
        "adrp" => {
            let (symbol, slot) = page(rest, format)?;
            Some(effect(symbol, None, if slot { SLOT_PAGE } else { PAGE }))
        }
        "ldr" => {
            let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
            let (from, place) = inner.split_once(',')?;
            let symbol = slot_offset(place.trim(), format)?;
            Some(effect(symbol, Some((wide(from.trim())?, SLOT_PAGE)), WHOLE))
        }
        "add" => {
            let (from, place) = rest.split_once(',')?;
            let symbol = page_offset(place.trim(), format)?;
            Some(effect(symbol, Some((wide(from.trim())?, PAGE)), WHOLE))
        }
        "movz" => {
            let (symbol, at) = quarter(rest)?;
            Some(effect(symbol, None, 1 << at))
        }
        "movk" => {
            let (symbol, at) = quarter(rest)?;
            let before: Parts = (1 << at) - 1;
            Some(effect(symbol, Some((to, before)), before | 1 << at))
        }
        "mov" => {
            let from = wide(rest)?;
            Some(Effect::Copy { from, to })
        }
        _ => None,
    }
}

/// Returns the symbol of a page, and whether it is the page of its slot in the GOT.
fn page(operand: &str, format: ObjectFormat) -> Option<(&str, bool)> {
    let (symbol, slot) = match format {
        ObjectFormat::Elf => match operand.strip_prefix(":got:") {
            Some(symbol) => (symbol, true),
            None => (operand, false),
        },
        ObjectFormat::Coff => match operand.strip_prefix("__imp_") {
            Some(symbol) => (symbol, true),
            None => (operand, false),
        },
        ObjectFormat::MachO => match operand.strip_suffix("@GOTPAGE") {
            Some(symbol) => (symbol, true),
            None => (operand.strip_suffix("@PAGE")?, false),
        },
    };
    Some((scan::target(symbol)?, slot))
}

/// Returns the symbol of the offset of a slot in its page.
fn slot_offset(operand: &str, format: ObjectFormat) -> Option<&str> {
    let symbol = match format {
        ObjectFormat::Elf => operand.strip_prefix(":got_lo12:")?,
        ObjectFormat::Coff => operand.strip_prefix(":lo12:__imp_")?,
        ObjectFormat::MachO => operand.strip_suffix("@GOTPAGEOFF")?,
    };
    scan::target(symbol)
}

/// Returns the symbol of its offset in its page.
fn page_offset(operand: &str, format: ObjectFormat) -> Option<&str> {
    let symbol = match format {
        ObjectFormat::Elf | ObjectFormat::Coff => operand.strip_prefix(":lo12:")?,
        ObjectFormat::MachO => operand.strip_suffix("@PAGEOFF")?,
    };
    scan::target(symbol)
}

/// Returns the symbol of which an operand is 16 bits of the address, and which: 0 is the lowest.
fn quarter(operand: &str) -> Option<(&str, u8)> {
    let operand = operand.strip_prefix('#').unwrap_or(operand);
    let (at, rest) = operand.strip_prefix(":abs_g")?.split_at_checked(1)?;
    let at: u8 = at.parse().ok().filter(|at| *at < 4)?;
    let rest = rest.strip_prefix("_nc").unwrap_or(rest).strip_prefix(':')?;
    // The shift follows from the part.
    Some((scan::target(rest)?, at))
}

/// Returns the number of a 64-bit register.
fn wide(name: &str) -> Option<usize> {
    match name {
        "fp" => Some(29),
        "lr" => Some(30),
        _ => number(name.strip_prefix('x')?),
    }
}

fn number(digits: &str) -> Option<usize> {
    let number = digits.parse().ok()?;
    (digits.len() < 3 && number < 31).then_some(number)
}

/// Returns the general registers that operands name, of 64 or 32 bits.
fn named(operands: &str) -> Registers {
    let known = scan::symbols(operands).filter_map(|word| {
        let narrow = word.strip_prefix('w').and_then(number);
        wide(word).or(narrow)
    });
    known.fold(Registers::NONE, |all, register| {
        all.and(Registers::one(register))
    })
}

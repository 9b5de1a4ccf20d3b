//! What instructions do with addresses of symbols in registers.

use jit_schema::ObjectFormat;

use super::operands::{Register, is_plain, split_code};
use super::without_prefixes;
use crate::effect::{Effect, Registers, WHOLE};
use crate::scan;

/// Returns what an instruction without a comment does.
///
/// `bits` is the size of an address.
pub(super) fn effect(code: &str, format: ObjectFormat, bits: u32) -> Effect<'_> {
    let Some((mnemonic, operands)) = split_code(without_prefixes(code)) else {
        return Effect::UNKNOWN;
    };
    if let ("jmp" | "jmpq" | "jmpl", [operand]) = (mnemonic, operands.as_slice()) {
        let Some(to) = operand.strip_prefix('*') else {
            return reads(Registers::NONE);
        };
        return match (Register::parse(to), slot(to, format)) {
            (Some(register), _) => Effect::JumpTo {
                register: register.number,
            },
            (None, Some(symbol)) => Effect::JumpThroughSlot { symbol },
            (None, None) => Effect::UNKNOWN,
        };
    }
    if let ("call" | "callq" | "calll", [operand]) = (mnemonic, operands.as_slice()) {
        let register = operand.strip_prefix('*').and_then(Register::parse);
        return register.map_or(Effect::UNKNOWN, |register| Effect::CallTo {
            register: register.number,
        });
    }
    // Conditional jumps. `jcxz` and `loop` read a register that they do not name.
    if mnemonic.starts_with('j') && !mnemonic.contains("cx") {
        return reads(Registers::NONE);
    }
    if let [source, destination] = *operands
        && let Some(to) = Register::parse(destination)
        && to.bits == bits
        && let Some(effect) = load(mnemonic, source, to, format)
    {
        return effect;
    }
    other(mnemonic, &operands)
}

fn reads(reads: Registers) -> Effect<'static> {
    Effect::Other {
        reads,
        writes: Registers::NONE,
        replaces: Registers::NONE,
    }
}

/// If an instruction loads the address of a symbol, or copies a register, returns its effect.
fn load<'a>(
    mnemonic: &str,
    source: &'a str,
    to: Register,
    format: ObjectFormat,
) -> Option<Effect<'a>> {
    if matches!(mnemonic, "movq" | "movl")
        && let Some(from) = Register::parse(source)
    {
        return (from.bits == to.bits).then_some(Effect::Copy {
            from: from.number,
            to: to.number,
        });
    }
    let whole = |text| {
        let (symbol, rest) = scan::symbol(text)?;
        rest.is_empty().then_some(symbol)
    };
    let symbol = match mnemonic {
        "movabsq" | "movq" | "movl" if source.starts_with('$') => {
            // A number is not a symbol.
            let symbol = source.get(1..).and_then(whole)?;
            (!symbol.starts_with(|c: char| c.is_ascii_digit())).then_some(symbol)?
        }
        "movq" | "movl" => slot(source, format)?,
        "leaq" | "leal" => source.strip_suffix("(%rip)").and_then(whole)?,
        _ => return None,
    };
    Some(Effect::Address {
        to: to.number,
        symbol,
        from: None,
        parts: WHOLE,
    })
}

/// Returns the symbol whose slot in the GOT an operand in memory is.
fn slot(operand: &str, format: ObjectFormat) -> Option<&str> {
    let place = operand.strip_suffix("(%rip)");
    let symbol = match format {
        ObjectFormat::Coff => place.unwrap_or(operand).strip_prefix("__imp_")?,
        ObjectFormat::Elf | ObjectFormat::MachO => {
            let (symbol, modifier) = place?.rsplit_once('@')?;
            matches!(modifier, "GOTPCREL" | "GOTPCREL_NORELAX").then_some(symbol)?
        }
    };
    scan::target(symbol)
}

/// Returns the effect of an instruction on the registers that it names.
fn other(mnemonic: &str, operands: &[&str]) -> Effect<'static> {
    let vector = |operand: &&str| {
        operand.starts_with("%xmm") || operand.starts_with("%ymm") || operand.starts_with("%zmm")
    };
    // Comparisons of strings write a register that they do not name, and masked moves read one.
    let is_vector =
        operands.iter().any(vector) && !mnemonic.contains("str") && !mnemonic.contains("maskmov");
    // With one operand, it writes two registers that it does not name.
    let is_product = operands.len() > 1 && mnemonic.starts_with("imul");
    if !is_plain(mnemonic) && !is_vector && !is_product {
        return Effect::UNKNOWN;
    }
    let Some((destination, sources)) = operands.split_last() else {
        return Effect::UNKNOWN;
    };
    let Some(read) = sources
        .iter()
        .try_fold(Registers::NONE, |all, one| Some(all.and(named(one)?)))
    else {
        return Effect::UNKNOWN;
    };
    let Some(named) = named(destination) else {
        return Effect::UNKNOWN;
    };
    let register = Register::parse(destination);
    let is_move = mnemonic.starts_with("mov") || mnemonic.starts_with("lea");
    let is_new = is_move || is_product && operands.len() == 3;
    match register {
        Some(register) => {
            let whole = is_new && register.bits >= 32;
            Effect::Other {
                reads: if whole { read } else { read.and(named) },
                writes: named,
                replaces: if whole { named } else { Registers::NONE },
            }
        }
        None => reads(read.and(named)),
    }
}

/// Returns the general registers that an operand names, or `None` if it names one that is not known.
pub(super) fn named(operand: &str) -> Option<Registers> {
    let names = operand.split('%').skip(1);
    names
        .map(|rest| scan::split_run(rest, scan::is_word).0)
        .try_fold(Registers::NONE, |all, name| {
            let other = ["xmm", "ymm", "zmm"]
                .iter()
                .any(|kind| name.starts_with(kind));
            match Register::named(name) {
                Some(register) => Some(all.and(Registers::one(register.number))),
                None if other || matches!(name, "rip" | "fs" | "gs") => Some(all),
                None => None,
            }
        })
}

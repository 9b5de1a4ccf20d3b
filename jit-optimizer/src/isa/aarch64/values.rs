//! A tuned pass: small values of the instruction become numbers in the code.
//!
//! clang takes oparg and the operands for addresses of symbols, and loads each from a slot of 8 bytes, with two
//! instructions. A value of at most 16 bits fits the immediate of one instruction, and one of at most 32 bits those of
//! two, so that no slot is needed:
//!
//! ```text
//! adrp x8, :got:_JIT_OPERAND_1              movz x8, #<bits 0 to 15>
//! ldr x8, [x8, :got_lo12:_JIT_OPERAND_1]    movk x8, #<bits 16 to 31>, lsl #16
//! ```
//!
//! Upstream's optimizer does that for operands whose names end in `_16` and `_32` only. This pass takes the pairs that
//! have labels, so that it is known that nothing comes between the two instructions that reads the register. It also
//! removes a mask after it that keeps all bits that the value can have.

use jit_schema::RelocationKind;
use jit_schema::label::{Half, Label, LabelTarget};

use super::check_pairs::{self, Name};
use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::{Instruction, Operation};
use crate::pass::{Context, Pass};
use crate::scan;
use crate::symbol::Symbol;
use crate::syntax::Syntax;

/// Puts small values into immediates.
pub(super) const SET: Pass = Pass {
    name: "set-values",
    run: set,
};

fn set(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let mut labels = 0;
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        let mut at = 0;
        while at < block.instructions.len() {
            set_at(&mut block.instructions, at, context, &mut labels);
            at += 1;
        }
    }
    Ok(())
}

/// Replaces the pair whose first label is at an index, if it loads a value that is small enough.
fn set_at(
    instructions: &mut Vec<Instruction<'_>>,
    at: usize,
    context: &Context<'_>,
    labels: &mut usize,
) {
    let syntax = context.syntax;
    let Some((symbol, load)) = pair(instructions.get(at..).unwrap_or_default(), context) else {
        return;
    };
    let load = at + load;
    let [Some(page), Some(slot)] = [at + 1, load].map(|at| instructions.get(at)) else {
        return;
    };
    let lines = [page.line, slot.line];
    let Some(register) = scan::symbols(syntax.code(&page.text)).nth(1) else {
        return;
    };
    let register = register.to_owned();
    let most = symbol.most();
    let name = symbol.to_string();
    let mut label = |kind, line| {
        let label = Label::Relocation {
            kind,
            target: LabelTarget::Symbol(&name),
            number: *labels,
        };
        *labels += 1;
        Instruction::synthetic(format!("{label}:"), line)
    };
    if let Some(mask) = mask(instructions, load, &register, most, syntax) {
        instructions.remove(mask);
    }
    let low = [
        label(RelocationKind::CustomAarch64Const16a, lines[0]),
        Instruction::synthetic(format!("\tmovz\t{register}, 0"), lines[0]),
    ];
    let high = match u16::try_from(most) {
        Ok(_) => Vec::new(),
        Err(_) => vec![
            label(RelocationKind::CustomAarch64Const16b, lines[1]),
            Instruction::synthetic(format!("\tmovk\t{register}, 0, lsl #16"), lines[1]),
        ],
    };
    // The label of the load is before it.
    instructions.splice(load - 1..=load, high);
    instructions.splice(at..at + 2, low);
}

/// Returns where the first instruction after a load is that uses the register, if it leaves the register as it is.
fn mask(
    instructions: &[Instruction<'_>],
    load: usize,
    register: &str,
    most: u64,
    syntax: &Syntax,
) -> Option<usize> {
    let after = instructions.iter().skip(load + 1);
    let at = load
        + 1
        + after
            .take_while(|i| check_pairs::is_harmless(syntax, i, register))
            .count();
    let user = instructions.get(at)?;
    let code = syntax.code(&user.text);
    let is_one = user.operation == Operation::Other && !syntax.is_several(code);
    (is_one && keeps(code, register, most)).then_some(at)
}

/// If the first of these instructions is the label of a pair that loads a small value: returns the value, and where the
/// load is.
fn pair(instructions: &[Instruction<'_>], context: &Context<'_>) -> Option<(Symbol, usize)> {
    let syntax = context.syntax;
    let (half, name) = check_pairs::half(syntax, instructions.first()?)?;
    let symbol = value(syntax, name, context.known.operands)?;
    if half != Half::First || !check_pairs::is_safe(syntax, instructions, name) {
        return None;
    }
    let is_second =
        |i: &Instruction<'_>| check_pairs::half(syntax, i) == Some((Half::Second, name));
    Some((symbol, instructions.iter().position(is_second)? + 1))
}

/// Returns the value that a pair loads, if it has at most 32 bits.
fn value(syntax: &Syntax, (name, _): Name<'_>, operands: &[u8]) -> Option<Symbol> {
    let name = name.strip_prefix(syntax.symbol_prefix)?;
    Symbol::named(name, operands).filter(|symbol| u32::try_from(symbol.most()).is_ok())
}

/// Returns whether an instruction leaves a register as it is that holds a value of at most `most`: `and x8, x8, #0xffff`.
fn keeps(code: &str, register: &str, most: u64) -> bool {
    let same = |name: &str| name.get(1..) == register.get(1..) && name.starts_with(['x', 'w']);
    let Some((mnemonic, operands)) = scan::mnemonic(code) else {
        return false;
    };
    let mut operands = operands.split(',').map(str::trim);
    let [Some(to), Some(from)] = [operands.next(), operands.next()] else {
        return false;
    };
    if !same(to) || !same(from) {
        return false;
    }
    let last = operands.next();
    let kept = match (mnemonic, last) {
        ("and", Some(mask)) => mask
            .strip_prefix("#0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok()),
        ("uxtb", None) => Some(0xff),
        ("uxth", None) => Some(0xffff),
        // The upper half becomes 0, which it is.
        ("mov", None) if to.starts_with('w') && from.starts_with('w') => Some(0xffff_ffff),
        _ => None,
    };
    operands.next().is_none() && kept.is_some_and(|kept| most & !kept == 0)
}

//! 32 and 64-bit x86 in AT&T syntax: upstream's `OptimizerX86`.

mod addresses;
mod arguments;
mod effects;
mod flags;
mod fold;
mod known_values;
mod landing_pads;
mod operands;
mod setjmp;
mod short_addresses;

use jit_schema::ObjectFormat;

use super::Isa;
use crate::effect::Effect;
use crate::instruction::{Branch, Operation, Reach};
use crate::instruction_set::InstructionSet;
use crate::pass::Pass;
use crate::scan;

/// 32-bit x86.
#[derive(Debug)]
pub(crate) struct I686;

/// 64-bit x86.
#[derive(Debug)]
pub(crate) struct X86_64;

impl InstructionSet for I686 {
    fn comments(&self, _format: ObjectFormat) -> &'static [&'static str] {
        &["#"]
    }

    fn operation<'a>(&self, text: &'a str) -> Operation<'a> {
        operation(text)
    }

    fn jump(&self) -> &'static str {
        "jmp"
    }

    fn long_jump(&self) -> &'static str {
        "{disp32} jmp"
    }

    fn effect<'a>(&self, code: &'a str, format: ObjectFormat) -> Effect<'a> {
        effects::effect(code, format, 32)
    }

    fn is_call(&self, text: &str) -> bool {
        without_prefixes(text).starts_with("call")
    }

    fn never_continues(&self, text: &str) -> bool {
        never_continues(text)
    }

    fn drops_float(&self, text: &str) -> bool {
        drops_float(text)
    }

    fn sets_frame_pointer(&self, text: &str) -> bool {
        sets_frame_pointer(text)
    }

    fn links_frame(&self, block: &[&str], at: usize) -> bool {
        links_frame(block, at)
    }

    fn is_landing_pad(&self, text: &str) -> bool {
        landing_pads::is_landing_pad(text)
    }

    fn accepts_calls(&self, text: &str) -> bool {
        landing_pads::is_landing_pad(text)
    }

    fn landing_pad(&self) -> &'static str {
        "endbr32"
    }

    fn checked_jump(&self, text: &str) -> Option<String> {
        landing_pads::checked_jump(text)
    }

    fn calls_twice(&self, text: &str) -> bool {
        landing_pads::calls_twice(text)
    }

    fn restores_frame_pointer(&self, text: &str) -> bool {
        restores_frame_pointer(text)
    }
}

impl Isa for I686 {
    fn upstream_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn early_tuned_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[arguments::DROP_STORES]
    }

    fn small_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn checks(&self) -> &'static [Pass] {
        &[]
    }
}

impl InstructionSet for X86_64 {
    fn comments(&self, _format: ObjectFormat) -> &'static [&'static str] {
        &["#"]
    }

    fn operation<'a>(&self, text: &'a str) -> Operation<'a> {
        operation(text)
    }

    fn jump(&self) -> &'static str {
        "jmp"
    }

    fn long_jump(&self) -> &'static str {
        "{disp32} jmp"
    }

    fn effect<'a>(&self, code: &'a str, format: ObjectFormat) -> Effect<'a> {
        effects::effect(code, format, 64)
    }

    fn is_call(&self, text: &str) -> bool {
        without_prefixes(text).starts_with("call")
    }

    fn never_continues(&self, text: &str) -> bool {
        never_continues(text)
    }

    fn drops_float(&self, text: &str) -> bool {
        drops_float(text)
    }

    fn sets_frame_pointer(&self, text: &str) -> bool {
        sets_frame_pointer(text)
    }

    fn links_frame(&self, block: &[&str], at: usize) -> bool {
        links_frame(block, at)
    }

    fn is_landing_pad(&self, text: &str) -> bool {
        landing_pads::is_landing_pad(text)
    }

    fn accepts_calls(&self, text: &str) -> bool {
        landing_pads::is_landing_pad(text)
    }

    fn landing_pad(&self) -> &'static str {
        "endbr64"
    }

    fn checked_jump(&self, text: &str) -> Option<String> {
        landing_pads::checked_jump(text)
    }

    fn calls_twice(&self, text: &str) -> bool {
        landing_pads::calls_twice(text)
    }

    fn restores_frame_pointer(&self, text: &str) -> bool {
        restores_frame_pointer(text)
    }
}

impl Isa for X86_64 {
    fn upstream_passes(&self) -> &'static [Pass] {
        &[setjmp::CHECK, addresses::MAKE_RELATIVE]
    }

    fn early_tuned_passes(&self) -> &'static [Pass] {
        &[known_values::DROP_WRITES]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[fold::FOLD, short_addresses::COMPUTE_OWN]
    }

    fn small_passes(&self) -> &'static [Pass] {
        &[short_addresses::LOAD_FROM_SLOTS]
    }

    fn checks(&self) -> &'static [Pass] {
        &[]
    }
}

/// Conditional jumps and their inverses. Each of a pair is the inverse of the other.
const INVERTIBLE: [(&str, &str); 15] = [
    ("ja", "jna"),
    ("jae", "jnae"),
    ("jb", "jnb"),
    ("jbe", "jnbe"),
    ("jc", "jnc"),
    ("je", "jne"),
    ("jg", "jng"),
    ("jge", "jnge"),
    ("jl", "jnl"),
    ("jle", "jnle"),
    ("jo", "jno"),
    ("jp", "jnp"),
    ("jpe", "jpo"),
    ("js", "jns"),
    ("jz", "jnz"),
];

/// Conditional jumps without an inverse.
const NOT_INVERTIBLE: [&str; 8] = [
    "jcxz", "jecxz", "jrcxz", "loop", "loope", "loopne", "loopnz", "loopz",
];

fn branch(mnemonic: &str) -> Option<Branch> {
    if !mnemonic.starts_with(['j', 'l']) {
        return None;
    }
    let found = |mnemonic, inverse| Branch {
        mnemonic,
        inverse,
        reach: Reach::Anywhere,
    };
    for (name, inverse) in INVERTIBLE {
        if mnemonic == name {
            return Some(found(name, Some(inverse)));
        }
        if mnemonic == inverse {
            return Some(found(inverse, Some(name)));
        }
    }
    let name = NOT_INVERTIBLE.into_iter().find(|&name| name == mnemonic)?;
    Some(found(name, None))
}

/// Recognizes branches, jumps, calls and returns. Indirect jumps (`jmpq *%rax`) and i686's `retl` are
/// other instructions, because upstream's patterns do not match them.
fn operation(line: &str) -> Operation<'_> {
    if let Some((mnemonic, rest)) = scan::mnemonic(line)
        && let Some(target) = scan::target(rest)
    {
        if let Some(branch) = branch(mnemonic) {
            return Operation::Branch { branch, target };
        }
        match mnemonic {
            "jmp" => return Operation::Jump { target },
            "call" | "callq" => return Operation::Call { target },
            _ => {}
        }
    }
    // \s*retq?\b
    if let Some(rest) = scan::skip_space(line).strip_prefix("ret")
        && (scan::at_word_end(rest) || rest.strip_prefix('q').is_some_and(scan::at_word_end))
    {
        return Operation::Return;
    }
    Operation::Other
}

/// Recognizes calls, which end a function only if the compiler knows that they do not return, indirect
/// jumps, returns with any suffix, and traps.
fn never_continues(line: &str) -> bool {
    let text = without_prefixes(line);
    let (mnemonic, rest) = scan::split_run(text, |c| !scan::is_space(c));
    let indirect = scan::skip_space(rest).starts_with('*');
    match mnemonic {
        "jmp" | "call" | "callq" | "calll" | "ret" | "retq" | "retl" | "ud2" | "ud1" | "ud1w"
        | "ud1l" | "ud1q" | "int3" | "hlt" => true,
        "jmpq" | "jmpl" => indirect,
        _ => false,
    }
}

/// Recognizes `fstp %st(N)`, which clang removes values from the stack of the x87 with.
fn drops_float(text: &str) -> bool {
    let Some(("fstp", operand)) = scan::mnemonic(text) else {
        return false;
    };
    let register = operand.trim();
    let number = register
        .strip_prefix("%st(")
        .and_then(|rest| rest.strip_suffix(')'));
    register == "%st" || number.is_some_and(|number| number.parse::<u8>().is_ok())
}

/// Returns an instruction without its prefixes: Windows wants a `rex64` before an indirect jump that
/// leaves a function, and `-fcf-protection` a `notrack` before one through a table.
fn without_prefixes(line: &str) -> &str {
    let mut text = line.trim();
    loop {
        let (word, rest) = scan::split_run(text, |c| !scan::is_space(c));
        match word {
            "bnd" | "data16" | "notrack" | "rep" | "repe" | "repne" | "repz" | "rex64" => {
                text = scan::skip_space(rest);
            }
            _ => return text,
        }
    }
}

/// Matches `\s*movq?\s+%(\w+),\s+%rbp`.
fn sets_frame_pointer(line: &str) -> bool {
    let Some(("mov" | "movq", rest)) = scan::mnemonic(line) else {
        return false;
    };
    let Some(source) = scan::skip_space(rest).strip_prefix('%') else {
        return false;
    };
    let (register, rest) = scan::split_run(source, scan::is_word);
    let Some(rest) = rest.strip_prefix(',').filter(|_| !register.is_empty()) else {
        return false;
    };
    let destination = scan::skip_space(rest);
    destination.len() < rest.len() && destination.starts_with("%rbp")
}

/// Returns whether an instruction makes the frame pointer the address of the old one, which the
/// instruction before it has saved below the return address: `pushq %rbp`, `movq %rsp, %rbp`.
fn links_frame(block: &[&str], at: usize) -> bool {
    let words = |at: usize| {
        let (mnemonic, rest) = scan::mnemonic(block.get(at)?)?;
        Some((mnemonic, rest.split(',').map(str::trim).collect::<Vec<_>>()))
    };
    let saved = at.checked_sub(1).and_then(words);
    let saved = saved.is_some_and(|(mnemonic, operands)| {
        matches!(mnemonic, "push" | "pushq") && operands == ["%rbp"]
    });
    saved && words(at).is_some_and(|(_, operands)| operands == ["%rsp", "%rbp"])
}

fn restores_frame_pointer(text: &str) -> bool {
    matches!(
        scan::split_run(text, |c| !scan::is_space(c)),
        ("pop" | "popq", rest) if rest.trim() == "%rbp"
    ) || matches!(text, "leave" | "leaveq")
}

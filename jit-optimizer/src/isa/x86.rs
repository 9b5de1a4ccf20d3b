//! 32 and 64-bit x86 in AT&T syntax: upstream's `OptimizerX86`.

mod arguments;
mod constants;
mod operands;

use super::Isa;
use crate::instruction::{Branch, Operation, Reach};
use crate::pass::Pass;
use crate::scan;

/// 32-bit x86.
#[derive(Debug)]
pub(crate) struct I686;

/// 64-bit x86.
#[derive(Debug)]
pub(crate) struct X86_64;

impl Isa for I686 {
    fn operation<'a>(&self, text: &'a str) -> Operation<'a> {
        operation(text)
    }

    fn sets_frame_pointer(&self, text: &str) -> bool {
        sets_frame_pointer(text)
    }

    fn upstream_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[arguments::DROP_STORES]
    }
}

impl Isa for X86_64 {
    fn operation<'a>(&self, text: &'a str) -> Operation<'a> {
        operation(text)
    }

    fn sets_frame_pointer(&self, text: &str) -> bool {
        sets_frame_pointer(text)
    }

    fn upstream_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[constants::SHORTEN]
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
        reach: Reach::Long,
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
        && let Some(target) = scan::target(scan::skip_space(rest))
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

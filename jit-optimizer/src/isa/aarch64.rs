//! 64-bit Arm: upstream's `OptimizerAArch64`.

mod branches;
mod constants;
mod pairs;

use super::Isa;
use crate::instruction::{Branch, Operation, Reach};
use crate::pass::Pass;
use crate::scan;

/// 64-bit Arm.
#[derive(Debug)]
pub(crate) struct Aarch64;

impl Isa for Aarch64 {
    /// Recognizes branches, jumps, calls and returns. Indirect jumps and calls (`br`, `blr`) are other
    /// instructions, because upstream's patterns do not match them.
    fn operation<'a>(&self, text: &'a str) -> Operation<'a> {
        // \s*ret\b
        if let Some(rest) = scan::skip_space(text).strip_prefix("ret")
            && scan::at_word_end(rest)
        {
            return Operation::Return;
        }
        let Some((mnemonic, rest)) = scan::mnemonic(text) else {
            return Operation::Other;
        };
        let recognized = match mnemonic {
            "b" => scan::target(scan::skip_space(rest)).map(|target| Operation::Jump { target }),
            "bl" | "blx" => {
                scan::target(scan::skip_space(rest)).map(|target| Operation::Call { target })
            }
            _ if mnemonic.starts_with(['b', 'c', 't']) => branch(mnemonic)
                .zip(branch_target(rest))
                .map(|(branch, target)| Operation::Branch { branch, target }),
            _ => None,
        };
        recognized.unwrap_or(Operation::Other)
    }

    /// Matches `\s*stp\s+x29`.
    fn sets_frame_pointer(&self, text: &str) -> bool {
        matches!(
            scan::mnemonic(text),
            Some(("stp", rest)) if scan::skip_space(rest).starts_with("x29")
        )
    }

    fn upstream_passes(&self) -> &'static [Pass] {
        &[branches::LABEL, constants::FIX_UP]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[pairs::LABEL]
    }
}

/// Conditional branches and their inverses. Each of a pair is the inverse of the other.
const LONG_BRANCHES: [(&str, &str); 17] = [
    ("b.eq", "b.ne"),
    ("b.lt", "b.ge"),
    ("b.gt", "b.le"),
    ("b.vs", "b.vc"),
    ("b.mi", "b.pl"),
    ("b.cs", "b.cc"),
    ("b.hs", "b.lo"),
    ("b.hi", "b.ls"),
    ("bc.eq", "bc.ne"),
    ("bc.lt", "bc.ge"),
    ("bc.gt", "bc.le"),
    ("bc.vs", "bc.vc"),
    ("bc.mi", "bc.pl"),
    ("bc.cs", "bc.cc"),
    ("bc.hs", "bc.lo"),
    ("bc.hi", "bc.ls"),
    ("cbz", "cbnz"),
];

/// The same for branches that reach only 32 KiB, which is less than a trace can have.
const SHORT_BRANCHES: [(&str, &str); 1] = [("tbz", "tbnz")];

fn branch(mnemonic: &str) -> Option<Branch> {
    let find = |table: &[(&'static str, &'static str)], reach| {
        table.iter().find_map(|&(name, inverse)| {
            let (mnemonic, inverse) = if mnemonic == name {
                (name, inverse)
            } else if mnemonic == inverse {
                (inverse, name)
            } else {
                return None;
            };
            Some(Branch {
                mnemonic,
                inverse: Some(inverse),
                reach,
            })
        })
    };
    find(&LONG_BRANCHES, Reach::Long).or_else(|| find(&SHORT_BRANCHES, Reach::Short))
}

/// Matches `\s+(.+,\s+)*([\w.]+)` and returns its second group: what comes after the last comma that
/// is followed by white space and a possible target, wherever in the line, or else the first operand.
fn branch_target(text: &str) -> Option<&str> {
    let operands = scan::skip_space(text);
    let after_comma = |rest: &'_ str| -> Option<usize> {
        let target = scan::skip_space(rest);
        let found = target.len() < rest.len() && scan::target(target).is_some();
        found.then_some(target.len())
    };
    let tail = |len: usize| scan::target(operands.get(operands.len() - len..)?);
    for (comma, _) in operands.rmatch_indices(',').filter(|&(at, _)| at > 0) {
        if let Some(len) = operands.get(comma + 1..).and_then(after_comma) {
            return tail(len);
        }
    }
    if let Some(target) = scan::target(operands) {
        return Some(target);
    }
    // With a comma right after the white space, `.+` matches only if `\s+` leaves a space to it.
    let spaces = text.len() - operands.len();
    let more_than_one = text.chars().next().is_some_and(|c| c.len_utf8() < spaces);
    let rest = operands.strip_prefix(',').filter(|_| more_than_one)?;
    after_comma(rest).and_then(tail)
}

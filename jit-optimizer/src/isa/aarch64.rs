//! 64-bit Arm: upstream's `OptimizerAArch64`.

mod branches;
mod check_pairs;
mod constants;
mod effects;
mod fields;
mod frame;
mod landing_pads;
mod pairs;
mod values;

use jit_schema::ObjectFormat;

use super::Isa;
use crate::effect::Effect;
use crate::instruction::{Branch, Operation, Reach};
use crate::instruction_set::InstructionSet;
use crate::pass::Pass;
use crate::scan;

/// 64-bit Arm.
#[derive(Debug)]
pub(crate) struct Aarch64;

impl InstructionSet for Aarch64 {
    fn comments(&self, format: ObjectFormat) -> &'static [&'static str] {
        match format {
            ObjectFormat::MachO => &[";", "//"],
            ObjectFormat::Coff | ObjectFormat::Elf => &["//"],
        }
    }

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
            "b" => scan::target(rest).map(|target| Operation::Jump { target }),
            "bl" | "blx" => scan::target(rest).map(|target| Operation::Call { target }),
            _ if mnemonic.starts_with(['b', 'c', 't']) => branch(mnemonic)
                .zip(branch_target(rest))
                .map(|(branch, target)| Operation::Branch { branch, target }),
            _ => None,
        };
        recognized.unwrap_or(Operation::Other)
    }

    fn jump(&self) -> &'static str {
        "b"
    }

    fn long_jump(&self) -> &'static str {
        "b"
    }

    fn effect<'a>(&self, code: &'a str, format: ObjectFormat) -> Effect<'a> {
        effects::effect(code, format)
    }

    fn is_call(&self, text: &str) -> bool {
        text.trim_start().starts_with("bl")
    }

    /// Recognizes calls, which end a function only if the compiler knows that they do not return, jumps
    /// (`b.al` and `b.nv` always branch), returns, and traps.
    fn never_continues(&self, text: &str) -> bool {
        let (mnemonic, _) = scan::split_run(text.trim(), |c| !scan::is_space(c));
        matches!(
            mnemonic,
            "b" | "b.al"
                | "b.nv"
                | "br"
                | "bl"
                | "blr"
                | "ret"
                | "retaa"
                | "retab"
                | "brk"
                | "udf"
                | "hlt"
        ) || mnemonic.starts_with("braa")
            || mnemonic.starts_with("brab")
            || mnemonic.starts_with("blraa")
            || mnemonic.starts_with("blrab")
    }

    /// Matches `\s*stp\s+x29`.
    fn drops_float(&self, _text: &str) -> bool {
        false
    }

    fn sets_frame_pointer(&self, text: &str) -> bool {
        matches!(
            scan::mnemonic(text),
            Some(("stp", rest)) if scan::skip_space(rest).starts_with("x29")
        )
    }

    fn links_frame(&self, block: &[&str], at: usize) -> bool {
        frame::links(block, at)
    }

    fn is_landing_pad(&self, text: &str) -> bool {
        landing_pads::is_landing_pad(text)
    }

    fn accepts_calls(&self, text: &str) -> bool {
        landing_pads::accepts_calls(text)
    }

    /// `bti c`, in the spelling that assemblers for all processors know.
    fn landing_pad(&self) -> &'static str {
        "hint\t#34"
    }

    fn calls_twice(&self, _text: &str) -> bool {
        false
    }

    fn checked_jump(&self, _text: &str) -> Option<String> {
        None
    }

    fn restores_frame_pointer(&self, text: &str) -> bool {
        frame::restores(text)
    }
}

impl Isa for Aarch64 {
    fn upstream_passes(&self) -> &'static [Pass] {
        &[branches::LABEL, constants::FIX_UP]
    }

    fn early_tuned_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn tuned_passes(&self) -> &'static [Pass] {
        &[pairs::LABEL, values::SET, fields::FOLD]
    }

    fn small_passes(&self) -> &'static [Pass] {
        &[]
    }

    fn checks(&self) -> &'static [Pass] {
        &[check_pairs::CHECK]
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
    find(&LONG_BRANCHES, Reach::Trace).or_else(|| find(&SHORT_BRANCHES, Reach::Stencil))
}

/// Returns the target of a conditional branch: its last operand.
fn branch_target(operands: &str) -> Option<&str> {
    let (_, last) = operands.rsplit_once(',').unwrap_or(("", operands));
    // A quoted symbol can have a comma.
    let quoted = operands.find('"').and_then(|at| operands.get(at..));
    scan::target(quoted.unwrap_or(last))
}

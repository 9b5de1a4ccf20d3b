//! Instructions: their text, and what they mean for control flow.

use std::borrow::Cow;

use crate::scan;

/// What an instruction means for control flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// A conditional jump.
    Branch { branch: Branch, target: &'a str },
    /// An unconditional jump.
    Jump { target: &'a str },
    /// A call of a symbol; control flow comes back.
    Call { target: &'a str },
    /// A return from the function.
    Return,
    /// Any other instruction: control flow goes on to the next one.
    Other,
}

/// A kind of conditional branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) mnemonic: &'static str,
    /// The mnemonic of the opposite condition, if there is one.
    pub(crate) inverse: Option<&'static str>,
    pub(crate) reach: Reach,
}

/// How far a branch reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To any symbol: the linker makes a trampoline where the field is too small.
    Anywhere,
    /// To any place in the same trace, but not always to a function outside of it.
    Trace,
    /// Anywhere in the same stencil, but not always to another one.
    Stencil,
}

/// One instruction, or a label that a pass put among the instructions.
#[derive(Debug, Clone)]
pub(crate) struct Instruction<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The number of the input line that it comes from.
    pub(crate) line: usize,
    pub(crate) operation: Operation<'a>,
    /// Whether it sets the frame pointer. A pass that changes an instruction leaves this as it is.
    pub(crate) sets_frame_pointer: bool,
}

impl<'a> Instruction<'a> {
    /// Returns a line that replaces an instruction of the input, or labels one.
    pub(crate) fn synthetic(text: String, line: usize) -> Instruction<'a> {
        Instruction {
            text: Cow::Owned(text),
            line,
            operation: Operation::Other,
            sets_frame_pointer: false,
        }
    }

    /// Returns the text, if it is still the line of the input.
    pub(crate) fn unchanged(&self) -> Option<&'a str> {
        match self.text {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }

    /// Returns the label that control flow may go to, besides the next instruction.
    pub(crate) fn target(&self) -> Option<&'a str> {
        match self.operation {
            Operation::Branch { target, .. }
            | Operation::Jump { target }
            | Operation::Call { target } => Some(target),
            Operation::Return | Operation::Other => None,
        }
    }

    /// Returns what does the same as a branch, with a jump: a branch with the opposite condition around it,
    /// to a label. Returns `None` if there is no such branch. `code` is the text without a comment.
    pub(crate) fn around(
        &self,
        code: &str,
        jump: String,
        label: &str,
    ) -> Option<[Instruction<'a>; 3]> {
        let Operation::Branch { branch, target } = self.operation else {
            return None;
        };
        let inverse = branch.inverse?;
        let (before, operands) = code.split_once(branch.mnemonic)?;
        let operands = scan::replace_symbol(operands, target, label);
        let branch = format!("{before}{inverse}{}", operands.trim_end());
        let line = self.line;
        Some([
            Instruction::synthetic(branch, line),
            Instruction::synthetic(jump, line),
            Instruction::synthetic(format!("{label}:"), line),
        ])
    }

    /// Gives a branch, jump or call another target (`update_target`). Like upstream, this replaces
    /// the old target wherever the line has it, also in comments.
    pub(crate) fn retarget(&mut self, label: &'a str) {
        match &mut self.operation {
            Operation::Branch { target, .. }
            | Operation::Jump { target }
            | Operation::Call { target } => {
                self.text = Cow::Owned(scan::replace_symbol(&self.text, target, label));
                *target = label;
            }
            Operation::Return | Operation::Other => {}
        }
    }
}

//! Lines of assembly to instructions: borrowed, with a catch-all for what is not understood.

use std::borrow::Cow;

use crate::scan;
use crate::{Dialect, aarch64, x86};

/// How a target writes its assembly.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) dialect: Dialect,
    /// What local labels start with.
    pub(crate) label_prefix: &'static str,
    /// What C symbols are mangled with.
    pub(crate) symbol_prefix: &'static str,
    pub(crate) global: GlobalDirective,
}

impl Syntax {
    /// Whether a label is outside of the stencil, where short branches do not reach
    /// (`_is_far_target`).
    pub(crate) fn is_far_target(&self, label: &str) -> bool {
        !label.starts_with(self.label_prefix)
    }
}

/// The directive that makes a symbol visible from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GlobalDirective {
    /// `.globl NAME`
    Globl,
    /// `.def NAME;` of COFF, where static functions have one too.
    Def,
}

/// What a line is.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Label(&'a str),
    /// The directive that makes this name global.
    Global(&'a str),
    /// Another directive, a comment, or an empty line.
    Noninstruction,
    Instruction,
}

impl<'a> Line<'a> {
    /// `_re_label`, `re_global` and `_re_noninstructions`, in this order.
    pub(crate) fn classify(syntax: &Syntax, line: &'a str) -> Line<'a> {
        let text = scan::skip_space(line);
        let (label, rest) = scan::split_run(text, scan::is_label);
        if !label.is_empty() && rest.starts_with(':') {
            return Line::Label(label);
        }
        if let Some(name) = global_name(syntax.global, text) {
            return Line::Global(name);
        }
        if text.is_empty() || text.starts_with(['.', '#', ';']) || text.starts_with("//") {
            return Line::Noninstruction;
        }
        Line::Instruction
    }
}

fn global_name(directive: GlobalDirective, text: &str) -> Option<&str> {
    let rest = text.strip_prefix(match directive {
        GlobalDirective::Globl => ".globl",
        GlobalDirective::Def => ".def",
    })?;
    let argument = scan::skip_space(rest);
    if argument.len() == rest.len() {
        return None;
    }
    let (name, rest) = scan::split_run(argument, scan::is_label);
    let complete = match directive {
        GlobalDirective::Globl => true,
        GlobalDirective::Def => rest.starts_with(';'),
    };
    (complete && !name.is_empty()).then_some(name)
}

/// What an instruction does, as far as the optimizer cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// Jump on a condition.
    Branch { branch: Branch, target: &'a str },
    /// Jump always.
    Jump { target: &'a str },
    /// Call a symbol; control flow comes back.
    Call { target: &'a str },
    /// Leave the function.
    Return,
    /// One of the AArch64 instructions that make a constant.
    Constant(Constant<'a>),
    /// Whatever else: falls through, and may touch any register that it names.
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
    /// Anywhere in a trace.
    Long,
    /// Only inside of a stencil for sure.
    Short,
}

/// An AArch64 instruction that takes part in making a constant. Registers are `x0` to `x99`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constant<'a> {
    /// `adrp` of the page of `_JIT_OPARG_16` and the like.
    SmallPage { register: &'a str, value: &'a str },
    /// `ldr` of the same.
    SmallLoad { register: &'a str, value: &'a str },
    /// `and` with 0xffff, which is redundant after a load of 16 bits. The register is as it was
    /// written, `w0` or `x0`.
    Mask { register: &'a str },
    /// `adrp` of the page of a GOT entry.
    LargePage { register: &'a str, value: &'a str },
    /// `ldr` of a GOT entry.
    LargeLoad { register: &'a str, value: &'a str },
}

/// One instruction, or a label that was put among instructions.
#[derive(Debug, Clone)]
pub(crate) struct Instruction<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The line of the input that it came from.
    pub(crate) line: usize,
    pub(crate) operation: Operation<'a>,
}

impl<'a> Instruction<'a> {
    /// `_parse_instruction`.
    pub(crate) fn parse(dialect: Dialect, text: &'a str, line: usize) -> Instruction<'a> {
        let operation = match dialect {
            Dialect::None => Operation::Other,
            Dialect::X86 => x86::operation(text),
            Dialect::Aarch64 => aarch64::operation(text),
        };
        Instruction {
            text: Cow::Borrowed(text),
            line,
            operation,
        }
    }

    /// A line that stands for, or belongs to, an instruction of the input.
    pub(crate) fn synthetic(text: String, line: usize) -> Instruction<'a> {
        Instruction {
            text: Cow::Owned(text),
            line,
            operation: Operation::Other,
        }
    }

    /// Where control flow may go next, other than to the next instruction.
    pub(crate) fn target(&self) -> Option<&'a str> {
        match self.operation {
            Operation::Branch { target, .. }
            | Operation::Jump { target }
            | Operation::Call { target } => Some(target),
            Operation::Return | Operation::Constant(_) | Operation::Other => None,
        }
    }

    /// Point a branch, jump or call elsewhere (`update_target`). As upstream does, every occurrence
    /// of the old target in the line is replaced, comments included.
    pub(crate) fn retarget(&mut self, label: &'a str) {
        match &mut self.operation {
            Operation::Branch { target, .. }
            | Operation::Jump { target }
            | Operation::Call { target } => {
                self.text = Cow::Owned(self.text.replace(*target, label));
                *target = label;
            }
            Operation::Return | Operation::Constant(_) | Operation::Other => {}
        }
    }
}

/// Make references to the symbol `_JIT_CONTINUE` references to a local label (`_preprocess`).
pub(crate) fn localize_continue<'a>(
    syntax: &Syntax,
    continue_label: &str,
    assembly: &'a str,
) -> Cow<'a, str> {
    let symbol = format!("{}_JIT_CONTINUE", syntax.symbol_prefix);
    let mut result = String::new();
    let mut copied = 0;
    for (start, _) in assembly.match_indices(&symbol) {
        let (before, rest) = assembly.split_at(start);
        let after = rest.get(symbol.len()..).unwrap_or_default();
        let at_word_start = !before.chars().next_back().is_some_and(scan::is_word);
        if at_word_start && scan::at_word_end(after) {
            result.push_str(before.get(copied..).unwrap_or_default());
            result.push_str(continue_label);
            copied = start + symbol.len();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(assembly);
    }
    result.push_str(assembly.get(copied..).unwrap_or_default());
    Cow::Owned(result)
}

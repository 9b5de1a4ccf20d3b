//! How a target writes its assembly: labels, symbols and directives.

use std::borrow::Cow;

use jit_schema::{ObjectFormat, Target};

use crate::instruction::Reach;
use crate::instruction_set::InstructionSet;
use crate::scan;

/// The places in the same trace that a stencil can jump to.
const PLACES: [&str; 4] = [
    "_JIT_CONTINUE",
    "_JIT_ERROR_TARGET",
    "_JIT_EXIT_TARGET",
    "_JIT_JUMP_TARGET",
];

/// The next micro-op, for jumps to it that are not removed.
const STAYS: &str = "_JIT_CONTINUE_JUMP";

/// Returns whether a symbol is a place with a number: `_JIT_PLACE_<N>`.
fn is_numbered(name: &str) -> bool {
    let number = name.strip_prefix("_JIT_PLACE_");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// The conventions of a target's assembly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Syntax {
    /// The prefix of local labels.
    pub(crate) label_prefix: &'static str,
    /// The prefix that C symbols are mangled with.
    pub(crate) symbol_prefix: &'static str,
    pub(crate) format: ObjectFormat,
    /// What comments start with.
    comments: &'static [&'static str],
}

impl Syntax {
    pub(crate) fn of(isa: &dyn InstructionSet, target: &Target) -> Syntax {
        Syntax {
            label_prefix: target.label_prefix,
            symbol_prefix: target.symbol_prefix,
            format: target.format,
            comments: isa.comments(target.format),
        }
    }

    /// Returns a line without the comment at its end.
    pub(crate) fn code<'a>(&self, line: &'a str) -> &'a str {
        let comment = |text: &str| {
            let starts = self.comments.iter().filter_map(|start| text.find(start));
            starts.min().unwrap_or(text.len())
        };
        let mut done = 0;
        while let Some(rest) = line.get(done..) {
            let comment = comment(rest);
            match rest.find('"').filter(|&quote| quote < comment) {
                Some(quote) => {
                    let quoted = rest.get(quote..).and_then(scan::symbol);
                    done += quote + quoted.map_or(1, |(quoted, _)| quoted.len());
                }
                None => return line.get(..done + comment).unwrap_or(line),
            }
        }
        line
    }

    /// Returns whether a line without its comment has several statements on it, which only inline
    /// assembly has.
    pub(crate) fn is_several(&self, code: &str) -> bool {
        let mut unquoted = code;
        // Nobody needs to be exact here: a line with a quote and a semicolon is rare.
        if let Some((before, _)) = code.split_once('"') {
            unquoted = before;
        }
        (!self.comments.contains(&";") && unquoted.contains(';')) || unquoted.contains("%%")
    }

    /// Returns the symbol at which control enters a stencil.
    pub(crate) fn entry(&self) -> String {
        format!("{}_JIT_ENTRY", self.symbol_prefix)
    }

    /// Returns the name in C of a symbol.
    pub(crate) fn c_name<'a>(&self, symbol: &'a str) -> &'a str {
        let name = scan::unquoted(symbol);
        name.strip_prefix(self.symbol_prefix).unwrap_or(name)
    }

    /// Returns a line with the label of a function, as compilers write it: with its name as a comment.
    pub(crate) fn function_line(&self, label: &str) -> String {
        let comment = self.comments.first().unwrap_or(&"#");
        format!("{label}: {comment} @{label}")
    }

    /// Returns the local label that stands for the start of the next micro-op.
    pub(crate) fn continue_label(&self) -> String {
        format!("{}_JIT_CONTINUE", self.label_prefix)
    }

    /// Returns whether a label is outside of the stencil, or may be (`_is_far_target`).
    pub(crate) fn is_far_target(&self, label: &str) -> bool {
        !label.starts_with(self.label_prefix)
    }

    /// Returns whether a branch can go to a label, wherever that will be.
    pub(crate) fn reaches(&self, reach: Reach, label: &str) -> bool {
        match reach {
            Reach::Anywhere => true,
            Reach::Trace => !self.is_far_target(label) || self.is_place(label),
            Reach::Stencil => !self.is_far_target(label),
        }
    }

    /// Returns whether a symbol is a place in the same trace.
    fn is_place(&self, label: &str) -> bool {
        let name = scan::unquoted(label).strip_prefix(self.symbol_prefix);
        name.is_some_and(|name| PLACES.contains(&name) || is_numbered(name) || name == STAYS)
    }

    /// Returns the label by which a jump gets to a symbol, if that is a place in the same trace.
    /// `continuation` is the label for the next micro-op.
    pub(crate) fn place<'a>(&self, symbol: &'a str, continuation: &'a str) -> Option<&'a str> {
        // In operands that are not the symbol alone, its name is not replaced.
        let next = symbol == continuation || self.c_name(symbol) == PLACES[0];
        if next {
            return Some(continuation);
        }
        self.is_place(symbol).then_some(symbol)
    }

    /// Returns whether a symbol is the next micro-op by its name for jumps that stay.
    pub(crate) fn stays(&self, symbol: &str) -> bool {
        self.c_name(symbol) == STAYS
    }

    /// Returns whether a symbol is the address of the next micro-op, by a name that stays in the assembly: the
    /// name for jumps that stay, or the name of an import.
    pub(crate) fn is_next(&self, symbol: &str) -> bool {
        let symbol = scan::unquoted(symbol.strip_prefix('$').unwrap_or(symbol));
        let imported = symbol.strip_prefix("__imp_");
        let name = self.c_name(imported.unwrap_or(symbol));
        name == STAYS || imported.is_some() && name == PLACES[0]
    }

    /// Replaces references to the symbol `_JIT_CONTINUE` by references to the local label
    /// (`_preprocess`).
    pub(crate) fn localize_continue<'a>(
        &self,
        continue_label: &str,
        assembly: &'a str,
    ) -> Cow<'a, str> {
        let symbol = format!("{}_JIT_CONTINUE", self.symbol_prefix);
        let mut result = String::new();
        let mut copied = 0;
        for (start, _) in assembly.match_indices(&symbol) {
            let (before, rest) = assembly.split_at(start);
            let after = rest.get(symbol.len()..).unwrap_or_default();
            if starts_symbol(before) && self.ends_symbol(after) {
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

    /// Returns what kind of line this is: `_re_label`, `re_global` and `_re_noninstructions`, in
    /// this order.
    pub(crate) fn classify<'a>(&self, line: &'a str) -> Line<'a> {
        let text = scan::skip_space(line);
        if let Some((label, rest)) = scan::symbol(text)
            && let Some(rest) = rest.strip_prefix(':')
        {
            return Line::Label(label, rest);
        }
        if let Some(name) = self.global_name(text) {
            return Line::Global(name);
        }
        if text.is_empty() || text.starts_with(['.', '#', ';']) || text.starts_with("//") {
            return Line::Noninstruction;
        }
        Line::Instruction
    }

    /// Returns the symbol that a line gives a value, and the value: `NAME = VALUE`, or
    /// `.set NAME, VALUE`.
    pub(crate) fn assigned<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str)> {
        let text = scan::skip_space(line);
        let (directive, rest) = scan::split_run(text, |c| !scan::is_space(c));
        if matches!(directive, ".set" | ".equ" | ".equiv") {
            let (name, rest) = scan::symbol(scan::skip_space(rest))?;
            return Some((name, scan::skip_space(rest).strip_prefix(',')?));
        }
        let (name, rest) = scan::symbol(text)?;
        Some((name, scan::skip_space(rest).strip_prefix('=')?))
    }

    /// Returns the name that a directive makes visible from outside: `.globl NAME`, and on COFF
    /// `.def NAME;`, which static functions have as well.
    fn global_name<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (directive, end) = match self.format {
            ObjectFormat::Coff => (".def", ";"),
            ObjectFormat::Elf | ObjectFormat::MachO => (".globl", ""),
        };
        let rest = text.strip_prefix(directive)?;
        let argument = scan::skip_space(rest);
        if argument.len() == rest.len() {
            return None;
        }
        let (name, rest) = scan::symbol(argument)?;
        rest.starts_with(end).then_some(name)
    }

    /// Returns whether a symbol ends before this text. `@` starts what the assembler makes of the
    /// symbol (`f@PLT`), except for COFF, whose symbols can have it (`_f@8`).
    fn ends_symbol(&self, after: &str) -> bool {
        let next = after.chars().next();
        let modifier = next == Some('@') && self.format != ObjectFormat::Coff;
        modifier || !next.is_some_and(scan::is_symbol)
    }
}

/// Returns whether a symbol can start after this text. `$` is a part of a symbol in the middle of it,
/// and otherwise marks an immediate.
fn starts_symbol(before: &str) -> bool {
    let before = before.strip_suffix('$').unwrap_or(before);
    !before.chars().next_back().is_some_and(scan::is_symbol)
}

/// The kind of a line.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    /// A label, and what follows its colon.
    Label(&'a str, &'a str),
    /// The directive that makes this name global.
    Global(&'a str),
    /// Another directive, a comment, or an empty line.
    Noninstruction,
    Instruction,
}

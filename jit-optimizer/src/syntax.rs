//! How a target writes its assembly: labels, symbols and directives.

use std::borrow::Cow;

use jit_schema::{ObjectFormat, Target};

use crate::scan;

/// The conventions of a target's assembly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Syntax {
    /// The prefix of local labels.
    pub(crate) label_prefix: &'static str,
    /// The prefix that C symbols are mangled with.
    pub(crate) symbol_prefix: &'static str,
    pub(crate) format: ObjectFormat,
}

impl Syntax {
    pub(crate) fn of(target: &Target) -> Syntax {
        Syntax {
            label_prefix: target.label_prefix,
            symbol_prefix: target.symbol_prefix,
            format: target.format,
        }
    }

    /// Returns the local label that stands for the start of the next micro-op.
    pub(crate) fn continue_label(&self) -> String {
        format!("{}_JIT_CONTINUE", self.label_prefix)
    }

    /// Returns whether a label is outside of the stencil, where short branches may not reach
    /// (`_is_far_target`).
    pub(crate) fn is_far_target(&self, label: &str) -> bool {
        !label.starts_with(self.label_prefix)
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

    /// Returns what kind of line this is: `_re_label`, `re_global` and `_re_noninstructions`, in
    /// this order.
    pub(crate) fn classify<'a>(&self, line: &'a str) -> Line<'a> {
        let text = scan::skip_space(line);
        let (label, rest) = scan::split_run(text, scan::is_label);
        if !label.is_empty() && rest.starts_with(':') {
            return Line::Label(label);
        }
        if let Some(name) = self.global_name(text) {
            return Line::Global(name);
        }
        if text.is_empty() || text.starts_with(['.', '#', ';']) || text.starts_with("//") {
            return Line::Noninstruction;
        }
        Line::Instruction
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
        let (name, rest) = scan::split_run(argument, scan::is_label);
        (rest.starts_with(end) && !name.is_empty()).then_some(name)
    }
}

/// The kind of a line.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Label(&'a str),
    /// The directive that makes this name global.
    Global(&'a str),
    /// Another directive, a comment, or an empty line.
    Noninstruction,
    Instruction,
}

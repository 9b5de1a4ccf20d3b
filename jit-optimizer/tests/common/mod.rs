//! What the tests share.
#![allow(dead_code, reason = "no test uses all of it")]

use jit_optimizer::{Optimizer, Options};
use jit_schema::{Codegen, Target};

/// Splits the output of CPython's optimizer, which is its input as comments and then the optimized
/// code, before that code.
///
/// # Panics
///
/// If it does not start with the input: a `#` and a line for each line, with the symbol
/// `_JIT_CONTINUE` replaced by a local label.
pub(crate) fn split<'a>(target: &Target, input: &str, output: &'a str) -> (&'a str, &'a str) {
    let mut rest = output;
    for (number, line) in (1..).zip(lines(input)) {
        let (comment, tail) = rest.split_once('\n').unwrap_or((rest, ""));
        let expected = format!("#{line}");
        assert_eq!(
            neutral(target, comment),
            neutral(target, &expected),
            "line {number} of upstream's output is not the input's"
        );
        rest = tail;
    }
    output.split_at(output.len() - rest.len())
}

/// Gives both names of the next micro-op the same spelling.
fn neutral(target: &Target, line: &str) -> String {
    let name = "_JIT_CONTINUE";
    line.replace(&format!("{}{name}", target.label_prefix), name)
        .replace(&format!("{}{name}", target.symbol_prefix), name)
}

/// Splits a text where Python's `str.splitlines` does.
fn lines(text: &str) -> Vec<&str> {
    let breaks = [
        '\n', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}',
    ];
    let mut lines: Vec<&str> = text.split(breaks).collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    lines
}

/// Returns the target of this triple.
pub(crate) fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

/// Optimizes the assembly of a stencil.
pub(crate) fn optimize(triple: &str, codegen: Codegen, assembly: &str) -> String {
    let options = Options::default().codegen(codegen);
    let optimizer = Optimizer::new(target(triple), options);
    optimizer.optimize(assembly).unwrap().assembly
}

/// Returns the labels and instructions, without comments.
pub(crate) fn code(assembly: &str) -> Vec<String> {
    let lines = assembly.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.map(|line| line.split('#').next().unwrap().trim());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('.') || line.starts_with(".L"))
        .map(|line| line.replace('\t', " "))
        .collect()
}

/// Returns a stencil with these instructions, for any target with this symbol prefix.
pub(crate) fn wrapped(prefix: &str, body: &str) -> String {
    let entry = format!("{prefix}_JIT_ENTRY");
    format!("\t.globl\t{entry}\n\t.def\t{entry};\n{entry}:\n{body}")
}

/// A generator of random numbers: xorshift64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Returns one of these.
    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

//! The comments in headers that describe the bytes of stencils.

use std::fmt::Write as _;

use jit_stencils::{HoleValue, PatchValue, SLOT_SIZE, StencilGroup};

use crate::python::{bytes_repr, expand_tabs, is_space, split_lines};

/// The directory that is assumed for object files when tabs are expanded. `file format` follows a
/// tab on the line that begins with the object's path, so its column depends on the length of the
/// path. Upstream's path is that of a Python `tempfile.TemporaryDirectory()` in `/tmp`.
const DIRECTORY: &str = "/tmp/tmpxxxxxxxx/";

/// Writes text as the rest of a line that is a comment. It cannot go on in the next line, nor hide or reorder
/// what is there: characters that control something are written as their numbers, and no line ends with
/// a backslash, or with the trigraph for one.
pub(crate) fn write_rest_of_line(out: &mut String, text: &str) {
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            c if c.is_control() || is_invisible(c) => write!(out, "\\x{{{:x}}}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    // Compilers ignore space between a backslash and the end of the line.
    let visible = text.trim_end();
    if visible.ends_with('\\') || visible.ends_with("??/") {
        out.push('.');
    }
    out.push('\n');
}

/// Returns whether a character is a separator of lines or paragraphs, or changes the direction of text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the lines for a micro-op's code: its disassembly, if there is one (`_parse` in CPython's
/// `Tools/jit/_targets.py`).
///
/// They are the same as upstream's if upstream's temporary directory is in `/tmp`, which it is on
/// Linux if `TMPDIR` is not set.
pub(crate) fn code(opname: &str, group: &StencilGroup) -> Vec<String> {
    match &group.listing.disassembly {
        Some(disassembly) => {
            let file_name = format!("{opname}.o");
            clean(&format!("\n{file_name}{disassembly}"), &file_name)
        }
        None => Vec::new(),
    }
}

/// Returns the lines of llvm-objdump's output with tabs expanded to columns of 8, as if the object
/// were in [`DIRECTORY`], and without space at both ends.
fn clean(text: &str, file_name: &str) -> Vec<String> {
    let path = format!("{DIRECTORY}{file_name}");
    split_lines(text)
        .map(|line| {
            if !line.contains(file_name) {
                return expand_tabs(line).trim_matches(is_space).to_owned();
            }
            let line = expand_tabs(&line.replace(file_name, &path));
            line.trim_matches(is_space).replace(&path, file_name)
        })
        .collect()
}

/// Returns the lines for a micro-op's data: the data of the object file, the padding after it, and
/// the slots of `_JIT_` symbols (`process_relocations` in CPython's `Tools/jit/_stencils.py`).
pub(crate) fn data(group: &StencilGroup) -> Vec<String> {
    let body = &group.data.body;
    let mut lines = Vec::new();
    let Some(size) = group.listing.data_size else {
        return lines;
    };
    if let Some(own @ [_, ..]) = body.get(..size) {
        lines.push(format!("0: {}", bytes_repr(own)));
    }
    let slots = size.next_multiple_of(SLOT_SIZE);
    if slots > size {
        let zeros = vec!["00"; slots - size].join(" ");
        lines.push(format!("{size:x}: {zeros}"));
    }
    for hole in &group.data.holes {
        if let PatchValue::Address {
            base,
            symbol,
            addend,
        } = &hole.value
            && hole.offset >= slots
        {
            lines.push(slot_line(hole.offset, *base, symbol.as_deref(), *addend));
        }
    }
    lines
}

/// Returns the line for a slot of a `_JIT_` symbol, with the value that is written to it.
fn slot_line(offset: usize, base: HoleValue, symbol: Option<&str>, addend: i64) -> String {
    let mut line = format!("{offset:x}: ");
    let has_base = base != HoleValue::Zero;
    if has_base {
        line.push_str(&base.to_string());
        if symbol.is_none() && addend == 0 {
            return line;
        }
        line.push('+');
    }
    let sign = match (addend < 0, symbol) {
        (true, _) => "-",
        (false, Some(_)) => "+",
        (false, None) => "",
    };
    if let Some(symbol) = symbol {
        line.push('&');
        line.push_str(symbol);
    }
    // Writing to a String cannot fail.
    let _ = write!(line, "{sign}{:#x}", addend.unsigned_abs());
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jit_stencils::{Hole, PatchKind, Stencil};

    use super::*;

    fn slot(offset: usize, base: HoleValue, symbol: Option<&str>, addend: i64) -> Hole {
        Hole {
            offset,
            patch: PatchKind::Patch64,
            value: PatchValue::Address {
                base,
                symbol: symbol.map(Arc::from),
                addend,
            },
            first: None,
            void: false,
        }
    }

    #[test]
    fn data_is_described_with_its_slots() {
        let fill = Hole {
            patch: PatchKind::GotSymbol,
            value: PatchValue::Symbol { ordinal: 0 },
            ..slot(0, HoleValue::Zero, None, 0)
        };
        let mut group = StencilGroup {
            data: Stencil {
                body: [&b"abc"[..], &[0; 37]].concat(),
                holes: vec![
                    fill,
                    slot(8, HoleValue::Operand0, None, 0),
                    slot(16, HoleValue::Code, None, 0x1f),
                    slot(24, HoleValue::Zero, Some("_JIT_OTHER"), 0),
                    slot(32, HoleValue::Data, None, -1),
                ],
            },
            ..StencilGroup::default()
        };
        assert_eq!(data(&group), [] as [&str; 0]);
        group.listing.data_size = Some(3);
        assert_eq!(
            data(&group),
            [
                "0: 'abc'",
                "3: 00 00 00 00 00",
                "8: OPERAND0",
                "10: CODE+0x1f",
                "18: &_JIT_OTHER+0x0",
                "20: DATA+-0x1",
            ]
        );
    }

    /// Expected values: CPython 3.11's
    /// `[line.expandtabs().strip().replace(long, short) for line in text.splitlines()]`, where
    /// `long` is `/tmp/tmpabcdefgh/_X.o`, which the text starts with there, and `short` is `_X.o`.
    #[test]
    fn disassembly_is_cleaned_as_python_does_it() {
        let text = "\n_X.o:\tfile format elf64-x86-64\n\n       0:\t48 83\r\n  é\tx \x1f\x0b\t\n\n";
        assert_eq!(
            clean(text, "_X.o"),
            [
                "",
                "_X.o:  file format elf64-x86-64",
                "",
                "0:       48 83",
                "é     x",
                "",
                ""
            ]
        );
        assert!(clean("", "a").is_empty());
    }
}

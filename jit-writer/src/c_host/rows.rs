//! Rows of tables.

use std::fmt::Write as _;

/// A hole's value, as the tables have it: the enumerator without its prefix, and a number.
pub(super) type Value = (&'static str, usize);

/// A hole as the tables have it.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) offset: usize,
    pub(super) patch: &'static str,
    pub(super) value: Value,
    /// What the value is multiplied by.
    pub(super) scale: i32,
    pub(super) addend: i64,
    /// The bits of its operand.
    pub(super) bits: u8,
}

/// Writes an array. C has no empty ones.
pub(super) fn write_table(out: &mut String, name: &str, items: &[String], per_line: usize) {
    let _ = writeln!(out, "static const {name}[{}] = {{", items.len().max(1));
    for line in items.chunks(per_line) {
        let _ = writeln!(out, "    {},", line.join(", "));
    }
    if items.is_empty() {
        out.push_str(if name.starts_with("jit_") {
            "    {0},\n"
        } else {
            "    0,\n"
        });
    }
    out.push_str("};\n\n");
}

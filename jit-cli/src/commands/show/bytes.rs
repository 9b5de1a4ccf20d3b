//! The bytes of a stencil, with marks around holes.

use std::collections::BTreeMap;

use jit_stencils::{Hole, Part, Stencil, StencilGroup, StencilSet};

use crate::{
    disassembly::names,
    terminal::styled::{Line, Style},
};

/// How many bytes are in a line.
const ROW: usize = 16;

/// Returns the bytes of the code and the data.
pub(super) fn lines(set: &StencilSet, group: &StencilGroup) -> Vec<Line> {
    let mut lines = Vec::new();
    for (part, stencil) in [(Part::Code, &group.code), (Part::Data, &group.data)] {
        if !stencil.body.is_empty() {
            lines.push(Line::of(Style::Title, format!("{part}:")));
            lines.extend(dump(set, stencil));
        }
    }
    lines
}

/// Returns the bytes of the data.
pub(super) fn data(set: &StencilSet, group: &StencilGroup) -> Vec<Line> {
    dump(set, &group.data)
}

/// The holes of a body that have a field in it, by their offsets. A hole that another one does the work of has none.
fn fields(stencil: &Stencil) -> BTreeMap<usize, &Hole> {
    let fields = stencil.holes.iter();
    let fields = fields.filter(|hole| hole.patch.width() > 0);
    fields.map(|hole| (hole.offset, hole)).collect()
}

fn dump(set: &StencilSet, stencil: &Stencil) -> Vec<Line> {
    let fields = fields(stencil);
    let width = format!("{:x}", stencil.body.len()).len() + 2;
    let rows = stencil.body.chunks(ROW).enumerate();
    rows.map(|(row, bytes)| {
        let start = row * ROW;
        let mut line = Line::of(Style::Faint, format!("{start:>width$x} "));
        let mut open = covering(&fields, start).is_some_and(|hole| hole.offset < start);
        for (index, byte) in bytes.iter().enumerate() {
            let offset = start + index;
            let hole = covering(&fields, offset);
            let starts = hole.is_some_and(|hole| hole.offset == offset);
            let gap = match (starts, open && hole.is_none()) {
                (true, _) => "[",
                (_, true) => "]",
                _ => " ",
            };
            open = hole.is_some();
            let style = if hole.is_some() {
                Style::Hole
            } else {
                Style::Plain
            };
            line.push(Style::Hole, gap);
            line.push(style, format!("{byte:02x}"));
        }
        let ends = start + bytes.len();
        if open && covering(&fields, ends).is_none_or(|hole| hole.offset == ends) {
            line.push(Style::Hole, "]");
        }
        line.pad(width + 1 + 3 * ROW + 3);
        line.push(Style::Faint, readable(bytes));
        let named = fields
            .range(start..ends)
            .map(|(_, hole)| names::usual(set, hole));
        let named: Vec<String> = named.collect();
        if !named.is_empty() {
            line.pad(width + 1 + 4 * ROW + 5);
            line.push(Style::Hole, named.join(" "));
        }
        line
    })
    .collect()
}

/// Returns the hole whose field has the byte at an offset.
fn covering<'a>(fields: &BTreeMap<usize, &'a Hole>, offset: usize) -> Option<&'a Hole> {
    let (start, hole) = fields.range(..=offset).next_back()?;
    (offset < start + hole.patch.width()).then_some(*hole)
}

/// Returns the characters that bytes stand for.
fn readable(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    bytes.iter().map(one).collect()
}

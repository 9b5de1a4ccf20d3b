//! The disassembly of a stencil, for people.

use std::collections::BTreeMap;

use jit_schema::CodeEnd;
use jit_stencils::{StencilGroup, StencilSet};

use super::{
    arrows::{self, Arrow},
    bytes,
};
use crate::{
    disassembly::{Block, CONTINUE, Flow, Instruction, Listing, Piece},
    terminal::styled::{Line, Style},
};

/// The lines of a source, by the offsets in the code from which on they apply.
pub(super) type Beside = BTreeMap<usize, Option<String>>;

/// A row of the code: a label or a remark, or an instruction.
enum Row<'a> {
    /// The start of a block that is jumped to.
    Label(&'a str),
    /// Where code gets hot or cold.
    Remark(&'static str),
    Instruction(&'a Instruction),
}

/// Returns the disassembly of the code, and the data.
pub(super) fn lines(set: &StencilSet, group: &StencilGroup, beside: &Beside) -> Vec<Line> {
    let listing = Listing::of(set, group);
    let rows = rows(&listing, group);
    let arrows = arrows::draw(&arrows(&rows, group.code.body.len()), rows.len());
    let offsets = digits(group.code.body.len());
    let mut code: Vec<Line> = rows
        .iter()
        .zip(arrows)
        .map(|(row, arrow)| {
            let mut line = Line::of(Style::Place, arrow);
            line.append(text(row, offsets));
            line
        })
        .collect();
    add_sources(&mut code, &rows, beside);
    let mut lines = code;
    if lines.is_empty() {
        lines.push(Line::of(Style::Remark, "; no instructions"));
    }
    if group.end == CodeEnd::Leaves {
        let text = "control does not go on to the next micro-op";
        lines.push(Line::of(Style::Remark, format!("; {text}")));
    }
    if !group.data.body.is_empty() {
        lines.push(Line::of(Style::Title, "data:"));
        lines.extend(bytes::data(set, group));
    }
    lines
}

/// Returns the number of hexadecimal digits of offsets below a size.
fn digits(size: usize) -> usize {
    format!("{size:x}").len()
}

fn rows<'a>(listing: &'a Listing, group: &StencilGroup) -> Vec<Row<'a>> {
    let is_mixed = |blocks: &[Block]| {
        let hot = blocks.iter().filter(|block| block.hot).count();
        hot > 0 && hot < blocks.len()
    };
    let mark = is_mixed(&listing.blocks);
    let mut rows = Vec::new();
    let mut hot = true;
    for block in &listing.blocks {
        if mark && block.hot != hot {
            hot = block.hot;
            rows.push(Row::Remark(if hot { "hot" } else { "cold" }));
        }
        rows.extend(block.label.as_deref().map(Row::Label));
        let instructions = listing.of_block(block).iter();
        rows.extend(instructions.map(Row::Instruction));
    }
    let size = group.code.body.len();
    let mut targets = listing.instructions.iter().map(|one| one.target);
    if targets.any(|target| target == Some(size)) {
        rows.push(Row::Label(CONTINUE));
    }
    rows
}

fn arrows(rows: &[Row<'_>], size: usize) -> Vec<Arrow> {
    // The row of each place: that of its label.
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, pair) in rows.windows(2).enumerate() {
        if let [Row::Label(_), Row::Instruction(next)] = pair {
            places.insert(next.offset, index);
        }
    }
    if let Some(Row::Label(CONTINUE)) = rows.last() {
        places.insert(size, rows.len() - 1);
    }
    let arrow = |(from, row): (usize, &Row<'_>)| {
        let Row::Instruction(instruction) = row else {
            return None;
        };
        // A call comes back.
        let jumps = matches!(instruction.flow, Flow::Jump | Flow::Branch);
        let to = places.get(&instruction.target.filter(|_| jumps)?)?;
        Some(Arrow { from, to: *to })
    };
    rows.iter().enumerate().filter_map(arrow).collect()
}

/// The column in which operands start, counted from the mnemonic.
const OPERANDS: usize = 8;

fn text(row: &Row<'_>, offsets: usize) -> Line {
    match row {
        Row::Label(label) => Line::of(Style::Place, format!("{label}:")),
        Row::Remark(text) => Line::of(Style::Remark, format!("; {text}")),
        Row::Instruction(instruction) => instruction_line(instruction, offsets),
    }
}

fn instruction_line(instruction: &Instruction, offsets: usize) -> Line {
    let offset = format!("{:>width$x}  ", instruction.offset, width = offsets + 2);
    let mut line = Line::of(Style::Faint, offset);
    let mnemonic = &instruction.mnemonic;
    line.push(Style::Mnemonic, format!("{mnemonic:<OPERANDS$}"));
    if !instruction.operands.is_empty() && mnemonic.len() >= OPERANDS {
        line.push(Style::Plain, " ");
    }
    for piece in &instruction.operands {
        match piece {
            Piece::Text(text) => line.push(Style::Plain, text.as_str()),
            Piece::Hole { lead, name, .. } => {
                line.push(Style::Plain, *lead);
                line.push(Style::Hole, name.as_str());
            }
            Piece::Place { label, .. } => line.push(Style::Place, label.as_str()),
        }
    }
    let hidden = instruction.holes.iter().filter(|hole| !hole.in_place);
    let mut names: Vec<&str> = hidden.map(|hole| hole.name.as_str()).collect();
    names.dedup();
    if !names.is_empty() {
        line.push(Style::Hole, format!("  ; {}", names.join(", ")));
    }
    line
}

/// Adds the lines of the source, beside the first of the instructions that belong to each.
fn add_sources(lines: &mut [Line], rows: &[Row<'_>], beside: &Beside) {
    let width = lines.iter().map(Line::width).max().unwrap_or(0);
    let mut last: Option<&str> = None;
    for (line, row) in lines.iter_mut().zip(rows) {
        let Row::Instruction(instruction) = row else {
            continue;
        };
        let mut before = beside.range(..=instruction.offset);
        let found = before.next_back().and_then(|(_, text)| text.as_deref());
        if let Some(text) = found.filter(|text| last != Some(text)) {
            line.pad(width + 2);
            line.push(Style::Faint, format!("| {text}"));
        }
        last = found.or(last);
    }
}

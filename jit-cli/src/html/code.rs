//! The code of a stencil, as the page has it.

use jit_schema::PatchKind;
use jit_stencils::{StencilGroup, StencilSet};
use serde_json::{Value, json};

use crate::{
    differences::{self, Change},
    disassembly::{Flow, Instruction, Listing, Stack, names},
    hex,
};

/// A line of a listing. Most lines are in many stencils, so the page has each once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    text: String,
    /// In hexadecimal.
    bytes: String,
    /// The sum of [`CALL`] and what is after it.
    notes: u8,
    /// The offset that the instruction leads to.
    target: Option<usize>,
}

// What an instruction does, as `stencil.js` knows it.
const CALL: u8 = 1;
const INDIRECT: u8 = 2;
const STORE: u8 = 4;
const LOAD: u8 = 8;

impl Line {
    fn of(instruction: &Instruction) -> Line {
        let named = instruction.named();
        let flow = match instruction.flow {
            Flow::Call => CALL,
            Flow::IndirectCall => CALL | INDIRECT,
            Flow::IndirectJump => INDIRECT,
            Flow::Next | Flow::Jump | Flow::Branch | Flow::Return | Flow::Stop => 0,
        };
        let stack = match instruction.stack {
            Stack::None => 0,
            Stack::Load => LOAD,
            Stack::Store => STORE,
        };
        Line {
            text: format!("{} {named}", instruction.mnemonic)
                .trim_end()
                .to_owned(),
            bytes: hex::digits(&instruction.bytes),
            notes: flow | stack,
            target: instruction.target,
        }
    }

    /// Returns the line as JSON.
    pub(super) fn json(&self) -> Value {
        match self.target {
            Some(target) => json!([self.text, self.bytes, self.notes, target]),
            None => json!([self.text, self.bytes, self.notes]),
        }
    }
}

/// The code and data of a stencil, or of both sides if they differ.
pub(super) struct Code {
    /// The lines, in the order of their offsets.
    pub(super) lines: Vec<Line>,
    /// A character for each line, if sides differ: a space, `+` or `-`.
    signs: Option<String>,
    /// For each basic block the index of its first line, without those that were removed, whether it has a label, and whether
    /// it is hot.
    blocks: Vec<(usize, bool, bool)>,
    data: Value,
    /// The data before, if that was different.
    data_before: Option<Value>,
}

/// A stencil and its set.
pub(super) type Stencil<'a> = (&'a StencilSet, &'a StencilGroup);

impl Code {
    /// Returns the code of a stencil, compared with another one if there is one.
    pub(super) fn of(stencil: Stencil<'_>, before: Option<Stencil<'_>>) -> Code {
        let (set, group) = stencil;
        let listing = Listing::of(set, group);
        let blocks = listing.blocks.iter();
        let mut code = Code {
            lines: Vec::new(),
            signs: None,
            blocks: blocks
                .map(|block| (block.instructions.start, block.label.is_some(), block.hot))
                .collect(),
            data: data(stencil),
            data_before: before.map(data).filter(|other| *other != data(stencil)),
        };
        let Some((set, group)) = before else {
            code.lines = listing.instructions.iter().map(Line::of).collect();
            return code;
        };
        let mut signs = String::new();
        for change in differences::instructions(&Listing::of(set, group), &listing) {
            let (sign, instruction) = match change {
                Change::Same(instruction) => (' ', instruction),
                Change::Removed(instruction) => ('-', instruction),
                Change::Added(instruction) => ('+', instruction),
            };
            signs.push(sign);
            code.lines.push(Line::of(instruction));
        }
        code.signs = Some(signs);
        code
    }

    /// Returns the code as JSON, with the numbers of the lines.
    pub(super) fn json(&self, lines: &[usize]) -> Value {
        let blocks = self.blocks.iter();
        let blocks: Vec<usize> = blocks
            .map(|(first, labeled, hot)| 4 * first + 2 * usize::from(*labeled) + usize::from(*hot))
            .collect();
        let mut fields = vec![json!(lines), json!(blocks), self.data.clone()];
        if let Some(signs) = &self.signs {
            fields.push(json!(signs));
        }
        if let Some(data) = &self.data_before {
            fields.push(data.clone());
        }
        Value::Array(fields)
    }
}

/// Returns a stencil's data: its bytes, the offsets and names of its holes, and the symbols that it needs slots in the GOT for. It
/// is 0 if it has nothing.
fn data((set, group): Stencil<'_>) -> Value {
    let holes = || group.data.holes.iter().filter(|hole| !hole.void);
    let is_slot = |patch: PatchKind| patch == PatchKind::GotSymbol;
    let mut fields: Vec<Value> = holes()
        .filter(|hole| !is_slot(hole.patch))
        .map(|hole| json!([hole.offset, names::usual(set, hole)]))
        .collect();
    let slots = holes().filter(|hole| is_slot(hole.patch));
    fields.extend(slots.map(|hole| json!([names::usual(set, hole)])));
    match (group.data.body.is_empty(), fields.is_empty()) {
        (true, true) => json!(0),
        _ => json!([hex::digits(&group.data.body), fields]),
    }
}

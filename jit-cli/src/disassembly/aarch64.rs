//! Decodes AArch64.

use jit_schema::PatchKind;
use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Opcode, Operand};

use super::{
    At, Decoded, Flow, Piece, Stack,
    aarch64_spelling::{Spelled, spell},
};

/// The size of an instruction, in bytes.
pub(super) const WORD: usize = 4;

pub(super) fn decode(at: &At<'_>) -> Decoded {
    let decoded = InstDecoder::default()
        .decode(&mut U8Reader::new(at.bytes))
        .ok();
    let word = at
        .bytes
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes));
    let (Some(instruction), Some(word)) = (decoded, word) else {
        return Decoded::unknown();
    };
    let Spelled { mnemonic, operands } = spell(&instruction, word, at.offset);
    let flow = flow(&instruction);
    let target = match flow {
        Flow::Next => None,
        _ => target(&instruction, at.offset),
    };
    let mut placed = Vec::new();
    let operands = match at.target(target) {
        Some(place) => with_place(at, place, operands, &mut placed),
        None => pieces(at, &operands.join(", "), &mut placed),
    };
    Decoded {
        operands,
        stack: stack(&instruction, &mnemonic),
        mnemonic,
        flow,
        target,
        placed,
    }
}

/// Joins the operands of a branch in the stencil to pieces. The last one is the place.
fn with_place(
    at: &At<'_>,
    place: usize,
    mut operands: Vec<String>,
    placed: &mut Vec<usize>,
) -> Vec<Piece> {
    placed.extend(at.holes.iter().map(|(index, _)| *index));
    let encoded = operands.pop().unwrap_or_default();
    let before = operands.iter().map(|operand| format!("{operand}, "));
    let before: String = before.collect();
    let before = (!before.is_empty()).then_some(Piece::Text(before));
    before
        .into_iter()
        .chain([at.place(place, &encoded)])
        .collect()
}

/// Divides operands into pieces, with the name of the hole in its place.
fn pieces(at: &At<'_>, operands: &str, placed: &mut Vec<usize>) -> Vec<Piece> {
    let text = |text: &str| (!text.is_empty()).then(|| Piece::Text(text.to_owned()));
    let first = at.holes.first();
    let found = first.and_then(|(index, hole)| Some((index, hole, field(hole.patch, operands)?)));
    let Some((index, hole, (before, encoded, after))) = found else {
        return text(operands).into_iter().collect();
    };
    placed.push(*index);
    let omitted = encoded.is_empty();
    let value = Piece::Hole {
        lead: if omitted { ", #" } else { "" },
        name: at.name(hole),
        encoded: encoded.to_owned(),
    };
    text(before)
        .into_iter()
        .chain([value])
        .chain(text(after))
        .collect()
}

/// Divides the operands of an instruction at the field that a patch writes to.
fn field(patch: PatchKind, operands: &str) -> Option<(&str, &str, &str)> {
    let (start, end) = match patch {
        PatchKind::Aarch64_16a
        | PatchKind::Aarch64_16b
        | PatchKind::Aarch64_16c
        | PatchKind::Aarch64_16d => {
            let start = operands.find('#')? + 1;
            let rest = operands.get(start..)?;
            (start, start + rest.find(',').unwrap_or(rest.len()))
        }
        PatchKind::Aarch64_12 | PatchKind::Aarch64_12x | PatchKind::Aarch64_33rx
            if operands.ends_with(']') =>
        {
            match operands.find('#') {
                Some(at) => (at + 1, operands.len() - 1),
                // An offset of 0 is not printed.
                None => (operands.len() - 1, operands.len() - 1),
            }
        }
        PatchKind::Aarch64_12 => (operands.find('#')? + 1, operands.len()),
        PatchKind::Aarch64_12x | PatchKind::Aarch64_33rx => return None,
        _ => {
            let start = operands.rfind(", ").map_or(0, |comma| comma + 2);
            (start, operands.len())
        }
    };
    Some((
        operands.get(..start)?,
        operands.get(start..end)?,
        operands.get(end..)?,
    ))
}

fn flow(instruction: &Instruction) -> Flow {
    match instruction.opcode {
        Opcode::B => Flow::Jump,
        Opcode::BR | Opcode::BRAA | Opcode::BRAAZ | Opcode::BRAB | Opcode::BRABZ => {
            Flow::IndirectJump
        }
        Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ | Opcode::TBZ | Opcode::TBNZ => Flow::Branch,
        Opcode::BL => Flow::Call,
        Opcode::BLR | Opcode::BLRAA | Opcode::BLRAAZ | Opcode::BLRAB | Opcode::BLRABZ => {
            Flow::IndirectCall
        }
        Opcode::RET | Opcode::RETAA | Opcode::RETAB | Opcode::ERET => Flow::Return,
        Opcode::UDF | Opcode::BRK | Opcode::HLT => Flow::Stop,
        _ => Flow::Next,
    }
}

/// Returns the offset in the code that an instruction leads to.
fn target(instruction: &Instruction, offset: usize) -> Option<usize> {
    let distance = instruction
        .operands
        .iter()
        .find_map(|operand| match operand {
            Operand::PCOffset(distance) => Some(*distance),
            _ => None,
        });
    usize::try_from(offset as i64 + distance?).ok()
}

/// The number of the stack pointer as a base.
const SP: u16 = 31;

fn stack(instruction: &Instruction, mnemonic: &str) -> Stack {
    let on_stack = instruction.operands.iter().any(|operand| {
        matches!(
            operand,
            Operand::RegPreIndex(SP, ..)
                | Operand::RegPostIndex(SP, _)
                | Operand::RegPostIndexReg(SP, _)
                | Operand::RegRegOffset(SP, ..)
        )
    });
    match mnemonic.get(..2) {
        Some("st") if on_stack => Stack::Store,
        Some("ld") if on_stack => Stack::Load,
        _ => Stack::None,
    }
}

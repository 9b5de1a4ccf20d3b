//! The instructions of a stencil, decoded in this process: no other program is needed.
//!
//! [`Listing::of`] decodes the code of a stencil. Each instruction knows the holes in it, and the pieces of its operands say
//! which of them stand for a hole, so that one listing can be printed with the names of the holes, as
//! [`Instruction::named`] does, or as llvm-objdump prints the object that the stencil was made from, as
//! [`Instruction::encoded`] does.
//!
//! Text has the spelling of `llvm-objdump --disassemble` (AT&T syntax on x86). x86 is decoded by iced-x86, and AArch64 by
//! yaxpeax-arm, which prints the aliases that LLVM prints (`mov`, `cmp`, `lsl`); other decoders written in Rust print
//! the instructions that these are aliases of. Both were dependencies of this workspace before.

mod aarch64;
mod aarch64_spelling;
#[cfg(test)]
mod agreement;
mod blocks;
pub(crate) mod names;
mod x86;

use jit_schema::Arch;
use jit_stencils::{Hole, StencilGroup, StencilSet};

pub(crate) use blocks::Block;

/// The decoded code of a stencil.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The instructions, in the order of their offsets. Together they are the whole code.
    pub(crate) instructions: Vec<Instruction>,
    /// The basic blocks, in the order of their offsets. Together they are the whole code.
    pub(crate) blocks: Vec<Block>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Its offset in the code, in bytes.
    pub(crate) offset: usize,
    /// Its bytes, as they are in the stencil.
    pub(crate) bytes: Vec<u8>,
    /// What it does, with prefixes: `movq`, `lock cmpxchgl`, `b.eq`; [`UNKNOWN`] for bytes that are no instruction.
    pub(crate) mnemonic: String,
    /// The operands, with commas between them.
    pub(crate) operands: Vec<Piece>,
    /// The holes that are within its bytes.
    pub(crate) holes: Vec<NamedHole>,
    /// Where control goes after it.
    pub(crate) flow: Flow,
    /// The offset in the code that it jumps to or calls, if that is known and in the stencil. The size of the code stands for the next
    /// micro-op.
    pub(crate) target: Option<usize>,
    /// How it uses memory that is addressed by the stack pointer. Calls and returns do not count.
    pub(crate) stack: Stack,
}

/// The mnemonic of bytes that are no instruction, as llvm-objdump prints it.
pub(crate) const UNKNOWN: &str = "<unknown>";

/// A part of the text of an instruction's operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text that does not depend on holes.
    Text(String),
    /// The value of a hole.
    Hole {
        /// What comes before the name, but not before what is encoded, where llvm-objdump does not print an offset of 0.
        lead: &'static str,
        /// The name, such as `<oparg>`.
        name: String,
        /// What the instruction has before the hole is patched, as llvm-objdump prints it. It is empty for a displacement of 0.
        encoded: String,
    },
    /// A place in the stencil that the instruction leads to.
    Place {
        /// The label of the block there, such as `L1`, or [`CONTINUE`].
        label: String,
        /// The place as llvm-objdump prints it.
        encoded: String,
    },
}

/// The label of the end of the code, where the next micro-op is.
pub(crate) const CONTINUE: &str = "<continue>";

/// A hole in an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedHole {
    /// The name, such as `<PyNumber_Add@got>`.
    pub(crate) name: String,
    /// The hole's index in the holes of the stencil's code.
    pub(crate) index: usize,
    /// Whether a piece of the operands stands for it. Otherwise it is in a part of the instruction that is not printed.
    pub(crate) in_place: bool,
}

/// Where control goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the next instruction.
    Next,
    /// To one place.
    Jump,
    /// To an address in a register or in memory.
    IndirectJump,
    /// To a place or to the next instruction.
    Branch,
    /// To a function, and then to the next instruction if it returns.
    Call,
    /// To a function whose address is in a register or in memory, and then to the next instruction if it returns.
    IndirectCall,
    /// To the caller.
    Return,
    /// Nowhere: the instruction traps, or it is none.
    Stop,
}

/// How an instruction uses memory that is addressed by the stack pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// It does not.
    None,
    /// It reads only: a reload, or an argument.
    Load,
    /// It writes: a spill, or an argument.
    Store,
}

/// What the decoder of an instruction set finds out about one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decoded {
    mnemonic: String,
    operands: Vec<Piece>,
    flow: Flow,
    /// The place that it jumps to or calls, as it is encoded.
    target: Option<usize>,
    stack: Stack,
    /// The holes that pieces stand for, by their indexes in the holes that were given.
    placed: Vec<usize>,
}

impl Decoded {
    /// Bytes that are no instruction.
    fn unknown() -> Decoded {
        Decoded {
            mnemonic: UNKNOWN.to_owned(),
            operands: Vec::new(),
            flow: Flow::Stop,
            target: None,
            stack: Stack::None,
            placed: Vec::new(),
        }
    }
}

impl Listing {
    /// Decodes the code of a stencil of the set.
    ///
    /// Bytes that are no instruction are listed, too, as [`UNKNOWN`].
    pub(crate) fn of(set: &StencilSet, group: &StencilGroup) -> Listing {
        let code = &group.code;
        let mut instructions = Vec::new();
        let mut offset = 0;
        while offset < code.body.len() {
            let instruction = decode_at(set, group, offset);
            offset += instruction.bytes.len().max(1);
            instructions.push(instruction);
        }
        let blocks = blocks::blocks(&instructions, group);
        for instruction in &mut instructions {
            name_place(instruction, &blocks, code.body.len());
        }
        Listing {
            instructions,
            blocks,
        }
    }

    /// Returns the instructions of a block.
    pub(crate) fn of_block(&self, block: &Block) -> &[Instruction] {
        self.instructions
            .get(block.instructions.clone())
            .unwrap_or_default()
    }
}

/// Names the place that an instruction leads to by its label.
fn name_place(instruction: &mut Instruction, blocks: &[Block], size: usize) {
    let Some(target) = instruction.target else {
        return;
    };
    let label = match target == size {
        true => CONTINUE.to_owned(),
        false => {
            let mut starts = blocks.iter().filter(|block| block.code.start == target);
            match starts.next().and_then(|block| block.label.clone()) {
                Some(label) => label,
                // In the middle of an instruction.
                None => return,
            }
        }
    };
    for piece in &mut instruction.operands {
        if let Piece::Place { label: of, .. } = piece {
            of.clone_from(&label);
        }
    }
}

fn decode_at(set: &StencilSet, group: &StencilGroup, offset: usize) -> Instruction {
    let rest = group.code.body.get(offset..).unwrap_or_default();
    let arch = set.target.arch;
    let length = match arch {
        Arch::Aarch64 => aarch64::WORD.min(rest.len()),
        Arch::I686 | Arch::X86_64 => x86::length(arch, rest),
    };
    let bytes = rest.get(..length).unwrap_or_default();
    let within = |hole: &&(usize, &Hole)| {
        let end = hole.1.offset + hole.1.patch.width();
        hole.1.offset < offset + length && offset < end
    };
    let all: Vec<(usize, &Hole)> = group.code.holes.iter().enumerate().collect();
    let holes: Vec<(usize, &Hole)> = all.iter().filter(within).copied().collect();
    let at = At {
        set,
        bytes,
        offset,
        size: group.code.body.len(),
        holes: &holes,
    };
    let decoded = match arch {
        Arch::Aarch64 => aarch64::decode(&at),
        Arch::I686 | Arch::X86_64 => x86::decode(&at),
    };
    Instruction {
        offset,
        bytes: bytes.to_vec(),
        mnemonic: decoded.mnemonic,
        operands: decoded.operands,
        holes: holes
            .iter()
            .map(|&(index, hole)| NamedHole {
                name: at.name(hole),
                index,
                in_place: decoded.placed.contains(&index),
            })
            .collect(),
        flow: decoded.flow,
        target: at.target(decoded.target),
        stack: decoded.stack,
    }
}

/// An instruction to decode.
struct At<'a> {
    set: &'a StencilSet,
    bytes: &'a [u8],
    offset: usize,
    /// The size of the whole code, in bytes.
    size: usize,
    /// The holes within its bytes, with their indexes in the code's holes.
    holes: &'a [(usize, &'a Hole)],
}

impl At<'_> {
    /// Returns the name of a hole, for its value as this instruction uses it: a displacement counts from the end of the
    /// instruction on x86, which is not always the end of the field.
    fn name(&self, hole: &Hole) -> String {
        let end = self.offset + self.bytes.len();
        let bias = match (self.set.target.arch, hole.patch.row().base_addend) {
            (Arch::I686 | Arch::X86_64, -4) => end as i64 - hole.offset as i64,
            _ => 0,
        };
        names::name(self.set, hole, bias)
    }

    /// Returns the offset that the instruction leads to, if it is in the stencil.
    fn target(&self, encoded: Option<usize>) -> Option<usize> {
        let encoded = encoded?;
        let target = match self.holes.first() {
            None => encoded,
            Some((_, hole)) => {
                let addend = names::place_in_code(hole)?;
                usize::try_from(addend - hole.patch.row().base_addend).ok()?
            }
        };
        (target <= self.size).then_some(target)
    }

    /// Returns the piece for a place that is encoded as this text. It is named when the blocks are known.
    fn place(&self, target: usize, encoded: &str) -> Piece {
        let (label, encoded) = (format!("{target:#x}"), encoded.to_owned());
        Piece::Place { label, encoded }
    }
}

impl Instruction {
    /// Returns the operands with the names of the holes and the labels of places.
    pub(crate) fn named(&self) -> String {
        let mut text = String::new();
        for piece in &self.operands {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Hole { lead, name, .. } => text.extend([*lead, name]),
                Piece::Place { label, .. } => text.push_str(label),
            }
        }
        text
    }

    /// Returns the operands as they are encoded in the stencil.
    pub(crate) fn encoded(&self) -> String {
        let pieces = self.operands.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Hole { encoded, .. } | Piece::Place { encoded, .. } => encoded.as_str(),
        });
        pieces.collect()
    }

    /// Returns the offset after the instruction.
    pub(crate) fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use jit_schema::Target;

    use super::*;

    /// Data in code, for example.
    #[test]
    fn any_bytes_are_listed() {
        let mut random = fastrand::Rng::with_seed(7);
        for target in &Target::ALL {
            for _ in 0..2000 {
                let mut group = StencilGroup::default();
                group.code.body = (0..61).map(|_| random.u8(..)).collect();
                let set = StencilSet {
                    target: *target,
                    groups: Vec::new(),
                    symbols: Vec::new(),
                    shim: None,
                    families: vec![],
                };
                let listing = Listing::of(&set, &group);
                let all = listing.instructions.iter();
                let bytes: Vec<u8> = all.flat_map(|one| one.bytes.clone()).collect();
                assert_eq!(bytes, group.code.body);
                let blocks = listing.blocks.iter().map(|block| block.code.len());
                assert_eq!(blocks.sum::<usize>(), bytes.len());
            }
        }
    }
}

//! Stencils, which are code and data with holes in them.

use std::collections::BTreeMap;
use std::fmt;

use jit_schema::{CodeEnd, Target};

use crate::{Family, Hole, UnwindInfo};

/// The two halves of a [`StencilGroup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Machine code.
    Code,
    /// Read-only data.
    Data,
}

impl Part {
    /// Both halves.
    pub const ALL: [Part; 2] = [Part::Code, Part::Data];

    /// Returns the name in generated C: `code` or `data`.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Code => "code",
            Part::Data => "data",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The size and alignment of a pointer in a stencil's data, in bytes, on every target.
pub const SLOT_SIZE: usize = 8;

/// The name of CPython's guard: what a trace that runs past its end runs into. A set that has it gets it at the
/// end of each trace.
pub const GUARD: &str = "_FATAL_ERROR_r00";

/// The largest alignment that a stencil's data can have, in bytes: a page of the targets that have the
/// smallest pages.
pub const MAX_ALIGNMENT: usize = 4096;

/// A block of code or data to be copied and patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stencil<H = Hole> {
    /// The bytes, including those of the holes.
    pub body: Vec<u8>,
    /// The holes. In a finished stencil they are sorted by offset.
    pub holes: Vec<H>,
}

// A derived implementation would require `H: Default`.
impl<H> Default for Stencil<H> {
    fn default() -> Self {
        Stencil {
            body: Vec::new(),
            holes: Vec::new(),
        }
    }
}

/// A set of external symbols. It takes memory in proportion to the number of symbols in it, however high
/// their ordinals are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SymbolMask {
    /// The bit of ordinal `o` is bit `o % 64` of word `o / 64`: the words that are not 0, each with its
    /// index, in ascending order.
    words: Vec<(usize, u64)>,
}

impl SymbolMask {
    /// Adds a symbol by its index in [`StencilSet::symbols`].
    pub fn insert(&mut self, ordinal: usize) {
        let (index, bit) = (ordinal / 64, 1 << (ordinal % 64));
        match self.find(index) {
            Ok(at) => {
                if let Some((_, word)) = self.words.get_mut(at) {
                    *word |= bit;
                }
            }
            Err(at) => self.words.insert(at, (index, bit)),
        }
    }

    fn find(&self, index: usize) -> Result<usize, usize> {
        self.words.binary_search_by_key(&index, |(index, _)| *index)
    }

    /// Returns whether the symbol is in the set.
    pub fn contains(&self, ordinal: usize) -> bool {
        let at = self.find(ordinal / 64).ok();
        let word = at.and_then(|at| self.words.get(at));
        word.is_some_and(|(_, word)| word >> (ordinal % 64) & 1 != 0)
    }

    /// Returns the words of 64 bits that are not 0, each with its index, in ascending order. The bit of
    /// ordinal `o` is bit `o % 64` of word `o / 64`.
    pub fn sparse_words(&self) -> &[(usize, u64)] {
        &self.words
    }

    /// Returns all bits, 32 in each word and the lowest ordinals first. There are no more words than
    /// needed.
    pub fn words(&self) -> Vec<u32> {
        let mut words = Vec::new();
        for (index, word) in &self.words {
            words.resize(2 * index, 0);
            words.extend([*word as u32, (word >> 32) as u32]);
        }
        words.truncate(
            words
                .iter()
                .rposition(|word| *word != 0)
                .map_or(0, |last| last + 1),
        );
        words
    }
}

impl FromIterator<usize> for SymbolMask {
    fn from_iter<I: IntoIterator<Item = usize>>(ordinals: I) -> Self {
        let mut ordinals: Vec<usize> = ordinals.into_iter().collect();
        // Then each is added to the last word, or after it.
        ordinals.sort_unstable();
        let mut mask = SymbolMask::default();
        for ordinal in ordinals {
            mask.insert(ordinal);
        }
        mask
    }
}

/// The code and data of one micro-op, ready to be linked or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StencilGroup {
    /// The machine code, which is entered at offset 0.
    pub code: Stencil,
    /// The data, a multiple of [`SLOT_SIZE`] bytes.
    pub data: Stencil,
    /// What the address of the data must be a multiple of, in bytes: [`SLOT_SIZE`], or a greater power
    /// of two up to [`MAX_ALIGNMENT`] if the code relies on that.
    pub data_alignment: usize,
    /// Whether control can go on past the end of the code.
    pub end: CodeEnd,
    /// The external symbols that the code may reach through a trampoline.
    pub trampolines: SymbolMask,
    /// The external symbols whose addresses the code reads from the trace's GOT.
    pub got_entries: SymbolMask,
    /// What the stencil takes from its instruction, as far as its holes have general values.
    pub interface: Interface,
    /// What is known of the object that the stencils were made from.
    pub listing: Listing,
}

impl StencilGroup {
    /// Returns one of the two halves.
    pub fn part(&self, part: Part) -> &Stencil {
        match part {
            Part::Code => &self.code,
            Part::Data => &self.data,
        }
    }

    /// Returns one of the two halves, to change it.
    pub fn part_mut(&mut self, part: Part) -> &mut Stencil {
        match part {
            Part::Code => &mut self.code,
            Part::Data => &mut self.data,
        }
    }
}

// An alignment of 0 would make no sense.
impl Default for StencilGroup {
    fn default() -> Self {
        StencilGroup {
            code: Stencil::default(),
            data: Stencil::default(),
            data_alignment: SLOT_SIZE,
            end: CodeEnd::Unknown,
            trampolines: SymbolMask::default(),
            got_entries: SymbolMask::default(),
            interface: Interface::default(),
            listing: Listing::default(),
        }
    }
}

/// What a stencil with [general values](crate::HoleValue) takes from its instruction. A stencil whose
/// holes have no general values takes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Interface {
    /// By the operand's number: how many bits it has, from 1 to 64, or 0 if the stencil does not use it.
    pub operands: Vec<u8>,
    /// The number of targets: [`HoleValue::Place`](crate::HoleValue::Place) of the stencil's holes has a
    /// smaller number.
    pub targets: u16,
}

/// What is known of the object that stencils were made from, for generated headers. Nothing else
/// depends on it, and [stencil files](mod@crate::file) leave it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The output of `llvm-objdump --disassemble --reloc` for the object, without the empty line and
    /// the object's path at its start, so that it starts with `:\tfile format elf64-x86-64`, for
    /// example.
    pub disassembly: Option<String>,
    /// The size of the object's data in bytes. What follows in the stencil's body is padding up to a
    /// multiple of [`SLOT_SIZE`], and one slot of that size for each `_JIT_` symbol that the code
    /// reads as if from a GOT.
    pub data_size: Option<usize>,
    /// What CPython's `Tools/jit` adds to the addends of holes in the code by mistake, by the offsets of
    /// the holes in bytes. These holes refer to a literal by its section, as x86_64 macOS objects do
    /// (`_handle_section` and `_handle_relocation` of `_MachO` in `_targets.py`).
    pub literal_shifts: BTreeMap<usize, i64>,
}

/// All stencils of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StencilSet {
    /// The target that the stencils run on.
    pub target: Target,
    /// The names and stencils of the micro-ops, in the order in which they were built.
    pub groups: Vec<(String, StencilGroup)>,
    /// The external symbols that stencils reach through trampolines or the GOT, in the order of their
    /// first use. The index of a symbol is its ordinal.
    pub symbols: Vec<String>,
    /// The function that enters compiled code, if it is linked together with the code. Use
    /// [`attach_shim`](crate::attach_shim) to set it.
    pub shim: Option<Shim>,
    /// The operations that have a stencil for each choice of where their operands are. Use
    /// [`add_families`](StencilSet::add_families) to add some.
    pub families: Vec<Family>,
}

/// The function that C calls to enter compiled code, as a stencil. It is linked as a trace of one
/// micro-op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shim {
    /// The name of the C function, without the platform's prefix.
    pub name: String,
    /// Its code and data. The values of all holes are addresses: none is taken from an instruction.
    pub group: StencilGroup,
    /// How to unwind from compiled code through it. Only Linux targets have such rules.
    pub unwind: Option<UnwindInfo>,
}

impl StencilSet {
    /// Returns the stencils of a micro-op.
    pub fn group(&self, opname: &str) -> Option<&StencilGroup> {
        self.groups
            .iter()
            .find(|(name, _)| name == opname)
            .map(|(_, group)| group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_the_words_that_are_not_0() {
        let mask: SymbolMask = [40, 0, 31].into_iter().collect();
        assert_eq!(mask.words(), [0x8000_0001, 0x100]);
        assert_eq!(mask.sparse_words(), [(0, 0x100_8000_0001)]);
        assert!(mask.contains(40) && mask.contains(0) && mask.contains(31));
        assert!(!mask.contains(1) && !mask.contains(39) && !mask.contains(1000));
        let mut high = SymbolMask::default();
        for ordinal in [64 * 1_000_000, 129, 64 * 1_000_000 + 2, 0] {
            high.insert(ordinal);
            assert!(high.contains(ordinal));
        }
        assert_eq!(high.sparse_words(), [(0, 1), (2, 2), (1_000_000, 5)]);
        assert_eq!(SymbolMask::from_iter([129, 0]).words(), [1, 0, 0, 0, 2]);
        assert!(SymbolMask::default().words().is_empty());
    }
}

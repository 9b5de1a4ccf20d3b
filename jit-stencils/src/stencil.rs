//! Stencils: code and data with holes in them.

use std::fmt;

use jit_schema::Target;

use crate::{Hole, UnwindInfo};

/// The two halves of a [`StencilGroup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Machine code.
    Code,
    /// Read-only data.
    Data,
}

impl Part {
    /// `code` or `data`, as the generated C calls them.
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

/// Size and alignment of a pointer in a stencil's data, in bytes, on every target.
pub const SLOT_SIZE: usize = 8;

/// A block of code or data to be copied and patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stencil<H = Hole> {
    /// The bytes, holes included.
    pub body: Vec<u8>,
    /// The holes; in a finished stencil sorted by offset.
    pub holes: Vec<H>,
}

// Not derived: that would ask for `H: Default`.
impl<H> Default for Stencil<H> {
    fn default() -> Self {
        Stencil {
            body: Vec::new(),
            holes: Vec::new(),
        }
    }
}

/// A set of external symbols by ordinal, a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SymbolMask {
    /// Ordinal `o` is bit `o % 32` of word `o / 32`. The last word is not 0.
    words: Vec<u32>,
}

impl SymbolMask {
    /// Add a symbol by its index in [`StencilSet::symbols`]; the set's size follows the largest.
    pub fn insert(&mut self, ordinal: usize) {
        let index = ordinal / 32;
        if self.words.len() <= index {
            self.words.resize(index + 1, 0);
        }
        if let Some(word) = self.words.get_mut(index) {
            *word |= 1 << (ordinal % 32);
        }
    }

    /// Whether the symbol is in the set.
    pub fn contains(&self, ordinal: usize) -> bool {
        self.words
            .get(ordinal / 32)
            .is_some_and(|word| word & (1 << (ordinal % 32)) != 0)
    }

    /// The bits, 32 to a word, the lowest ordinals first and only as many words as are needed.
    pub fn words(&self) -> &[u32] {
        &self.words
    }
}

impl FromIterator<usize> for SymbolMask {
    fn from_iter<I: IntoIterator<Item = usize>>(ordinals: I) -> Self {
        let mut mask = SymbolMask::default();
        for ordinal in ordinals {
            mask.insert(ordinal);
        }
        mask
    }
}

/// The code and data of one uop, ready to be linked or written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StencilGroup {
    /// Machine code; its entry is at offset 0.
    pub code: Stencil,
    /// Its data, a multiple of [`SLOT_SIZE`] bytes.
    pub data: Stencil,
    /// External symbols the code may call through a trampoline.
    pub trampolines: SymbolMask,
    /// External symbols the code reads from the trace's GOT.
    pub got_entries: SymbolMask,
    /// What is known of the object that the stencils were made from.
    pub listing: Listing,
}

/// What is known of the object that stencils were made from, for the comments of generated headers.
/// Nothing else depends on it, and [stencil files](mod@crate::file) leave it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The output of `llvm-objdump --disassemble --reloc` for the object, without the empty line and
    /// the object's path that it starts with: `:\tfile format elf64-x86-64` and so on.
    pub disassembly: Option<String>,
    /// The size of the object's data in bytes. What follows in the stencil's body is padding up to a
    /// multiple of [`SLOT_SIZE`], and one slot of that size for each `_JIT_` symbol that the code
    /// reads as if from a GOT.
    pub data_size: Option<usize>,
}

/// All stencils of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StencilSet {
    /// What the stencils run on.
    pub target: Target,
    /// The uops' names and stencils, in the order they were built in.
    pub groups: Vec<(String, StencilGroup)>,
    /// The external symbols that have an ordinal, which is the index: those that stencils reach
    /// through trampolines or the GOT, in the order of their first use.
    pub symbols: Vec<String>,
    /// The function that enters compiled code, if it is to be linked along with it: see
    /// [`attach_shim`](crate::attach_shim).
    pub shim: Option<Shim>,
}

/// The function that C calls to enter compiled code, as a stencil: link it as a trace of one uop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shim {
    /// The C function's name, without the platform's prefix.
    pub name: String,
    /// Its code and data. No hole needs an instruction: there are only addresses.
    pub group: StencilGroup,
    /// How to unwind from compiled code through it; Linux only.
    pub unwind: Option<UnwindInfo>,
}

impl StencilSet {
    /// The stencils of a uop.
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
    fn masks_grow_by_words() {
        let mask: SymbolMask = [40, 0, 31].into_iter().collect();
        assert_eq!(mask.words(), [0x8000_0001, 0x100]);
        assert!(mask.contains(40) && mask.contains(0) && mask.contains(31));
        assert!(!mask.contains(1) && !mask.contains(39) && !mask.contains(1000));
    }
}

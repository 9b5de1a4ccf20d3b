//! The facts that a row has.

use crate::{Machine, PatchKind};

/// What is known of a [`RelocationKind`](super::RelocationKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelocationRow {
    /// The name that llvm-readobj prints, or the one in the optimizer's labels.
    pub name: &'static str,
    /// Where such relocations come from.
    pub origin: Origin,
    /// Size of the field, in bytes from the relocation's offset: an instruction, or a word.
    pub width: usize,
    /// Where the addend is.
    pub addend: AddendPlace,
    /// How to write the value into the field. See [`Reach`] for the exceptions.
    pub patch: PatchKind,
    /// How the field reaches its symbol.
    pub reach: Reach,
}

/// Where a relocation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An entry in an object file.
    Entry {
        /// Whose entry it is.
        machine: Machine,
        /// The relocation's number for that machine.
        number: u32,
    },
    /// A label of the assembly optimizer (see [`label`](crate::label)).
    Label {
        /// The side of the label that the field is on.
        field: Side,
    },
}

/// A side of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The field starts at the label.
    After,
    /// The field, of four bytes, is the only one with the bytes of [`FIELD_MARK`](crate::label::FIELD_MARK) in the
    /// instruction that ends at the label.
    Near,
}

impl Side {
    /// Returns `before` or `after`.
    pub const fn name(self) -> &'static str {
        match self {
            Side::After => "after",
            Side::Near => "near",
        }
    }
}

/// Where a relocation's addend is. CPython's `Tools/jit` does not read all of them: see
/// `_handle_relocation` in its `_targets.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddendPlace {
    /// In the relocation entry.
    Entry,
    /// In the field.
    Field {
        /// Which bits, and how they make a number.
        bits: AddendBits,
        /// Added to that number: -4 where displacements count from the end of a 4-byte field.
        bias: i64,
    },
    /// In an entry of its own before this one (`ARM64_RELOC_ADDEND`), and 0 if there is none.
    EntryBefore,
    /// Nowhere: the addend is 0.
    Nowhere,
}

/// How the bytes of a field make an addend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddendBits {
    /// Four bytes, a signed little-endian number.
    Signed32,
    /// Four bytes, an unsigned little-endian number.
    Unsigned32,
    /// Eight bytes, a signed little-endian number.
    Signed64,
    /// The 21 bits of an `adr` or `adrp`: a signed number of bytes, not of pages.
    Aarch64Adr,
    /// The 12 bits of an `add`: an unsigned number of bytes.
    Aarch64Low12,
    /// The 12 bits of a load or store: an unsigned number of accesses of its size.
    Aarch64Low12Scaled,
    /// The 19 bits of a conditional branch: a signed number of instructions.
    Aarch64Branch19,
    /// The 26 bits of a branch: a signed number of instructions.
    Aarch64Branch26,
}

/// How a field reaches the symbol that its relocation refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// By the symbol's address.
    Direct,
    /// By the symbol's address, which must be near the field: that of the micro-op's own code or data,
    /// or of other code in the trace.
    Near,
    /// By the address of the symbol's slot in the GOT.
    Got,
    /// By the address of the symbol's slot in the GOT if the compiler took the symbol for an import
    /// (`__imp_<symbol>`), and by the symbol's address otherwise.
    Import {
        /// Whether a symbol outside of the stencil must be an import, as its address may be out of
        /// the field's reach.
        required: bool,
    },
    /// By a branch. If the symbol is outside of the stencil, it may be out of the branch's reach:
    /// then the branch goes through a trampoline.
    Branch {
        /// The patch for a symbol outside of the stencil.
        trampoline: PatchKind,
    },
}

impl Reach {
    /// Returns whether the field can refer to a GOT slot.
    pub const fn takes_slot(self) -> bool {
        match self {
            Reach::Got | Reach::Import { .. } => true,
            Reach::Direct | Reach::Near | Reach::Branch { .. } => false,
        }
    }
}

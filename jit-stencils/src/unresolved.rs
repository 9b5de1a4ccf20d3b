//! The stencils of one object file, before external symbols have numbers.

use std::collections::BTreeMap;

use jit_schema::{CodeEnd, RelocationKind};

use crate::{HoleValue, Listing, Part, PatchKind, SLOT_SIZE, Stencil};

/// The code and data of one micro-op, which refer to symbols by name.
///
/// A group depends only on the object of its micro-op, so groups can be made in parallel, and kept
/// for later builds. [`resolve`](crate::resolve) gives numbers to external symbols, which depend on
/// all micro-ops of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedGroup {
    /// The machine code, which is entered at offset 0.
    pub code: Stencil<UnresolvedHole>,
    /// The data, without padding.
    pub data: Stencil<UnresolvedHole>,
    /// The alignment of the data, as [`StencilGroup`](crate::StencilGroup) has it.
    pub data_alignment: usize,
    /// Whether control can go on past the end of the code.
    pub end: CodeEnd,
    /// The symbols that the object defines, without the platform's prefix.
    pub symbols: BTreeMap<String, Place>,
    /// What is known of the object. [`lower`](crate::lower) has no disassembly: the caller can add it.
    pub listing: Listing,
}

impl Default for UnresolvedGroup {
    fn default() -> Self {
        UnresolvedGroup {
            code: Stencil::default(),
            data: Stencil::default(),
            data_alignment: SLOT_SIZE,
            end: CodeEnd::Unknown,
            symbols: BTreeMap::new(),
            listing: Listing::default(),
        }
    }
}

/// A hole that refers to its symbol by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnresolvedHole {
    /// The offset of the field in the stencil's body, in bytes.
    pub offset: usize,
    /// The relocation that the hole was made from.
    pub kind: RelocationKind,
    /// How the value is written: the patch of `kind`, or of the pair that the hole is half of.
    pub patch: PatchKind,
    /// The base of the value.
    pub base: HoleValue,
    /// The symbol whose address is added. If `base` is [`HoleValue::Got`], it is the address of the
    /// symbol's GOT slot instead.
    pub symbol: Option<String>,
    /// What the base is multiplied by, 1 but for values of the instruction.
    pub scale: i32,
    /// The constant that is added.
    pub addend: i64,
    /// The offset of the `adrp` whose `ldr` is at `offset`, in bytes. Only
    /// [`PatchKind::Aarch64_33rx`] has it.
    pub first: Option<usize>,
    /// Whether the hole is the `first` of another one.
    pub void: bool,
}

impl UnresolvedHole {
    pub(crate) fn new(
        offset: usize,
        kind: RelocationKind,
        base: HoleValue,
        symbol: Option<String>,
        addend: i64,
    ) -> UnresolvedHole {
        UnresolvedHole {
            offset,
            kind,
            patch: kind.row().patch,
            base,
            symbol,
            scale: 1,
            addend,
            first: None,
            void: false,
        }
    }
}

/// The place of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The code or the data.
    pub part: Part,
    /// The offset from the start of the part, in bytes.
    pub offset: i64,
}

/// Returns the base and the symbol that a name stands for. The name `_JIT_` and that of a
/// [`HoleValue`] stands for the base, any other name for the address of a symbol (`symbol_to_value`
/// in CPython's `Tools/jit/_stencils.py`).
pub(crate) fn symbol_to_value(symbol: &str) -> (HoleValue, Option<String>) {
    match symbol.strip_prefix("_JIT_").and_then(HoleValue::from_name) {
        Some(value) => (value, None),
        None => (HoleValue::Zero, named(symbol)),
    }
}

/// Returns the symbol if its name is not empty.
pub(crate) fn named(symbol: &str) -> Option<String> {
    (!symbol.is_empty()).then(|| symbol.to_owned())
}

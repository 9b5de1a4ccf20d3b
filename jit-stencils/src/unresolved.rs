//! What an object file says of a uop, before external symbols have numbers.

use std::collections::BTreeMap;

use jit_schema::RelocationKind;

use crate::{HoleValue, Listing, Part, PatchKind, Stencil};

/// The code and data of one uop, with symbols still by name.
///
/// This depends on the uop's object alone: groups can be made in parallel, kept and used again.
/// Numbers of external symbols, which depend on all uops of the target, come in with
/// [`resolve`](crate::resolve).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnresolvedGroup {
    /// Machine code; its entry is at offset 0.
    pub code: Stencil<UnresolvedHole>,
    /// Its data, not padded yet.
    pub data: Stencil<UnresolvedHole>,
    /// The symbols that the object defines, without their mangling prefix.
    pub symbols: BTreeMap<String, Place>,
    /// What is known of the object. [`lower`](crate::lower) leaves the disassembly out: whoever has
    /// it may add it.
    pub listing: Listing,
}

/// A hole that names its symbol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnresolvedHole {
    /// Where the field starts in the stencil's body, in bytes.
    pub offset: usize,
    /// The relocation the hole was made from.
    pub kind: RelocationKind,
    /// How to write the value: that of `kind`, or of the pair it is half of.
    pub patch: PatchKind,
    /// What the value is counted from.
    pub base: HoleValue,
    /// The symbol whose address (or GOT slot, if `base` is [`HoleValue::Got`]) is added.
    pub symbol: Option<String>,
    /// A constant that is added.
    pub addend: i64,
    /// Where the adrp is whose ldr is at `offset`: given for [`PatchKind::Aarch64_33rx`] only.
    pub first: Option<usize>,
    /// Folded into another hole (as its `first`).
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
            addend,
            first: None,
            void: false,
        }
    }
}

/// Where a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// In the code or the data.
    pub part: Part,
    /// Bytes from the start of the part.
    pub offset: i64,
}

/// The value a symbol stands for: `_JIT_` names that are a [`HoleValue`] are the value itself,
/// others the address of the symbol (`symbol_to_value` in CPython's `Tools/jit/_stencils.py`).
pub(crate) fn symbol_to_value(symbol: &str) -> (HoleValue, Option<String>) {
    match symbol.strip_prefix("_JIT_").and_then(HoleValue::from_name) {
        Some(value) => (value, None),
        None => (HoleValue::Zero, named(symbol)),
    }
}

/// The symbol, if it has a name.
pub(crate) fn named(symbol: &str) -> Option<String> {
    (!symbol.is_empty()).then(|| symbol.to_owned())
}

//! Makes stencils by hand.

use jit_runtime::{Stencils, Uop};
use jit_schema::Target;
use jit_stencils::{
    Hole, HoleValue, PatchKind, PatchValue, Stencil, StencilGroup, StencilSet, SymbolMask,
};

pub(crate) const GUARD: &str = "_FATAL_ERROR_r00";

pub(crate) const AARCH64: [&str; 3] = [
    "aarch64-apple-darwin",
    "aarch64-pc-windows-msvc",
    "aarch64-unknown-linux-gnu",
];
pub(crate) const X86_64: [&str; 3] = [
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
];
pub(crate) const I686: &str = "i686-pc-windows-msvc";

pub(crate) fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

pub(crate) fn set(
    target: &Target,
    groups: Vec<(&str, StencilGroup)>,
    symbols: &[&str],
) -> StencilSet {
    StencilSet {
        target: *target,
        groups: groups
            .into_iter()
            .map(|(name, group)| (name.to_owned(), group))
            .collect(),
        symbols: symbols.iter().map(|name| (*name).to_owned()).collect(),
        shim: None,
        families: vec![],
    }
}

pub(crate) fn stencil(body: Vec<u8>, holes: Vec<Hole>) -> Stencil {
    Stencil { body, holes }
}

/// Returns a stencil with code and no data.
pub(crate) fn code(body: Vec<u8>, holes: Vec<Hole>) -> StencilGroup {
    StencilGroup {
        code: stencil(body, holes),
        ..StencilGroup::default()
    }
}

/// Adds GOT slots to a stencil: the mask, and the holes in the data that fill them.
pub(crate) fn with_got(mut group: StencilGroup, ordinals: &[usize]) -> StencilGroup {
    group.got_entries = SymbolMask::from_iter(ordinals.iter().copied());
    for ordinal in ordinals {
        let value = PatchValue::Symbol { ordinal: *ordinal };
        group.data.holes.push(hole(0, PatchKind::GotSymbol, value));
    }
    group
}

pub(crate) fn with_trampolines(mut group: StencilGroup, ordinals: &[usize]) -> StencilGroup {
    group.trampolines = SymbolMask::from_iter(ordinals.iter().copied());
    group
}

pub(crate) fn hole(offset: usize, patch: PatchKind, value: PatchValue) -> Hole {
    Hole {
        offset,
        patch,
        value,
        first: None,
        void: false,
    }
}

/// Returns the hole that consists of an adrp at `first` and a load at `second`.
pub(crate) fn pair(first: usize, second: usize, value: PatchValue) -> Hole {
    Hole {
        first: Some(first),
        ..hole(second, PatchKind::Aarch64_33rx, value)
    }
}

pub(crate) fn based(base: HoleValue, addend: i64) -> PatchValue {
    PatchValue::Address {
        base,
        symbol: None,
        addend,
    }
}

pub(crate) fn symbol(name: &str, addend: i64) -> PatchValue {
    PatchValue::Address {
        base: HoleValue::Zero,
        symbol: Some(name.into()),
        addend,
    }
}

pub(crate) fn slot(ordinal: usize, addend: i64) -> PatchValue {
    PatchValue::GotSlot { ordinal, addend }
}

/// Returns the bytes of instructions.
pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(crate) fn uop(stencils: &Stencils, name: &str) -> Uop {
    Uop {
        opcode: stencils.opcode(name).unwrap(),
        ..Uop::default()
    }
}

//! Finds out which hole it was when a trace cannot be linked.

use std::{collections::HashSet, sync::Arc};

use jit_schema::PatchKind;
use jit_stencils::{Hole, Part, PatchValue, StencilGroup};

use super::{
    image::{Bug, Image},
    layout::Layout,
    plan::Plan,
    source::Source,
    symbols::Symbols,
};
use crate::{
    error::LinkError,
    load::Stencils,
    table::{CODE_PART, Entry, Special},
};

/// Where linking stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// At a micro-op, by its index in the trace, whose values are still set. The index after the last
    /// one is the guard's.
    Uop(usize),
    /// Before or after all micro-ops.
    Image,
}

impl From<Bug> for Failure {
    fn from(Bug: Bug) -> Failure {
        Failure::Image
    }
}

/// A value that did not fit.
struct Misfit {
    part: Part,
    offset: u32,
    value: u64,
    location: u64,
    range: bool,
}

/// Checks that all symbols that a trace needs are known.
pub(super) fn check_symbols<E: Source>(
    stencils: &Stencils,
    layout: &Layout<'_, E>,
    symbols: &Symbols,
) -> Result<(), LinkError> {
    if symbols.missing().is_empty() {
        return Ok(());
    }
    let opcodes = layout.opcodes();
    for (index, opcode) in opcodes.chain(stencils.guard()).enumerate() {
        if symbols.is_unusable(opcode) {
            let index = index_of(&layout.plan, index);
            return Err(unresolved(stencils, index, opcode, symbols));
        }
    }
    Ok(())
}

/// Returns the error for a stencil that needs a symbol which is missing.
fn unresolved(
    stencils: &Stencils,
    index: Option<usize>,
    opcode: u32,
    symbols: &Symbols,
) -> LinkError {
    let Some((uop, group)) = stencils.groups.get(opcode as usize) else {
        return LinkError::bug(index, None, "a stencil is not there");
    };
    let all: HashSet<&str> = symbols.missing().iter().map(String::as_str).collect();
    let is_missing = |symbol: &str| all.contains(symbol);
    // The addresses of names that holes share: each is looked up once.
    let mut known = HashSet::new();
    let missing = holes(group).find_map(|(part, hole)| {
        let symbol = match &hole.value {
            PatchValue::Address { symbol, .. } => {
                let symbol = symbol.as_ref()?;
                known.insert(Arc::as_ptr(symbol).addr()).then_some(symbol)?
            }
            PatchValue::Scaled { .. } => return None,
            PatchValue::GotSlot { ordinal, .. } | PatchValue::Symbol { ordinal } => {
                stencils.symbols.get(*ordinal)?.as_str()
            }
        };
        is_missing(symbol).then_some((symbol, part, hole.offset, hole.patch))
    });
    // A symbol can be in a mask though no hole refers to it: then its slot is what cannot be filled.
    let in_mask = || {
        let needed = stencils.table.symbols_of(opcode as usize)?;
        let mut names = needed
            .into_iter()
            .filter_map(|symbol| Some(stencils.symbols.get(symbol)?.as_str()));
        let symbol = names.find(|name| is_missing(name))?;
        Some((symbol, Part::Data, 0, PatchKind::GotSymbol))
    };
    let Some((symbol, part, offset, kind)) = missing.or_else(in_mask) else {
        return LinkError::bug(index, Some(uop), "the symbol that is missing is not needed");
    };
    LinkError::UnresolvedSymbol {
        index,
        uop: uop.clone(),
        symbol: symbol.to_owned(),
        part,
        offset,
        kind,
    }
}

/// Returns what is wrong with the micro-op at which linking stopped.
pub(super) fn diagnose<E: Source>(
    stencils: &Stencils,
    image: &Image,
    layout: &Layout<'_, E>,
    base: u64,
    failure: Failure,
) -> LinkError {
    let Failure::Uop(index) = failure else {
        return LinkError::bug(None, None, "the layout does not fit the stencils");
    };
    let plan = &layout.plan;
    let uop = layout.trace.get(index);
    let index_in_trace = index_of(plan, index);
    let opcode = uop.map(E::opcode).or(stencils.guard());
    let opcode = opcode.map(|opcode| opcode as usize);
    let group = opcode.and_then(|opcode| stencils.groups.get(opcode));
    let entry = opcode.and_then(|opcode| stencils.table.entries.get(opcode));
    let (Some((name, group)), Some(entry)) = (group, entry) else {
        return LinkError::bug(index_in_trace, None, "a stencil is not there");
    };
    if let Some(error) = uop.and_then(|uop| uop.problem(stencils, index, plan.length())) {
        return error;
    }
    let misfit = match misfit(stencils, image, plan, base, entry) {
        Ok(misfit) => misfit,
        Err(Bug) => {
            return LinkError::bug(index_in_trace, Some(name), "a hole's value is not there");
        }
    };
    let hole = misfit.and_then(|misfit| Some((hole_at(group, &misfit)?, misfit)));
    let Some((hole, misfit)) = hole else {
        return LinkError::bug(index_in_trace, Some(name), "a hole could not be written");
    };
    let Misfit {
        part,
        offset,
        value,
        location,
        range,
    } = misfit;
    let (index, uop, offset) = (index_in_trace, name.clone(), offset as usize);
    let kind = hole.patch;
    if range {
        LinkError::OutOfRange {
            index,
            uop,
            part,
            offset,
            kind,
            value,
            symbol: match &hole.value {
                PatchValue::Address { symbol, .. } => symbol.as_deref().map(str::to_owned),
                PatchValue::Scaled { .. }
                | PatchValue::GotSlot { .. }
                | PatchValue::Symbol { .. } => None,
            },
            location,
        }
    } else {
        LinkError::Misaligned {
            index,
            uop,
            part,
            offset,
            kind,
            value,
            location,
        }
    }
}

/// Returns all holes of a stencil, those of its code first.
fn holes(group: &StencilGroup) -> impl Iterator<Item = (Part, &Hole)> {
    let code = group.code.holes.iter().map(|hole| (Part::Code, hole));
    code.chain(group.data.holes.iter().map(|hole| (Part::Data, hole)))
}

/// Returns the hole with a value that did not fit.
fn hole_at<'g>(group: &'g StencilGroup, misfit: &Misfit) -> Option<&'g Hole> {
    let offset = misfit.offset as usize;
    let found = holes(group).find(|(part, hole)| {
        *part == misfit.part && (hole.offset == offset || hole.first == Some(offset))
    });
    found.map(|(_, hole)| hole)
}

/// Returns the first hole whose value does not fit.
fn misfit(
    stencils: &Stencils,
    image: &Image,
    plan: &Plan,
    base: u64,
    entry: &Entry,
) -> Result<Option<Misfit>, Bug> {
    let table = &stencils.table;
    for field in entry.fields.of(&table.fields).ok_or(Bug)? {
        let formed = image.form::<false>(field)?;
        if formed.range | formed.align != 0 {
            return Ok(Some(Misfit {
                part: if field.part == CODE_PART {
                    Part::Code
                } else {
                    Part::Data
                },
                offset: field.offset,
                value: image.value(field.value, field.addend)?,
                location: image.location(field.part, field.offset)?,
                range: formed.range != 0,
            }));
        }
    }
    let in_code = |offset: u32, value: u64, range: bool| {
        Ok(Some(Misfit {
            part: Part::Code,
            offset,
            value,
            location: image.location(CODE_PART, offset)?,
            range,
        }))
    };
    for near in entry.near.of(&table.near).ok_or(Bug)? {
        let (value, formed) = image.near(near)?;
        if formed.range != 0 {
            return in_code(near.offset, value, true);
        }
    }
    for relax in entry.relaxes.of(&table.relaxes).ok_or(Bug)? {
        let (value, formed, _) = image.relaxed(relax)?;
        if formed.range != 0 {
            return in_code(relax.offset, value, true);
        }
    }
    for special in entry.specials.of(&table.specials).ok_or(Bug)? {
        let (offset, value) = match special {
            Special::Branch(branch) => (branch.offset, image.value(branch.value, 0)?),
            Special::Product(product) => (product.offset, image.product(product)?.0),
            Special::Pair(pair) => (pair.second, image.value(pair.value, pair.addend)?),
        };
        let formed = image.formed(special, plan, base)?;
        if formed.range | formed.align != 0 {
            return in_code(offset, value, formed.range != 0);
        }
    }
    Ok(None)
}

/// Returns the index in the trace, or none for the guard.
fn index_of(plan: &Plan, index: usize) -> Option<usize> {
    (index < plan.length()).then_some(index)
}

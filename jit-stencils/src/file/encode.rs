//! Writes a file.

use std::collections::HashMap;

use super::format::{
    DETAILED_VERSION, FAMILY_VERSION, GENERAL_VERSION, HEADER_SIZE, MAGIC, SCALED_VERSION,
};
use super::numbers::{base_number, end_number, location_number, patch_number};
use crate::{
    CodeEnd, Family, Hole, HoleValue, Interface, PatchKind, PatchValue, SLOT_SIZE, Stencil,
    StencilGroup, StencilSet, UnwindInfo,
};

/// Returns the stencil file of a set, without its listings.
///
/// [`decode`](super::decode) gives the same set back if it is as [`resolve`](crate::resolve) and
/// [`attach_shim`](crate::attach_shim) make it: names are unique, holes are sorted by offset and
/// within their bodies, and masks are those of the code's holes. Holes are sorted here, and masks are
/// left out, as they follow from the holes. Anything else is written as it is, and `decode` reports
/// it.
pub fn encode(set: &StencilSet) -> Vec<u8> {
    let mut names = Names::of(&set.symbols);
    let shim = set.shim.iter().map(|shim| &shim.group);
    let groups = set.groups.iter().map(|(_, group)| group).chain(shim);
    // An older program can read what has no use for the newer version.
    let version = match set.families.is_empty() {
        true => groups.map(needed_version).max().unwrap_or(1),
        false => FAMILY_VERSION,
    };
    // The names come first in the file, but they are complete only when all stencils are written.
    let mut stencils = Vec::new();
    unsigned(&mut stencils, set.groups.len() as u64);
    for (name, group) in &set.groups {
        text(&mut stencils, name);
        put_group(&mut stencils, version, group, &mut names);
    }
    match &set.shim {
        None => stencils.push(0),
        Some(shim) => {
            stencils.push(1);
            text(&mut stencils, &shim.name);
            put_group(&mut stencils, version, &shim.group, &mut names);
            match &shim.unwind {
                None => stencils.push(0),
                Some(unwind) => {
                    stencils.push(1);
                    put_unwind(&mut stencils, unwind);
                }
            }
        }
    }
    if version >= FAMILY_VERSION {
        unsigned(&mut stencils, set.families.len() as u64);
        for family in &set.families {
            put_family(&mut stencils, family);
        }
    }
    let mut contents = Vec::new();
    text(&mut contents, set.target.triple);
    names.put(&mut contents);
    contents.append(&mut stencils);

    let mut file = Vec::with_capacity(HEADER_SIZE + contents.len());
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&version.to_le_bytes());
    file.extend_from_slice(&crc32fast::hash(&contents).to_le_bytes());
    file.append(&mut contents);
    file
}

/// Returns the oldest version that has all that a stencil needs.
fn needed_version(group: &StencilGroup) -> u32 {
    let is_general = |hole: &Hole| hole.value.base().is_some_and(HoleValue::is_general);
    let is_scaled = |hole: &Hole| {
        hole.patch == PatchKind::Patch32s || matches!(hole.value, PatchValue::Scaled { .. })
    };
    let mut holes = group.code.holes.iter().chain(&group.data.holes);
    if holes.clone().any(is_scaled) {
        SCALED_VERSION
    } else if group.interface != Interface::default() || holes.any(is_general) {
        GENERAL_VERSION
    } else if group.data_alignment > SLOT_SIZE || group.end != CodeEnd::Unknown {
        DETAILED_VERSION
    } else {
        1
    }
}

/// The names of symbols: first those with ordinals, then the others in the order of their first use.
struct Names<'a> {
    ordinals: &'a [String],
    others: Vec<&'a str>,
    /// The index of each name in the two lists together.
    indices: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(ordinals: &'a [String]) -> Names<'a> {
        let mut indices = HashMap::new();
        for (index, name) in ordinals.iter().enumerate() {
            indices.entry(name.as_str()).or_insert(index);
        }
        Names {
            ordinals,
            others: Vec::new(),
            indices,
        }
    }

    fn index(&mut self, name: &'a str) -> usize {
        let next = self.ordinals.len() + self.others.len();
        *self.indices.entry(name).or_insert_with(|| {
            self.others.push(name);
            next
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        unsigned(out, self.ordinals.len() as u64);
        for name in self.ordinals {
            text(out, name);
        }
        unsigned(out, self.others.len() as u64);
        for name in &self.others {
            text(out, name);
        }
    }
}

fn put_group<'a>(out: &mut Vec<u8>, version: u32, group: &'a StencilGroup, names: &mut Names<'a>) {
    put_stencil(out, &group.code, names);
    put_stencil(out, &group.data, names);
    if version >= DETAILED_VERSION {
        unsigned(out, group.data_alignment as u64);
        out.push(end_number(group.end));
    }
    if version >= GENERAL_VERSION {
        let Interface { operands, targets } = &group.interface;
        unsigned(out, operands.len() as u64);
        out.extend_from_slice(operands);
        unsigned(out, u64::from(*targets));
    }
}

fn put_stencil<'a>(out: &mut Vec<u8>, stencil: &'a Stencil, names: &mut Names<'a>) {
    unsigned(out, stencil.body.len() as u64);
    out.extend_from_slice(&stencil.body);
    unsigned(out, stencil.holes.len() as u64);
    let mut holes: Vec<&Hole> = stencil.holes.iter().collect();
    // The holes of a finished stencil are sorted already.
    holes.sort_by_key(|hole| hole.offset);
    let mut last = 0;
    for hole in holes {
        unsigned(out, (hole.offset - last) as u64);
        last = hole.offset;
        put_hole(out, hole, names);
    }
}

fn put_hole<'a>(out: &mut Vec<u8>, hole: &'a Hole, names: &mut Names<'a>) {
    let first = if hole.first.is_some() { 0x40 } else { 0 };
    let void = if hole.void { 0x80 } else { 0 };
    out.push(patch_number(hole.patch) | first | void);
    if let Some(first) = hole.first {
        let distance = (hole.offset as u64).wrapping_sub(first as u64);
        signed(out, distance.cast_signed());
    }
    let put_addend = |out: &mut Vec<u8>, addend: i64| {
        if addend != 0 {
            signed(out, addend);
        }
    };
    let has_addend = |addend: i64| if addend != 0 { 0x40 } else { 0 };
    match &hole.value {
        PatchValue::Address {
            base,
            symbol,
            addend,
        } => {
            let has_symbol = if symbol.is_some() { 0x20 } else { 0 };
            let (base, index) = base_number(*base);
            out.push(base | has_symbol | has_addend(*addend));
            if let Some(index) = index {
                unsigned(out, index.into());
            }
            if let Some(symbol) = symbol {
                unsigned(out, names.index(symbol) as u64);
            }
            put_addend(out, *addend);
        }
        PatchValue::Scaled {
            base,
            scale,
            addend,
        } => {
            out.push(0x82 | has_addend(*addend));
            let (base, index) = base_number(*base);
            out.push(base);
            if let Some(index) = index {
                unsigned(out, index.into());
            }
            signed(out, (*scale).into());
            put_addend(out, *addend);
        }
        PatchValue::GotSlot { ordinal, addend } => {
            out.push(0x80 | has_addend(*addend));
            unsigned(out, *ordinal as u64);
            put_addend(out, *addend);
        }
        PatchValue::Symbol { ordinal } => {
            out.push(0x81);
            unsigned(out, *ordinal as u64);
        }
    }
}

fn put_family(out: &mut Vec<u8>, family: &Family) {
    text(out, &family.name);
    unsigned(out, family.operands.len() as u64);
    for operand in &family.operands {
        text(out, &operand.name);
        unsigned(out, operand.choices.len() as u64);
        out.extend(
            operand
                .choices
                .iter()
                .map(|choice| location_number(*choice)),
        );
    }
    for member in &family.members {
        unsigned(out, u64::from(*member));
    }
}

fn put_unwind(out: &mut Vec<u8>, unwind: &UnwindInfo) {
    unsigned(out, unwind.code_alignment_factor);
    signed(out, unwind.data_alignment_factor);
    unsigned(out, unwind.return_address_register.into());
    unsigned(out, unwind.cfa_register.into());
    signed(out, unwind.cfa_offset);
    unsigned(out, unwind.frame_pointer_register.into());
    signed(out, unwind.frame_pointer_offset);
    signed(out, unwind.return_address_offset);
}

fn text(out: &mut Vec<u8>, text: &str) {
    unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Writes a number in LEB128: seven bits in each byte, the lowest first, and bit 7 is set in all
/// bytes but the last.
fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(0x80 | (value & 0x7f) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a number in zigzag order: 0, -1, 1, -2 are written as 0, 1, 2, 3.
fn signed(out: &mut Vec<u8>, value: i64) {
    unsigned(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

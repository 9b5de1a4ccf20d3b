//! What differs between the stencils of two builds.

use std::collections::BTreeMap;

use jit_stencils::{Hole, Part, StencilGroup, StencilSet};

use crate::{
    disassembly::{Instruction, Listing, names},
    sizes::Sizes,
};

/// What differs between two sets of stencils for one target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Differences {
    /// The stencils that differ, in the order of their names.
    pub(crate) stencils: Vec<Difference>,
    /// The number of stencils that are the same in both.
    pub(crate) same: usize,
    /// The sums of all stencils, before and after.
    pub(crate) total: [Sizes; 2],
}

/// A stencil that differs. At least one side has it.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) name: String,
    /// Its sizes before and after.
    pub(crate) sizes: [Option<Sizes>; 2],
}

impl Difference {
    /// Returns whether both sides have the stencil.
    pub(crate) fn is_in_both(&self) -> bool {
        self.sizes.iter().all(Option::is_some)
    }

    /// Returns by how many bytes of code and data it grew.
    pub(crate) fn growth(&self) -> i64 {
        let [before, after] = self
            .sizes
            .map(|sizes| sizes.map_or(0, |sizes| sizes.bytes()));
        growth(before, after)
    }
}

/// Returns by how much a size grew.
pub(crate) fn growth(before: usize, after: usize) -> i64 {
    i64::try_from(after).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(i64::MAX)
}

impl Differences {
    /// Compares two sets, as far as `is_wanted` says.
    pub(crate) fn between(
        before: &StencilSet,
        after: &StencilSet,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Differences {
        let mut pairs: BTreeMap<&str, [Option<&StencilGroup>; 2]> = BTreeMap::new();
        for (side, set) in [before, after].into_iter().enumerate() {
            for (name, group) in &set.groups {
                if let Some(slot) = pairs.entry(name).or_default().get_mut(side) {
                    *slot = Some(group);
                }
            }
        }
        let mut differences = Differences::default();
        for (name, pair) in pairs.into_iter().filter(|(name, _)| is_wanted(name)) {
            let [one, other] = pair;
            let is_same = match (one, other) {
                (Some(one), Some(other)) => is_same((before, one), (after, other)),
                _ => false,
            };
            let sizes = [(before, one), (after, other)]
                .map(|(set, group)| group.map(|group| Sizes::of(set, group)));
            for (total, sizes) in differences.total.iter_mut().zip(sizes) {
                *total += sizes.unwrap_or_default();
            }
            match is_same {
                true => differences.same += 1,
                false => differences.stencils.push(Difference {
                    name: name.to_owned(),
                    sizes,
                }),
            }
        }
        differences
    }
}

/// Returns whether two stencils are the same: code, data, and what holes get. The numbers of symbols do not count, as they
/// depend on other stencils.
fn is_same(one: (&StencilSet, &StencilGroup), other: (&StencilSet, &StencilGroup)) -> bool {
    Part::ALL.into_iter().all(|part| {
        let [(one_set, one), (other_set, other)] = [one, other];
        let (one, other) = (one.part(part), other.part(part));
        one.body == other.body && filled(one_set, &one.holes) == filled(other_set, &other.holes)
    })
}

/// Returns what holes get, in a form that can be compared.
fn filled<'a>(set: &StencilSet, holes: &'a [Hole]) -> Vec<(usize, &'a str, Option<usize>, String)> {
    let holes = holes.iter().filter(|hole| !hole.void);
    let mut filled: Vec<_> = holes
        .map(|hole| {
            let patch = hole.patch.c_name();
            (hole.offset, patch, hole.first, names::usual(set, hole))
        })
        .collect();
    // Those of the GOT have no offset, and are in the order of the symbols' numbers.
    filled.sort();
    filled
}

/// A line of the comparison of two stencils' instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// An instruction that both have.
    Same(&'a Instruction),
    /// One that only the first has.
    Removed(&'a Instruction),
    /// One that only the second has.
    Added(&'a Instruction),
}

/// Compares the instructions of two listings. Instructions are the same if their text is, wherever they are: jumps in the
/// stencil are compared by what they jump to, not by its offset.
pub(crate) fn instructions<'a>(before: &'a Listing, after: &'a Listing) -> Vec<Change<'a>> {
    let texts = [before, after].map(|listing| {
        let instructions = listing.instructions.iter();
        let texts = instructions.map(|one| text(listing, one));
        texts.collect::<Vec<String>>()
    });
    let [old, new] = &texts;
    let mut changes = Vec::new();
    let [mut removed, mut added] = [before, after].map(|listing| listing.instructions.iter());
    for operation in similar::capture_diff_slices(similar::Algorithm::Myers, old, new) {
        let (tag, old, new) = operation.as_tag_tuple();
        if tag == similar::DiffTag::Equal {
            changes.extend(added.by_ref().take(new.len()).map(Change::Same));
            removed.by_ref().take(old.len()).for_each(drop);
        } else {
            changes.extend(removed.by_ref().take(old.len()).map(Change::Removed));
            changes.extend(added.by_ref().take(new.len()).map(Change::Added));
        }
    }
    changes
}

/// Returns the text of an instruction, with the number of the block that it jumps to instead of an offset.
fn text(listing: &Listing, instruction: &Instruction) -> String {
    let number = instruction.target.map(|target| {
        let mut blocks = listing.blocks.iter();
        blocks.position(|block| block.code.start == target)
    });
    match number {
        Some(number) => format!("{} {number:?}", instruction.mnemonic),
        None => format!("{} {}", instruction.mnemonic, instruction.named()),
    }
}

//! Families of a set, whose members with the same code share a stencil.

use std::collections::HashMap;

use crate::{Family, StencilGroup, StencilSet};

impl StencilSet {
    /// Adds families, and removes the stencils that do the same as another one of them: only the first one is kept. `families`
    /// have indices of groups as they are now.
    pub fn add_families(&mut self, mut families: Vec<Family>) {
        let mut is_member = vec![false; self.groups.len()];
        let members = families.iter().flat_map(|family| &family.members);
        for member in members {
            if let Some(is_member) = is_member.get_mut(*member as usize) {
                *is_member = true;
            }
        }
        let mut places = Vec::with_capacity(self.groups.len());
        let mut first = HashMap::new();
        let mut kept: Vec<(String, StencilGroup)> = Vec::with_capacity(self.groups.len());
        for ((name, group), is_member) in
            std::mem::take(&mut self.groups).into_iter().zip(is_member)
        {
            let key = (group.code.body.clone(), group.data.body.clone());
            let same: &mut Vec<u32> = first.entry(key).or_default();
            let found = same.iter().copied().filter(|_| is_member).find(|index| {
                let known = kept.get(*index as usize);
                known.is_some_and(|(_, known)| does_the_same(known, &group))
            });
            places.push(found.unwrap_or_else(|| {
                let index = u32::try_from(kept.len()).unwrap_or(u32::MAX);
                if is_member {
                    same.push(index);
                }
                kept.push((name, group));
                index
            }));
        }
        self.groups = kept;
        for member in families.iter_mut().flat_map(|family| &mut family.members) {
            *member = places.get(*member as usize).copied().unwrap_or(*member);
        }
        self.families.extend(families);
    }
}

/// Returns whether two stencils are the same to whoever links them.
fn does_the_same(one: &StencilGroup, other: &StencilGroup) -> bool {
    let key = |group: &StencilGroup| (group.data_alignment, group.end);
    // Masks follow from holes.
    one.code == other.code
        && one.data == other.data
        && key(one) == key(other)
        && one.interface == other.interface
}

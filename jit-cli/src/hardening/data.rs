//! The words in a stencil's own data, as far as they are addresses of code.

use std::collections::{BTreeMap, BTreeSet};

use jit_schema::PatchKind;
use jit_stencils::StencilGroup;

use super::{
    holes::{Hosts, address},
    value::{Returns, Value},
};

/// The holes of a stencil's data, by offset, and where its objects are.
pub(super) struct Data {
    /// What is written to words.
    words: BTreeMap<i64, Value>,
    /// The offsets of distances to places of the stencil's own code.
    distances: BTreeSet<i64>,
    /// The offsets that instructions have the addresses of: each one is taken for the start of an object.
    objects: BTreeSet<usize>,
}

impl Data {
    /// Returns the data of a stencil. `objects` are the offsets that instructions have the addresses of.
    pub(super) fn of(group: &StencilGroup, objects: BTreeSet<usize>, hosts: &Hosts<'_>) -> Data {
        let mut data = Data {
            words: BTreeMap::new(),
            distances: BTreeSet::new(),
            objects,
        };
        for hole in &group.data.holes {
            let offset = hole.offset as i64;
            let value = address(hole, 0, hosts);
            match hole.patch {
                PatchKind::Patch32 | PatchKind::Patch64 => {
                    data.words.insert(offset, value);
                }
                // It writes to the GOT.
                PatchKind::GotSymbol => {}
                _ if value == Value::Own => {
                    data.distances.insert(offset);
                }
                _ => {
                    data.words.insert(offset, Value::Unknown);
                }
            }
        }
        data
    }

    /// Returns the word at an offset.
    pub(super) fn word(&self, offset: i64) -> Value {
        self.words.get(&offset).copied().unwrap_or(Value::Unknown)
    }

    /// Returns what a word of the object at an offset is: one of the addresses of code that it has, if it has nothing else.
    pub(super) fn any_word(&self, object: i64) -> Value {
        let range = self.range(object);
        if self.distances.range(range.clone()).next().is_some() {
            return Value::Unknown;
        }
        let words = self.words.range(range).map(|(_, value)| *value);
        let either = |one: Value, other: Value| match (one, other) {
            (Value::Host(_), Value::Host(_)) => Value::Host(Returns::Once),
            (Value::Own | Value::Host(_), Value::Own | Value::Host(_)) => Value::Own,
            _ => Value::Unknown,
        };
        words
            .reduce(either)
            .map_or(Value::Unknown, |word| either(word, word))
    }

    /// Returns what half a word, or less, of the object at an offset is: a distance, if it has nothing else.
    pub(super) fn any_distance(&self, object: i64) -> Value {
        let range = self.range(object);
        let has_words = self.words.range(range.clone()).next().is_some();
        match !has_words && self.distances.range(range).next().is_some() {
            true => Value::Distance(object),
            false => Value::Unknown,
        }
    }

    /// Returns how often the function returns that a jump at an offset leads to: its address is at most two words away.
    pub(super) fn behind(&self, offset: i64) -> Returns {
        let near = self.words.range(offset..offset.saturating_add(16));
        let mut hosts = near.filter_map(|(_, value)| match value {
            Value::Host(returns) => Some(*returns),
            _ => None,
        });
        hosts.next().unwrap_or(Returns::Once)
    }

    /// Returns the offsets in an object.
    fn range(&self, object: i64) -> std::ops::Range<i64> {
        let after = usize::try_from(object.saturating_add(1)).unwrap_or(0);
        let next = self.objects.range(after..).next();
        object..next.map_or(i64::MAX, |next| *next as i64)
    }
}

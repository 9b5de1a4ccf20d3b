//! The words in a stencil's own data, as far as they are addresses of code.

use std::collections::{BTreeMap, BTreeSet};

use jit_schema::PatchKind;
use jit_stencils::StencilGroup;

use super::{
    holes::{Hosts, address},
    value::{Callee, Places, Value},
};

/// The holes of a stencil's data, by offset, and where its objects are.
pub(super) struct Data {
    /// What is written to words.
    words: BTreeMap<i64, Value>,
    /// The places that distances lead to, by the offsets of those.
    distances: BTreeMap<i64, i64>,
    /// The offsets that instructions have the addresses of: each one is taken for the start of an object.
    objects: BTreeSet<usize>,
}

impl Data {
    /// Returns the data of a stencil. `objects` are the offsets that instructions have the addresses of.
    pub(super) fn of(group: &StencilGroup, objects: BTreeSet<usize>, hosts: &Hosts<'_>) -> Data {
        let mut data = Data {
            words: BTreeMap::new(),
            distances: BTreeMap::new(),
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
                _ => match (value, data.objects.range(..=hole.offset).next_back()) {
                    // From the start of its table.
                    (Value::Own(Places::One(addend)), Some(table)) => {
                        let place = addend - (offset - *table as i64);
                        data.distances.insert(offset, place);
                    }
                    _ => {
                        data.words.insert(offset, Value::Unknown);
                    }
                },
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
            (Value::Host(_), Value::Host(_)) => Value::Host(Callee::Usual),
            (Value::Own(_) | Value::Host(_), Value::Own(_) | Value::Host(_)) => {
                Value::Own(Places::OfObject(object))
            }
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

    /// Returns the places of the stencil's own code that an object has the addresses of, or distances to.
    pub(super) fn places(&self, object: i64) -> impl Iterator<Item = i64> {
        let words = self.words.range(self.range(object));
        let places = words.filter_map(|(_, value)| match value {
            Value::Own(Places::One(place)) => Some(*place),
            _ => None,
        });
        let distances = self.distances.range(self.range(object));
        places.chain(distances.map(|(_, place)| *place))
    }

    /// Returns what the function is like that a jump at an offset leads to: its address is at most two words away.
    pub(super) fn behind(&self, offset: i64) -> Callee {
        let near = self.words.range(offset..offset.saturating_add(16));
        let mut hosts = near.filter_map(|(_, value)| match value {
            Value::Host(callee) => Some(*callee),
            _ => None,
        });
        hosts.next().unwrap_or(Callee::Usual)
    }

    /// Returns the offsets in an object.
    fn range(&self, object: i64) -> std::ops::Range<i64> {
        let after = usize::try_from(object.saturating_add(1)).unwrap_or(0);
        let next = self.objects.range(after..).next();
        object..next.map_or(i64::MAX, |next| *next as i64)
    }
}

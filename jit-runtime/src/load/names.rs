//! The names of external symbols, and their indices.

use std::collections::HashMap;
use std::sync::Arc;

/// The symbols of a set: first those with ordinals, then the others in the order of their first use.
pub(super) struct Names<'s> {
    all: Vec<&'s str>,
    /// How many have ordinals.
    ordinals: usize,
    /// The index of each name. It is empty until a hole refers to a symbol by name.
    by_name: HashMap<&'s str, usize>,
    /// The index of each name that holes share, by its address: the text of a long name is looked at
    /// once, not for each hole.
    by_address: HashMap<usize, usize>,
}

impl<'s> Names<'s> {
    pub(super) fn new(symbols: &'s [String]) -> Names<'s> {
        Names {
            all: symbols.iter().map(String::as_str).collect(),
            ordinals: symbols.len(),
            by_name: HashMap::new(),
            by_address: HashMap::new(),
        }
    }

    /// Returns how many symbols have ordinals.
    pub(super) fn ordinals(&self) -> usize {
        self.ordinals
    }

    /// Returns the symbol with an ordinal.
    pub(super) fn with_ordinal(&self, ordinal: usize) -> Option<&'s str> {
        let with_ordinals = self.all.get(..self.ordinals)?;
        with_ordinals.get(ordinal).copied()
    }

    /// Returns the index of a symbol, which is added if it is not there yet.
    pub(super) fn index(&mut self, name: &'s Arc<str>) -> usize {
        let Names {
            all,
            by_name,
            by_address,
            ..
        } = self;
        // The set is borrowed, so that no other name can come to be at the same address.
        let address = Arc::as_ptr(name).addr();
        *by_address.entry(address).or_insert_with(|| {
            if by_name.is_empty() {
                by_name.reserve(all.len());
                for (index, name) in all.iter().enumerate() {
                    by_name.entry(*name).or_insert(index);
                }
            }
            *by_name.entry(name).or_insert_with(|| {
                all.push(name);
                all.len() - 1
            })
        })
    }

    /// Returns the symbols without ordinals.
    pub(super) fn finish(self) -> Vec<String> {
        let others = self.all.iter().skip(self.ordinals);
        others.map(|name| (*name).to_owned()).collect()
    }
}

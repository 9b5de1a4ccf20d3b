//! What the cache gave and is compiled again, to see whether it is the same: `--verify-cache`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jit_llvm::Object;

use crate::{cache::key::Key, error::Error};

/// The objects of the cache that are compiled again.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Those that were not compared yet.
    open: BTreeMap<Key, Object>,
    same: usize,
    /// The names of those that were not the same.
    wrong: Vec<String>,
}

impl Doubts {
    /// Notes what the cache gave.
    pub(crate) fn note(&self, key: &Key, object: Object) {
        self.state().open.insert(*key, object);
    }

    /// Returns whether there is something to compare with what is compiled.
    pub(crate) fn is_open(&self, key: &Key) -> bool {
        self.state().open.contains_key(key)
    }

    /// Compares what was compiled with what the cache gave, if it is to be compared.
    pub(crate) fn compare(&self, key: &Key, name: &str, object: &Object) {
        let mut state = self.state();
        match state.open.remove(key) {
            Some(stored) if stored == *object => state.same += 1,
            Some(_) => state.wrong.push(name.to_owned()),
            None => {}
        }
    }

    /// Returns how many were the same and how many were not compared, or an error if something was not the same.
    pub(crate) fn settle(&self) -> Result<(usize, usize), Error> {
        let state = self.state();
        if !state.wrong.is_empty() {
            let mut names = state.wrong.clone();
            names.sort();
            return Err(Error::WrongCache { names });
        }
        Ok((state.same, state.open.len()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The second level of the cache: micro-ops whose tokens were never compiled, but whose LLVM IR was.

use std::sync::atomic::Ordering;

use jit_llvm::{Ir, Object, Source};

use super::{Build, LookupOf, Miss, Outcome};
use crate::{
    cache::{
        key::Key,
        lookup::Lookup,
        store::{Cache, Entry},
    },
    error::Error,
    statistics::{StageTimes, timed},
};

/// A source that has to be compiled.
pub(super) struct Input<'a> {
    /// Its index.
    pub(super) index: usize,
    pub(super) source: &'a Source,
    /// The key to store the result under.
    pub(super) key: Option<Key>,
    /// The key of its IR, to store the result under as well.
    pub(super) ir_key: Option<Key>,
    /// The IR to compile. Without it, the source is compiled.
    pub(super) ir: Option<Ir>,
}

impl Input<'_> {
    /// Returns whether the cache has nothing for it, not even what is to be compiled again and compared.
    pub(super) fn is_new(&self) -> bool {
        self.ir_key.is_none() || self.ir.is_some()
    }
}

/// Sources that were compiled before, and those that were not.
pub(super) type Divided<'a> = (Vec<Outcome>, Vec<Input<'a>>);

impl Build<'_> {
    /// Translates the sources of one process to IR, and finds those that were compiled from the same IR before. What
    /// is found is also stored under the key of its tokens, for the next build.
    pub(super) fn look_up_ir<'a>(
        &self,
        misses: &[Miss<'a>],
        lookup: Option<LookupOf<'_>>,
        stages: &mut StageTimes,
    ) -> Result<Divided<'a>, Error> {
        let module = |index: usize| self.modules.and_then(|(irs, _)| irs.get(index).cloned());
        let inputs = misses.iter().map(|&(index, source, key)| Input {
            index,
            source,
            key,
            ir_key: None,
            ir: module(index),
        });
        let Some((lookup, started)) = lookup.filter(|_| self.modules.is_none()) else {
            return Ok((Vec::new(), inputs.collect()));
        };
        // What is to be compared with what the cache gave is compiled from its source.
        let (candidates, mut rest): (Vec<_>, Vec<_>) =
            inputs.partition(|input| input.key.is_some_and(|key| !self.doubts.is_open(&key)));
        let sources: Vec<Source> = candidates
            .iter()
            .map(|input| input.source.clone())
            .collect();
        let irs = timed(&mut stages.compile, || {
            self.line.compiler.translate(&sources)
        })?;
        let keys: Vec<Option<Key>> = irs
            .iter()
            .zip(&sources)
            .map(|(ir, source)| Some(lookup.ir_key(started, source, ir.as_ref()?)))
            .collect();
        self.fetch_by_ir(&keys, lookup);
        let may_store = started.tools_are_unchanged();
        let mut found = Vec::new();
        for ((mut input, ir), ir_key) in candidates.into_iter().zip(irs).zip(keys) {
            input.ir_key = ir_key;
            let stored = ir_key.and_then(|key| Some((key, stored_by_ir(lookup.cache, &key)?)));
            let Some((ir_key, object)) = stored else {
                input.ir = ir;
                rest.push(input);
                continue;
            };
            let believed = self.believed(&ir_key, object);
            match believed.map(|object| (self.line.lower(&input.source.name, &object), object)) {
                Some((Ok(group), object)) => {
                    if let Some(key) = input.key.filter(|_| may_store) {
                        lookup.cache.put(&key, &Entry::Object(object));
                    }
                    found.push((input.index, Ok(group)));
                }
                Some((Err(error), _)) => {
                    tracing::warn!("what the cache gave is compiled again: {error}");
                    rest.push(input);
                }
                None => rest.push(input),
            }
        }
        self.by_ir.fetch_add(found.len(), Ordering::Relaxed);
        Ok((found, rest))
    }

    /// Returns whether the cache has entries of IR for these arguments and tools.
    pub(super) fn may_find_ir(&self, (lookup, started): LookupOf<'_>) -> bool {
        let key = Lookup::any_ir_key(started);
        lookup
            .cache
            .fetch([key].iter(), self.line.compiler.interrupt());
        lookup.cache.has(&key)
    }

    /// Takes entries of IR from the shared cache, if there is one, and what they refer to.
    fn fetch_by_ir(&self, keys: &[Option<Key>], lookup: &Lookup<'_>) {
        if !lookup.cache.is_shared() {
            return;
        }
        let interrupt = self.line.compiler.interrupt();
        lookup.cache.fetch(keys.iter().flatten(), interrupt);
        let entries = keys.iter().flatten().map(|key| lookup.cache.get(key));
        let others: Vec<Key> = entries
            .filter_map(|entry| match entry? {
                Entry::SameAs(key) => Some(key),
                Entry::Object(_) | Entry::PositionIndependent => None,
            })
            .collect();
        lookup.cache.fetch(others.iter(), interrupt);
    }
}

/// Returns the object that was compiled from IR with this key.
fn stored_by_ir(cache: &Cache, key: &Key) -> Option<Object> {
    match cache.get(key)? {
        Entry::SameAs(key) => cache.object(&key),
        Entry::Object(_) | Entry::PositionIndependent => None,
    }
}

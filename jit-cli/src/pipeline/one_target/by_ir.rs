//! The second level of the cache: micro-ops whose tokens were never compiled, but whose LLVM IR was.

use std::sync::atomic::Ordering;

use jit_llvm::{Ir, Joinable, Mode, Object, Source};

use super::{Build, LookupOf, Miss, Outcome, batches::LEAST};
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
    /// Returns whether so many sources are compiled as one file where that is possible. What is kept for people to look
    /// at is made of each source alone.
    pub(super) fn joins(&self, sources: usize) -> bool {
        sources >= LEAST
            && self.joining_pays.load(Ordering::Relaxed)
            && self.mode == Mode::Batch
            && self.modules.is_none()
            && self.line.keep.is_none()
    }

    /// Returns whether at least half of the sources may be translated as one file. It does not depend on how they are
    /// divided, so that the cache has the same entries each time.
    pub(super) fn can_join(&self, misses: &[Miss<'_>], joinable: &Joinable) -> bool {
        let names = misses.iter().map(|(_, source, _)| source.name.as_str());
        // What is wrong is reported when the sources are compiled.
        let count = self.line.compiler.count_joinable(names, joinable);
        2 * count.unwrap_or(0) >= misses.len()
    }

    /// Translates the sources of one process to IR, and finds those that were compiled from the same IR before. What
    /// is found is also stored under the key of its tokens, for the next build.
    ///
    /// Those in `joinable` are translated as one file. The others are only translated if there is something to be found:
    /// `searched` is the lookup in that case.
    pub(super) fn look_up_ir<'a>(
        &self,
        misses: &[Miss<'a>],
        joinable: &Joinable,
        (lookup, searched): (Option<LookupOf<'_>>, Option<LookupOf<'_>>),
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
        let joins = self.joins(misses.len());
        if self.modules.is_some() || searched.is_none() && !joins {
            return Ok((Vec::new(), inputs.collect()));
        }
        // What is to be compared with what the cache gave is compiled from its source.
        let (candidates, mut rest): (Vec<_>, Vec<_>) = inputs.partition(|input| match input.key {
            Some(key) => !self.doubts.is_open(&key),
            None => lookup.is_none(),
        });
        let sources: Vec<Source> = candidates
            .iter()
            .map(|input| input.source.clone())
            .collect();
        let irs = timed(&mut stages.compile, || {
            self.translate(&sources, joinable, searched.is_some())
        })?;
        let Some((lookup, started)) = lookup else {
            let with_ir = candidates.into_iter().zip(irs);
            rest.extend(with_ir.map(|(input, ir)| Input { ir, ..input }));
            return Ok((Vec::new(), rest));
        };
        let keys: Vec<Option<Key>> = irs
            .iter()
            .zip(&sources)
            .map(|(ir, source)| Some(lookup.ir_key(started, source, ir.as_ref()?)))
            .collect();
        if searched.is_none() {
            let with_ir = candidates.into_iter().zip(irs).zip(keys);
            rest.extend(with_ir.map(|((input, ir), ir_key)| Input {
                ir,
                ir_key,
                ..input
            }));
            return Ok((Vec::new(), rest));
        }
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

    /// Translates sources to IR: those in `joinable` as one file, and the others if `all` are wanted.
    fn translate(
        &self,
        sources: &[Source],
        joinable: &Joinable,
        all: bool,
    ) -> Result<Vec<Option<Ir>>, Error> {
        let compiler = self.line.compiler;
        let mut irs = vec![None; sources.len()];
        if self.joins(sources.len()) {
            irs = compiler.translate_joined(sources, joinable)?;
            let parts = irs.iter().flatten().count();
            tracing::info!(
                "{parts} of {} micro-ops were translated as one file",
                sources.len()
            );
            let pays = 2 * parts >= sources.len();
            self.joining_pays.fetch_and(pays, Ordering::Relaxed);
        }
        if all {
            let missing = irs.iter().zip(sources).filter(|(ir, _)| ir.is_none());
            let missing: Vec<Source> = missing.map(|(_, source)| source.clone()).collect();
            let mut others = compiler.translate(&missing)?.into_iter();
            for ir in irs.iter_mut().filter(|ir| ir.is_none()) {
                *ir = others.next().flatten();
            }
        }
        Ok(irs)
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

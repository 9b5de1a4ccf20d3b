//! Finding what the cache has by the tokens of micro-ops.

use std::time::Duration;

use jit_llvm::{Joinable, Object};
use rayon::prelude::*;

use super::{Build, LookupOf, Miss, Outcome};
use crate::{
    cache::{key::Key, lookup::Keys},
    error::Error,
    statistics::{StageTimes, timed},
};

/// What was found in the cache, and what has to be compiled.
pub(super) struct Found<'a> {
    pub(super) groups: Vec<Outcome>,
    pub(super) misses: Vec<Miss<'a>>,
    pub(super) keys: Keys,
}

impl Build<'_> {
    /// Returns what is in the cache if the record of the last build has all keys.
    pub(super) fn recorded(
        &self,
        lookup: Option<LookupOf<'_>>,
    ) -> Result<Option<Found<'_>>, Error> {
        let Some((lookup, started)) = lookup else {
            return Ok(None);
        };
        let Some(keys) = lookup.known(started) else {
            return Ok(None);
        };
        let (groups, misses) = self.look_up(&keys.uops)?;
        Ok(Some(Found {
            groups,
            misses,
            keys,
        }))
    }

    /// Takes a snapshot of the headers, and finds what was compiled from the same before. `first` is what was found
    /// by the record of the last build.
    pub(super) fn find<'a>(
        &'a self,
        lookup: Option<LookupOf<'_>>,
        first: Option<Found<'a>>,
        stages: &mut StageTimes,
    ) -> Result<Found<'a>, Error> {
        let compiler = self.line.compiler;
        timed(&mut stages.prepare, || compiler.snapshot())?;
        // Without a record, most micro-ops are not in the cache: precompile without waiting for the lookup. A shared
        // cache may have them.
        let early = match lookup {
            Some((lookup, started)) if started.has_record() || lookup.cache.is_shared() => 0,
            _ => self.sources.len(),
        };
        let mut prepare = Duration::ZERO;
        let (prepared, keys) = rayon::join(
            || timed(&mut prepare, || self.prepare(early)),
            || timed(&mut stages.lookup, || self.keys(lookup)),
        );
        stages.prepare += prepare;
        prepared?;
        let keys = keys?;
        let (groups, misses) = match first {
            Some(first) if first.keys.uops == keys.uops => (first.groups, first.misses),
            _ => timed(&mut stages.lookup, || self.look_up(&keys.uops))?,
        };
        Ok(Found {
            groups,
            misses,
            keys,
        })
    }

    fn keys(&self, lookup: Option<LookupOf<'_>>) -> Result<Keys, Error> {
        match lookup {
            Some((lookup, started)) => Ok(lookup.keys(started)?),
            None => {
                let mut keys = Keys::none(self.sources.len());
                if self.joins(self.sources.len()) {
                    let expansion = self.line.compiler.expand(self.sources)?;
                    keys.joinable = expansion.map_or_else(Joinable::default, |one| one.joinable);
                }
                Ok(keys)
            }
        }
    }

    /// Splits the sources into those that the cache has and those that have to be compiled.
    pub(super) fn look_up(
        &self,
        keys: &[Option<Key>],
    ) -> Result<(Vec<Outcome>, Vec<Miss<'_>>), Error> {
        self.fetch(keys)?;
        let found: Vec<Option<Object>> = keys
            .par_iter()
            .map(|key| key.map_or(Ok(None), |key| self.believed_uop(&key)))
            .collect::<Result<_, Error>>()?;
        let sources = self.sources.par_iter().zip(keys).zip(found).enumerate();
        Ok(sources.partition_map(|(index, ((source, key), object))| {
            let group = object.map(|object| self.line.lower(&source.name, &object));
            match group {
                Some(Ok(group)) => rayon::iter::Either::Left((index, Ok(group))),
                Some(Err(error)) => {
                    tracing::warn!("what the cache gave is compiled again: {error}");
                    rayon::iter::Either::Right((index, source, *key))
                }
                None => rayon::iter::Either::Right((index, source, *key)),
            }
        }))
    }
}

//! Modules, which have no tokens: their texts are what the cache knows them by.

use jit_llvm::{Ir, Source};

use super::{Build, Found, LookupOf};
use crate::{
    cache::lookup::{Keys, ShimKey},
    error::Error,
    pipeline::module_reads,
    reads::Reads,
};

impl Build<'_> {
    /// Finds modules that were compiled before. Their texts say everything that counts.
    pub(super) fn find_modules<'a>(
        &'a self,
        lookup: Option<LookupOf<'_>>,
        irs: &[Ir],
    ) -> Result<Found<'a>, Error> {
        let key = |(ir, source): (&Ir, &Source)| {
            let (lookup, started) = lookup?;
            let text = String::from_utf8_lossy(ir.contents());
            (!module_reads::reads_files(&text)).then(|| lookup.ir_key(started, source, ir))
        };
        let mut keys = Keys::none(irs.len());
        keys.uops = irs.iter().zip(self.sources).map(key).collect();
        let (groups, misses) = self.look_up(&keys.uops)?;
        Ok(Found {
            groups,
            misses,
            keys,
        })
    }

    /// Returns what was read, if the units are modules: nothing if it is not known.
    pub(super) fn reads_of_modules(
        &self,
        shim: Option<&ShimKey>,
    ) -> Result<Option<Option<Reads>>, Error> {
        let Some((_, reads)) = self.modules else {
            return Ok(None);
        };
        let compiler = self.line.compiler;
        let reads = reads.cloned();
        Ok(Some(
            match (self.shim, shim.and_then(|key| key.snapshot.as_ref())) {
                _ if !self.headers => None,
                (None, _) => reads,
                (Some(_), None) => None,
                (Some(_), Some(snapshot)) => {
                    let arguments = compiler.cc1_arguments()?;
                    reads.zip(arguments).map(|(reads, [.., arguments])| {
                        reads.with(Reads::of(snapshot, &arguments, compiler.work()))
                    })
                }
            },
        ))
    }
}

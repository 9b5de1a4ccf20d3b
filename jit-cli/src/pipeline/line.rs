//! The steps from sources to stencils, for a batch of micro-ops.

use std::{fs, path::Path, time::Instant};

use jit_llvm::{Compiler, Object, Source};
use jit_optimizer::Optimizer;
use jit_schema::Target;
use jit_stencils::UnresolvedGroup;

use crate::{
    error::Error,
    statistics::{StageTimes, timed},
};

/// The steps that each batch of sources goes through.
pub(crate) struct Line<'a> {
    pub(crate) compiler: &'a Compiler<'a>,
    pub(crate) optimizer: Optimizer,
    pub(crate) target: &'static Target,
    pub(crate) keep: Option<&'a Path>,
}

impl Line<'_> {
    /// Returns a result for each source, in their order. Each object that became a stencil is passed to
    /// `store`, with the index of its source.
    pub(crate) fn run(
        &self,
        sources: &[Source],
        stages: &mut StageTimes,
        store: impl Fn(usize, &Object),
    ) -> Vec<Result<UnresolvedGroup, Error>> {
        match self.try_run(sources, stages, store) {
            Ok(results) => results,
            Err(failure) => vec![Err(failure)],
        }
    }

    fn try_run(
        &self,
        sources: &[Source],
        stages: &mut StageTimes,
        store: impl Fn(usize, &Object),
    ) -> Result<Vec<Result<UnresolvedGroup, Error>>, Error> {
        let assembly = timed(&mut stages.compile, || self.compiler.compile(sources))?;
        let started = Instant::now();
        // A failure stays in its place in the list, and each step goes on with the rest.
        let results: Vec<Result<String, Error>> = sources
            .iter()
            .zip(assembly)
            .map(|(source, assembly)| self.optimize(&source.name, &assembly?))
            .collect();
        stages.optimize += started.elapsed();
        let inputs: Vec<(&str, &str)> = sources
            .iter()
            .zip(&results)
            .filter_map(|(source, text)| Some((source.name.as_str(), text.as_deref().ok()?)))
            .collect();
        let objects = timed(&mut stages.assemble, || self.compiler.assemble(&inputs))?;
        let started = Instant::now();
        let mut objects = objects.into_iter();
        let groups = sources
            .iter()
            .zip(results)
            .enumerate()
            .map(|(index, (source, result))| {
                result?;
                match objects.next() {
                    Some(object) => {
                        let object = object?;
                        let group = self.lower(&source.name, &object)?;
                        store(index, &object);
                        Ok(group)
                    }
                    None => Err(Error::Missing {
                        uop: source.name.clone(),
                    }),
                }
            })
            .collect();
        stages.stencils += started.elapsed();
        Ok(groups)
    }

    fn optimize(&self, uop: &str, assembly: &str) -> Result<String, Error> {
        let optimized = self
            .optimizer
            .optimize(assembly)
            .map_err(|source| Error::Optimize {
                uop: uop.to_owned(),
                source,
            })?;
        if let Some(directory) = self.keep {
            let path = directory.join(format!("{uop}.optimized.s"));
            fs::write(&path, &optimized).map_err(Error::file("write", &path))?;
        }
        Ok(optimized)
    }

    /// Makes a stencil of an object file.
    pub(crate) fn lower(&self, uop: &str, object: &Object) -> Result<UnresolvedGroup, Error> {
        let file = jit_schema::native::read(&object.bytes).map_err(|source| Error::Object {
            uop: uop.to_owned(),
            source,
        })?;
        let mut group = jit_stencils::lower(self.target, &file).map_err(|source| Error::Lower {
            uop: uop.to_owned(),
            source,
        })?;
        group.listing.disassembly.clone_from(&object.disassembly);
        Ok(group)
    }
}

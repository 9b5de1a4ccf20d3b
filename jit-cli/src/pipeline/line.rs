//! The steps from sources to stencils, for a batch of micro-ops.

use std::{fs, path::Path, time::Instant};

use jit_llvm::{Compiler, Object, Source};
use jit_optimizer::{OptimizeError, Optimizer};
use jit_schema::{ObjectError, Target};
use jit_stencils::UnresolvedGroup;

use crate::{
    conventions::Lower,
    error::Error,
    statistics::{StageTimes, timed},
};

/// The steps that each batch of sources goes through.
pub(crate) struct Line<'a> {
    pub(crate) compiler: &'a Compiler<'a>,
    /// Compiles a source again if its code has an address in 32 bits that cannot be replaced.
    pub(crate) independent: Option<&'a Compiler<'a>>,
    pub(crate) optimizer: Optimizer,
    pub(crate) target: &'static Target,
    pub(crate) lower: Lower,
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
        match self.try_run(self.compiler, sources, stages, &store) {
            Ok(results) => self.run_again(sources, results, stages, &store),
            Err(failure) => vec![Err(failure)],
        }
    }

    /// Compiles the sources again that failed because of an address in 32 bits. Only the result of a
    /// source decides about it, so that the same source always becomes the same stencil.
    fn run_again(
        &self,
        sources: &[Source],
        mut results: Vec<Result<UnresolvedGroup, Error>>,
        stages: &mut StageTimes,
        store: &impl Fn(usize, &Object),
    ) -> Vec<Result<UnresolvedGroup, Error>> {
        let failed: Vec<(usize, Source)> = sources
            .iter()
            .zip(&results)
            .enumerate()
            .filter(|(_, (_, result))| result.as_ref().is_err_and(is_absolute_address))
            .map(|(index, (source, _))| (index, source.clone()))
            .collect();
        let (Some(compiler), false) = (self.independent, failed.is_empty()) else {
            return results;
        };
        let (places, failed): (Vec<usize>, Vec<Source>) = failed.into_iter().unzip();
        let store = |index: usize, object: &Object| {
            if let Some(place) = places.get(index) {
                store(*place, object);
            }
        };
        let again = match self.try_run(compiler, &failed, stages, &store) {
            Ok(again) => again,
            // It concerns all of them, and is reported once.
            Err(failure) => vec![Err(failure)],
        };
        for (place, result) in places.iter().zip(again) {
            if let Some(old) = results.get_mut(*place) {
                *old = result;
            }
        }
        results
    }

    fn try_run(
        &self,
        compiler: &Compiler<'_>,
        sources: &[Source],
        stages: &mut StageTimes,
        store: &impl Fn(usize, &Object),
    ) -> Result<Vec<Result<UnresolvedGroup, Error>>, Error> {
        let assembly = timed(&mut stages.compile, || compiler.compile(sources))?;
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
        let objects = timed(&mut stages.assemble, || compiler.assemble(&inputs))?;
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
            fs::write(&path, &optimized.assembly).map_err(Error::file("write", &path))?;
        }
        let directive = optimized.end.directive(self.target.format);
        Ok(optimized.assembly + "\n" + &directive)
    }

    /// Makes a stencil of an object file.
    pub(crate) fn lower(&self, uop: &str, object: &Object) -> Result<UnresolvedGroup, Error> {
        let file = jit_schema::native::read(&object.bytes).map_err(|source| Error::Object {
            uop: uop.to_owned(),
            source,
        })?;
        let mut group = (self.lower)(self.target, &file).map_err(|source| Error::Lower {
            uop: uop.to_owned(),
            source,
        })?;
        group.listing.disassembly.clone_from(&object.disassembly);
        Ok(group)
    }
}

/// Returns whether an error is about an address in 32 bits, which position-independent code does not have.
fn is_absolute_address(error: &Error) -> bool {
    match error {
        Error::Optimize { source, .. } => matches!(source, OptimizeError::AbsoluteAddress { .. }),
        Error::Object {
            source: ObjectError::UnsupportedRelocation { kind, .. },
            ..
        } => matches!(kind.as_str(), "R_X86_64_32" | "R_X86_64_32S"),
        _ => false,
    }
}

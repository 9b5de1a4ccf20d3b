//! The steps from sources to stencils, for a batch of micro-ops.

use std::{fs, path::Path, time::Instant};

use jit_llvm::{Compiler, Ir, LlvmError, Made, Object, Output, Source, WithIr};
use jit_optimizer::OptimizeError;
use jit_schema::{ObjectError, Target};
use jit_stencils::UnresolvedGroup;

use crate::{
    conventions::{Lower, ReadObject},
    error::Error,
    pipeline::tuner::Tuner,
    statistics::{StageTimes, timed},
};

/// The steps that each batch of sources goes through.
pub(crate) struct Line<'a> {
    pub(crate) compiler: &'a Compiler<'a>,
    /// Compiles a source again if its code has an address in 32 bits that cannot be replaced.
    pub(crate) independent: Option<&'a Compiler<'a>>,
    pub(crate) optimizer: Tuner<'a>,
    pub(crate) target: &'static Target,
    pub(crate) read_object: ReadObject,
    pub(crate) lower: Lower,
    pub(crate) keep: Option<&'a Path>,
}

/// An object that became a stencil, and that a cache may store.
pub(crate) struct Product {
    /// The index of its source.
    pub(crate) index: usize,
    pub(crate) object: Object,
    /// Whether it is position-independent code, because the other was not possible.
    pub(crate) independent: bool,
    /// The IR of its source, if that became known.
    pub(crate) ir: Option<Ir>,
}

/// What sources are compiled from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// The text of all of them.
    Text,
    /// The text of all of them, and their IR becomes known.
    TextKeepingIr,
    /// The IR of those that have one, and the text of the others.
    Irs(&'a [Option<&'a Ir>]),
}

/// What a source was compiled to.
pub(crate) struct Compiled {
    pub(crate) source: Source,
    made: Result<Made<Code>, Error>,
    /// The IR of the source, if it became known.
    pub(crate) ir: Option<Ir>,
}

/// What becomes the object of a stencil.
enum Code {
    /// Optimized assembly.
    Assembly(String),
    /// The object itself.
    Object(Vec<u8>),
}

/// The result of each source, and those objects that follow from known inputs.
type Results = (Vec<Result<UnresolvedGroup, Error>>, Vec<Product>);

impl Line<'_> {
    /// Compiles sources to optimized assembly, or to objects if the compiler's options say that. Returns one for each, in
    /// their order. An error concerns all of them.
    pub(crate) fn compile(
        &self,
        sources: &[Source],
        from: Origin<'_>,
        stages: &mut StageTimes,
    ) -> Result<Vec<Compiled>, Error> {
        self.compile_with(self.compiler, (sources, from), stages)
    }

    /// Makes stencils of what sources were compiled to. Returns a result for each, in their order, and what a cache may
    /// store.
    pub(crate) fn finish(&self, compiled: Vec<Compiled>, stages: &mut StageTimes) -> Results {
        let (sources, results) = self.try_finish(self.compiler, compiled, stages);
        match results {
            Ok(results) => self.run_again(&sources, results, stages),
            Err(failure) => (vec![Err(failure)], Vec::new()),
        }
    }

    /// Compiles the sources again that failed because of an address in 32 bits. Only the result of a
    /// source decides about it, so that the same source always becomes the same stencil.
    fn run_again(
        &self,
        sources: &[Source],
        (mut results, mut products): Results,
        stages: &mut StageTimes,
    ) -> Results {
        let failed: Vec<(usize, Source)> = sources
            .iter()
            .zip(&results)
            .enumerate()
            .filter(|(_, (_, result))| result.as_ref().is_err_and(is_absolute_address))
            .map(|(index, (source, _))| (index, source.clone()))
            .collect();
        let (Some(compiler), false) = (self.independent, failed.is_empty()) else {
            return (results, products);
        };
        let (places, failed): (Vec<usize>, Vec<Source>) = failed.into_iter().unzip();
        // The sources mean the same again, whatever has happened to the headers.
        let adopted = self
            .compiler
            .snapshot()
            .map(|snapshot| snapshot.map(|snapshot| compiler.adopt(snapshot)));
        let again = adopted
            .map_err(Error::from)
            .and_then(|_| self.compile_with(compiler, (&failed, Origin::Text), stages))
            .and_then(|compiled| self.try_finish(compiler, compiled, stages).1);
        let (again, more) = match again {
            Ok(again) => again,
            // It concerns all of them, and is reported once.
            Err(failure) => (vec![Err(failure)], Vec::new()),
        };
        for (place, result) in places.iter().zip(again) {
            if let Some(old) = results.get_mut(*place) {
                *old = result;
            }
        }
        products.extend(more.into_iter().filter_map(|product| {
            Some(Product {
                index: *places.get(product.index)?,
                independent: true,
                ir: None,
                ..product
            })
        }));
        (results, products)
    }

    fn compile_with(
        &self,
        compiler: &Compiler<'_>,
        (sources, from): (&[Source], Origin<'_>),
        stages: &mut StageTimes,
    ) -> Result<Vec<Compiled>, Error> {
        if compiler.options().output == Output::Object {
            let objects = timed(&mut stages.compile, || match from {
                Origin::Irs(irs) => compiler.compile_to_objects_from(sources, irs),
                // clang does not embed IR as it does in assembly.
                Origin::Text | Origin::TextKeepingIr => {
                    let objects = compiler.compile_to_objects(sources)?;
                    Ok(objects.into_iter().map(|object| (object, None)).collect())
                }
            })?;
            let made = objects
                .into_iter()
                .zip(sources)
                .map(|((made, ir), source)| Compiled {
                    source: source.clone(),
                    made: made.map(|made| made.map(Code::Object)).map_err(Error::from),
                    ir,
                });
            return Ok(made.collect());
        }
        let compiled = timed(&mut stages.compile, || compile(compiler, sources, from))?;
        let started = Instant::now();
        // A failure stays in its place in the list, and each step goes on with the rest.
        let optimized = sources
            .iter()
            .zip(compiled)
            .map(|(source, (assembly, ir))| Compiled {
                source: source.clone(),
                made: assembly
                    .map_err(Error::from)
                    .and_then(|assembly| self.optimize(compiler, source, assembly)),
                ir,
            })
            .collect();
        stages.optimize += started.elapsed();
        Ok(optimized)
    }

    /// Returns the sources, and their results.
    fn try_finish(
        &self,
        compiler: &Compiler<'_>,
        compiled: Vec<Compiled>,
        stages: &mut StageTimes,
    ) -> (Vec<Source>, Result<Results, Error>) {
        let (sources, made): (Vec<_>, Vec<_>) = compiled
            .into_iter()
            .map(|compiled| (compiled.source, (compiled.made, compiled.ir)))
            .unzip();
        // Whether each is made from known inputs, or else what is wrong with it.
        let mut known = Vec::with_capacity(made.len());
        let mut codes = Vec::with_capacity(made.len());
        for (source, (made, ir)) in sources.iter().zip(made) {
            known.push(made.map(|made| {
                codes.push((source.name.as_str(), made.value));
                (made.from_known_inputs, ir)
            }));
        }
        let objects = timed(&mut stages.assemble, || objects_of(compiler, codes));
        let started = Instant::now();
        let results = objects.map_err(Error::from).map(|objects| {
            let mut objects = objects.into_iter();
            let mut products = Vec::with_capacity(sources.len());
            let groups = sources
                .iter()
                .zip(known)
                .enumerate()
                .map(|(index, (source, known))| {
                    let (from_known_inputs, ir) = known?;
                    let object = objects.next().ok_or_else(|| Error::Missing {
                        uop: source.name.clone(),
                    })??;
                    let group = self.lower(&source.name, &object.value)?;
                    if from_known_inputs && object.from_known_inputs {
                        products.push(Product {
                            index,
                            object: object.value,
                            independent: false,
                            ir,
                        });
                    }
                    Ok(group)
                })
                .collect();
            (groups, products)
        });
        stages.stencils += started.elapsed();
        (sources, results)
    }

    fn optimize(
        &self,
        compiler: &Compiler<'_>,
        source: &Source,
        made: Made<String>,
    ) -> Result<Made<Code>, Error> {
        let uop = &source.name;
        let optimized = self.optimizer.optimize(compiler, source, &made.value)?;
        if let Some(directory) = self.keep {
            let path = directory.join(format!("{uop}.optimized.s"));
            fs::write(&path, &optimized.assembly).map_err(Error::file("write", &path))?;
        }
        let directive = optimized.end.directive(self.target.format);
        Ok(made.map(|_| Code::Assembly(optimized.assembly + "\n" + &directive)))
    }

    /// Makes a stencil of an object file.
    pub(crate) fn lower(&self, uop: &str, object: &Object) -> Result<UnresolvedGroup, Error> {
        let file = (self.read_object)(&object.bytes).map_err(|source| Error::Object {
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

/// Makes objects with their disassembly. Returns one result for each pair of a name and code, in their order.
fn objects_of(
    compiler: &Compiler<'_>,
    codes: Vec<(&str, Code)>,
) -> Result<Vec<Result<Made<Object>, LlvmError>>, LlvmError> {
    let mut texts = Vec::new();
    let mut objects = Vec::new();
    for (name, code) in codes {
        match code {
            Code::Assembly(text) => texts.push((name, text)),
            Code::Object(bytes) => objects.push((name, bytes)),
        }
    }
    // All are what the compiler's options say.
    if objects.is_empty() {
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        return compiler.assemble(&texts);
    }
    let objects = compiler.disassembled(objects)?.into_iter();
    let known = |value| Made {
        value,
        from_known_inputs: true,
    };
    Ok(objects.map(|object| Ok(known(object))).collect())
}

fn compile(
    compiler: &Compiler<'_>,
    sources: &[Source],
    from: Origin<'_>,
) -> Result<Vec<WithIr<String>>, LlvmError> {
    let texts = match from {
        Origin::TextKeepingIr => return compiler.compile_with_ir(sources),
        Origin::Irs(irs) => return compiler.compile_from(sources, irs),
        Origin::Text => compiler.compile(sources)?,
    };
    Ok(texts.into_iter().map(|text| (text, None)).collect())
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

//! Compiling in two steps, with LLVM's IR between them.

use super::Compiler;
use crate::{
    driver,
    error::LlvmError,
    ir::{self, Ir, embedded},
    joinable::Joinable,
    joined,
    linked::{self, Linked},
    made::Made,
    modules::Module,
    options::Language,
    plan::Plan,
    preamble::Preamble,
    source::Source,
    written::Written,
};

/// What a source was compiled to, and its IR if that is known.
pub type WithIr<T> = (Result<Made<T>, LlvmError>, Option<Ir>);

impl Compiler<'_> {
    /// Translates sources to LLVM's IR. Returns one result for each, in the order of the sources. It is `None` where
    /// the IR would not say all that counts: if clang prints anything about the source, if the source includes a
    /// file, and if the flags are not known to have the same effect on stored IR. It is also `None` where translating
    /// is not worth it, because there are few sources.
    ///
    /// # Errors
    ///
    /// Those that affect every source, as for [`Compiler::compile`].
    pub fn translate(&self, sources: &[Source]) -> Result<Vec<Option<Ir>>, LlvmError> {
        let mut results = vec![None; sources.len()];
        let Some((plan, preamble)) = self.for_ir(sources.len())? else {
            return Ok(results);
        };
        let usable = |(_, source): &(usize, &Source)| !source.may_include();
        let (places, usable): (Vec<usize>, Vec<&Source>) =
            sources.iter().enumerate().filter(usable).unzip();
        let made = ir::translate(&self.context, &plan, &preamble, &usable)?;
        for (place, ir) in places.into_iter().zip(made) {
            if let Some(result) = results.get_mut(place) {
                *result = ir;
            }
        }
        Ok(results)
    }

    /// Does now what the first call of [`Compiler::translate_joined`] would wait for besides
    /// [`Compiler::prepare`]: reads what the preamble declares.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn prepare_joined(&self) -> Result<(), LlvmError> {
        self.linked().map(drop)
    }

    /// Returns how many sources may be translated as one file.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn count_joinable<'s>(
        &self,
        names: impl Iterator<Item = &'s str>,
        joinable: &Joinable,
    ) -> Result<usize, LlvmError> {
        if joinable.is_empty() {
            return Ok(0);
        }
        let linked = self.linked()?;
        let is_joinable = |name: &&str| linked.is_some_and(|linked| joinable.has(name, linked));
        Ok(names.filter(is_joinable).count())
    }

    /// Translates sources to LLVM's IR, as [`Compiler::translate`] does, but as one file, which takes a third of the time.
    /// The IR is `None` for each source that does not belong to `joinable`, and for each one of which it is not known that its
    /// IR is the same as that of a file of its own. Warnings are not reported: a source that clang warns about has no IR.
    ///
    /// # Errors
    ///
    /// Those that affect every source, as for [`Compiler::compile`].
    pub fn translate_joined(
        &self,
        sources: &[Source],
        joinable: &Joinable,
    ) -> Result<Vec<Option<Ir>>, LlvmError> {
        let mut results = vec![None; sources.len()];
        if joinable.is_empty() {
            return Ok(results);
        }
        let Some(linked) = self.linked()? else {
            return Ok(results);
        };
        let is_joinable = |(_, source): &(usize, &Source)| joinable.has(&source.name, linked);
        let (places, joined): (Vec<usize>, Vec<&Source>) =
            sources.iter().enumerate().filter(is_joinable).unzip();
        let Some((plan, preamble)) = self.for_ir(joined.len())?.filter(|_| !joined.is_empty())
        else {
            return Ok(results);
        };
        let made = joined::translate(&self.context, &plan, &preamble, (joinable, linked), &joined)?;
        for (place, ir) in places.into_iter().zip(made) {
            if let Some(result) = results.get_mut(place) {
                *result = ir;
            }
        }
        Ok(results)
    }

    /// Returns the greatest number of general registers in which a function of a source gets arguments on x86_64, of
    /// those whose names start with `prefix`, as [`Module::argument_registers`] does. It is `None` for a source that clang
    /// rejects. Warnings are not reported.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Run`] if clang can't be run.
    pub fn argument_registers(
        &self,
        source: &Source,
        prefix: &str,
    ) -> Result<Option<u8>, LlvmError> {
        let mut text = None;
        if let (Some(plans), Some(snapshot)) = (self.plans()?, self.snapshot()?) {
            let preamble = self.preamble_of(snapshot, 1)?;
            let preamble = preamble.unwrap_or(Preamble::Text(snapshot));
            text = ir::print(&self.context, &plans.compile.closed(), &preamble, source)?;
        }
        let text = match text {
            Some(text) => text,
            None => match driver::ir(&self.context, source) {
                Err(LlvmError::Rejected { .. }) => return Ok(None),
                text => text?,
            },
        };
        // What is not understood has arguments anywhere.
        let module = Module::parse(&text).ok();
        Ok(module.and_then(|module| module.argument_registers(prefix)))
    }

    /// Returns the IR of a source after LLVM's optimizations, as text: what machine code is made from. `ir` is its module,
    /// if it is one. Warnings are not reported.
    ///
    /// # Errors
    ///
    /// [`LlvmError::Rejected`] if clang rejects the source, [`LlvmError::Run`] if clang can't be run.
    pub fn optimized_ir(&self, source: &Source, ir: Option<&Ir>) -> Result<String, LlvmError> {
        match ir {
            Some(ir) => driver::optimized_module(&self.context, &source.name, ir.input()),
            None => driver::optimized_ir(&self.context, source),
        }
    }

    /// Compiles to assembly, as [`Compiler::compile`] does: from the IR of those sources that have one. Returns each IR with
    /// the assembly that follows from it. That of a source that was translated [with others](Compiler::translate_joined) does
    /// not say in which order clang meets functions and variables, so it is not used where the assembly depends on that.
    ///
    /// # Errors
    ///
    /// Those of [`Compiler::compile`].
    pub fn compile_from(
        &self,
        sources: &[Source],
        irs: &[Option<&Ir>],
    ) -> Result<Vec<WithIr<String>>, LlvmError> {
        self.compile_to_from(sources, irs)
    }

    /// Compiles to the contents of object files, as [`Compiler::compile_to_objects`] does: from the IR of those sources that
    /// have one, as [`Compiler::compile_from`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Compiler::compile`].
    pub fn compile_to_objects_from(
        &self,
        sources: &[Source],
        irs: &[Option<&Ir>],
    ) -> Result<Vec<WithIr<Vec<u8>>>, LlvmError> {
        self.compile_to_from(sources, irs)
    }

    fn compile_to_from<W: Written>(
        &self,
        sources: &[Source],
        irs: &[Option<&Ir>],
    ) -> Result<Vec<WithIr<W>>, LlvmError> {
        let inputs: Vec<(&str, &Ir)> = sources
            .iter()
            .zip(irs)
            .filter_map(|(source, ir)| Some((source.name.as_str(), (*ir)?)))
            .collect();
        let without_ir = |results: Vec<_>| results.into_iter().map(|made| (made, None)).collect();
        if inputs.iter().any(|(_, ir)| ir.is_module()) {
            return Ok(without_ir(self.compile_modules(&inputs)?));
        }
        let Some(plans) = self.plans()?.filter(|_| !inputs.is_empty()) else {
            return Ok(without_ir(self.compile_to(sources)?));
        };
        let written: Option<Vec<W>> =
            ir::generate(&self.context, &plans.compile.closed(), &inputs)?;
        let mut written = written.into_iter().flatten();
        let target = &self.context.options.target;
        let mut results: Vec<Option<WithIr<W>>> = Vec::with_capacity(sources.len());
        for ir in irs {
            let made = ir.and_then(|ir| Some((ir, written.next()?)));
            let made = made.filter(|(ir, value)| !ir.is_part() || value.has_no_order(target));
            results.push(made.map(|(ir, value)| {
                let made = Made {
                    value,
                    from_known_inputs: true,
                };
                (Ok(made), Some(ir.clone()))
            }));
        }
        let missing = sources.iter().zip(&results);
        let missing = missing.filter(|(_, result)| result.is_none());
        let missing: Vec<Source> = missing.map(|(source, _)| source.clone()).collect();
        let mut others = match missing.is_empty() {
            true => Vec::new(),
            false => self.compile_to(&missing)?,
        }
        .into_iter();
        let results = results.into_iter();
        Ok(results
            .filter_map(|result| result.or_else(|| Some((others.next()?, None))))
            .collect())
    }

    /// Compiles modules: each alone if clang prints something about one of them.
    fn compile_modules<W: Written>(
        &self,
        inputs: &[(&str, &Ir)],
    ) -> Result<Vec<Result<Made<W>, LlvmError>>, LlvmError> {
        let written = match self.plans()? {
            Some(plans) => ir::generate(&self.context, &plans.compile.closed(), inputs)?,
            None => None,
        };
        let from_known_inputs = |value| Made {
            value,
            from_known_inputs: true,
        };
        Ok(match written {
            Some(written) => written.into_iter().map(from_known_inputs).map(Ok).collect(),
            None => inputs
                .iter()
                .map(|(name, ir)| {
                    driver::compile_ir(&self.context, name, ir.input()).map(|value| Made {
                        value,
                        from_known_inputs: false,
                    })
                })
                .collect(),
        })
    }

    /// Compiles to assembly, as [`Compiler::compile`] does, and returns the IR of the sources as well, which
    /// [`Compiler::translate`] would return. Either all of them have one or none.
    ///
    /// # Errors
    ///
    /// Those of [`Compiler::compile`].
    pub fn compile_with_ir(&self, sources: &[Source]) -> Result<Vec<WithIr<String>>, LlvmError> {
        let usable: Vec<&Source> = sources.iter().filter(|one| !one.may_include()).collect();
        let made = match self.for_ir(sources.len())? {
            Some((plan, preamble)) if usable.len() == sources.len() => {
                embedded::compile(&self.context, &plan, &preamble, &usable)?
            }
            _ => None,
        };
        Ok(match made {
            Some(made) => made
                .into_iter()
                .map(|(value, ir)| {
                    let made = Made {
                        value,
                        from_known_inputs: true,
                    };
                    (Ok(made), Some(ir))
                })
                .collect(),
            None => {
                let texts = self.compile(sources)?;
                texts.into_iter().map(|text| (text, None)).collect()
            }
        })
    }

    /// Returns what the preamble declares, which is read in the first call. Returns `None` where that is not known.
    fn linked(&self) -> Result<Option<&Linked>, LlvmError> {
        let (Some(plans), Some(snapshot)) = (self.plans()?, self.snapshot()?) else {
            return Ok(None);
        };
        // Only C says in this way what is declared.
        if self.context.options.language != Language::C {
            return Ok(None);
        }
        let linked = self
            .linked
            .get_or_init(|| linked::read(&self.context, &plans.compile.closed(), snapshot));
        linked
            .as_ref()
            .map(Option::as_ref)
            .map_err(LlvmError::clone)
    }

    /// Returns the command and the preamble for so many sources whose IR is asked for. Returns `None` where the IR would
    /// not say all that counts, and where it is not worth it.
    fn for_ir(&self, sources: usize) -> Result<Option<(Plan, Preamble<'_>)>, LlvmError> {
        let (Some(plans), Some(snapshot)) = (self.plans()?, self.snapshot()?) else {
            return Ok(None);
        };
        let plan = plans.compile.closed();
        if self.are_few(sources) || !ir::is_possible(&plan) {
            return Ok(None);
        }
        let preamble = self.preamble_of(snapshot, sources)?;
        Ok(preamble.map(|preamble| (plan, preamble)))
    }
}

//! Building one target, from micro-ops to stencils.

mod batches;
mod by_ir;
mod by_text;
mod cached;
mod compile;
mod job;
#[cfg(feature = "cli")]
pub(crate) mod look;
mod meter;
mod modules;

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::SystemTime,
};

use jit_llvm::{CompileOptions, Compiler, Diagnostics, Ir, Mode, Source};
use jit_stencils::UnresolvedGroup;

pub(crate) use self::job::{Built, Job, Shim, ShimSource};
use self::{by_text::Found, meter::Meter};
use crate::{
    cache::key::Key,
    cache::lookup::{Keys, Lookup, Started},
    conventions::ShimForm,
    error::Error,
    events::Event,
    pipeline::doubts::Doubts,
    pipeline::flags,
    pipeline::functions::Files,
    pipeline::line::Line,
    pipeline::units::{self, Units},
    pipeline::warned::Warned,
    pipeline::workdir::WorkDir,
    reads::Reads,
    statistics::{StageTimes, timed},
};

/// Builds one target.
pub(crate) fn build(job: Job<'_>) -> Result<Built, Error> {
    let begun = SystemTime::now();
    let work = WorkDir::create(&job.place)?;
    let target = job.options.target;
    let preamble = job.input.preamble();
    let places = job.input.places().filter(|_| job.keep_temps.is_none());
    let warned = Warned::new(target, job.listener, places);
    let report = |diagnostics: &Diagnostics| warned.report(diagnostics);
    let compiler_in = |options: CompileOptions, directory: &Path| {
        Compiler::builder(job.toolchain, options, directory)
            .preamble(preamble)
            .mode(job.mode)
            .keep_files(job.keep_temps.is_some())
            .interrupt(job.interrupt.clone())
    };
    let (compiler, remarks) = flags::checked(job.options.clone(), job.facts(), |options| {
        compiler_in(options, work.path())
            .on_warnings(report)
            .build()
    })?;
    for remark in &remarks {
        (job.remark)(remark);
    }
    let functions = match &job.input {
        units::Input::Functions(functions) => Some(Files::new(
            functions,
            compiler.options(),
            job.frame_pointer,
            |options, name| {
                let builder = compiler_in(options, &work.directory(name)?);
                Ok(builder.on_warnings(report).build()?)
            },
        )?),
        units::Input::Cases { .. } => None,
    };
    let units = Units::of(&job.input, functions.as_ref(), job.remark)?;
    if let Some(rules) = job.hardening {
        rules.check(units.sources().iter().map(|source| source.name.as_str()))?;
    }
    // Modules say themselves whether they are position-independent. Sources need files of their own, and would repeat the
    // other one's warnings.
    let independent = match compiler.options().position_independent() {
        Some(options) if units.modules().is_none() => {
            Some(compiler_in(options, &work.directory("position-independent")?).build()?)
        }
        _ => None,
    };
    let built = build_units(
        &job,
        &units,
        (&compiler, independent.as_ref()),
        &warned,
        begun,
    );
    // Sources that are kept are where clang says.
    let built = built.map_err(|error| match job.keep_temps {
        None => error.at(&|uop| units.place(uop), &|text| units.translate(text)),
        Some(_) => error.at(&|uop| units.place(uop), &str::to_owned),
    });
    built.map_err(|error| error.called(&|uop| units.names(uop)))
}

/// Builds a target from its units.
fn build_units(
    job: &Job<'_>,
    units: &Units<'_, '_>,
    (compiler, independent): (&Compiler<'_>, Option<&Compiler<'_>>),
    warned: &Warned<'_>,
    begun: SystemTime,
) -> Result<Built, Error> {
    let target = job.options.target;
    let sources = units.sources();
    let lookup = job.cache.as_ref().map(|(cache, name)| Lookup {
        cache,
        name: name.clone(),
        toolchain: job.toolchain,
        compiler,
        optimizer: job.optimizer,
        hardening: job.hardening,
        preamble: job.input.preamble(),
        sources,
        shim: job.shim.as_ref().map(|shim| shim.path),
        remember: job.remember,
    });
    let build = Build {
        line: Line {
            compiler,
            independent,
            optimizer: job.tuner(),
            target,
            read_object: job.read_object,
            lower: job.lower,
            keep: job.keep_temps.as_deref(),
        },
        sources,
        modules: units.modules(),
        lookup,
        warned,
        shim: job.shim.as_ref(),
        shim_form: job.shim_form,
        headers: job.headers,
        mode: job.mode,
        meter: Meter::new(target, sources.len(), job.listener),
        doubts: Doubts::default(),
        begun,
        by_ir: AtomicUsize::new(0),
        keeps_ir: AtomicBool::new(false),
        joining_pays: AtomicBool::new(job.joins),
    };
    let mut outcome = build.run()?;
    let names = sources.iter().map(|source| source.name.clone());
    let named = names.zip(outcome.groups);
    let (shim, shim_stencil) = match outcome.shim {
        None => (None, None),
        Some(MadeShim::Object(shim)) => (Some(shim), None),
        Some(MadeShim::Stencil(group)) => (None, Some((SHIM.to_owned(), group))),
    };
    let mut set = timed(&mut outcome.stages.stencils, || {
        (job.resolve)(target, shim_stencil, named.collect())
    })?;
    let symbols = units.finish(&mut set)?;
    units.check(&set)?;
    if let Some(symbols) = &symbols {
        job.listener.tell(&Event::HostSymbols { target, symbols });
    }
    Ok(Built {
        set,
        shim,
        cached: outcome.cached,
        stages: outcome.stages,
        reads: outcome.reads,
        arguments: compiler.cc1_arguments()?,
    })
}

/// The results of all steps, before the stencils are combined to a set.
struct Compiled {
    /// The stencils in the order of the sources.
    groups: Vec<UnresolvedGroup>,
    /// The number of them that were in the cache.
    cached: usize,
    shim: Option<MadeShim>,
    stages: StageTimes,
    reads: Option<Reads>,
}

/// The name of the shim in diagnostics, and of its stencil.
const SHIM: &str = "shim";

/// What the shim became.
enum MadeShim {
    Object(Shim),
    Stencil(UnresolvedGroup),
}

/// The inputs of all steps from sources to stencils.
struct Build<'a> {
    line: Line<'a>,
    sources: &'a [Source],
    /// The IR of each source, if they are modules, and what was read for it, if that is known.
    modules: Option<(&'a [Ir], Option<&'a Reads>)>,
    lookup: Option<Lookup<'a>>,
    warned: &'a Warned<'a>,
    shim: Option<&'a ShimSource<'a>>,
    shim_form: ShimForm,
    headers: bool,
    mode: Mode,
    meter: Meter<'a>,
    doubts: Doubts,
    /// When the build began.
    begun: SystemTime,
    /// The number of micro-ops that the cache has by their IR.
    by_ir: AtomicUsize,
    /// Whether to keep the IR of what is compiled from its text.
    keeps_ir: AtomicBool,
    /// Whether sources may be translated as one file, and most of them can.
    joining_pays: AtomicBool,
}

/// The lookup, and what it knows from the last build.
type LookupOf<'a> = (&'a Lookup<'a>, &'a Started);

/// The stencils before they are combined to a set.
struct Uops {
    /// The results in the order of the sources.
    groups: Vec<Outcome>,
    /// The number of them that were in the cache by their texts.
    cached: usize,
    keys: Keys,
    stages: StageTimes,
}

/// The index of a source, and its result.
type Outcome = (usize, Result<UnresolvedGroup, Error>);

/// A source that has to be compiled: its index, the source, and the key to store the result under.
type Miss<'a> = (usize, &'a Source, Option<Key>);

impl Build<'_> {
    fn run(&self) -> Result<Compiled, Error> {
        let mut stages = StageTimes::default();
        // Both closures below need the arguments. A thread that blocks there could not run other rayon work.
        timed(&mut stages.prepare, || self.line.compiler.arguments())?;
        let started = match &self.lookup {
            Some(lookup) => timed(&mut stages.lookup, || self.start(lookup))?,
            None => None,
        };
        let lookup = self.lookup.as_ref().zip(started.as_ref());
        let build_shim = || {
            let shim = self.shim.map(|source| self.build_shim(source, lookup));
            shim.transpose()
        };
        let (uops, shim) = if self.mode == Mode::Driver {
            // The headers have not been compiled yet. If they have errors, the shim reports them once.
            let shim = build_shim()?;
            (self.build_uops(lookup), Ok(shim))
        } else {
            rayon::join(|| self.build_uops(lookup), build_shim)
        };
        let Uops {
            groups,
            cached,
            keys,
            stages: spent,
        } = uops?;
        let (shim, shim_key) = shim?.unzip();
        if let Some(key) = &shim_key {
            self.check_headers(key, lookup)?;
        }
        let of_modules = self.reads_of_modules(shim_key.as_ref())?;
        stages.add(&spent);
        if let Some(lookup) = &self.lookup {
            lookup.cache.trim();
        }
        let groups = all(groups.into_iter().map(|(_, group)| group))?;
        let reads = match lookup {
            Some((lookup, started)) => {
                lookup.conclude(started, &keys, &shim_key.unwrap_or_default())?
            }
            None => None,
        };
        let (same, unknown) = self.doubts.settle()?;
        let verifies = self.lookup.as_ref();
        if verifies.is_some_and(|lookup| lookup.cache.verify > 0) {
            let target = self.line.target;
            self.meter.listener.tell(&Event::Verified {
                target,
                same,
                unknown,
            });
        }
        Ok(Compiled {
            groups,
            cached: cached + self.by_ir.load(Ordering::Relaxed),
            shim,
            stages,
            reads: match of_modules {
                Some(reads) => reads,
                None => self.reads(reads)?,
            },
        })
    }

    /// Takes from the cache what is there, and compiles the rest.
    fn build_uops(&self, lookup: Option<LookupOf<'_>>) -> Result<Uops, Error> {
        let mut stages = StageTimes::default();
        let found = match self.modules {
            Some((irs, _)) => timed(&mut stages.lookup, || self.find_modules(lookup, irs))?,
            None => match timed(&mut stages.lookup, || self.recorded(lookup))? {
                // Then nothing is preprocessed.
                Some(found) if found.misses.is_empty() => found,
                first => self.find(lookup, first, &mut stages)?,
            },
        };
        let Found {
            mut groups,
            misses,
            keys,
        } = found;
        let cached = self.sources.len() - misses.len();
        self.meter.plan(cached);
        timed(&mut stages.prepare, || self.prepare(misses.len()))?;
        let (compiled, spent) = self.compile(&misses, &keys.joinable, lookup);
        stages.add(&spent);
        groups.extend(compiled);
        groups.sort_by_key(|(index, _)| *index);
        Ok(Uops {
            groups,
            cached,
            keys,
            stages,
        })
    }

    /// Finds out what the record of the last build says. Without one, most micro-ops are not in the cache, so the headers
    /// are read and compiled at the same time. A shared cache may have them.
    fn start(&self, lookup: &Lookup<'_>) -> Result<Option<Started>, Error> {
        let last = lookup.last();
        let is_first = last.is_none() && !lookup.cache.is_shared();
        let (started, _) = rayon::join(
            || lookup.start(last),
            // What goes wrong is reported when it is used.
            || is_first.then(|| self.prepare(self.sources.len())),
        );
        Ok(started?)
    }

    fn prepare(&self, misses: usize) -> Result<(), Error> {
        match self.modules {
            // There are no headers any more.
            Some(_) => Ok(()),
            None if self.joins(misses) => {
                let compiler = self.line.compiler;
                let (prepared, joined) =
                    rayon::join(|| compiler.prepare(misses), || compiler.prepare_joined());
                prepared?;
                Ok(joined?)
            }
            None => Ok(self.line.compiler.prepare(misses)?),
        }
    }

    /// Returns what was read, if that was asked for, or `None` if it is not known.
    fn reads(&self, known: Option<Reads>) -> Result<Option<Reads>, Error> {
        match known {
            _ if !self.headers => Ok(None),
            Some(known) => Ok(Some(known)),
            None => {
                let shim = self.shim.map(|shim| shim.path);
                Ok(Reads::ask(self.line.compiler, self.sources, shim)?)
            }
        }
    }
}

/// Returns all values, or all errors as one.
fn all<T>(results: impl IntoIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    let mut errors = errors.into_iter();
    match errors.next() {
        None => Ok(values),
        Some(first) => Err(Error::of_all(first, errors.collect())),
    }
}

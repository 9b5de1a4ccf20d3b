//! Building one target, from micro-ops to stencils.

mod by_ir;
mod cached;

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use jit_llvm::{CompileOptions, Compiler, Diagnostics, Interrupt, Ir, Mode, Source, Toolchain};
use jit_optimizer::Optimizer;
use jit_schema::Target;
use jit_stencils::{StencilSet, UnresolvedGroup, UnwindInfo};
use rayon::prelude::*;

use crate::{
    cache::key::Key,
    cache::lookup::{Keys, Lookup, Started},
    cache::store::Cache,
    conventions::Lower,
    error::Error,
    events::{Event, Listener},
    pipeline::doubts::Doubts,
    pipeline::flags,
    pipeline::line::Line,
    pipeline::warned::Warned,
    pipeline::workdir::{Place, WorkDir},
    project::cases::Case,
    project::places::Places,
    project::template,
    reads::Reads,
    statistics::{StageTimes, timed},
};

/// The build of one target.
pub(crate) struct Job<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) options: CompileOptions,
    /// The options of the optimizer.
    pub(crate) optimizer: jit_optimizer::Options,
    /// Makes stencils of object files.
    pub(crate) lower: Lower,
    /// The template's preamble and body.
    pub(crate) template: (&'a str, &'a str),
    pub(crate) cases: Vec<Case<'a>>,
    /// Where the cases are, for messages.
    pub(crate) places: &'a Places,
    pub(crate) shim: Option<ShimSource<'a>>,
    /// The cache, and the name of the project's record in it.
    pub(crate) cache: Option<(&'a Cache, String)>,
    pub(crate) keep_temps: Option<PathBuf>,
    /// Where intermediate files go.
    pub(crate) place: Place,
    /// Whether to find out which headers are read, even if that takes another process.
    pub(crate) headers: bool,
    pub(crate) mode: Mode,
    pub(crate) interrupt: Interrupt,
    pub(crate) listener: &'a Listener,
    /// Gets what the user should know about the flags.
    pub(crate) remark: &'a (dyn Fn(&str) + Sync),
}

/// The source of the shim.
pub(crate) struct ShimSource<'a> {
    pub(crate) path: &'a Path,
    /// Its name in messages.
    pub(crate) name: PathBuf,
}

/// The result of a build.
pub(crate) struct Built {
    pub(crate) set: StencilSet,
    pub(crate) shim: Option<Shim>,
    /// The number of micro-ops that came from the cache.
    pub(crate) cached: usize,
    pub(crate) stages: StageTimes,
    /// What was read, if that was asked for. `None` if it is not known.
    pub(crate) reads: Option<Reads>,
    /// The arguments of cc1: to compile, to assemble, and to compile the shim. They are not known if the driver's answers
    /// are not understood.
    pub(crate) arguments: Option<[Vec<String>; 3]>,
}

/// The function that enters compiled code.
pub(crate) struct Shim {
    pub(crate) object: Vec<u8>,
    pub(crate) unwind: Option<UnwindInfo>,
}

/// Builds one target.
pub(crate) fn build(job: Job<'_>) -> Result<Built, Error> {
    let places = job.places;
    let translate = |text: &str| places.translate(text);
    // Sources that are kept are where clang says.
    match job.keep_temps {
        None => build_all(job)
            .map_err(|error| error.at(places.cases(), &|uop| places.start(uop), &translate)),
        Some(_) => build_all(job)
            .map_err(|error| error.at(places.cases(), &|uop| places.start(uop), &str::to_owned)),
    }
}

fn build_all(job: Job<'_>) -> Result<Built, Error> {
    let begun = SystemTime::now();
    let work = WorkDir::create(&job.place)?;
    let target = job.options.target;
    let (preamble, body) = job.template;
    let places = job.keep_temps.is_none().then_some(job.places);
    let warned = Warned::new(target, job.listener, places);
    let report = |diagnostics: &Diagnostics| warned.report(diagnostics);
    let compiler_in = |options: CompileOptions, directory: &Path| {
        Compiler::builder(job.toolchain, options, directory)
            .preamble(preamble)
            .mode(job.mode)
            .keep_files(job.keep_temps.is_some())
            .interrupt(job.interrupt.clone())
    };
    let (compiler, remarks) = flags::checked(job.options, |options| {
        compiler_in(options, work.path())
            .on_warnings(report)
            .build()
    })?;
    for remark in &remarks {
        (job.remark)(remark);
    }
    let independent = match compiler.options().position_independent() {
        // It needs files of its own, and would repeat the other one's warnings.
        Some(options) => Some(compiler_in(options, &work.independent()?).build()?),
        None => None,
    };
    let sources = template::sources(body, &job.cases);
    let lookup = job.cache.map(|(cache, name)| Lookup {
        cache,
        name,
        toolchain: job.toolchain,
        compiler: &compiler,
        optimizer: job.optimizer,
        preamble,
        sources: &sources,
        shim: job.shim.as_ref().map(|shim| shim.path),
        remember: true,
    });
    let build = Build {
        line: Line {
            compiler: &compiler,
            independent: independent.as_ref(),
            optimizer: Optimizer::new(target, job.optimizer),
            target,
            lower: job.lower,
            keep: job.keep_temps.as_deref(),
        },
        sources: &sources,
        lookup,
        warned: &warned,
        shim: job.shim.as_ref(),
        headers: job.headers,
        mode: job.mode,
        meter: Meter {
            target,
            uops: sources.len(),
            done: AtomicUsize::new(0),
            listener: job.listener,
        },
        doubts: Doubts::default(),
        begun,
        by_ir: AtomicUsize::new(0),
    };
    let mut outcome = build.run()?;
    let names = sources.into_iter().map(|source| source.name);
    let named = names.zip(outcome.groups);
    let set = timed(&mut outcome.stages.stencils, || {
        jit_stencils::resolve(target, named)
    })?;
    Ok(Built {
        set,
        shim: outcome.shim,
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
    shim: Option<Shim>,
    stages: StageTimes,
    reads: Option<Reads>,
}

/// The inputs of all steps from sources to stencils.
struct Build<'a> {
    line: Line<'a>,
    sources: &'a [Source],
    lookup: Option<Lookup<'a>>,
    warned: &'a Warned<'a>,
    shim: Option<&'a ShimSource<'a>>,
    headers: bool,
    mode: Mode,
    meter: Meter<'a>,
    doubts: Doubts,
    /// When the build began.
    begun: SystemTime,
    /// The number of micro-ops that the cache has by their IR.
    by_ir: AtomicUsize,
}

/// Counts the micro-ops that are done.
struct Meter<'a> {
    target: &'static Target,
    uops: usize,
    done: AtomicUsize,
    listener: &'a Listener,
}

impl Meter<'_> {
    /// Reports the number of micro-ops that were in the cache.
    fn plan(&self, cached: usize) {
        let &Meter { target, uops, .. } = self;
        self.done.store(cached, Ordering::Relaxed);
        self.listener.tell(&Event::Planned {
            target,
            uops,
            cached,
        });
    }

    /// Reports that `more` micro-ops are done.
    fn advance(&self, more: usize) {
        let &Meter { target, uops, .. } = self;
        self.listener.tell_with(|| Event::Progress {
            target,
            done: self.done.fetch_add(more, Ordering::Relaxed) + more,
            uops,
        });
    }
}

/// The lookup, and what it knows from the last build.
type LookupOf<'a> = (&'a Lookup<'a>, &'a Started);

/// What was found in the cache, and what has to be compiled.
struct Found<'a> {
    groups: Vec<Outcome>,
    misses: Vec<Miss<'a>>,
    keys: Keys,
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
        let found = match timed(&mut stages.lookup, || self.recorded(lookup))? {
            // Then nothing is preprocessed.
            Some(found) if found.misses.is_empty() => found,
            first => self.find(lookup, first, &mut stages)?,
        };
        let Found {
            mut groups,
            misses,
            keys,
        } = found;
        let cached = self.sources.len() - misses.len();
        self.meter.plan(cached);
        timed(&mut stages.prepare, || self.prepare(misses.len()))?;
        let build_shim = || {
            let shim = self.shim.map(|source| self.build_shim(source, lookup));
            shim.transpose()
        };
        let ((compiled, spent), shim) = if self.mode == Mode::Driver {
            // The headers have not been compiled yet. If they have errors, the shim reports them once.
            let shim = build_shim()?;
            (self.compile(&misses, lookup), Ok(shim))
        } else {
            rayon::join(|| self.compile(&misses, lookup), build_shim)
        };
        let (shim, shim_key) = shim?.unzip();
        stages.add(&spent);
        if let Some(lookup) = &self.lookup {
            lookup.cache.trim();
        }
        groups.extend(compiled);
        groups.sort_by_key(|(index, _)| *index);
        let groups = all(groups.into_iter().map(|(_, group)| group))?;
        let reads = match lookup {
            Some((lookup, started)) => {
                lookup.conclude(started, &keys, &shim_key.unwrap_or_default())?
            }
            None => None,
        };
        if let Some((same, unknown)) = self.doubts.settle()? {
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
            reads: self.reads(reads)?,
        })
    }

    /// Finds out what the record of the last build says. Without one, most micro-ops are not in the cache, so the headers
    /// are read and compiled at the same time.
    fn start(&self, lookup: &Lookup<'_>) -> Result<Option<Started>, Error> {
        let last = lookup.last();
        let is_first = last.is_none();
        let (started, _) = rayon::join(
            || lookup.start(last),
            // What goes wrong is reported when it is used.
            || is_first.then(|| self.prepare(self.sources.len())),
        );
        Ok(started?)
    }

    fn prepare(&self, misses: usize) -> Result<(), Error> {
        Ok(self.line.compiler.prepare(misses)?)
    }

    /// Returns what is in the cache if the record of the last build has all keys.
    fn recorded(&self, lookup: Option<LookupOf<'_>>) -> Result<Option<Found<'_>>, Error> {
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
    fn find<'a>(
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
            None => Ok(Keys::none(self.sources.len())),
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

    /// Compiles the sources whose tokens are not in the cache, except those whose IR is.
    fn compile(
        &self,
        misses: &[Miss<'_>],
        lookup: Option<LookupOf<'_>>,
    ) -> (Vec<Outcome>, StageTimes) {
        let mut first = StageTimes::default();
        let (found, inputs) = match self.look_up_ir(misses, lookup, &mut first) {
            Ok(divided) => divided,
            // It concerns all of them, and is reported once.
            Err(error) => return (vec![(0, Err(error))], first),
        };
        let stages = Mutex::new(first);
        // Batches are started in their order, so that the large ones come first.
        let mut results: Vec<Outcome> = batches(&inputs, self.mode)
            .into_iter()
            .par_bridge()
            .flat_map_iter(|batch| {
                let sources: Vec<Source> = batch.iter().map(|input| input.source.clone()).collect();
                let irs: Vec<Option<&Ir>> = batch.iter().map(|input| input.ir.as_ref()).collect();
                let mut own = StageTimes::default();
                let (results, products) = self.line.run(&sources, &irs, &mut own);
                if let Some(lookup) = lookup {
                    self.store(batch, &products, lookup);
                }
                stages
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(&own);
                self.meter.advance(batch.len());
                let places = batch.iter().map(|input| input.index);
                places.zip(results).collect::<Vec<_>>()
            })
            .collect();
        results.extend(found);
        (
            results,
            stages.into_inner().unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// Splits the work into batches. Starting a process takes about as long as compiling three micro-ops, and each
/// micro-op takes memory, so batches are neither small nor large. The last ones are smaller, so that no core
/// waits long for another.
fn batches<T>(all: &[T], mode: Mode) -> Vec<&[T]> {
    if mode == Mode::Driver {
        return all.chunks(1).collect();
    }
    let threads = rayon::current_num_threads().max(1);
    let mut batches = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let size = rest.len().div_ceil(2 * threads).clamp(24, 256);
        let (batch, others) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        batches.push(batch);
        rest = others;
    }
    batches
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

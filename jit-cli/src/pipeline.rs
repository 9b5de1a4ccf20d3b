//! One target's way from micro-ops to stencils.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jit_llvm::{CompileOptions, Compiler, Interrupt, Mode, Object, Source, Toolchain};
use jit_schema::Target;
use jit_stencils::{StencilSet, UnresolvedGroup, UnwindInfo};
use rayon::prelude::*;
use tempfile::TempDir;

use crate::{cases::Case, failure::Failure};

/// What to build.
pub(crate) struct Job<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) options: CompileOptions,
    pub(crate) template: &'a str,
    pub(crate) cases: Vec<Case<'a>>,
    pub(crate) shim: Option<&'a Path>,
    pub(crate) keep_temps: Option<PathBuf>,
    pub(crate) mode: Mode,
    pub(crate) interrupt: Interrupt,
}

/// What was built.
pub(crate) struct Built {
    pub(crate) set: StencilSet,
    pub(crate) shim: Option<Shim>,
    pub(crate) stages: Stages,
}

/// The function that enters compiled code.
pub(crate) struct Shim {
    pub(crate) object: Vec<u8>,
    pub(crate) unwind: Option<UnwindInfo>,
}

/// How long each stage took, added up over the threads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stages {
    pub(crate) compile: Duration,
    pub(crate) optimize: Duration,
    pub(crate) assemble: Duration,
    pub(crate) stencils: Duration,
}

impl Stages {
    fn add(&mut self, other: &Stages) {
        self.compile += other.compile;
        self.optimize += other.optimize;
        self.assemble += other.assemble;
        self.stencils += other.stencils;
    }
}

/// Build one target.
pub(crate) fn run(job: Job<'_>) -> Result<Built, Failure> {
    let work = WorkDir::create(job.keep_temps.as_deref())?;
    let target = job.options.target;
    let (preamble, body) = split_template(job.template);
    let mut compiler = Compiler::new(
        job.toolchain,
        job.options,
        preamble.to_owned(),
        work.path(),
        job.mode,
        job.interrupt,
    )?;
    if job.keep_temps.is_some() {
        compiler = compiler.keep_files();
    }
    let sources: Vec<Source> = job
        .cases
        .iter()
        .map(|case| Source {
            name: case.name.to_owned(),
            body: body.replace(PLACEHOLDER, case.text),
        })
        .collect();
    let line = Line {
        compiler: &compiler,
        target,
        keep: job.keep_temps.as_deref(),
    };
    // The preamble and the shim include the same headers: either says what is wrong with them.
    let (shim, prepared) = rayon::join(
        || {
            job.shim
                .map(|source| build_shim(&compiler, target, source))
                .transpose()
        },
        || compiler.prepare(sources.len()),
    );
    prepared?;
    let shim = shim?;
    let stages = Mutex::new(Stages::default());
    let results: Vec<Result<UnresolvedGroup, Failure>> = chunks(&sources, job.mode)
        .into_par_iter()
        .flat_map_iter(|chunk| {
            let mut own = Stages::default();
            let results = line.run(chunk, &mut own);
            stages
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(&own);
            results
        })
        .collect();
    let mut stages = stages.into_inner().unwrap_or_else(PoisonError::into_inner);
    let groups = all(results)?;
    let named = sources.into_iter().map(|source| source.name).zip(groups);
    let set = timed(&mut stages.stencils, || {
        jit_stencils::resolve(target, named)
    })?;
    Ok(Built { set, shim, stages })
}

/// What stands for the micro-op in a template.
const PLACEHOLDER: &str = "CASE";

/// The template's leading includes, and the rest. What comes with every micro-op can be compiled
/// once; build.py puts the case wherever it reads `CASE`, so there must be none in there.
fn split_template(template: &str) -> (&str, &str) {
    let mut end = 0;
    let mut offset = 0;
    for line in template.split_inclusive('\n') {
        offset += line.len();
        let text = line.trim();
        if text.starts_with("#include") && !text.contains(PLACEHOLDER) && line.ends_with('\n') {
            end = offset;
        } else if !(text.is_empty() || text.starts_with("//")) || text.contains(PLACEHOLDER) {
            break;
        }
    }
    template.split_at_checked(end).unwrap_or(("", template))
}

/// Shares of the work. Starting a process costs about as much as three micro-ops, and memory grows
/// with each, so shares are neither small nor large; the last ones are smaller, so that no core
/// waits long for another.
fn chunks(sources: &[Source], mode: Mode) -> Vec<&[Source]> {
    if mode == Mode::Driver {
        return sources.chunks(1).collect();
    }
    let threads = rayon::current_num_threads().max(1);
    let mut chunks = Vec::new();
    let mut rest = sources;
    while !rest.is_empty() {
        let size = rest.len().div_ceil(2 * threads).clamp(8, 128);
        let (chunk, others) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        chunks.push(chunk);
        rest = others;
    }
    chunks
}

fn build_shim(
    compiler: &Compiler<'_>,
    target: &'static Target,
    source: &Path,
) -> Result<Shim, Failure> {
    let object = compiler.shim(source)?;
    let unwind = jit_stencils::shim_unwind(target, &object).map_err(|error| Failure::Unwind {
        path: source.to_path_buf(),
        source: error,
    })?;
    Ok(Shim { object, unwind })
}

/// What every share of the work goes through.
struct Line<'a> {
    compiler: &'a Compiler<'a>,
    target: &'static Target,
    keep: Option<&'a Path>,
}

impl Line<'_> {
    /// A result for each source, in order.
    fn run(
        &self,
        sources: &[Source],
        stages: &mut Stages,
    ) -> Vec<Result<UnresolvedGroup, Failure>> {
        match self.try_run(sources, stages) {
            Ok(results) => results,
            Err(failure) => vec![Err(failure)],
        }
    }

    fn try_run(
        &self,
        sources: &[Source],
        stages: &mut Stages,
    ) -> Result<Vec<Result<UnresolvedGroup, Failure>>, Failure> {
        let assembly = timed(&mut stages.compile, || self.compiler.compile(sources))?;
        let started = Instant::now();
        // What failed stays where it is: each step goes on with what came through.
        let results: Vec<Result<String, Failure>> = sources
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
            .map(|(source, result)| {
                result?;
                match objects.next() {
                    Some(object) => self.lower(&source.name, &object?),
                    None => Err(Failure::Missing {
                        uop: source.name.clone(),
                    }),
                }
            })
            .collect();
        stages.stencils += started.elapsed();
        Ok(groups)
    }

    fn optimize(&self, uop: &str, assembly: &str) -> Result<String, Failure> {
        let optimized =
            jit_optimizer::optimize(self.target, assembly).map_err(|source| Failure::Optimize {
                uop: uop.to_owned(),
                source,
            })?;
        if let Some(folder) = self.keep {
            let path = folder.join(format!("{uop}.optimized.s"));
            fs::write(&path, &optimized).map_err(Failure::file("write", &path))?;
        }
        Ok(optimized)
    }

    fn lower(&self, uop: &str, object: &Object) -> Result<UnresolvedGroup, Failure> {
        let file = jit_schema::native::read(&object.bytes).map_err(|source| Failure::Object {
            uop: uop.to_owned(),
            source,
        })?;
        let mut group =
            jit_stencils::lower(self.target, &file).map_err(|source| Failure::Lower {
                uop: uop.to_owned(),
                source,
            })?;
        if let Some(text) = &object.disassembly {
            let name = format!("{uop}.o");
            let text = format!("\n{name}{text}");
            group.code.disassembly = jit_stencils::clean_disassembly(&text, &name, &name);
        }
        Ok(group)
    }
}

/// All values, or all failures.
fn all<T>(results: impl IntoIterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let mut values = Vec::new();
    let mut failures = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        Ok(values)
    } else {
        Err(Failure::all(failures))
    }
}

fn timed<T>(duration: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = work();
    *duration += started.elapsed();
    value
}

/// Where the intermediate files are: a folder that goes when the build is over, or one to keep.
enum WorkDir {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl WorkDir {
    fn create(keep: Option<&Path>) -> Result<WorkDir, Failure> {
        match keep {
            Some(folder) => {
                fs::create_dir_all(folder).map_err(Failure::file("create", folder))?;
                Ok(WorkDir::Kept(folder.to_path_buf()))
            }
            None => tempfile::Builder::new()
                .prefix("jit-stencils-")
                .tempdir()
                .map(WorkDir::Temporary)
                .map_err(Failure::file("create", &std::env::temp_dir())),
        }
    }

    fn path(&self) -> &Path {
        match self {
            WorkDir::Temporary(folder) => folder.path(),
            WorkDir::Kept(folder) => folder,
        }
    }
}

//! Comparing what this crate writes for a CPython checkout with what the checkout's own `Tools/jit/build.py` writes.
//!
//! Both tools build a copy of the checkout in which only a sample of the micro-ops is left, so that the comparison takes
//! seconds. The checkout itself is only read.

pub(crate) mod compare;
mod python;
mod sample;
mod tree;

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jit_llvm::{Interrupt, run_script};
use jit_schema::Codegen;

use self::{compare::Compared, python::Python, tree::Tree};
use crate::{
    Build,
    cpython::{checkout, patchlevel::Version, release::Release, tools},
    error::{Error, UpstreamError},
    paths,
    project::{
        cases::{self, Case},
        definition::Origin,
        emit::Emit,
        options::{LlvmOptions, Options, Targets},
        plan::Plan,
    },
};

/// The program of a checkout that writes the JIT's files.
pub(crate) const BUILD_PY: &str = "Tools/jit/build.py";

/// What to compare, and how.
#[derive(Debug)]
pub(crate) struct Check {
    /// The checkout, or `None` for the one that contains the current directory.
    pub(crate) cpython: Option<PathBuf>,
    /// The triples. Without any, this machine's.
    pub(crate) targets: Vec<String>,
    pub(crate) pyconfig_dir: Option<PathBuf>,
    pub(crate) debug: bool,
    pub(crate) cflags: String,
    pub(crate) llvm: LlvmOptions,
    /// The most micro-ops to compare, or `None` for all.
    pub(crate) sample: Option<usize>,
    /// The Python to use, or `None` for the first in `PATH` that is new enough.
    pub(crate) python: Option<PathBuf>,
}

/// The result of a comparison.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) root: PathBuf,
    /// The version in the checkout's headers, if they have one.
    pub(crate) version: Option<Version>,
    /// The release that the checkout is built as.
    pub(crate) release: &'static Release,
    /// Files of `Tools/jit` that are not known versions.
    pub(crate) unknown_tools: Vec<&'static str>,
    pub(crate) python: String,
    pub(crate) llvm: String,
    pub(crate) triples: Vec<String>,
    /// The names of the micro-ops that were compared.
    pub(crate) uops: Vec<String>,
    /// The number of micro-ops that the checkout has.
    pub(crate) all: usize,
    /// The number of those that were compared because they have changed.
    pub(crate) changed: usize,
    pub(crate) files: Vec<Compared>,
    /// How long build.py and this crate took.
    pub(crate) elapsed: [Duration; 2],
}

/// Compares the two tools.
pub(crate) fn run(check: &Check, interrupt: &Interrupt) -> Result<Outcome, Error> {
    let options = check.options(root(check.cpython.as_deref())?)?;
    let plan = Plan::new(&options)?;
    let root = plan.project.root.clone();
    let (Some(release), true) = (plan.project.release, root.join(BUILD_PY).is_file()) else {
        return Err(no_build_py(root));
    };
    let interrupt = &interrupt.with_tool_timeout(check.llvm.timeout);
    let python = Python::find(check.python.as_deref(), &root, interrupt)?;
    let toolchain = plan.toolchain(interrupt)?;

    let path = root.join(release.cases);
    let text = paths::read_text(&path, &path).map(cases::universal_newlines)?;
    let cases = (release.conventions.cases)(&text, &path)?;
    let old = old_cases(&root, release, &text, interrupt);
    let changed = changed(&cases, old.as_deref(), &path);
    let size = check.sample.unwrap_or(usize::MAX);
    let chosen = sample::choose(&cases, &changed, size);
    let tree = Tree::create(&root, release, &sample::reduced(&text, &cases, &chosen))?;
    tree.pin(release, toolchain.version.major)?;

    let uops = chosen.iter().filter_map(|index| cases.get(*index));
    let uops: Vec<&str> = uops.map(|case| case.name).collect();
    let mut platforms = plan.platforms.iter();
    let job = Job {
        triples: platforms
            .clone()
            .map(|platform| platform.triple.clone())
            .collect(),
        pyconfig_dir: platforms.find_map(|platform| platform.pyconfig_dir.clone()),
        options: &options,
        major: toolchain.version.major,
        uops: uops.len(),
    };
    // Our messages about wrong C are better than those of build.py.
    let (ours, ours_took) = timed(|| build(&job, &tree, interrupt))?;
    let (theirs, theirs_took) = timed(|| python.build(&tree, &job, interrupt))?;
    Ok(Outcome {
        version: Version::read(&root),
        release,
        unknown_tools: tools::unknown(release, &root),
        python: python.version,
        llvm: format!("clang {}", toolchain.version),
        triples: job.triples,
        all: cases.len(),
        changed: uops.iter().filter(|name| changed.contains(*name)).count(),
        uops: uops.into_iter().map(str::to_owned).collect(),
        files: compare::directories(&theirs, &ours)?,
        elapsed: [theirs_took, ours_took],
        root,
    })
}

impl Check {
    /// Returns the options for a build of the checkout.
    fn options(&self, root: PathBuf) -> Result<Options, Error> {
        let options = Options {
            targets: Targets::Named(self.targets.clone()),
            pyconfig_dir: self.pyconfig_dir.clone(),
            debug: self.debug,
            cflags: self.cflags.clone(),
            codegen: Some(Codegen::Upstream),
            emit: vec![Emit::Header],
            llvm: self.llvm.clone(),
            ..Options::new(Origin::Checkout { root, config: None })
        };
        options.absolute()
    }
}

/// What the two tools are to build.
struct Job<'a> {
    triples: Vec<String>,
    pyconfig_dir: Option<PathBuf>,
    /// The options for a build of the checkout.
    options: &'a Options,
    /// The major version of LLVM.
    major: u32,
    /// The number of micro-ops.
    uops: usize,
}

fn timed<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<(T, Duration), Error> {
    let started = Instant::now();
    Ok((work()?, started.elapsed()))
}

/// Returns the checkout that is named, or the one that contains the current directory.
fn root(named: Option<&Path>) -> Result<PathBuf, Error> {
    let missing = |root: &Path| Error::NotCpython {
        root: root.to_path_buf(),
        missing: "directory",
    };
    if let Some(root) = named {
        return root.canonicalize().map_err(|_| missing(root));
    }
    let here = env::current_dir().map_err(Error::file("find", Path::new(".")))?;
    let mut directories = here.ancestors();
    match directories.find(|directory| checkout::is_checkout(directory)) {
        Some(root) => root.canonicalize().map_err(|_| missing(root)),
        None => Err(no_build_py(here)),
    }
}

fn no_build_py(root: PathBuf) -> Error {
    Error::NotCpython {
        root,
        missing: BUILD_PY,
    }
}

/// Builds the copy with this crate. Returns the directory with the files.
fn build(job: &Job<'_>, tree: &Tree, interrupt: &Interrupt) -> Result<PathBuf, Error> {
    let output = tree.directory("jit-cli")?;
    let mut options = job.options.clone();
    options.origin = Origin::Checkout {
        root: tree.root(),
        config: None,
    };
    options.targets = Targets::Named(job.triples.clone());
    options.pyconfig_dir.clone_from(&job.pyconfig_dir);
    options.output_dir = Some(output.clone());
    options.llvm.version = Some(job.major.to_string());
    // What is compared is what the tools make now.
    options.cache.enabled = false;
    options.headers = false;
    let build = Build::with(options).interrupt(interrupt.clone());
    match build.write() {
        Ok(_) => Ok(output),
        Err(error) => Err(tree.in_checkout(error)),
    }
}

/// Returns the micro-ops' file as the last commit has it, or the one before if that is the same. Without git, there is
/// none.
fn old_cases(root: &Path, release: &Release, text: &str, interrupt: &Interrupt) -> Option<String> {
    ["HEAD", "HEAD^"].into_iter().find_map(|revision| {
        let name = format!("{revision}:./{}", release.cases);
        let words = ["show".into(), name.into()];
        let shown = run_script(Path::new("git"), &words, root, &[], interrupt).ok()?;
        let old = String::from_utf8(shown.stdout)
            .ok()
            .map(cases::universal_newlines)?;
        (shown.status.success() && old != text).then_some(old)
    })
}

/// Returns the names of the cases that differ from those of an old file.
fn changed<'c>(cases: &[Case<'c>], old: Option<&str>, path: &Path) -> BTreeSet<&'c str> {
    let Some(old) = old else {
        return BTreeSet::new();
    };
    let Ok(old) = cases::split(old, path) else {
        return BTreeSet::new();
    };
    let old: BTreeSet<&str> = old.iter().map(|case| case.text).collect();
    let cases = cases.iter().filter(|case| !old.contains(case.text));
    cases.map(|case| case.name).collect()
}

impl Outcome {
    /// Returns the error for files that differ, if there are any.
    pub(crate) fn failure(&self) -> Option<UpstreamError> {
        let differing = self.files.iter().filter(|file| file.difference.is_some());
        let files: Vec<String> = differing.clone().map(|file| file.name.clone()).collect();
        let uops: BTreeSet<String> = differing
            .filter_map(|file| file.difference.as_ref())
            .flat_map(|difference| difference.uops.iter().cloned())
            .collect();
        (!files.is_empty()).then(|| UpstreamError::Differs {
            root: self.root.clone(),
            files,
            uops: uops.into_iter().collect(),
        })
    }
}

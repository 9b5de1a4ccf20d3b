//! Comparing what two sets of headers mean to a project. A wrong header changes a few stencils out of a
//! thousand, and no tool reports an error.

mod compare;
mod functions;
mod macros;
pub(crate) mod outcome;
mod records;
mod scope;
mod side;
mod subject;
mod types;

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_llvm::{CompileOptions, Inspector, Interrupt, Source, Toolchain};
use jit_schema::Target;

pub(crate) use self::subject::Place;
use self::{outcome::Comparison, side::Side, subject::Subject};
use crate::{
    error::Error,
    pipeline::workdir::{self, WorkDir},
    project::{flags, options::LlvmOptions, plan, platform},
    sysroot::headers::{self, Sysroot},
};

/// The comparison to make.
#[derive(Debug)]
pub(crate) struct Check {
    /// The project whose headers are compiled with both sets.
    pub(crate) place: Place,
    /// The triple of the target. The default is this machine.
    pub(crate) target: Option<String>,
    /// The headers to check: a directory, or `builtin`.
    pub(crate) sysroot: PathBuf,
    /// The headers to compare them with. The default is the project's setting, or this machine's headers.
    pub(crate) real: Option<PathBuf>,
    /// The directory of the `pyconfig.h` that belongs to the real headers.
    pub(crate) pyconfig_dir: Option<PathBuf>,
    pub(crate) debug: bool,
    pub(crate) free_threaded: bool,
    /// Flags for clang, quoted as for a shell.
    pub(crate) cflags: String,
    pub(crate) llvm: LlvmOptions,
    /// The directory to unpack the built-in headers in.
    pub(crate) cache_dir: Option<PathBuf>,
}

/// A comparison and its results.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) target: &'static Target,
    /// `release`, `debug` and so on.
    pub(crate) configuration: &'static str,
    /// The headers that were checked.
    pub(crate) checked: String,
    /// The headers that they were compared with.
    pub(crate) real: String,
    pub(crate) comparison: Comparison,
}

/// Compares two sets of headers.
pub(crate) fn run(check: &Check, interrupt: &Interrupt) -> Result<Outcome, Error> {
    let interrupt = &interrupt.with_tool_timeout(check.llvm.timeout);
    let target = match &check.target {
        Some(triple) => Target::from_triple(triple)?,
        None => plan::host()?,
    };
    let cache = check.cache_dir.as_deref();
    let checked = Sysroot::find(&check.sysroot, cache)?;
    let subject = Subject::find(&check.place)?;
    let real = real_headers(check, &subject, target)?;
    // Each side has its own pyconfig.h. If there is only one, both sides use it.
    let own = checked.pyconfig_dir();
    let given = real_pyconfig(check, &subject, target)?;
    let checked_pyconfig = own.as_deref().or(given.as_deref());
    let real_pyconfig = given.as_deref().or(own.as_deref());
    let search = plan::search(&check.llvm, subject.llvm.clone())?;
    let toolchain = Toolchain::discover(&search, interrupt)?;
    // The flags for mingw-w64's headers affect CPython's headers, so both sides must have them.
    let dialect: Vec<String> = [Some(&checked), real.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|sysroot| sysroot.dialect(target))
        .unwrap_or_default();
    let work = WorkDir::create(&workdir::Place::choose(None, 1))?;
    let look = |name, sysroot: Option<&Sysroot>, pyconfig: Option<&Path>| {
        let directory = work.path().join(name);
        fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
        let mut options = options(check, target, &subject, pyconfig)?;
        options.cflags.extend_from_slice(&dialect);
        options.cflags.extend(
            sysroot
                .into_iter()
                .flat_map(|sysroot| sysroot.places(target)),
        );
        let config = subject.config.as_ref();
        options
            .cflags
            .extend(config.map_or_else(Vec::new, |config| config.cflags(target)));
        let cflags = plan::split_flags(&check.cflags)?;
        options.cflags.extend(cflags);
        let source = Source {
            name: NAME.to_owned(),
            body: subject.source.clone(),
        };
        let inspector = Inspector::new(&toolchain, options, source, &directory)?;
        Ok(Side::look(inspector.interrupt(interrupt.clone()))?)
    };
    let (checked_side, real_side): (Result<_, Error>, Result<_, Error>) = rayon::join(
        || look("checked", Some(&checked), checked_pyconfig),
        || look("real", real.as_ref(), real_pyconfig),
    );
    let comparison = compare::compare(target, &subject, &checked_side?, &real_side?)?;
    let configuration = match (check.debug, check.free_threaded) {
        (false, false) => "release",
        (true, false) => "debug",
        (false, true) => "free-threaded",
        (true, true) => "free-threaded debug",
    };
    let against = match &real {
        Some(Sysroot::Directory(directory)) => directory.display().to_string(),
        Some(Sysroot::Builtin(_)) => headers::BUILTIN.to_owned(),
        None => "this machine's headers".to_owned(),
    };
    Ok(Outcome {
        target,
        configuration,
        checked: check.sysroot.display().to_string(),
        real: against,
        comparison,
    })
}

/// Returns the headers to compare with: those that are named, else those of the target in `jit.toml`. `None` means
/// this machine's headers.
fn real_headers(
    check: &Check,
    subject: &Subject,
    target: &'static Target,
) -> Result<Option<Sysroot>, Error> {
    let cache = check.cache_dir.as_deref();
    if let Some(name) = &check.real {
        return Sysroot::find(name, cache).map(Some);
    }
    let configured = match &subject.config {
        Some(config) => platform::configured_sysroot(config, target, cache)?,
        None => None,
    };
    let directory = configured.filter(|sysroot| matches!(sysroot, Sysroot::Directory(_)));
    if directory.is_none() && Target::host() != Some(target) {
        return Err(Error::NoRealHeaders { target });
    }
    Ok(directory)
}

/// Returns the directory with the real headers' `pyconfig.h`, in the same order.
fn real_pyconfig(
    check: &Check,
    subject: &Subject,
    target: &Target,
) -> Result<Option<PathBuf>, Error> {
    let configured = |config| platform::configured_pyconfig(config, target);
    match &check.pyconfig_dir {
        Some(directory) => platform::existing_pyconfig(directory).map(Some),
        None => subject.config.as_ref().and_then(configured).transpose(),
    }
}

/// The name of the source in clang's messages.
const NAME: &str = "headers";

/// Returns the options with which stencils are compiled, without those for system headers.
fn options(
    check: &Check,
    target: &'static Target,
    subject: &Subject,
    pyconfig: Option<&Path>,
) -> Result<CompileOptions, Error> {
    let mut options = CompileOptions::new(target, subject.root.clone());
    let mut defines = subject.defines.clone();
    defines.extend(headers::defines(check.debug, check.free_threaded));
    options.flags = flags::with_defines(
        (subject.conventions.flags)(target, check.debug, options.codegen),
        &defines,
        &subject.stencil_defines,
        &[],
    );
    if let Some(directory) = pyconfig {
        options.include_dirs.push(directory.to_path_buf());
    }
    options
        .include_dirs
        .extend_from_slice(&subject.include_dirs);
    Ok(options)
}

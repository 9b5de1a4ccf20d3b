//! `jit-cli sysroot check`: whether one set of headers means the same to a project as another. What
//! a wrong one changes is a few stencils out of a thousand, and no tool complains.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jit_llvm::{CompileOptions, Inspector, Interrupt, Source, Toolchain};
use jit_schema::Target;

use crate::{
    commands::arguments::CheckArgs,
    error::Error,
    pipeline::workdir::WorkDir,
    project::flags,
    project::platform,
    project::setup,
    sysroot::check::{compare, side::Side, subject::Subject},
    sysroot::headers::{self, Sysroot},
    terminal::report::Report,
};

/// Run the command.
pub(crate) fn run(
    arguments: &CheckArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let target = match &arguments.target {
        Some(triple) => Target::from_triple(triple)?,
        None => setup::host()?,
    };
    let cache = arguments.cache_dir.as_deref();
    let checked = Sysroot::find(&arguments.sysroot, cache)?;
    let subject = Subject::find(arguments)?;
    let real = real_headers(arguments, &subject, target)?;
    // Each side has its own pyconfig.h; where there is one only, it is as good for both.
    let own = checked.pyconfig_dir();
    let given = real_pyconfig(arguments, &subject, target)?;
    let checked_pyconfig = own.as_deref().or(given.as_deref());
    let real_pyconfig = given.as_deref().or(own.as_deref());
    let search = arguments.llvm.search(subject.llvm.clone())?;
    let toolchain = Toolchain::discover(&search, interrupt)?;
    // What gets CPython's headers through mingw-w64's shows in them: it must be on both sides.
    let dialect: Vec<String> = [Some(&checked), real.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|sysroot| sysroot.dialect(target))
        .unwrap_or_default();
    let work = WorkDir::create(None, 1)?;
    let look = |name, sysroot: Option<&Sysroot>, pyconfig: Option<&Path>| {
        let folder = work.path().join(name);
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let mut options = options(arguments, target, &subject, pyconfig)?;
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
        let cflags = setup::split_cflags(arguments.cflags.as_deref())?;
        options.cflags.extend(cflags);
        let source = Source {
            name: NAME.to_owned(),
            body: subject.source.clone(),
        };
        let inspector = Inspector::new(&toolchain, options, source, &folder)?;
        Ok(Side::look(inspector.interrupt(interrupt.clone()))?)
    };
    let (checked_side, real_side): (Result<_, Error>, Result<_, Error>) = rayon::join(
        || look("checked", Some(&checked), checked_pyconfig),
        || look("real", real.as_ref(), real_pyconfig),
    );
    let comparison = compare::compare(target, &subject, &checked_side?, &real_side?)?;
    let configuration = match (arguments.debug, arguments.free_threaded) {
        (false, false) => "release",
        (true, false) => "debug",
        (false, true) => "free-threaded",
        (true, true) => "free-threaded debug",
    };
    let against = match &real {
        Some(Sysroot::Folder(folder)) => folder.display().to_string(),
        Some(Sysroot::Builtin(_)) => headers::BUILTIN.to_owned(),
        None => "this machine's headers".to_owned(),
    };
    let sysroot = arguments.sysroot.display().to_string();
    report.compared(target, configuration, &sysroot, &against, &comparison);
    match comparison.differences.len() {
        0 => Ok(()),
        differences => Err(Error::SysrootDiffers {
            sysroot,
            against,
            differences,
        }),
    }
}

/// The headers to compare with: what is named, else what `jit.toml` has for the target; nothing for
/// this machine's.
fn real_headers(
    arguments: &CheckArgs,
    subject: &Subject,
    target: &Target,
) -> Result<Option<Sysroot>, Error> {
    let cache = arguments.cache_dir.as_deref();
    if let Some(name) = &arguments.real {
        return Sysroot::find(name, cache).map(Some);
    }
    let configured = match &subject.config {
        Some(config) => platform::configured_sysroot(config, target, cache)?,
        None => None,
    };
    let folder = configured.filter(|sysroot| matches!(sysroot, Sysroot::Folder(_)));
    if folder.is_none() && Target::host() != Some(target) {
        return Err(Error::Usage(format!(
            "{target} is not this machine: name a folder with its headers with --real \
             (docs/sysroot.md says where to get them)"
        )));
    }
    Ok(folder)
}

/// Where the real headers' `pyconfig.h` is, in the same order.
fn real_pyconfig(
    arguments: &CheckArgs,
    subject: &Subject,
    target: &Target,
) -> Result<Option<PathBuf>, Error> {
    let configured = |config| platform::configured_pyconfig(config, target);
    match &arguments.pyconfig_dir {
        Some(folder) => platform::existing_pyconfig(folder).map(Some),
        None => subject.config.as_ref().and_then(configured).transpose(),
    }
}

/// What clang calls the source in its messages.
const NAME: &str = "headers";

/// How stencils are compiled, less where the system's headers are.
fn options(
    arguments: &CheckArgs,
    target: &'static Target,
    subject: &Subject,
    pyconfig: Option<&Path>,
) -> Result<CompileOptions, Error> {
    let mut options = CompileOptions::new(target, subject.root.clone());
    let mut defines = subject.defines.clone();
    defines.extend(headers::defines(arguments.debug, arguments.free_threaded));
    options.flags = flags::with_defines(
        (subject.conventions.flags)(target, arguments.debug, options.codegen),
        &defines,
        &subject.stencil_defines,
        &[],
    );
    if let Some(folder) = pyconfig {
        options.include_dirs.push(folder.to_path_buf());
    }
    options
        .include_dirs
        .extend_from_slice(&subject.include_dirs);
    Ok(options)
}

//! `jit-cli build`: from a project to the files its build includes.

use std::{path::Path, time::Instant};

use jit_llvm::Interrupt;
use jit_schema::Codegen;
use jit_writer::Preamble;

use crate::{
    commands::arguments::BuildArgs,
    conventions::{Conventions, FileNames, LlvmMajors, TargetFileNames},
    error::Error,
    output::OutputDir,
    pipeline::one_target::{self, Job},
    project::digest,
    project::emit::Emits,
    project::setup::Setup,
    sysroot::advice,
    sysroot::headers::BUILTIN,
    terminal::report::Report,
};

/// Run the command.
pub(crate) fn run(
    arguments: &BuildArgs,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<(), Error> {
    let setup = Setup::new(arguments)?;
    let project = &setup.project;
    report.project(&project.description, arguments.cpython.is_some());
    let output = OutputDir::create(setup.output_dir())?;
    let comment = comment(&setup);
    let jobs = setup.jobs()?;
    let mut toolchain = None;
    let mut sources = None;
    for platform in &setup.platforms {
        let target = platform.target;
        let started = Instant::now();
        let majors = LlvmMajors {
            pinned: project.pinned_llvm,
            asked: setup.search.major,
        };
        if let Some(banner) = (project.conventions.banner)(target, majors) {
            report.banner(&banner);
        }
        let digest = setup.digest(platform)?;
        let names = project.conventions.file_names.of(target);
        let wanted = match arguments.force {
            true => setup.emits,
            false => outdated(&setup, &output, &names, &digest),
        };
        if wanted.is_empty() {
            report.current(target);
            continue;
        }
        let toolchain = match &toolchain {
            Some(found) => found,
            None => toolchain.insert(jobs.install(|| setup.toolchain(interrupt))?),
        };
        let sources = match &sources {
            Some(read) => read,
            None => sources.insert(setup.sources()?),
        };
        let job = Job {
            toolchain,
            options: setup.options(platform),
            template: sources.template(platform),
            cases: sources.cases(project)?,
            shim: project.shim.as_deref(),
            cache: setup
                .cache
                .as_ref()
                .map(|cache| (cache, setup.record_name(platform))),
            keep_temps: arguments
                .keep_temps
                .as_ref()
                .map(|folder| folder.join(target.triple)),
            mode: setup.mode(),
            interrupt: interrupt.clone(),
            progress: report.start(target),
        };
        let mut built = jobs
            .install(|| one_target::build(job))
            .map_err(|failure| advice::add(failure, platform, &project.root))?;
        let preamble = Preamble {
            digest: &digest,
            comment: &comment,
        };
        let header = match wanted.header {
            true => header_files(&project.conventions, &names, preamble, &built),
            false => Vec::new(),
        };
        let mut files = match wanted.stencils {
            true => stencil_files(&setup, &names, &digest, &mut built)?,
            false => Vec::new(),
        };
        files.extend(header);
        output.write(&files)?;
        report.built(target, &built, &files, started.elapsed());
    }
    if setup.emits.header {
        write_dispatchers(&setup, &output, &comment)?;
    }
    report.finish(output.path());
    Ok(())
}

fn write_dispatchers(setup: &Setup<'_>, output: &OutputDir, comment: &str) -> Result<(), Error> {
    let conventions = &setup.project.conventions;
    let FileNames {
        stencils, unwind, ..
    } = conventions.file_names;
    let unwind = setup.project.shim.is_some().then_some(unwind);
    for prefix in [stencils].into_iter().chain(unwind) {
        let targets = setup.platforms.iter().map(|platform| platform.target);
        let text = conventions
            .header_format
            .dispatcher(comment, prefix, targets);
        output.update(&format!("{prefix}.h"), text.as_bytes())?;
    }
    Ok(())
}

/// The command in the second line of a header. It names what decides about the contents and none
/// of this machine's folders, so that the same input gives the same file everywhere: real headers
/// are `DIR` wherever they are, and what a `jit.toml` says of targets stays there.
fn comment(setup: &Setup<'_>) -> String {
    let mut words = vec!["jit-cli".to_owned(), "build".to_owned()];
    let targets = setup.platforms.iter().map(|platform| platform.target);
    words.extend(targets.map(|target| target.triple.to_owned()));
    if setup.arguments.debug {
        words.push("--debug".to_owned());
    }
    let sysroot = setup.arguments.sysroot.as_deref();
    words.extend(sysroot.map(|name| match name == Path::new(BUILTIN) {
        true => format!("--sysroot={BUILTIN}"),
        false => "--sysroot=DIR".to_owned(),
    }));
    if setup.arguments.free_threaded {
        words.push("--free-threaded".to_owned());
    }
    if setup.codegen == Codegen::Tuned {
        words.push("--codegen=tuned".to_owned());
    }
    if !setup.cflags_text.is_empty() {
        words.push(format!("--cflags={}", setup.cflags_text));
    }
    words.extend(
        setup
            .search
            .major
            .map(|major| format!("--llvm-version={major}")),
    );
    let line =
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    // Whatever the flags hold, a comment is one line.
    format!("$ {}", line.replace(['\n', '\r'], " "))
}

/// Which of the wanted files are not there, or do not say that they were made from these inputs.
pub(crate) fn outdated(
    setup: &Setup<'_>,
    output: &OutputDir,
    names: &TargetFileNames,
    digest: &str,
) -> Emits {
    let wanted = setup.emits;
    let shim = setup.project.shim.is_some();
    let first_line = format!("// {digest}\n");
    let header = || {
        output.starts_with(&names.header, &first_line)
            && (!shim
                || (output.has(&names.shim) && output.starts_with(&names.unwind, &first_line)))
    };
    let stencils = || {
        output
            .read(&names.stencils)
            .is_some_and(|file| output.read(&names.stamp) == Some(stamp(digest, &file)))
    };
    Emits {
        header: wanted.header && !header(),
        stencils: wanted.stencils && !stencils(),
    }
}

/// A stencil file has nothing in it but stencils, so what it was made from stands beside it, and
/// which file that is.
fn stamp(digest: &str, file: &[u8]) -> Vec<u8> {
    format!("{digest}\n{}\n", digest::of(file)).into_bytes()
}

/// A file's name and contents.
type NewFile = (String, Vec<u8>);

/// Returns the headers and the shim's object.
fn header_files(
    conventions: &Conventions,
    names: &TargetFileNames,
    preamble: Preamble<'_>,
    built: &one_target::Built,
) -> Vec<NewFile> {
    let mut files = Vec::with_capacity(3);
    if let Some(shim) = &built.shim {
        let unwind = conventions
            .header_format
            .unwind_header(preamble, shim.unwind.as_ref());
        files.push((names.shim.clone(), shim.object.clone()));
        files.push((names.unwind.clone(), unwind.into_bytes()));
    }
    // Last, since its first line is what says that everything is current.
    let header = conventions
        .header_format
        .stencil_header(preamble, &built.set);
    files.push((names.header.clone(), header.into_bytes()));
    files
}

/// The stencil file, and behind it what says that it is current. After the header: the shim may
/// bring symbols of its own.
fn stencil_files(
    setup: &Setup<'_>,
    names: &TargetFileNames,
    digest: &str,
    built: &mut one_target::Built,
) -> Result<Vec<NewFile>, Error> {
    if let (Some(shim), Some(path)) = (&built.shim, &setup.project.shim) {
        jit_stencils::attach_shim(&mut built.set, &shim.object).map_err(|source| Error::Shim {
            path: path.clone(),
            source,
        })?;
    }
    let file = jit_stencils::file::encode(&built.set);
    let stamp = stamp(digest, &file);
    Ok(vec![
        (names.stencils.clone(), file),
        (names.stamp.clone(), stamp),
    ])
}

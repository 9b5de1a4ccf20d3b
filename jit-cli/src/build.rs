//! `jit-cli build`: from a project to the files its build includes.

use std::time::Instant;

use jit_llvm::Interrupt;
use jit_schema::Target;
use jit_writer::Preamble;

use crate::{
    args::BuildArgs,
    failure::Failure,
    output::OutputDir,
    pipeline::{self, Job},
    report::Report,
    setup::{Setup, Sources},
};

/// The names of the files of one target.
pub(crate) struct Names {
    pub(crate) stencils: String,
    pub(crate) shim: String,
    pub(crate) unwind: String,
}

impl Names {
    /// Of a target.
    pub(crate) fn of(target: &Target) -> Names {
        let triple = target.triple;
        Names {
            stencils: format!("jit_stencils-{triple}.h"),
            shim: format!("jit_shim-{triple}.o"),
            unwind: format!("jit_unwind_info-{triple}.h"),
        }
    }
}

/// Run the command.
pub(crate) fn run(
    arguments: &BuildArgs,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<(), Failure> {
    let setup = Setup::new(arguments)?;
    let project = &setup.project;
    report.project(&project.description, arguments.cpython.is_some());
    let output = OutputDir::create(setup.output_dir())?;
    let comment = comment(&setup);
    let jobs = setup.jobs()?;
    let mut toolchain = None;
    let mut sources = None;
    for &target in &setup.targets {
        let started = Instant::now();
        report.banner(target, project.pinned_llvm, setup.search.major);
        let digest = setup.digest(target)?;
        let names = Names::of(target);
        if !arguments.force && is_current(&output, &names, &digest, project.shim.is_some()) {
            report.current(target);
            continue;
        }
        let toolchain = match &toolchain {
            Some(found) => found,
            None => toolchain.insert(jobs.install(|| setup.toolchain(interrupt))?),
        };
        let sources = match &sources {
            Some(read) => read,
            None => sources.insert(Sources::read(project)?),
        };
        let job = Job {
            toolchain,
            options: setup.options(target),
            template: sources.template(),
            cases: sources.cases(project)?,
            shim: project.shim.as_deref(),
            cache: setup
                .cache
                .as_ref()
                .map(|cache| (cache, project.record_name(target, arguments.debug))),
            keep_temps: arguments
                .keep_temps
                .as_ref()
                .map(|folder| folder.join(target.triple)),
            mode: setup.mode(),
            interrupt: interrupt.clone(),
            progress: report.start(target),
        };
        let built = jobs.install(|| pipeline::run(job))?;
        let preamble = Preamble {
            digest: &digest,
            comment: &comment,
        };
        write(&output, &names, preamble, &built)?;
        report.built(target, &built, started.elapsed());
    }
    for prefix in ["jit_stencils", "jit_unwind_info"] {
        if prefix == "jit_unwind_info" && project.shim.is_none() {
            continue;
        }
        let targets = setup.targets.iter().copied();
        let text = jit_writer::write_dispatcher(&comment, prefix, targets);
        output.update(&format!("{prefix}.h"), text.as_bytes())?;
    }
    report.finish(output.path());
    Ok(())
}

/// The command in the second line of a header. It names what decides about the contents and none
/// of this machine's folders, so that the same input gives the same file everywhere.
fn comment(setup: &Setup<'_>) -> String {
    let mut words = vec!["jit-cli".to_owned(), "build".to_owned()];
    words.extend(setup.targets.iter().map(|target| target.triple.to_owned()));
    if setup.arguments.debug {
        words.push("--debug".to_owned());
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

/// Whether the files are there and say that they were made from these inputs.
pub(crate) fn is_current(output: &OutputDir, names: &Names, digest: &str, shim: bool) -> bool {
    let first_line = format!("// {digest}\n");
    output.starts_with(&names.stencils, &first_line)
        && (!shim || (output.has(&names.shim) && output.starts_with(&names.unwind, &first_line)))
}

fn write(
    output: &OutputDir,
    names: &Names,
    preamble: Preamble<'_>,
    built: &pipeline::Built,
) -> Result<(), Failure> {
    let stencils = jit_writer::write_header(preamble, &built.set);
    let unwind;
    let mut files: Vec<(&str, &[u8])> = Vec::with_capacity(3);
    if let Some(shim) = &built.shim {
        unwind = jit_writer::write_unwind_header(preamble, shim.unwind.as_ref());
        files.push((&names.shim, &shim.object));
        files.push((&names.unwind, unwind.as_bytes()));
    }
    // Last, since its first line is what says that everything is current.
    files.push((&names.stencils, stencils.as_bytes()));
    output.write(&files)
}

//! `jit-cli build`: from a project to the files its build includes.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use jit_llvm::{CompileOptions, Interrupt, Mode, Search, Toolchain};
use jit_schema::Target;
use jit_writer::Preamble;

use crate::{
    args::BuildArgs,
    cases, digest,
    failure::Failure,
    output::OutputDir,
    pipeline::{self, Job},
    project::{Project, Wanted},
    summary::Summary,
};

/// The names of the files of one target.
struct Names {
    stencils: String,
    shim: String,
    unwind: String,
}

impl Names {
    fn of(target: &Target) -> Names {
        let triple = target.triple;
        Names {
            stencils: format!("jit_stencils-{triple}.h"),
            shim: format!("jit_shim-{triple}.o"),
            unwind: format!("jit_unwind_info-{triple}.h"),
        }
    }
}

/// Run the command.
pub(crate) fn run(arguments: &BuildArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let project = Project::find(&Wanted {
        cpython: arguments.cpython.as_deref(),
        pyconfig_dir: arguments.pyconfig_dir.as_deref(),
        output_dir: arguments.output_dir.as_deref(),
    })?;
    if arguments.cpython.is_none() {
        println!("{}", project.description);
    }
    let output_dir = arguments.output_dir.as_deref().unwrap_or(&project.output);
    let targets = targets(arguments, &project)?;
    let cflags_text = arguments.cflags.clone().unwrap_or_default();
    let Some(user_cflags) = shlex::split(&cflags_text) else {
        return Err(Failure::Usage(format!(
            "--cflags {cflags_text:?}: a quote is not closed"
        )));
    };
    let cflags: Vec<String> = project.cflags.iter().cloned().chain(user_cflags).collect();
    let search = search(arguments, &project)?;
    let output = OutputDir::create(output_dir)?;
    let comment = comment(arguments, &targets, &cflags_text, search.major);

    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.jobs.map_or(0, std::num::NonZero::get))
        .build()
        .map_err(|error| Failure::Usage(format!("can't start the jobs: {error}")))?;
    let mut toolchain = None;
    let mut sources = None;
    let mut summary = Summary::default();
    for &target in &targets {
        let started = Instant::now();
        banner(target, &project, search.major);
        let digest = digest::compute(target, arguments.debug, &cflags_text, &project.digest)?;
        let first_line = format!("// {digest}\n");
        let preamble = Preamble {
            digest: &digest,
            comment: &comment,
        };
        let names = Names::of(target);
        if !arguments.force && is_current(&output, &names, &first_line, project.shim.is_some()) {
            summary.current(target);
            continue;
        }
        let toolchain = match &toolchain {
            Some(found) => found,
            None => toolchain.insert(Toolchain::discover(&search, interrupt)?),
        };
        let sources = match &sources {
            Some(read) => read,
            None => sources.insert(Sources::read(&project)?),
        };
        let job = Job {
            toolchain,
            options: CompileOptions {
                target,
                debug: arguments.debug,
                defines: project.defines.clone(),
                stencil_defines: project.stencil_defines.clone(),
                shim_defines: project.shim_defines.of(target),
                include_dirs: project.include_dirs.clone(),
                root: project.root.clone(),
                cflags: cflags.clone(),
            },
            template: &sources.template,
            cases: cases::split(&sources.cases, &project.cases)?,
            shim: project.shim.as_deref(),
            keep_temps: arguments
                .keep_temps
                .as_ref()
                .map(|folder| folder.join(target.triple)),
            mode: if arguments.one_process_per_step {
                Mode::Driver
            } else {
                Mode::Batch
            },
            interrupt: interrupt.clone(),
        };
        let built = pool.install(|| pipeline::run(job))?;
        write(&output, &names, preamble, &built)?;
        summary.built(target, &built, started.elapsed());
    }
    for prefix in ["jit_stencils", "jit_unwind_info"] {
        if prefix == "jit_unwind_info" && project.shim.is_none() {
            continue;
        }
        let text = jit_writer::write_dispatcher(&comment, prefix, targets.iter().copied());
        output.update(&format!("{prefix}.h"), text.as_bytes())?;
    }
    summary.print(&output);
    Ok(())
}

/// The two sources every target is made from.
struct Sources {
    template: String,
    cases: String,
}

impl Sources {
    fn read(project: &Project) -> Result<Sources, Failure> {
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map(cases::universal_newlines)
                .map_err(Failure::file("read", path))
        };
        Ok(Sources {
            template: read(&project.template)?,
            cases: read(&project.cases)?,
        })
    }
}

fn targets(arguments: &BuildArgs, project: &Project) -> Result<Vec<&'static Target>, Failure> {
    if arguments.all_targets {
        return Ok(Target::ALL
            .iter()
            .filter_map(|target| Target::from_triple(target.triple).ok())
            .collect());
    }
    let mut targets = Vec::new();
    for triple in arguments.targets.iter().chain(&arguments.triples) {
        let target = Target::from_triple(triple)?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        targets.clone_from(&project.targets);
    }
    if targets.is_empty() {
        let host = Target::host().ok_or_else(|| {
            Failure::Usage("this machine is none of the targets: name one with --target".to_owned())
        })?;
        targets.push(host);
    }
    Ok(targets)
}

/// An empty value counts as none: CPython's Makefile passes `--llvm-version=""`.
fn search(arguments: &BuildArgs, project: &Project) -> Result<Search, Failure> {
    let mut search = project.llvm.clone();
    if let Some(version) = arguments.llvm_version.as_deref().filter(|v| !v.is_empty()) {
        search.major = Some(Search::parse_major(version)?);
    }
    search.install_dir = arguments
        .llvm_tools_install_dir
        .as_ref()
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    Ok(search)
}

/// The command in the second line of a header. It names what decides about the contents and none
/// of this machine's folders, so that the same input gives the same file everywhere.
fn comment(arguments: &BuildArgs, targets: &[&Target], cflags: &str, major: Option<u32>) -> String {
    let mut words = vec!["jit-cli".to_owned(), "build".to_owned()];
    words.extend(targets.iter().map(|target| target.triple.to_owned()));
    if arguments.debug {
        words.push("--debug".to_owned());
    }
    if !cflags.is_empty() {
        words.push(format!("--cflags={cflags}"));
    }
    words.extend(major.map(|major| format!("--llvm-version={major}")));
    let line =
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    // Whatever the flags hold, a comment is one line.
    format!("$ {}", line.replace(['\n', '\r'], " "))
}

fn is_current(output: &OutputDir, names: &Names, first_line: &str, shim: bool) -> bool {
    output.starts_with(&names.stencils, first_line)
        && (!shim || (output.has(&names.shim) && output.starts_with(&names.unwind, first_line)))
}

fn write(
    output: &OutputDir,
    names: &Names,
    preamble: Preamble<'_>,
    built: &pipeline::Built,
) -> Result<(), Failure> {
    if let Some(shim) = &built.shim {
        output.write(&names.shim, &shim.object)?;
        let text = jit_writer::write_unwind_header(preamble, shim.unwind.as_ref());
        output.write(&names.unwind, text.as_bytes())?;
    }
    // Last, since its first line is what says that everything is current.
    let text = jit_writer::write_header(preamble, &built.set);
    output.write(&names.stencils, text.as_bytes())
}

/// What build.py prints for a target that is not stable.
fn banner(target: &Target, project: &Project, major: Option<u32>) {
    if target.stable {
        return;
    }
    let warning = format!("JIT support for {target} is still experimental!");
    let width = warning.len();
    let request = match (project.pinned_llvm, major) {
        (Some(pinned), Some(major)) if pinned != major => {
            format!("Warning! Building with an LLVM version other than {pinned} is not supported.")
        }
        _ => centered("Please report any issues you encounter.", width),
    };
    let outline = "=".repeat(width);
    println!("\n{outline}\n{warning}\n{request}\n{outline}\n");
}

/// Python's `str.center`, which puts the odd space in front only if the width is odd, too.
fn centered(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.len());
    let left = missing / 2 + (missing & width & 1);
    format!("{:left$}{text}{:right$}", "", "", right = missing - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    // From Python: 'abc'.center(n).
    #[test]
    fn centered_as_python_does() {
        for (width, expected) in [
            (2, "abc"),
            (3, "abc"),
            (4, "abc "),
            (5, " abc "),
            (6, " abc  "),
            (7, "  abc  "),
        ] {
            assert_eq!(centered("abc", width), expected);
        }
        for (width, expected) in [(3, " ab"), (4, " ab "), (5, "  ab "), (6, "  ab  ")] {
            assert_eq!(centered("ab", width), expected);
        }
    }
}

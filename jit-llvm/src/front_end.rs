//! Whole files of functions, to LLVM's IR before optimization.

use std::{
    ffi::{OsStr, OsString},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use crate::{
    context::Context,
    driver,
    error::LlvmError,
    files,
    options::Language,
    plan::Plan,
    shim,
    snapshot::Snapshot,
    values::{self, Folded},
};

/// The LLVM IR of a file, as text.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FrontEnd {
    /// The text.
    pub ir: String,
    /// What was compiled. Without it, it is not known which headers clang has read.
    pub snapshot: Option<Snapshot>,
    /// A result that clang may have computed from how an operand is declared. It is not the operand's, so the file is to be refused.
    pub folded: Option<Folded>,
}

/// What clang does after it has read a file.
const ONLY_READ: [&str; 3] = ["-emit-llvm", "-Xclang", "-disable-llvm-passes"];

/// Translates a file to IR, from a snapshot of it where that is possible.
pub(crate) fn translate(
    context: &Context<'_>,
    plan: Option<&Plan>,
    source: &Path,
    (values, places): (&[&str], &[&str]),
) -> Result<FrontEnd, LlvmError> {
    let plan = plan.filter(|plan| {
        context.options.language != Language::Ir && plan.forced_includes().is_empty()
    });
    let directory = directory(context, source)?;
    if let Some(plan) = plan
        && let Some(snapshot) = shim::take_source(context, plan, &directory.1, source)?
        && let Some(ir) = from_snapshot(
            context,
            plan,
            (&directory.0, source),
            &snapshot,
            (values, places),
        )?
    {
        return Ok(FrontEnd {
            ir,
            folded: match values::may_fold(context.options.language, &snapshot.text, values) {
                true => values::folded(context, &directory.0, source, values)?,
                false => None,
            },
            snapshot: Some(snapshot),
        });
    }
    let header = match context.options.language {
        Language::Ir => None,
        _ => values::declare(&directory.0, values, places)?,
    };
    let more: Vec<&OsStr> = header
        .iter()
        .flat_map(|path| ["-include".as_ref(), path.as_os_str()])
        .collect();
    let ir = by_driver(context, &directory.0, source, &more)?;
    let folded = match header {
        Some(_) => values::folded(context, &directory.0, source, values)?,
        None => None,
    };
    Ok(FrontEnd {
        ir,
        snapshot: None,
        folded,
    })
}

/// Translates a file to IR that says where functions are defined. Nothing is reported.
pub(crate) fn translate_with_lines(
    context: &Context<'_>,
    source: &Path,
    more: &[&str],
) -> Result<String, LlvmError> {
    let directory = directory(context, source)?;
    let words = ["-gline-tables-only", "-w"].iter().chain(more);
    let words: Vec<&OsStr> = words.map(OsStr::new).collect();
    by_driver(context, &directory.0, source, &words)
}

/// Creates a directory for what is made of a file, and returns its path and name.
fn directory(context: &Context<'_>, source: &Path) -> Result<(PathBuf, String), LlvmError> {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let name = format!("front-end-{:016x}", hasher.finish());
    Ok((context.work.directory(&name)?, name))
}

fn from_snapshot(
    context: &Context<'_>,
    plan: &Plan,
    (directory, source): (&Path, &Path),
    snapshot: &Snapshot,
    (values, places): (&[&str], &[&str]),
) -> Result<Option<String>, LlvmError> {
    let Some(plan) = plan.closed().with_action("-emit-llvm") else {
        return Ok(None);
    };
    let name = source.file_name().unwrap_or("source.c".as_ref());
    let input = directory.join(name);
    let output = directory.join("output.ll");
    files::write(&input, &snapshot.text)?;
    files::remove(&output)?;
    let mut arguments = plan.arguments;
    if let Some(header) = values::declare(directory, values, places)? {
        arguments.extend(["-include".into(), header.into_os_string()]);
    }
    arguments.extend(["-disable-llvm-passes", "-main-file-name"].map(OsString::from));
    arguments.extend([
        name.into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    let done = context.run(&plan.program, &arguments)?;
    if !done.status.success() || !files::has_contents(&output) {
        // The driver shows what is wrong with the file itself.
        return Ok(None);
    }
    context.report(&done);
    files::read_text(&output).map(Some)
}

fn by_driver(
    context: &Context<'_>,
    directory: &Path,
    source: &Path,
    more: &[&OsStr],
) -> Result<String, LlvmError> {
    let output = directory.join("driver.ll");
    // Headers that the user's flags include come after what clang is told about symbols.
    let mut arguments: Vec<OsString> = more.iter().map(OsString::from).collect();
    arguments.extend(context.options.source(context.work.path(), &["-S"]));
    arguments.extend(ONLY_READ.iter().map(OsString::from));
    arguments.extend(["-o".into(), output.clone().into(), source.into()]);
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    driver::run(context, &name, "compile", &arguments)?;
    files::read_text(&output)
}

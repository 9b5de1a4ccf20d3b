//! LLVM's IR before optimization: what clang's front end makes of a source, in the first of two steps.
//!
//! The code that is generated from IR depends on nothing else than the IR, the arguments and the compiler.
//! So a cache that has code of the same IR needs clang's front end only.

pub(crate) mod embedded;
mod words;

use std::collections::BTreeSet;

use crate::{
    batch::{self, Command, Member},
    bitcode,
    command::Output,
    context::Context,
    diagnostics::{Diagnostic, Severity},
    error::LlvmError,
    files,
    plan::Plan,
    preamble::Preamble,
    source::Source,
    written::Written,
};

/// The LLVM IR of one source before optimization.
#[derive(Clone, PartialEq, Eq)]
pub struct Ir {
    /// What clang reads: bitcode or text.
    input: Vec<u8>,
    /// All that it says, unless that is the input.
    contents: Option<Vec<u8>>,
    kind: Kind,
}

/// What IR was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A source alone.
    Source,
    /// A source, in one file with others.
    Part,
    /// A module, in whose place there is no source.
    Module,
}

impl Ir {
    fn new(bitcode: Vec<u8>) -> Option<Ir> {
        let contents = bitcode::contents(&bitcode)?;
        Some(Ir {
            input: bitcode,
            contents: Some(contents),
            kind: Kind::Source,
        })
    }

    /// Returns the text of a [module](crate::modules), which is compiled as it is: there is no source in its place.
    pub fn of_module(text: impl Into<Vec<u8>>) -> Ir {
        Ir {
            input: text.into(),
            contents: None,
            kind: Kind::Module,
        }
    }

    /// Returns the IR of a source that was translated in one file with others, as text.
    pub(crate) fn of_part(text: String) -> Ir {
        Ir {
            kind: Kind::Part,
            ..Ir::of_module(text)
        }
    }

    /// Returns the triple of the target that bitcode is for, as far as it says so.
    pub fn triple_of_bitcode(bitcode: &[u8]) -> Option<String> {
        bitcode::triple(bitcode)
    }

    /// Returns whether it is a module and not the IR of a source.
    pub(crate) fn is_module(&self) -> bool {
        self.kind == Kind::Module
    }

    /// Returns whether it was made of a source in one file with others.
    pub(crate) fn is_part(&self) -> bool {
        self.kind == Kind::Part
    }

    /// Returns what clang reads.
    pub(crate) fn input(&self) -> &[u8] {
        &self.input
    }

    /// Returns all that the IR says. If two sources have the same, the same compiler with the same
    /// [arguments](crate::Compiler::closed_arguments) compiles them to the same code.
    pub fn contents(&self) -> &[u8] {
        self.contents.as_ref().unwrap_or(&self.input)
    }
}

impl std::fmt::Debug for Ir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.input.len();
        f.debug_struct("Ir").field("bytes", &bytes).finish()
    }
}

/// Returns whether code from stored IR is known to be the same as clang's own with these arguments. They are those
/// of sources that include nothing.
pub(crate) fn is_possible(plan: &Plan) -> bool {
    match words::unknown(&plan.arguments) {
        None => true,
        Some(word) => {
            tracing::info!(
                "no code is found by its IR, because of {}",
                word.to_string_lossy()
            );
            false
        }
    }
}

/// Translates sources to IR. There is none for a source that clang prints something about, and none for a batch
/// with errors: compiling them shows what is wrong.
pub(crate) fn translate(
    context: &Context<'_>,
    plan: &Plan,
    preamble: &Preamble<'_>,
    sources: &[&Source],
) -> Result<Vec<Option<Ir>>, LlvmError> {
    let none = || vec![None; sources.len()];
    let Some(mut plan) = plan.with_action("-emit-llvm-bc") else {
        return Ok(none());
    };
    // The order of uses has an effect on optimization.
    let more = ["-disable-llvm-passes", "-emit-llvm-uselists"];
    plan.arguments.extend(more.map(Into::into));
    let made = run(
        context,
        &plan,
        preamble,
        (sources, "bc"),
        |done, members| {
            let mentioned = mentioned(context, done);
            let is_clean = |name: &str| {
                let names = mentioned.as_ref();
                names.is_some_and(|names| !names.contains(name))
            };
            let irs = members.iter().map(|member| {
                Ok(match is_clean(member.name) && member.is_done() {
                    true => Ir::new(files::read(&member.output)?),
                    false => None,
                })
            });
            irs.collect::<Result<Vec<_>, LlvmError>>()
        },
    )?;
    Ok(made.unwrap_or_else(none))
}

/// Translates a source to IR as text. Returns `None` if clang does not compile it so.
pub(crate) fn print(
    context: &Context<'_>,
    plan: &Plan,
    preamble: &Preamble<'_>,
    source: &Source,
) -> Result<Option<String>, LlvmError> {
    let Some(mut plan) = plan.with_action("-emit-llvm") else {
        return Ok(None);
    };
    plan.arguments.push("-disable-llvm-passes".into());
    let made = run(
        context,
        &plan,
        preamble,
        (&[source], "ll"),
        |done, members| {
            let member = members.first().filter(|_| done.status.success());
            member
                .map(|member| files::read_text(&member.output))
                .transpose()
        },
    )?;
    Ok(made.flatten())
}

/// Runs cc1 on sources under names that are the same in each build, because they become a part of the IR, and returns
/// what `read` makes of the outputs. Returns `None` if two names are the same file.
fn run<T>(
    context: &Context<'_>,
    plan: &Plan,
    preamble: &Preamble<'_>,
    (sources, extension): (&[&Source], &str),
    read: impl FnOnce(&Output, &[Member<'_>]) -> Result<T, LlvmError>,
) -> Result<Option<T>, LlvmError> {
    // On some file systems, names that differ in case are one file.
    let names = sources
        .iter()
        .map(|source| source.name.to_ascii_lowercase());
    let names: BTreeSet<String> = names.collect();
    if names.len() != sources.len() {
        return Ok(None);
    }
    let mut arguments = plan.arguments.clone();
    if let Preamble::Precompiled(path) = preamble {
        arguments.extend(["-include-pch".into(), path.into()]);
    }
    let slot = context.work.slot()?;
    let file = |source: &Source, extension: &str| {
        let name = format!("uop_{}.{extension}", source.name);
        slot.path().join(name)
    };
    let members = sources.iter().map(|source| Member {
        name: &source.name,
        input: file(source, "c"),
        text: batch::text_of(context, preamble, source),
        output: file(source, extension),
    });
    let members: Vec<Member<'_>> = members.collect();
    batch::write(&members)?;
    let command = Command {
        program: &plan.program,
        arguments: &arguments,
        directory: slot.path(),
    };
    let done = command.run(context, &members)?;
    let result = read(&done, &members)?;
    for member in &members {
        // The next batch has other names.
        files::remove(&member.input)?;
        files::remove(&member.output)?;
    }
    Ok(Some(result))
}

/// Returns the names of the sources that clang has printed something about. Returns `None` if it failed, and if
/// it is not clear what it has printed something about.
fn mentioned(context: &Context<'_>, done: &Output) -> Option<BTreeSet<String>> {
    if !done.status.success() {
        return None;
    }
    if done.stderr.is_empty() {
        return Some(BTreeSet::new());
    }
    let diagnostics = context.diagnostics(done);
    let is_warning = |one: &&Diagnostic| one.severity == Severity::Warning;
    let warnings: Vec<_> = diagnostics.list.iter().filter(is_warning).collect();
    let lines = diagnostics.text.lines();
    let is_clear = warnings.iter().all(|one| one.source.is_some())
        && lines.filter(|line| line.contains("warning: ")).count() == warnings.len()
        && !diagnostics.text.contains("remark: ");
    let names = diagnostics.sources().map(str::to_owned);
    is_clear.then(|| names.collect())
}

/// Compiles IR to what the plan writes. Returns `None` if clang prints something: compiling the sources shows it with the
/// places in them.
pub(crate) fn generate<W: Written>(
    context: &Context<'_>,
    plan: &Plan,
    inputs: &[(&str, &Ir)],
) -> Result<Option<Vec<W>>, LlvmError> {
    let Some(ir) = plan.with(&[("c", "ir")]) else {
        return Ok(None);
    };
    let slot = context.work.slot()?;
    let members = inputs.iter().enumerate().map(|(index, (name, ir))| Member {
        name,
        input: slot.file(index, name, "bc"),
        text: ir.input.clone(),
        output: slot.file(index, name, W::EXTENSION),
    });
    let members: Vec<Member<'_>> = members.collect();
    batch::write(&members)?;
    let command = Command {
        program: &ir.program,
        arguments: &ir.arguments,
        directory: context.work.path(),
    };
    let done = command.run(context, &members)?;
    if !done.status.success() || !done.stderr.is_empty() {
        return Ok(None);
    }
    let end = plan.last_directive(context.options.target.format);
    let written = members.iter().map(|member| W::read(&member.output));
    let written = written.collect::<Result<Vec<W>, LlvmError>>()?;
    let is_whole = written.iter().all(|one| one.is_whole(end));
    Ok(is_whole.then_some(written))
}

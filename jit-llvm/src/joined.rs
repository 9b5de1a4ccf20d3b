//! Many sources as one file: clang's front end translates the headers' functions that they use once, and each source gets
//! a module of its own again.
//!
//! From there on nothing is shared, so the code of a source does not depend on the others. Three things make the module
//! the one that clang would make of the source alone: only sources are joined that declare nothing for others
//! ([`Joinable`]), each symbol that a source reaches has one declaration only ([`Linked`]), and the order of what is in the
//! module is restored (`modules/part.rs`). Whatever is not known to be so, and whatever clang prints something about, is
//! compiled alone.

use std::collections::BTreeSet;

use crate::{
    batch::{self, Command, Member},
    context::Context,
    error::LlvmError,
    expand, files,
    ir::Ir,
    joinable::{Joinable, OWN_PREFIX, PREFIX, renamed},
    linked::Linked,
    modules::{ENTRY, Joined, Module},
    plan::Plan,
    preamble::Preamble,
    source::{Source, line_directive},
};

/// The name of the common file.
const JOINED: &str = "joined.c";

/// Returns what the names of a source start with in the common file: that of its function, which is the whole name, and others,
/// in the place of `_JIT`.
fn names(index: usize) -> Option<[String; 2]> {
    let digits = ENTRY.len() - PREFIX.len();
    let names = [PREFIX, OWN_PREFIX].map(|prefix| format!("{prefix}{index:0digits$}"));
    (names.iter().all(|name| name.len() == ENTRY.len())).then_some(names)
}

/// Translates sources as one file, and returns the module of each, as far as it is known to be that of the source alone.
/// `plan` leads to no other files.
pub(crate) fn translate(
    context: &Context<'_>,
    plan: &Plan,
    preamble: &Preamble<'_>,
    (joinable, linked): (&Joinable, &Linked),
    sources: &[&Source],
) -> Result<Vec<Option<Ir>>, LlvmError> {
    let Some(mut plan) = plan.with_action("-emit-llvm") else {
        return Ok(vec![None; sources.len()]);
    };
    // The order of uses has an effect on optimization.
    let more = ["-disable-llvm-passes", "-emit-llvm-uselists"];
    plan.arguments.extend(more.map(Into::into));
    if let Preamble::Precompiled(path) = preamble {
        plan.arguments.extend(["-include-pch".into(), path.into()]);
    }
    let mut joined: Vec<usize> = (0..sources.len()).collect();
    let mut irs = vec![None; sources.len()];
    // What clang prints something about is not joined in the second attempt.
    for _ in 0..2 {
        let some: Vec<&Source> = joined
            .iter()
            .filter_map(|index| sources.get(*index).copied())
            .collect();
        if some.is_empty() {
            break;
        }
        match run(
            context,
            &plan,
            text_of(context, preamble, (joinable, &some)),
            &some,
        )? {
            Translated::Text(text) => {
                let is_clear = |symbol: &str| joinable.is_clear(symbol, linked);
                for (index, ir) in joined.into_iter().zip(parts(&text, some.len(), &is_clear)) {
                    if let Some(known) = irs.get_mut(index) {
                        *known = ir;
                    }
                }
                return Ok(irs);
            }
            Translated::Prints(names) => {
                let is_other = |index: &usize| {
                    let source = sources.get(*index);
                    source.is_some_and(|source| !names.contains(source.name.as_str()))
                };
                let before = joined.len();
                joined.retain(is_other);
                if joined.len() == before {
                    break;
                }
            }
        }
    }
    Ok(irs)
}

/// What became of a common file.
enum Translated {
    /// The text of its module.
    Text(String),
    /// The names of the sources that clang prints something about, as far as it names them.
    Prints(BTreeSet<String>),
}

/// Runs clang on the text of a common file.
fn run(
    context: &Context<'_>,
    plan: &Plan,
    text: Vec<u8>,
    sources: &[&Source],
) -> Result<Translated, LlvmError> {
    let slot = context.work.slot()?;
    let members = [Member {
        name: sources.first().map_or("", |source| &source.name),
        input: slot.path().join(JOINED),
        text,
        output: slot.path().join("joined.ll"),
    }];
    let [joined] = &members;
    batch::write(&members)?;
    let command = Command {
        program: &plan.program,
        arguments: &plan.arguments,
        directory: slot.path(),
    };
    let done = command.run(context, &members)?;
    let translated = match done.status.success() && done.stderr.is_empty() {
        true => Translated::Text(files::read_text(&joined.output)?),
        false => {
            let diagnostics = context.diagnostics(&done);
            Translated::Prints(diagnostics.sources().map(str::to_owned).collect())
        }
    };
    // The next batch has other names.
    files::remove(&joined.input)?;
    files::remove(&joined.output)?;
    Ok(translated)
}

/// Returns the module of each source of a common file.
fn parts(text: &str, sources: usize, is_clear: &dyn Fn(&str) -> bool) -> Vec<Option<Ir>> {
    let module = Module::parse(text).ok();
    let module = module.filter(|module| module.is_divisible(PREFIX));
    let part = |index| {
        let [entry, own] = names(index)?;
        let joined = Joined {
            entry: &entry,
            own: &format!("{own}_"),
            prefixes: [PREFIX, OWN_PREFIX],
            is_clear,
        };
        Some(Ir::of_part(module.as_ref()?.part(&joined)?))
    };
    (0..sources).map(part).collect()
}

/// Returns the text of the common file.
fn text_of(
    context: &Context<'_>,
    preamble: &Preamble<'_>,
    (joinable, sources): (&Joinable, &[&Source]),
) -> Vec<u8> {
    let mut text = Vec::new();
    if let Preamble::Text(snapshot) = preamble {
        text.extend_from_slice(&snapshot.text);
        text.push(b'\n');
    }
    let [push, pop] = expand::around(joinable.macros());
    let first_line = 1 + context.preamble.lines().count();
    for (index, source) in sources.iter().enumerate() {
        let Source { name, body } = source;
        let [entry, own] = names(index).unwrap_or_default();
        // The marker ends what a marker in a source may have started: `# 1 "x.h" 3` makes a system header.
        let line = line_directive(&context.work.file(name, "c"), first_line);
        let body = renamed(body, [&entry, &own]);
        let part = format!(
            "{push}#define _JIT_OPCODE {name}\n# 1 \"{JOINED}\"\n{line}{body}\n#undef _JIT_OPCODE\n{pop}"
        );
        text.extend_from_slice(part.as_bytes());
    }
    text
}

//! Sources after preprocessing, which is what a compiler sees of them, and so what a cache of its
//! results has to depend on. One process preprocesses all sources.
//!
//! What is preprocessed is the [snapshot](crate::snapshot) that is compiled as well. Where the tokens do not
//! determine the result (macros of the time, locations, files that the assembler reads), there is no
//! expansion.

mod meaning;
mod output;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use self::{
    meaning::UnstableNames,
    output::{Output, Split},
};
use crate::{
    context::Context,
    error::LlvmError,
    files,
    joinable::{Candidate, Joinable, Start},
    plan::Plan,
    preprocess::{Preprocessed, preprocess},
    snapshot::Snapshot,
    source::{Source, line_directive},
};

/// The sources after preprocessing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expansion {
    /// The preamble's tokens, without comments and macro definitions, and whatever else of the preamble
    /// counts.
    pub preamble: Vec<u8>,
    /// Each source's tokens after the preamble, in the order of the sources. `None` if the tokens of a
    /// source do not determine what it compiles to.
    pub bodies: Vec<Option<Vec<u8>>>,
    /// The macros that are defined after the preamble, as in `NAME(x) (x + 1)`.
    pub macros: Vec<String>,
    /// The sources that may be compiled as one file.
    pub joinable: Joinable,
}

/// The word that starts a source's part of the output, before its name in quotes. No macro has this
/// name.
const MARKER: &str = "__jit_expansion_of__";

/// The last word of a text to preprocess.
const END: &str = "__jit_end_of_expansions__";

/// The arguments for output of tokens and definitions. What is worth a warning is for compiling to say.
const WORDS: [&str; 3] = ["-P", "-dD", "-w"];

/// How often the sources are preprocessed to find out which macros they change.
const ATTEMPTS: usize = 3;

/// Preprocesses all sources after the snapshot of the preamble. `plan` is closed.
///
/// The sources share one process, so macros that one of them defines or undefines are restored for the
/// next. Returns `None` where the preamble's tokens do not determine what it means.
pub(crate) fn expand(
    context: &Context<'_>,
    plan: &Plan,
    snapshot: &Snapshot,
    sources: &[Source],
) -> Result<Option<Expansion>, LlvmError> {
    let Some(plan) = plan.with_action("-E") else {
        return Ok(None);
    };
    let is_usable = |source: &&Source| !source.may_include() && !source.body.contains(MARKER);
    let mut usable: Vec<&Source> = sources.iter().filter(is_usable).collect();
    let mut macros: BTreeSet<String> = usable
        .iter()
        .flat_map(|source| changed_macros(&source.body))
        .map(str::to_owned)
        .collect();
    for _ in 0..ATTEMPTS {
        let text = combined(context, &snapshot.text, &usable, &macros);
        let Some(output) = run(context, &plan, "expand", &text)? else {
            return Ok(None);
        };
        match output::split(&output, &usable, &macros) {
            Split::Parts(output) => {
                let names = UnstableNames::of(&output.preamble.definitions);
                let before = usable.len();
                usable.retain(|source| !names.are_in(&source.body));
                // The others are preprocessed again, as these may have had an effect on them.
                if usable.len() == before {
                    return Ok(expansion(snapshot, output, (sources, &usable), macros));
                }
            }
            Split::MoreMacros(more) => macros.extend(more),
            Split::Unclear => return Ok(None),
        }
    }
    Ok(None)
}

/// Returns the expansion of all sources, of which some were preprocessed. `macros` are those that they change.
fn expansion(
    snapshot: &Snapshot,
    output: Output,
    (sources, usable): (&[Source], &[&Source]),
    macros: BTreeSet<String>,
) -> Option<Expansion> {
    let preamble = meaning::of_preamble(&output.preamble, &snapshot.text)?;
    let mut parts = usable.iter().zip(output.bodies).peekable();
    let bodies = sources.iter().map(|source| {
        let part = parts.next_if(|(usable, _)| std::ptr::eq(**usable, source));
        let Some((_, part)) = part.filter(|(_, part)| !meaning::depends_on_place(&part.tokens))
        else {
            return (None, false);
        };
        let has_pragmas = !part.pragmas.is_empty();
        let tokens = meaning::of_body(part, &output.preamble.definitions);
        (tokens, has_pragmas)
    });
    let (bodies, has_pragmas): (Vec<Option<Vec<u8>>>, Vec<bool>) = bodies.unzip();
    let candidates = bodies.iter().zip(has_pragmas).zip(sources);
    // Pragmas may count for the sources after it.
    let candidates = candidates.filter(|((_, has_pragmas), _)| !has_pragmas);
    let candidates: Vec<Candidate<'_>> = candidates
        .filter_map(|((body, _), source)| {
            Some(Candidate {
                name: &source.name,
                body: &source.body,
                tokens: body.as_deref()?,
            })
        })
        .collect();
    let definitions = output.preamble.definitions.values().flatten();
    let start = Start {
        tokens: &output.preamble.tokens,
        definitions: definitions.map(Vec::as_slice).collect(),
    };
    Some(Expansion {
        joinable: Joinable::of(&start, &candidates, macros),
        bodies,
        preamble,
        macros: output.preamble.last_definitions(),
    })
}

/// Returns the tokens of a snapshot of a whole file, the shim. `plan` is closed.
pub(crate) fn expand_file(
    context: &Context<'_>,
    plan: &Plan,
    snapshot: &Snapshot,
) -> Result<Option<Vec<u8>>, LlvmError> {
    let Some(plan) = plan.with(&[("-emit-obj", "-E")]) else {
        return Ok(None);
    };
    let text = combined(context, &snapshot.text, &[], &BTreeSet::new());
    let output = run(context, &plan, "expand-file", &text)?;
    Ok(output.and_then(|output| {
        let part = output::whole(&output);
        meaning::of_preamble(&part, &snapshot.text)
    }))
}

/// Writes the preamble and all sources to one file, which ends with the second result.
pub(crate) fn write_whole(
    context: &Context<'_>,
    sources: &[Source],
) -> Result<(PathBuf, &'static str), LlvmError> {
    let start = context.start(&context.work.file("preamble", "h"));
    let sources: Vec<&Source> = sources.iter().collect();
    let text = [
        start.as_bytes(),
        &following(context, &sources, &BTreeSet::new()),
        END.as_bytes(),
        b"\n",
    ]
    .concat();
    let input = context.work.directory("whole")?.join("input.c");
    files::write(&input, &text)?;
    Ok((input, END))
}

/// Returns whether the assembler may read files because of inline assembly in a file, or in what it includes.
pub(crate) fn may_assemble_files(
    context: &Context<'_>,
    plan: &Plan,
    input: &Path,
) -> Result<bool, LlvmError> {
    let Some(plan) = plan.with_action("-E") else {
        return Ok(true);
    };
    let directory = context.work.directory("assembly")?;
    let done = preprocess(context, &plan, &WORDS, &directory, input)?;
    Ok(done.is_none_or(|done| {
        let part = output::whole(&done.text);
        part.has_raw_strings || meaning::assembler_may_read_files(&part.tokens)
    }))
}

/// Returns the text to preprocess: a snapshot, then all sources. Macros whose values depend on something else
/// than the text become a word that is found again.
fn combined(
    context: &Context<'_>,
    snapshot: &[u8],
    sources: &[&Source],
    macros: &BTreeSet<String>,
) -> Vec<u8> {
    let mut text = meaning::definitions_of_unstable_macros().into_bytes();
    text.extend_from_slice(snapshot);
    text.push(b'\n');
    text.extend_from_slice(&following(context, sources, macros));
    text.extend_from_slice(END.as_bytes());
    text.push(b'\n');
    text
}

/// Returns lines that save macros, and lines that restore them.
pub(crate) fn around(macros: &BTreeSet<String>) -> [String; 2] {
    [output::pushes(macros), output::pops(macros)]
}

/// Returns all sources as one text, with a marker before each source. `macros` are those to restore after
/// each source.
fn following(context: &Context<'_>, sources: &[&Source], macros: &BTreeSet<String>) -> Vec<u8> {
    let first_line = 1 + context.preamble.lines().count();
    let [push, pop] = around(macros);
    let mut text = String::new();
    for source in sources {
        text.push_str(&format!(
            "{push}{MARKER} \"{}\"\n#define _JIT_OPCODE {}\n{}{}\n#undef _JIT_OPCODE\n{pop}",
            source.name,
            source.name,
            line_directive(&context.work.file(&source.name, "c"), first_line),
            source.body
        ));
    }
    text.into_bytes()
}

/// Preprocesses a text. Returns `None` if that fails, and if it reads a file.
fn run(
    context: &Context<'_>,
    plan: &Plan,
    directory: &str,
    text: &[u8],
) -> Result<Option<Vec<u8>>, LlvmError> {
    let directory = context.work.directory(directory)?;
    let input = directory.join("input.c");
    files::write(&input, text)?;
    let Some(Preprocessed { text, files }) = preprocess(context, plan, &WORDS, &directory, &input)?
    else {
        return Ok(None);
    };
    // A text that is cut is not what the sources mean.
    let whole = text.trim_ascii_end().strip_suffix(END.as_bytes());
    Ok(whole.filter(|_| files.is_empty()).map(<[u8]>::to_vec))
}

/// Returns the macros that a source seems to define or undefine.
fn changed_macros(body: &str) -> impl Iterator<Item = &str> {
    body.lines().filter_map(|line| {
        let directive = line.trim_start().strip_prefix('#')?.trim_start();
        let rest = directive
            .strip_prefix("define")
            .or_else(|| directive.strip_prefix("undef"))?;
        let name = rest.trim_start();
        let end = name
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(name.len());
        name.get(..end).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_that_a_source_changes() {
        let body = "#define A 1\n  # undef B\nint define;\n#  define C(x) x\n#if D\n";
        let names: Vec<&str> = changed_macros(body).collect();
        assert_eq!(names, ["A", "B", "C"]);
    }
}

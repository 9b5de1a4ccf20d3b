//! Sources after preprocessing, which is what a compiler sees of them, and so what a cache of its
//! results has to depend on. One process preprocesses all sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    context::Context,
    error::LlvmError,
    files,
    plan::Plan,
    source::{Source, line_directive},
};

/// The sources after preprocessing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expansion {
    /// The preamble's tokens, without comments and macro definitions.
    pub preamble: String,
    /// Each source's tokens after the preamble, in the order of the sources.
    pub bodies: Vec<String>,
    /// The macros that are defined after the preamble, as in `NAME(x) (x + 1)`.
    pub macros: Vec<String>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// A file after preprocessing: the shim.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpandedFile {
    /// Its tokens, those of its headers first.
    pub text: String,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// The word that starts a source's part of the output, before its name in quotes. No macro has this
/// name.
const MARKER: &str = "__jit_expansion_of__";

/// Preprocesses the preamble and all sources after it.
///
/// The sources share one process, so macros that one of them defines or undefines are restored for the
/// next. Returns `None` where that is not enough (headers within a source, counters).
pub(crate) fn expand(
    context: &Context<'_>,
    plan: &Plan,
    sources: &[Source],
) -> Result<Option<Expansion>, LlvmError> {
    let Some(plan) = plan.with(&[("-S", "-E")]) else {
        return Ok(None);
    };
    if sources.iter().any(|source| depends_on_order(&source.body)) {
        return Ok(None);
    }
    let macros: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| changed_macros(&source.body))
        .collect();
    let pragmas = |action: &str| -> String {
        macros
            .iter()
            .map(|name| format!("#pragma {action}_macro(\"{name}\")\n"))
            .collect()
    };
    let (push, pop) = (pragmas("push"), pragmas("pop"));
    let text = combined(context, sources, &push, &pop);
    let Some((output, files)) = run(context, &plan, "expand", &text)? else {
        return Ok(None);
    };
    Ok(split(&output, sources, files))
}

/// Returns the files that the preamble and the sources include. Returns `None` if they do not preprocess.
pub(crate) fn dependencies(
    context: &Context<'_>,
    plan: &Plan,
    sources: &[Source],
) -> Result<Option<Vec<PathBuf>>, LlvmError> {
    let Some(plan) = plan.with(&[("-S", "-E")]) else {
        return Ok(None);
    };
    let text = combined(context, sources, "", "");
    let output = run(context, &plan, "dependencies", &text)?;
    Ok(output.map(|(_, files)| files))
}

/// Returns the preamble and all sources as one text, with a marker before each source. `before` and `after`
/// are lines that surround each source.
fn combined(context: &Context<'_>, sources: &[Source], before: &str, after: &str) -> String {
    let first_line = 1 + context.preamble.lines().count();
    let mut text = context.start(&context.work.file("preamble", "h"));
    for source in sources {
        text.push_str(before);
        text.push_str(&format!(
            "{MARKER} \"{}\"\n#define _JIT_OPCODE {}\n{}{}\n#undef _JIT_OPCODE\n{after}",
            source.name,
            source.name,
            line_directive(&context.work.file(&source.name, "c"), first_line),
            source.body
        ));
    }
    text
}

/// Preprocesses a file with a plan of its own.
pub(crate) fn expand_file(
    context: &Context<'_>,
    plan: &Plan,
    path: &Path,
) -> Result<Option<ExpandedFile>, LlvmError> {
    let Some(plan) = plan.with(&[("-emit-obj", "-E")]) else {
        return Ok(None);
    };
    let directory = context.work.directory("expand-file")?;
    let Some((text, files)) = preprocess(context, &plan, &directory, path)? else {
        return Ok(None);
    };
    let text = text
        .lines()
        .filter(|line| !is_definition(line))
        .map(|line| format!("{line}\n"))
        .collect();
    Ok(Some(ExpandedFile { text, files }))
}

fn run(
    context: &Context<'_>,
    plan: &Plan,
    directory: &str,
    text: &str,
) -> Result<Option<(String, Vec<PathBuf>)>, LlvmError> {
    let directory = context.work.directory(directory)?;
    let input = directory.join("input.c");
    files::write(&input, text.as_bytes())?;
    let Some((text, mut files)) = preprocess(context, plan, &directory, &input)? else {
        return Ok(None);
    };
    files.retain(|file| *file != input);
    Ok(Some((text, files)))
}

fn preprocess(
    context: &Context<'_>,
    plan: &Plan,
    directory: &Path,
    input: &Path,
) -> Result<Option<(String, Vec<PathBuf>)>, LlvmError> {
    let (output, dependencies) = (directory.join("output.i"), directory.join("output.d"));
    let mut arguments = plan.arguments.clone();
    arguments.extend(
        [
            "-P",
            "-dD",
            "-sys-header-deps",
            "-MT",
            "x",
            "-dependency-file",
        ]
        .map(OsString::from),
    );
    arguments.extend([
        dependencies.clone().into(),
        "-o".into(),
        output.clone().into(),
        input.into(),
    ]);
    let done = context.run(&plan.program, &arguments)?;
    // Compiling it will report what is wrong.
    if !done.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&files::read(&output)?).into_owned();
    Ok(Some((text, files::dependencies(&dependencies)?)))
}

/// Whether more than the macros before a source can change what it means.
fn depends_on_order(body: &str) -> bool {
    [
        "#include",
        "# include",
        "#import",
        "#embed",
        "_Pragma",
        "#pragma",
        "__COUNTER__",
        "__INCLUDE_LEVEL__",
        "__TIMESTAMP__",
        MARKER,
    ]
    .iter()
    .any(|word| body.contains(word))
}

/// Returns the macros that a source defines or undefines.
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

/// Whether a line of `-dD`'s output is a macro's definition, or a pragma from [`expand`].
fn is_definition(line: &str) -> bool {
    [
        "#define ",
        "#undef ",
        "#pragma push_macro",
        "#pragma pop_macro",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

/// Splits the output at the markers.
fn split(output: &str, sources: &[Source], files: Vec<PathBuf>) -> Option<Expansion> {
    let mut preamble = String::new();
    let mut bodies: Vec<String> = Vec::with_capacity(sources.len());
    let mut macros: BTreeMap<&str, &str> = BTreeMap::new();
    for line in output.lines() {
        if let Some(name) = line.trim().strip_prefix(MARKER) {
            if sources.get(bodies.len())?.name != name.trim().trim_matches('"') {
                return None;
            }
            bodies.push(String::new());
            continue;
        }
        if is_definition(line) {
            if bodies.is_empty() {
                note_macro(&mut macros, line);
            }
            continue;
        }
        let part = bodies.last_mut().unwrap_or(&mut preamble);
        part.push_str(line);
        part.push('\n');
    }
    (bodies.len() == sources.len()).then(|| Expansion {
        preamble,
        bodies,
        macros: macros.into_values().map(str::to_owned).collect(),
        files,
    })
}

fn note_macro<'a>(macros: &mut BTreeMap<&'a str, &'a str>, line: &'a str) {
    let name = |text: &'a str| {
        let end = text
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(text.len());
        text.get(..end).unwrap_or(text)
    };
    if let Some(definition) = line.strip_prefix("#define ") {
        macros.insert(name(definition), definition);
    } else if let Some(undefined) = line.strip_prefix("#undef ") {
        macros.remove(name(undefined));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Source {
        Source {
            name: name.to_owned(),
            body: String::new(),
        }
    }

    #[test]
    fn macros_that_a_source_changes() {
        let body = "#define A 1\n  # undef B\nint define;\n#  define C(x) x\n#if D\n";
        let names: Vec<&str> = changed_macros(body).collect();
        assert_eq!(names, ["A", "B", "C"]);
    }

    #[test]
    fn output_is_split_at_the_markers() {
        let output = "#define X 1\nint a;\n#define Y 2\n#undef X\n__jit_expansion_of__ \"_A\"\nint b;\n\
                      #define Z 1\n__jit_expansion_of__ \"_B\"\n#pragma pop_macro(\"X\")\nint c;\n";
        let expansion = split(output, &[source("_A"), source("_B")], vec![]).unwrap();
        assert_eq!(expansion.preamble, "int a;\n");
        assert_eq!(expansion.bodies, ["int b;\n", "int c;\n"]);
        assert_eq!(expansion.macros, ["Y 2"]);
        assert_eq!(split(output, &[source("_A")], vec![]), None);
        assert_eq!(split(output, &[source("_B"), source("_A")], vec![]), None);
    }
}

//! What clang is told about symbols that stand for values, before it reads a file.

mod declarations;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    context::Context,
    driver,
    error::LlvmError,
    files,
    lexical::is_word,
    modules::{LIKE_OPERANDS, Module, Place},
    options::Language,
};

/// What clang may have computed from how a symbol is declared, although the symbol stands for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folded {
    /// Why.
    pub cause: Cause,
    /// Where that is.
    pub place: Place,
    /// The symbol.
    pub symbol: String,
}

/// Why clang may have computed with a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A builtin function, whose result clang knows from the declaration.
    Builtin {
        /// The function.
        name: String,
        /// What clang takes the symbol's address for a multiple of, in bytes, if that is known.
        alignment: Option<u32>,
    },
    /// A declaration in C++ that is not `extern "C"`: what clang is told is about symbols of C.
    Linkage,
    /// A declaration under another name, with an asm label or `#pragma redefine_extname`.
    Label,
}

/// The builtin functions whose results clang knows from the declaration of a variable or function, while it reads a file.
const BUILTINS: [&str; 3] = [
    "__builtin_is_aligned",
    "__builtin_align_up",
    "__builtin_align_down",
];

/// Words that the preprocessor can make a name of them of, with `##`.
const PASTED: [&str; 3] = ["__builtin_", "__builtin_is_", "__builtin_align_"];

/// Writes a header that tells clang not to compute with the addresses of these symbols, and returns its path. It takes the
/// addresses of others for numbers that are never zero, never equal, and multiples of an alignment, and knows the results of
/// many expressions before there is any IR.
///
/// The pragma is about what clang computes from the declarations of the file. The references come first, so the variables
/// in the IR are theirs: `char`s, whatever the file declares. Without them `(uintptr_t)&X & 1` would be 0 for an `int` and
/// for a function. Loads and stores still have the alignment of the file's declaration.
///
/// Places may be equal as well. They are functions that are called, and stay the functions of the file.
pub(crate) fn declare(
    directory: &Path,
    values: &[&str],
    places: &[&str],
) -> Result<Option<PathBuf>, LlvmError> {
    let (names, places) = (identifiers(values), identifiers(places));
    if names.is_empty() && places.is_empty() {
        return Ok(None);
    }
    // What a file does not declare is a warning, which nobody sees for a header of the system.
    let mut header = "#pragma clang system_header\n".to_owned();
    for name in &places {
        header.push_str(&format!("#pragma weak {name}\n"));
    }
    let mut references = Vec::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        header.push_str(&format!(
            "#pragma weak {name}\n\
             static char __jit_cli_value_{number} __attribute__((weakref(\"{name}\")));\n"
        ));
        references.push(format!("&__jit_cli_value_{number}"));
    }
    // clang makes variables when they are first used.
    header.push_str(&format!(
        "extern char {LIKE_OPERANDS}[] __attribute__((weak));\n\
         char *__jit_cli_values[] = {{ {LIKE_OPERANDS}, {} }};\n",
        references.join(", ")
    ));
    let path = directory.join("values.h");
    files::write(&path, header.as_bytes())?;
    Ok(Some(path))
}

/// Returns those values that a file can declare as they are called. What declares others is refused.
fn identifiers<'v>(values: &[&'v str]) -> BTreeSet<&'v str> {
    let is_name = |name: &str| {
        name.chars()
            .all(|c| c == '_' || c == '$' || c.is_alphanumeric())
    };
    let values = values.iter().copied();
    values.filter(|name| is_name(name)).collect()
}

/// Returns whether clang may have computed with one of the values, so that [`folded`] has to look for it. Macros are not
/// replaced in the text.
pub(crate) fn may_fold(language: Language, text: &[u8], values: &[&str]) -> bool {
    let names = identifiers(values);
    let has = |words: &str| memchr::memmem::find(text, words.as_bytes()).is_some();
    (language == Language::Cxx && !names.is_empty())
        || names.iter().any(|name| has(&format!("{name}\"")))
        || (!names.is_empty() && has("redefine_extname"))
        || may_have_builtins(text)
}

/// Returns whether a source may use one of the builtin functions whose results follow from declarations.
fn may_have_builtins(text: &[u8]) -> bool {
    // Most texts have none.
    memchr::memmem::find(text, b"__builtin_").is_some()
        && words(&String::from_utf8_lossy(text))
            .any(|word| BUILTINS.contains(&word) || PASTED.contains(&word))
}

/// Returns what clang may have computed from the declaration of a value in a file. Only declarations say that, and what was
/// computed leaves nothing in the IR.
pub(crate) fn folded(
    context: &Context<'_>,
    directory: &Path,
    source: &Path,
    values: &[&str],
) -> Result<Option<Folded>, LlvmError> {
    let output = directory.join("driver.i");
    // clang warns of an action that it does not use.
    let mut arguments = context.options.source(context.work.path(), &[]);
    arguments.extend(["-E", "-w", "-o"].map(OsString::from));
    arguments.extend([output.clone().into(), source.into()]);
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    driver::run(context, &name, "compile", &arguments)?;
    let text = files::read(&output)?;
    let text = String::from_utf8_lossy(&text);
    let mut names = identifiers(values);
    let cxx = context.options.language == Language::Cxx;
    if let Some((other, symbol, place)) = declarations::other(&text, &names, cxx) {
        return Ok(Some(Folded {
            cause: match other {
                declarations::Other::Linkage => Cause::Linkage,
                declarations::Other::Label => Cause::Label,
            },
            place,
            symbol: symbol.to_owned(),
        }));
    }
    let Some((builtin, place)) = builtin(&text) else {
        return Ok(None);
    };
    let known: BTreeSet<&str> = words(&text).collect();
    names.retain(|name| known.contains(name));
    let ir = with_addresses(context, directory, source, &names);
    let module = ir.as_deref().and_then(|ir| Module::parse(ir).ok());
    let alignment = |name: &str| module.as_ref().and_then(|module| module.alignment(name));
    let mut aligned = names.iter().map(|name| (*name, alignment(name)));
    let found = aligned.find(|(_, alignment)| *alignment != Some(1));
    Ok(found.map(|(symbol, alignment)| Folded {
        cause: Cause::Builtin {
            name: builtin,
            alignment,
        },
        place,
        symbol: symbol.to_owned(),
    }))
}

/// Returns the IR of a file to which the addresses of some symbols are added, so that it has the declarations of all of
/// them. Returns `None` if it does not compile, because the file declares one of them in a function only.
fn with_addresses(
    context: &Context<'_>,
    directory: &Path,
    source: &Path,
    names: &BTreeSet<&str>,
) -> Option<String> {
    let name = match context.options.language {
        Language::Cxx => "addresses.cpp",
        Language::C | Language::Ir => "addresses.c",
    };
    let (input, output) = (directory.join(name), directory.join("addresses.ll"));
    let path = source.to_str()?.replace('\\', "\\\\").replace('"', "\\\"");
    let list: Vec<String> = names
        .iter()
        .map(|name| format!("(char *)&{name}"))
        .collect();
    let text = format!(
        "#include \"{path}\"\nchar *__jit_cli_addresses[] = {{ {} }};\n",
        list.join(", ")
    );
    files::write(&input, text.as_bytes()).ok()?;
    let mut arguments = context.options.source(context.work.path(), &["-S"]);
    arguments
        .extend(["-emit-llvm", "-Xclang", "-disable-llvm-passes", "-w", "-o"].map(OsString::from));
    arguments.extend([output.clone().into(), input.into()]);
    driver::run(context, name, "compile", &arguments).ok()?;
    files::read_text(&output).ok()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_ascii() && !is_word(c as u8))
}

/// Returns the first of the builtin functions that a preprocessed text uses, and where.
fn builtin(text: &str) -> Option<(String, Place)> {
    let mut place = Place {
        file: String::new(),
        line: 0,
    };
    for line in text.lines() {
        if let Some(marked) = marker(line) {
            place = marked;
            continue;
        }
        if let Some(word) = words(line).find(|word| BUILTINS.contains(word)) {
            return Some((word.to_owned(), place));
        }
        place.line += 1;
    }
    None
}

/// Returns what `# LINE "FILE"` says about the next line.
fn marker(line: &str) -> Option<Place> {
    let rest = line.strip_prefix("# ").or(line.strip_prefix("#line "))?;
    let (number, rest) = rest.split_once(" \"")?;
    let (file, _) = rest.rsplit_once('"')?;
    Some(Place {
        file: file.replace("\\\"", "\"").replace("\\\\", "\\"),
        line: number.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_are_found_with_their_lines() {
        let found = |text: &str| {
            let (name, place) = builtin(text)?;
            Some(format!("{}:{}: {name}", place.file, place.line))
        };
        let start = "# 1 \"ops.c\"\n\n# 7 \"a\\\\b.h\" 2\nint x;\n";
        for (line, expected) in [
            (
                "p = __builtin_align_up(q, 8);",
                Some("a\\b.h:8: __builtin_align_up"),
            ),
            ("p = __builtin_align_upper(q, 8);", None),
            ("p = __builtin_assume_aligned(q, 8);", None),
        ] {
            let text = format!("{start}{line}\n");
            assert_eq!(found(&text).as_deref(), expected, "{line}");
            assert_eq!(
                may_have_builtins(text.as_bytes()),
                expected.is_some(),
                "{line}"
            );
        }
        assert!(may_have_builtins(b"#define BUILTIN(x) __builtin_ ## x\n"));
    }
}

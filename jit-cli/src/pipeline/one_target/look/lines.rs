//! Compiling with line tables, without other code.
//!
//! The optimizer takes directives between instructions for ends of basic blocks, in which it would find less to do. So the
//! `.loc` directives become comments of instructions while it works. What it inserts has no line.

use std::collections::HashSet;

use jit_llvm::{Compiler, LlvmError, Output, Source};
use jit_schema::{Arch, ObjectFormat, Target};

use super::Looked;
use crate::{error::Error, pipeline::one_target::Job};

/// The sections that debug information adds to an object, in all formats.
const DEBUG_SECTIONS: [&str; 16] = [
    ".debug_abbrev",
    ".debug_aranges",
    ".debug_frame",
    ".debug_info",
    ".debug_line",
    ".debug_line_str",
    ".debug_ranges",
    ".debug_str",
    "__debug_abbrev",
    "__debug_aranges",
    "__debug_frame",
    "__debug_info",
    "__debug_line",
    "__debug_line_str",
    "__debug_ranges",
    "__debug_str",
];

/// Makes the object of a micro-op with line tables. `compiler` adds them. Without success, there are no lines to look at.
pub(super) fn object(
    job: &Job<'_>,
    compiler: &Compiler<'_>,
    source: &Source,
) -> Result<Looked, Error> {
    match try_object(job, compiler, source) {
        Ok(found) => Ok(found),
        Err(error) if error.is_interrupted() => Err(error),
        Err(error) => {
            tracing::info!("{}: no lines: {error}", source.name);
            Ok(Looked::Nothing)
        }
    }
}

fn try_object(job: &Job<'_>, compiler: &Compiler<'_>, source: &Source) -> Result<Looked, Error> {
    let target = job.options.target;
    let uop = || source.name.clone();
    let missing = || Error::Missing { uop: uop() };
    let sources = std::slice::from_ref(source);
    let object = match compiler.options().output {
        Output::Object => {
            let mut objects = compiler.compile_to_objects(sources)?;
            objects.pop().ok_or_else(missing)??.value
        }
        Output::Assembly => {
            let mut compiled = compiler.compile(sources)?;
            let assembly = compiled.pop().ok_or_else(missing)??.value;
            let text = hide(target, &assembly);
            let optimized = job.tuner().optimize(compiler, source, &text)?;
            let text = unhide(target, &optimized.assembly);
            let assembled: Result<Vec<_>, LlvmError> = compiler.assemble(&[(&source.name, &text)]);
            assembled?.pop().ok_or_else(missing)??.value.bytes
        }
    };
    let file = jit_schema::native::read_ignoring(&object, &DEBUG_SECTIONS)
        .map_err(|source| Error::Object { uop: uop(), source })?;
    let group = (job.lower)(target, &file).map_err(|source| Error::Lower { uop: uop(), source })?;
    Ok(Looked::Lines {
        object,
        code: group.code.body,
        text: format!("{}{}", job.input.preamble(), source.body),
        root: job.options.root.clone(),
    })
}

/// What the comments of instructions start with that have a line.
const MARK: &str = "@loc ";

/// What clang's comments between instructions have that say where variables are.
const VALUE: &str = "DEBUG_VALUE: ";

/// Returns how comments start.
fn comment(target: &Target) -> &'static str {
    match (target.arch, target.format) {
        (Arch::Aarch64, ObjectFormat::MachO) => ";",
        (Arch::Aarch64, ObjectFormat::Elf | ObjectFormat::Coff) => "//",
        (Arch::I686 | Arch::X86_64, _) => "#",
    }
}

/// Makes comments of `.loc` directives, and puts the files that they name at the start. What else there is for debuggers and
/// unwinders is left out: sections, labels that only these mention, and call frame information. The assembler makes the line
/// table.
fn hide(target: &Target, assembly: &str) -> String {
    let kept = without_debug_sections(assembly);
    let mentioned: HashSet<&str> = kept
        .iter()
        .filter(|line| !line.ends_with(':'))
        .flat_map(|line| line.split(|one: char| !(one.is_alphanumeric() || "._$".contains(one))))
        .collect();
    let mut files = String::new();
    let mut code = String::new();
    let mut place: Option<&str> = None;
    for line in kept {
        let text = line.trim_start();
        let label = line
            .strip_suffix(':')
            .filter(|label| is_temporary(target, label));
        if text.starts_with(".file\t") && text.split_whitespace().nth(1).is_some_and(is_number) {
            files.extend([line, "\n"]);
        } else if let Some(rest) = text.strip_prefix(".loc\t") {
            // Its own comment repeats the place.
            place = rest.split(comment(target)).next().map(str::trim_end);
        } else if !text.starts_with(".cfi_")
            && !text.contains(VALUE)
            && label.is_none_or(|label| mentioned.contains(label))
        {
            code.push_str(line);
            let is_code =
                line.starts_with('\t') && text.starts_with(|first: char| first.is_alphabetic());
            if let Some(place) = place.take_if(|_| is_code) {
                code.extend([" ", comment(target), " ", MARK, place]);
            }
            code.push('\n');
        }
    }
    files + &code
}

/// Returns the lines that are not in sections for debuggers.
fn without_debug_sections(assembly: &str) -> Vec<&str> {
    let mut is_debug = false;
    let keep = |line: &&str| {
        let text = line.trim_start();
        if text.starts_with(".section") {
            is_debug = text.contains("debug_");
        } else if text == ".text" || text == ".data" {
            is_debug = false;
        }
        !is_debug
    };
    assembly.lines().filter(keep).collect()
}

/// Returns whether a label is one of those that clang puts between instructions.
fn is_temporary(target: &Target, label: &str) -> bool {
    let name = label.strip_prefix(target.label_prefix);
    let number = name.and_then(|name| name.strip_prefix("tmp"));
    number.is_some_and(is_number)
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Makes directives of the comments again.
fn unhide(target: &Target, assembly: &str) -> String {
    let start = format!(" {} {MARK}", comment(target));
    let mut text = String::new();
    for line in assembly.lines() {
        match line.split_once(&start) {
            Some((code, place)) => text += &format!("\t.loc\t{place}\n{code}\n"),
            None => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_comments_and_directives_again() {
        let target = Target::from_triple("x86_64-unknown-linux-gnu").unwrap();
        let assembly = "\t.file\t\"a.c\"\nf:\n\t.cfi_startproc\n\t.file\t1 \".\" \"a.c\"\n\
                        \t.loc\t1 2 3 is_stmt 0  # a.c:2:3\n.Ltmp0:\n.Ltmp1:\n#DEBUG_VALUE: f:x <- 1\n\tincl\t%eax\n\tjne\t.Ltmp1\n\
                        \t.loc\t1 4 0\n\t.section\t.debug_info,\"\"\n\t.long\t.Ltmp0\n\t.text\n\tretq\n";
        let hidden = "\t.file\t1 \".\" \"a.c\"\n\t.file\t\"a.c\"\nf:\n.Ltmp1:\n\
                      \tincl\t%eax # @loc 1 2 3 is_stmt 0\n\tjne\t.Ltmp1\n\t.text\n\tretq # @loc 1 4 0\n";
        assert_eq!(hide(target, assembly), hidden);
        let again = "\t.file\t1 \".\" \"a.c\"\n\t.file\t\"a.c\"\nf:\n.Ltmp1:\n\
                     \t.loc\t1 2 3 is_stmt 0\n\tincl\t%eax\n\tjne\t.Ltmp1\n\t.text\n\t.loc\t1 4 0\n\tretq\n";
        assert_eq!(unhide(target, hidden), again);
    }
}

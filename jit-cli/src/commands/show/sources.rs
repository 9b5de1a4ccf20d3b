//! What stencils of a project are made of: their sources, their IR, and the lines of their code.

use std::fs;

use jit_llvm::Interrupt;

use super::{
    ShowArgs, Shown,
    asm::Beside,
    lines::{self, Places, Texts},
};
use crate::{
    Build,
    error::{Error, SubjectError},
    pipeline::one_target::look::{Looked, What},
    subjects::Place,
    terminal::report::Report,
};

/// Where to find out what stencils are made of.
pub(super) struct Sources<'a> {
    arguments: &'a ShowArgs,
    place: &'a Place<'a>,
    interrupt: &'a Interrupt,
    report: &'a Report,
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        arguments: &'a ShowArgs,
        place: &'a Place<'a>,
        interrupt: &'a Interrupt,
        report: &'a Report,
    ) -> Sources<'a> {
        Sources {
            arguments,
            place,
            interrupt,
            report,
        }
    }

    fn look(&self, one: &Shown<'_>, what: What) -> Result<Looked, Error> {
        let options = self.arguments.options(one.variant.codegen);
        let build = Build::with(options)
            .interrupt(self.interrupt.clone())
            .listening(self.report.watching());
        build.look(&one.set().target, one.name, what)
    }

    /// Returns the error that something is known of the project only.
    fn only_of_project(&self, option: &'static str) -> Result<(), Error> {
        match self.place {
            Place::Project => Ok(()),
            place => Err(SubjectError::NotBuilt {
                place: place.to_string(),
                option,
            }
            .into()),
        }
    }

    /// Returns the source of a stencil, below a comment with its place.
    pub(super) fn c(&self, one: &Shown<'_>) -> Result<String, Error> {
        self.only_of_project("--c")?;
        let unknown = || SubjectError::NoSource {
            name: one.name.to_owned(),
        };
        let Looked::Place { path, line, case } = self.look(one, What::Place)? else {
            return Err(unknown().into());
        };
        let text = match case {
            Some(text) => text,
            None => {
                let file = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
                function(&file, line).ok_or_else(unknown)?
            }
        };
        Ok(format!("// {}:{line}\n{text}\n", path.display()))
    }

    /// Returns LLVM's IR of a stencil.
    pub(super) fn ir(&self, one: &Shown<'_>) -> Result<String, Error> {
        self.only_of_project("--ir")?;
        match self.look(one, What::Ir)? {
            Looked::Ir(text) => Ok(text),
            _ => Err(SubjectError::NoSource {
                name: one.name.to_owned(),
            }
            .into()),
        }
    }

    /// Returns the lines of the source that instructions come from, if they are asked for. They are left out if a compilation
    /// with line tables gives other code.
    pub(super) fn beside(&self, one: &Shown<'_>) -> Result<Beside, Error> {
        if !self.arguments.lines {
            return Ok(Beside::new());
        }
        self.only_of_project("--lines")?;
        let found = match self.look(one, What::Lines)? {
            Looked::Lines {
                object,
                code,
                text,
                root,
            } if code == one.group.code.body => {
                let pointer = one.set().target.arch.pointer_size();
                lines::places(&object, pointer)
                    .map(|places| beside(&places, Texts::new(one.name, &text, &root)))
            }
            _ => None,
        };
        Ok(found.unwrap_or_else(|| {
            let (name, title) = (one.name, one.title());
            tracing::warn!("{name} ({title}): the lines of its source are not known");
            Beside::new()
        }))
    }
}

fn beside(places: &Places, mut texts: Texts<'_>) -> Beside {
    let texts = places.iter().map(|(offset, place)| {
        let text = place.as_ref().and_then(|place| texts.line(place));
        (*offset, text)
    });
    texts.collect()
}

/// Returns the text of a function in a file of C, of which one line is known: that of its name.
fn function(file: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = file.lines().collect();
    let mut start = line.checked_sub(1)?;
    // The lines before it up to an empty one, or the end of what comes before.
    while let Some(before) = start.checked_sub(1).and_then(|before| lines.get(before)) {
        let before = before.trim_end();
        if before.is_empty() || before.ends_with([';', '}']) || before.starts_with('#') {
            break;
        }
        start -= 1;
    }
    let text: String = lines.get(start..)?.join("\n");
    let end = end_of_body(&text)?;
    text.get(..end).map(str::to_owned)
}

/// Returns the end of the first `{...}` in a text of C.
fn end_of_body(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            '"' | '\'' => {
                while let Some((_, next)) = characters.next() {
                    match next {
                        '\\' => {
                            characters.next();
                        }
                        end if end == character => break,
                        _ => {}
                    }
                }
            }
            '/' if characters.peek().is_some_and(|(_, next)| *next == '/') => {
                while characters.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            '/' if characters.peek().is_some_and(|(_, next)| *next == '*') => {
                let rest = text.get(at + 2..)?;
                let end = at + 2 + rest.find("*/")? + 2;
                while characters.next_if(|(next, _)| *next < end).is_some() {}
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_cut_out() {
        let file = "int x;\n\nstatic int // {\nf(int a)\n{\n    /* } */ if (a == '}') {\n        return \"}\\\"\"[a];\n    }\n    \
                    return 0; // }\n}\n\nint g(void) { return 1; }\n";
        let text = function(file, 4).unwrap();
        assert!(text.starts_with("static int // {\nf(int a)\n{\n"), "{text}");
        assert!(text.ends_with("return 0; // }\n}"), "{text}");
        assert_eq!(function(file, 12).unwrap(), "int g(void) { return 1; }");
        assert_eq!(function(file, 99), None);
        assert_eq!(function("int f(void) {\n", 1), None);
    }
}

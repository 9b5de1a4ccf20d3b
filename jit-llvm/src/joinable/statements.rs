//! What a source may declare with linkage, by its tokens after preprocessing.
//!
//! In one file, such a declaration also counts for the sources after it, and for the functions of headers: after
//! `extern int f(void) __attribute__((cold));` in one of them, all calls of `f` are cold. The only ones that a source may have
//! are those of names that start with `_JIT_`, as these are other names for each source in the common file.
//!
//! C does not say by its tokens alone what is a declaration. So this reads the structure of statements, and notes what has to
//! be known about names. Whatever it does not know is refused.

use std::collections::BTreeSet;

use super::words::{ASSEMBLY, ATTRIBUTES, OF_DECLARATIONS, OF_VARIABLES, is_name};
use crate::modules::RESERVED as OWN;

/// What has to be true of names, so that a source declares nothing that counts for others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The first words of statements that are no declarations unless these are types.
    pub(super) values: BTreeSet<String>,
    /// Types of what is declared without an initial value, which is a variable unless one is the type of a function.
    pub(super) objects: BTreeSet<String>,
    /// The names after `struct`, `union` and `enum` outside of the function, which would be declared for the sources after it.
    pub(super) tags: BTreeSet<String>,
    /// The rest of all names that start with `__builtin_`.
    pub(super) builtins: BTreeSet<String>,
}

/// How deep statements may be in each other.
const DEEPEST: usize = 200;

/// Reads a source: declarations of its own names, and one function, `entry`. Returns `None` if that is not all.
pub(super) fn read(words: &[&[u8]], entry: &[u8]) -> Option<Needs> {
    let mut reader = Reader {
        words,
        at: 0,
        depth: 0,
        needs: Needs::default(),
    };
    reader.file(entry)?;
    let mut needs = reader.needs;
    for word in words {
        let text = std::str::from_utf8(word).ok()?;
        if let Some(name) = text.strip_prefix("__builtin_") {
            needs.builtins.insert(name.to_owned());
        }
    }
    Some(needs)
}

/// A reader of statements. Its methods leave it after what they have read, or return `None`.
struct Reader<'w, 't> {
    words: &'w [&'t [u8]],
    at: usize,
    depth: usize,
    needs: Needs,
}

/// What the words up to the first `=`, `,` or `;` look like.
enum Shape {
    /// A declaration of a name of its own.
    Own,
    /// A declaration of a variable, or of a function if one of these is the type of one.
    Variable(Vec<String>),
    /// Something else.
    Other,
}

impl<'t> Reader<'_, 't> {
    fn word(&self) -> Option<&'t [u8]> {
        self.peek(0)
    }

    fn peek(&self, after: usize) -> Option<&'t [u8]> {
        self.words.get(self.at + after).copied()
    }

    fn expect(&mut self, word: &[u8]) -> Option<()> {
        (self.word()? == word).then(|| self.at += 1)
    }

    fn file(&mut self, entry: &[u8]) -> Option<()> {
        let mut has_entry = false;
        while let Some(word) = self.word() {
            if word == b";" {
                self.at += 1;
                continue;
            }
            let start = self.at;
            let end = self.end_of_head()?;
            let head = self.words.get(start..end)?;
            for pair in head.windows(2) {
                if let [b"struct" | b"union" | b"enum", tag] = pair {
                    let tag = is_name(tag).then(|| String::from_utf8(tag.to_vec()).ok())?;
                    self.needs.tags.insert(tag?);
                }
            }
            if self.words.get(end).copied() == Some(b"{") {
                let entries = head.iter().filter(|word| **word == entry).count();
                let is_other =
                    |word: &&[u8]| matches!(*word, b"=" | b"static" | b"extern" | b"inline");
                if has_entry || entries != 1 || head.iter().any(is_other) {
                    return None;
                }
                has_entry = true;
                self.at = end;
                self.block()?;
            } else {
                let Shape::Own = self.shape()? else {
                    return None;
                };
                self.expect(b";")?;
            }
        }
        has_entry.then_some(())
    }

    /// Returns where the first `;` or `{` is that is not in parentheses.
    fn end_of_head(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, word) in self.words.iter().enumerate().skip(self.at) {
            match *word {
                b"(" | b"[" => depth += 1,
                b")" | b"]" => depth = depth.checked_sub(1)?,
                b"{" | b";" if depth == 0 => return Some(at),
                b"{" | b"}" | b";" => return None,
                _ => {}
            }
        }
        None
    }

    fn block(&mut self) -> Option<()> {
        self.expect(b"{")?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        while self.word()? != b"}" {
            self.statement()?;
        }
        self.at += 1;
        self.depth -= 1;
        Some(())
    }

    fn statement(&mut self) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.labels()?;
        match self.word()? {
            b"{" => self.block()?,
            b"}" => {}
            b";" => self.at += 1,
            b"if" | b"while" | b"switch" => {
                self.at += 1;
                self.group()?;
                self.statement()?;
            }
            b"else" => {
                self.at += 1;
                self.statement()?;
            }
            b"do" => {
                self.at += 1;
                self.statement()?;
                self.expect(b"while")?;
                self.group()?;
                self.expect(b";")?;
            }
            b"for" => {
                self.at += 1;
                self.expect(b"(")?;
                self.simple()?;
                self.expression(b";")?;
                self.expression(b")")?;
                self.statement()?;
            }
            b"return" | b"goto" | b"break" | b"continue" | b"_Static_assert" | b"static_assert" => {
                self.expression(b";")?
            }
            word if ASSEMBLY.contains(&word) => self.assembly()?,
            word if ATTRIBUTES.contains(&word) => {
                self.at += 1;
                self.group()?;
                match self.word()? {
                    b"return" => self.expression(b";")?,
                    _ => self.expect(b";")?,
                }
            }
            word if is_name(word) => self.simple()?,
            // Other statements start with an operator, a literal or a number.
            [
                b'(' | b'*' | b'&' | b'+' | b'-' | b'~' | b'!' | b'"' | b'\'' | b'0'..=b'9',
                ..,
            ] => {
                self.expression(b";")?;
            }
            _ => return None,
        }
        self.depth -= 1;
        Some(())
    }

    /// Reads inline assembly. That of Microsoft has no parentheses, and ends with its line, which tokens do not show.
    fn assembly(&mut self) -> Option<()> {
        const QUALIFIERS: [&[u8]; 5] = [
            b"volatile",
            b"__volatile__",
            b"__volatile",
            b"goto",
            b"inline",
        ];
        self.at += 1;
        while QUALIFIERS.contains(&self.word()?) {
            self.at += 1;
        }
        (self.word()? == b"(").then_some(())?;
        self.group()?;
        self.expect(b";")
    }

    /// Reads labels before a statement.
    fn labels(&mut self) -> Option<()> {
        loop {
            match self.word()? {
                b"case" => {
                    while self.word()? != b":" {
                        match self.word()? {
                            b"(" => self.group()?,
                            b"?" | b";" | b"{" | b"}" => return None,
                            _ => self.at += 1,
                        }
                    }
                    self.at += 1;
                }
                word if is_name(word) && self.peek(1) == Some(b":") => self.at += 2,
                _ => return Some(()),
            }
        }
    }

    /// Reads a statement that ends with a semicolon: a declaration of variables or of own names, or an expression.
    fn simple(&mut self) -> Option<()> {
        let start = self.at;
        let first = self.word()?;
        let shape = match is_name(first) {
            true => self.shape()?,
            false => Shape::Other,
        };
        match shape {
            Shape::Own => self.expect(b";"),
            Shape::Variable(types) => self.declarators(&types),
            Shape::Other => {
                self.at = start;
                if is_name(first) {
                    let is_word_of_type =
                        OF_VARIABLES.contains(&first) || OF_DECLARATIONS.contains(&first);
                    if is_word_of_type {
                        return None;
                    }
                    let name = String::from_utf8(first.to_vec()).ok()?;
                    self.needs.values.insert(name);
                }
                self.expression(b";")
            }
        }
    }

    /// Reads what is before the first `=`, `,` or `;` if it is a declaration.
    fn shape(&mut self) -> Option<Shape> {
        let mut names: Vec<&[u8]> = Vec::new();
        // Only a declaration of an own name may have these.
        let mut is_special = false;
        loop {
            match self.word()? {
                b"*" => self.at += 1,
                b"[" if !names.is_empty() => self.dimensions()?,
                word if ATTRIBUTES.contains(&word) => {
                    is_special = true;
                    self.at += 1;
                    self.dimensions()?;
                }
                b"extern" => {
                    is_special = true;
                    self.at += 1;
                }
                b"(" => {
                    let name = names.last().copied().unwrap_or_default();
                    if names.len() < 2 || !name.starts_with(OWN.as_bytes()) {
                        return Some(Shape::Other);
                    }
                    self.dimensions()?;
                    let ends = self.word()? == b";";
                    return ends.then_some(Shape::Own);
                }
                b"=" | b"," | b";" => break,
                // No other word without parentheses makes a function of what is declared, nor gives it linkage.
                word if is_name(word) => {
                    if OF_DECLARATIONS.contains(&word) || ASSEMBLY.contains(&word) {
                        return Some(Shape::Other);
                    }
                    names.push(word);
                    self.at += 1;
                }
                _ => return Some(Shape::Other),
            }
        }
        let (name, types) = match names.split_last() {
            Some((name, types)) if !types.is_empty() => (name, types),
            _ => return Some(Shape::Other),
        };
        if name.starts_with(OWN.as_bytes()) {
            return (self.word()? == b";").then_some(Shape::Own);
        }
        if is_special || OF_VARIABLES.contains(name) {
            return Some(Shape::Other);
        }
        let types = types.iter().map(|word| String::from_utf8(word.to_vec()));
        Some(Shape::Variable(types.collect::<Result<_, _>>().ok()?))
    }

    /// Reads what follows the first name of a declaration.
    fn declarators(&mut self, types: &[String]) -> Option<()> {
        loop {
            match self.word()? {
                b"=" => {
                    self.at += 1;
                    self.value()?;
                }
                _ => self.needs.objects.extend(types.iter().cloned()),
            }
            match self.word()? {
                b";" => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.expect(b",")?,
            }
            while self.word()? == b"*" {
                self.at += 1;
            }
            let name = self.word()?;
            if !is_name(name) || OF_DECLARATIONS.contains(&name) {
                return None;
            }
            self.at += 1;
            while self.word()? == b"[" {
                self.dimensions()?;
            }
            if !matches!(self.word()?, b"=" | b"," | b";") {
                return None;
            }
        }
    }

    /// Reads an initial value.
    fn value(&mut self) -> Option<()> {
        while !matches!(self.word()?, b"," | b";") {
            self.part()?;
        }
        Some(())
    }

    /// Reads an expression and the word after it.
    fn expression(&mut self, end: &[u8]) -> Option<()> {
        while self.word()? != end {
            // Otherwise it is not one expression.
            if self.word()? == b";" {
                return None;
            }
            self.part()?;
        }
        self.at += 1;
        Some(())
    }

    /// Reads a word of an expression, or what is in parentheses, brackets or braces.
    fn part(&mut self) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        match self.word()? {
            b"(" => self.group()?,
            b"[" => self.inner(b"]")?,
            b"{" => self.inner(b"}")?,
            b")" | b"]" | b"}" | b";" => return None,
            // There is none of these in an expression.
            b"extern" | b"typedef" | b"static" | b"auto" | b"inline" => return None,
            _ => self.at += 1,
        }
        self.depth -= 1;
        Some(())
    }

    /// Reads what is in parentheses: statements if it starts with a brace.
    fn group(&mut self) -> Option<()> {
        if self.word()? == b"(" && self.peek(1) == Some(b"{") {
            self.at += 1;
            self.block()?;
            return self.expect(b")");
        }
        self.inner(b")")
    }

    /// Reads up to the end of what the present word opens.
    fn inner(&mut self, end: &[u8]) -> Option<()> {
        self.at += 1;
        while self.word()? != end {
            self.part()?;
        }
        self.at += 1;
        Some(())
    }

    /// Reads parentheses or brackets without braces and semicolons in them.
    fn dimensions(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.word()? {
                b"(" | b"[" => depth += 1,
                b")" | b"]" => depth = depth.checked_sub(1)?,
                b"{" | b"}" | b";" => return None,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests;

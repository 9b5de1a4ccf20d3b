//! What `pyconfig.h` defines.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{self, Kind, Line, Token};

/// The name of the file.
pub(super) const PYCONFIG: &str = "pyconfig.h";

/// The definitions of a macro in `pyconfig.h`.
#[derive(Debug, Default)]
pub(super) struct Definition<'a> {
    /// The definitions, with their conditions.
    pub(super) text: String,
    /// The names that occur in them.
    pub(super) names: BTreeSet<&'a str>,
}

/// A line of `pyconfig.h`, with the conditions around it.
pub(super) struct Placed<'a> {
    pub(super) line: &'a Line<'a>,
    pub(super) conditions: Vec<&'a Line<'a>>,
}

/// Returns the lines that are not conditions, without an include guard.
pub(super) fn placed<'a>(lines: &'a [Line<'a>]) -> Vec<Placed<'a>> {
    // An include guard is a condition around the whole file.
    let guard = guard(lines);
    let is_guard = |line: &Line<'_>| guard.is_some_and(|guard| mentions(line, guard));
    let mut conditions: Vec<&Line<'_>> = Vec::new();
    let mut found = Vec::new();
    for line in lines {
        match &line.kind {
            // The condition of the previous branch still matters: it was false.
            Kind::If | Kind::Else => conditions.push(line),
            Kind::EndIf => while conditions.pop().is_some_and(|line| line.kind == Kind::Else) {},
            Kind::Define(name) | Kind::Undefine(name) if Some(name.as_str()) == guard => {}
            Kind::Define(_) | Kind::Undefine(_) | Kind::Directive | Kind::Text => {
                let around = conditions.iter().copied();
                found.push(Placed {
                    line,
                    conditions: around.filter(|line| !is_guard(line)).collect(),
                });
            }
        }
    }
    found
}

/// Returns the macros that are defined or undefined.
pub(super) fn definitions<'a>(lines: &'a [Line<'a>]) -> BTreeMap<&'a str, Definition<'a>> {
    let mut definitions: BTreeMap<&str, Definition<'_>> = BTreeMap::new();
    for Placed { line, conditions } in placed(lines) {
        let (Kind::Define(name) | Kind::Undefine(name)) = &line.kind else {
            continue;
        };
        let definition = definitions.entry(name).or_default();
        for condition in conditions {
            definition.text.push_str(&shown(&condition.tokens));
            definition.text.push('\n');
            definition.names.extend(tokens::names(&condition.tokens));
        }
        let body = match line.kind {
            Kind::Undefine(_) => "#undef".to_owned(),
            _ => shown(line.body()),
        };
        definition.text.push_str(&body);
        definition.text.push('\n');
        definition.names.extend(tokens::names(line.body()));
    }
    for definition in definitions.values_mut() {
        definition.text.truncate(definition.text.trim_end().len());
    }
    definitions
}

/// Returns whether a macro with this [text](Definition::text) is always defined.
pub(super) fn is_unconditional(text: &str) -> bool {
    !text.starts_with('#')
}

/// Returns the macro of an include guard: `#ifndef NAME`, then `#define NAME`.
fn guard<'a>(lines: &'a [Line<'a>]) -> Option<&'a str> {
    match lines {
        [first, second, ..] if mentions(first, "ifndef") => match &second.kind {
            Kind::Define(name) if mentions(first, name) && second.body().is_empty() => Some(name),
            _ => None,
        },
        _ => None,
    }
}

fn mentions(line: &Line<'_>, name: &str) -> bool {
    line.tokens.iter().any(|token| token.text == name)
}

/// Returns tokens as text.
pub(super) fn shown(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for (index, token) in tokens.iter().enumerate() {
        // A parenthesis without space before it has the parameters of a macro.
        if token.spaced && (index > 0 || token.text == "(") {
            text.push(' ');
        }
        text.push_str(token.text);
    }
    text
}

//! Writing definitions and declarations.

use super::{
    body,
    error::{ModuleError, Refusal},
    lexer::{self, Kind, Token, closing, is_dropped, nesting},
    module::{Symbol, SymbolKind},
    names::Emitter,
    roles::{LIKE_OPERANDS, Role},
};

const LINKAGE: [&str; 11] = [
    "private",
    "internal",
    "available_externally",
    "linkonce",
    "weak",
    "common",
    "appending",
    "extern_weak",
    "linkonce_odr",
    "weak_odr",
    "external",
];

/// Words that say how a symbol is seen from outside.
const VISIBILITY: [&str; 7] = [
    "dso_local",
    "dso_preemptable",
    "default",
    "hidden",
    "protected",
    "dllimport",
    "dllexport",
];

/// A definition in the new module.
pub(super) enum Definition {
    Constant(String),
    /// A function, whose alignment does not matter if it is only called.
    Function {
        name: String,
        start: String,
        alignment: String,
        end: String,
    },
}

impl<'a> Emitter<'_, 'a> {
    /// Returns a definition, if the symbol has one.
    pub(super) fn definition(&mut self, name: &'a str) -> Result<Option<Definition>, ModuleError> {
        let module = self.module;
        let Some(symbol) = module.symbols.get(name) else {
            return Ok(None);
        };
        let new = self.local_name(name);
        Ok(match &symbol.kind {
            SymbolKind::Function(range) => {
                let [start, alignment, end] = self.header(symbol, &new, name == self.entry)?;
                let body = body::rewritten(self, module.slice(range))?;
                Some(Definition::Function {
                    name: new,
                    start,
                    alignment,
                    end: format!("{end} {{\n{body}}}\n"),
                })
            }
            SymbolKind::Constant => Some(Definition::Constant(self.constant(symbol, &new)?)),
            SymbolKind::Declared | SymbolKind::Variable | SymbolKind::Alias | SymbolKind::Ifunc => {
                None
            }
        })
    }

    /// Returns the start of a function, without the brace: what comes before its alignment, that, and the rest.
    fn header(
        &mut self,
        symbol: &Symbol,
        new: &str,
        is_entry: bool,
    ) -> Result<[String; 3], ModuleError> {
        let module = self.module;
        let head = module.slice(&symbol.head);
        let mut text = String::from(match is_entry {
            // What is local to a program gets a second label, and is called by that.
            true if head.iter().any(|token| token.is("dso_local")) => "define dso_local",
            true => "define",
            false => "define internal",
        });
        for token in head {
            if LINKAGE.iter().chain(&VISIBILITY).any(|word| token.is(word)) {
                continue;
            }
            text.push(' ');
            text.push_str(&self.token(token)?);
        }
        text.push_str(&format!(" @{new}"));
        let rest = module.slice(&symbol.rest);
        let close = closing(rest, 0).unwrap_or(rest.len());
        let (parameters, after) = rest.split_at_checked(close + 1).unwrap_or((rest, &[]));
        text.push_str(&self.tokens(parameters)?);
        let at = after.iter().position(|token| token.is("align"));
        let (before, rest) = after
            .split_at_checked(at.unwrap_or(after.len()))
            .unwrap_or((after, &[]));
        let (alignment, rest) = rest.split_at_checked(2).unwrap_or((rest, &[]));
        text.push_str(&self.suffix(before)?);
        Ok([text, self.suffix(alignment)?, self.suffix(rest)?])
    }

    /// Returns a part of what follows the parameters of a function.
    fn suffix(&mut self, tokens: &[Token<'a>]) -> Result<String, ModuleError> {
        let mut text = String::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1);
            match (token.kind, token.text) {
                (Kind::Word, "comdat") => {
                    at += match next {
                        Some(next) if next.is("(") => 4,
                        _ => 1,
                    };
                    continue;
                }
                // Functions that need one are refused.
                (Kind::Word, "personality") if next.is_some_and(|next| next.is("ptr")) => {
                    at += 3;
                    continue;
                }
                (Kind::Word, "prefix" | "prologue" | "gc" | "partition" | "personality") => {
                    return Err(self.refuse(Refusal::Other(format!(
                        "the function has the property {:?}, which no stencil can have",
                        token.text
                    ))));
                }
                (Kind::Metadata, "!dbg") => {
                    at += 2;
                    continue;
                }
                (Kind::Group, _) => {
                    let number = self.group_of_definition(token)?;
                    text.push_str(&format!(" #{number}"));
                    at += 1;
                    continue;
                }
                _ => {}
            }
            text.push_str(token.space);
            text.push_str(&self.token(token)?);
            at += 1;
        }
        Ok(text)
    }

    /// Returns a variable that does not change.
    fn constant(&mut self, symbol: &Symbol, new: &str) -> Result<String, ModuleError> {
        let module = self.module;
        let head = module.slice(&symbol.head);
        let linkage = match head.iter().any(|token| token.is("private")) {
            true => "private",
            false => "internal",
        };
        let mut text = format!("@{new} = {linkage}");
        for token in head {
            if !LINKAGE.iter().chain(&VISIBILITY).any(|word| token.is(word)) {
                text.push(' ');
                text.push_str(&self.token(token)?);
            }
        }
        text.push_str(" constant");
        let mut rest = module.slice(&symbol.rest);
        let mut depth = 0_usize;
        while let Some((token, after)) = rest.split_first() {
            depth = nesting(depth, token);
            // `, comdat` or `, comdat($x)`
            if depth == 0 && token.is(",") && after.first().is_some_and(|next| next.is("comdat")) {
                let has_name = after.get(1).is_some_and(|next| next.is("("));
                rest = after
                    .get(if has_name { 4 } else { 1 }..)
                    .unwrap_or_default();
                continue;
            }
            if depth == 0 && token.is(",") && after.first().is_some_and(is_dropped) {
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            text.push_str(token.space);
            text.push_str(&self.token(token)?);
            rest = after;
        }
        text.push('\n');
        Ok(text)
    }

    /// Returns the declarations of all symbols that are not defined.
    pub(super) fn declarations(&mut self) -> Result<String, ModuleError> {
        let mut text = String::new();
        for (new, old) in std::mem::take(&mut self.declared) {
            self.current = old;
            let Some(symbol) = self.module.symbols.get(old) else {
                continue;
            };
            let role = self.wanted.roles.get(&lexer::plain(old)).copied();
            let line = match role {
                Some(Role::Operand { .. }) => self.operand(symbol, &new),
                role => self.declaration(symbol, &new, role.is_some())?,
            };
            text.push_str(&line);
        }
        Ok(text)
    }

    /// Returns the declaration of an operand: whatever it is for the source, its address is the value.
    fn operand(&self, symbol: &Symbol, new: &str) -> String {
        let like = self.module.symbols.get(LIKE_OPERANDS);
        let head = self.module.slice(&like.unwrap_or(symbol).head);
        let seen = match head.iter().any(|token| token.is("dso_local")) {
            _ if self.wanted.imports => " dllimport",
            true => " dso_local",
            false => "",
        };
        format!("@{new} = external{seen} global i8\n")
    }

    fn declaration(
        &mut self,
        symbol: &Symbol,
        new: &str,
        is_place: bool,
    ) -> Result<String, ModuleError> {
        let module = self.module;
        let (keyword, is_function) = match symbol.kind {
            SymbolKind::Constant => ("constant", false),
            SymbolKind::Variable => ("global", false),
            _ => ("", true),
        };
        // Data of the host may be anywhere.
        let imported = self.wanted.imports && !is_function && !is_place;
        let mut head = String::new();
        let mut tokens = module.slice(&symbol.head).iter();
        while let Some(token) = tokens.next() {
            if token.text == "!dbg" {
                tokens.next();
                continue;
            }
            let is_seen = VISIBILITY.iter().any(|word| token.is(word));
            if is_place && (is_seen || LINKAGE.iter().any(|word| token.is(word))) {
                continue;
            }
            if imported && (is_seen || token.is("extern_weak") || token.is("external")) {
                continue;
            }
            head.push_str(&self.token(token)?);
            head.push(' ');
        }
        if imported {
            head = format!("external dllimport {head}");
        }
        if is_place {
            // Places are in the same trace, so code jumps to them without a table of addresses.
            head = match is_function {
                true => format!("hidden {head}"),
                false => format!("external hidden {head}"),
            };
        }
        let rest = self.tokens(module.slice(&symbol.rest))?;
        Ok(match is_function {
            true => format!("declare {head}@{new}{rest}\n"),
            false => format!("@{new} = {head}{keyword}{rest}\n"),
        })
    }
}

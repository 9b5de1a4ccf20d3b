//! The entities of a module.

use std::{collections::HashMap, ops::Range};

use super::{
    error::ModuleError,
    lexer::{self, Kind, Token},
};

/// LLVM IR as text, read.
#[derive(Debug)]
pub struct Module<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) layout: Option<&'a str>,
    pub(super) triple: Option<&'a str>,
    /// What follows `=`, by the name of the type.
    pub(super) types: HashMap<&'a str, Range<usize>>,
    pub(super) symbols: HashMap<&'a str, Symbol>,
    /// What is in the braces, by the name of the group.
    pub(super) groups: HashMap<&'a str, Range<usize>>,
    /// What follows `=`, by name.
    pub(super) metadata: HashMap<&'a str, Range<usize>>,
    /// What follows `=`, by name.
    pub(super) comdats: HashMap<&'a str, Range<usize>>,
    /// Whether something is kept although nothing uses it.
    pub(super) keeps: bool,
    /// The names of the functions that the module defines, in its order.
    functions: Vec<&'a str>,
    /// The functions that run when a program starts or ends.
    constructors: Vec<String>,
}

/// The tokens of a function, a variable or an alias.
#[derive(Debug, Clone)]
pub(super) struct Symbol {
    pub(super) kind: SymbolKind,
    /// What comes before the name of a function, or before the keyword of something else.
    pub(super) head: Range<usize>,
    /// What follows the name of a function, without its body, or the keyword of something else.
    pub(super) rest: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SymbolKind {
    /// A function and the tokens of its body.
    Function(Range<usize>),
    /// A function that is not defined here.
    Declared,
    /// A variable, with `global`.
    Variable,
    /// A variable, with `constant`.
    Constant,
    Alias,
    Ifunc,
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as clang names it.
    pub file: String,
    /// The line.
    pub line: usize,
}

/// Named metadata that says how to generate code.
pub(super) const NAMED: [&str; 2] = ["llvm.module.flags", "llvm.errno.tbaa"];

/// Named metadata without an effect on code, or with one on other sections than those of code and data.
const IGNORED: [&str; 7] = [
    "llvm.ident",
    "llvm.dbg.cu",
    "llvm.commandline",
    "llvm.linker.options",
    "llvm.dependent-libraries",
    "rustc.debug_info",
    "llvm.debugify",
];

/// The variables by which modules say what is kept. Nothing is removed from a module of one function but what it does
/// not reach.
const KEPT: [&str; 2] = ["llvm.used", "llvm.compiler.used"];

impl<'a> Module<'a> {
    /// Reads a module.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Unknown`] for the first line that is not known, or that no stencil can have.
    pub fn parse(text: &'a str) -> Result<Module<'a>, ModuleError> {
        let module = Module::read(text)?;
        match module.constructors.is_empty() {
            true => Ok(module),
            false => Err(ModuleError::Constructors {
                functions: module.constructors,
            }),
        }
    }

    /// Returns the place of the first variable or function of a module with debug information because of which something
    /// runs when a program starts or ends.
    pub fn place_of_constructor(text: &str) -> Option<Place> {
        Module::read(text).ok()?.constructor()
    }

    fn read(text: &'a str) -> Result<Module<'a>, ModuleError> {
        let mut module = Module {
            tokens: lexer::tokens(text)?,
            layout: None,
            triple: None,
            types: HashMap::new(),
            symbols: HashMap::new(),
            groups: HashMap::new(),
            metadata: HashMap::new(),
            comdats: HashMap::new(),
            keeps: false,
            functions: Vec::new(),
            constructors: Vec::new(),
        };
        let mut start = 0;
        while start < module.tokens.len() {
            let end = module.end_of(start)?;
            module.add(start..end)?;
            start = end;
        }
        Ok(module)
    }

    /// Returns where the first of the variables and functions is defined because of which something runs when a program
    /// starts or ends, if the module has debug information.
    fn constructor(&self) -> Option<Place> {
        // clang makes a function of each initial value, which has the line of the variable.
        let made = self.functions.iter().copied().filter(|name| {
            [
                "__cxx_global_var_init",
                "??__E",
                "__cxx_global_array_dtor",
                "??__F",
            ]
            .iter()
            .any(|start| {
                lexer::plain(name)
                    .trim_start_matches('\u{1}')
                    .starts_with(start)
            })
        });
        let named = self.constructors.iter().map(String::as_str);
        made.chain(named)
            .find_map(|name| self.place(&lexer::plain(name)))
    }

    /// Returns the triple of the target that the module is for.
    pub fn triple(&self) -> Option<&'a str> {
        self.triple
    }

    /// Returns the names of the functions that the module defines, in its order.
    pub fn functions(&self) -> impl Iterator<Item = String> {
        self.functions.iter().map(|name| lexer::plain(name))
    }

    /// Returns the names of the functions and variables that the module refers to and does not define.
    pub fn external(&self) -> Vec<String> {
        self.names(|symbol| self.is_external(symbol))
    }

    /// Returns the names of the functions and variables that the module defines.
    pub fn defined(&self) -> Vec<String> {
        self.names(|symbol| !self.is_external(symbol))
    }

    /// Returns the names of some symbols, in alphabetical order, without those of LLVM.
    fn names(&self, is_wanted: impl Fn(&Symbol) -> bool) -> Vec<String> {
        let all = self.symbols.iter();
        let wanted = all.filter(|(name, symbol)| !name.starts_with("llvm.") && is_wanted(symbol));
        let mut names: Vec<String> = wanted.map(|(name, _)| lexer::plain(name)).collect();
        names.sort();
        names
    }

    /// Returns the names of the functions and variables that the module defines for other modules.
    pub fn exported(&self) -> Vec<String> {
        self.names(|symbol| {
            let mut head = self.slice(&symbol.head).iter();
            !self.is_external(symbol)
                && !head.any(|token| token.is("internal") || token.is("private"))
        })
    }

    /// Returns the names of aliases, other names for something that the module defines.
    pub fn aliases(&self) -> Vec<String> {
        self.names(|symbol| symbol.kind == SymbolKind::Alias)
    }

    /// Returns what clang takes the address of a symbol for a multiple of, in bytes, if the module has the symbol.
    pub(crate) fn alignment(&self, symbol: &str) -> Option<u32> {
        let mut symbols = self.symbols.iter();
        let (_, symbol) = symbols.find(|(name, _)| lexer::plain(name) == symbol)?;
        Some(match symbol.kind {
            // This is the `alignof` of any function.
            SymbolKind::Declared => 4,
            _ => self.alignment_of(symbol),
        })
    }

    /// Returns the alignment that a declaration has, in bytes.
    pub(super) fn alignment_of(&self, symbol: &Symbol) -> u32 {
        let tokens = self.slice(&symbol.rest);
        let is_align = |pair: &&[Token<'a>]| matches!(pair, [word, _] if word.is("align"));
        let pair = tokens.windows(2).rfind(is_align);
        let number = pair.and_then(<[_]>::last);
        number
            .and_then(|token| token.text.parse().ok())
            .unwrap_or(1)
    }

    /// Returns a function that the module defines, with its name as the module has it.
    pub(super) fn function(&self, name: &str) -> Option<(&'a str, &Symbol)> {
        let is_it = |(known, symbol): &(&&'a str, &Symbol)| {
            symbol.is_function() && lexer::plain(known) == name
        };
        // Names with special characters are in quotes.
        let found = self.symbols.get_key_value(name).filter(is_it);
        let found = found.or_else(|| self.symbols.iter().find(is_it));
        found.map(|(name, symbol)| (*name, symbol))
    }

    /// Returns where a function is defined, if the module has debug information.
    pub fn place(&self, function: &str) -> Option<Place> {
        let name = self
            .functions
            .iter()
            .find(|name| lexer::plain(name) == function)?;
        let symbol = self.symbols.get(name)?;
        let of = |tokens: &[Token<'a>], from: usize| {
            let marks = tokens.get(from..)?.iter();
            let mark = from + { marks }.position(|token| token.text == "!dbg")?;
            Some((mark, self.metadata.get(tokens.get(mark + 1)?.name())?))
        };
        let line = |range: &Range<usize>| {
            let line = self.field(range, "line:")?.text.parse().ok();
            line.filter(|line: &usize| *line > 0)
        };
        let (_, subprogram) = of(self.slice(&symbol.rest), 0)?;
        let file = |range: &Range<usize>| self.metadata.get(self.field(range, "file:")?.name());
        let (line, file) = match (line(subprogram), &symbol.kind) {
            (Some(line), _) => (line, file(subprogram)?),
            // A function that clang makes has no line, but its instructions have those of a variable.
            (None, SymbolKind::Function(body)) => {
                let body = self.slice(body);
                let mut from = 0;
                loop {
                    let (mark, location) = of(body, from)?;
                    if let Some(line) = line(location) {
                        let scope = self.metadata.get(self.field(location, "scope:")?.name());
                        break (line, scope.and_then(file).or(file(subprogram))?);
                    }
                    from = mark + 1;
                }
            }
            (None, _) => return None,
        };
        let text = |label| Some(self.field(file, label)?.text.trim_matches('"'));
        Some(Place {
            file: text("filename:")?.to_owned(),
            line,
        })
    }

    /// Returns the token after a label within an entity.
    fn field(&self, range: &Range<usize>, label: &str) -> Option<&Token<'a>> {
        let tokens = self.tokens.get(range.clone())?;
        let name = label.strip_suffix(':')?;
        let found = tokens
            .windows(2)
            .position(|pair| matches!(pair, [a, b] if a.text == name && b.text == ":"));
        tokens.get(found? + 2)
    }

    pub(super) fn slice(&self, range: &Range<usize>) -> &[Token<'a>] {
        self.tokens.get(range.clone()).unwrap_or_default()
    }

    pub(super) fn is_external(&self, symbol: &Symbol) -> bool {
        match symbol.kind {
            SymbolKind::Declared => true,
            SymbolKind::Variable | SymbolKind::Constant => {
                let mut head = self.slice(&symbol.head).iter();
                head.any(|token| token.is("external") || token.is("extern_weak"))
            }
            SymbolKind::Function(_) | SymbolKind::Alias | SymbolKind::Ifunc => false,
        }
    }

    /// Returns the index of the first token of the next entity.
    fn end_of(&self, start: usize) -> Result<usize, ModuleError> {
        let first = self.tokens.get(start);
        let is_definition = first.is_some_and(|token| token.is("define"));
        let rest = self.tokens.get(start + 1..).unwrap_or_default();
        let found = match is_definition {
            true => rest
                .iter()
                .position(|token| token.indent == Some(0) && token.is("}"))
                .map(|position| position + 1),
            false => Some(
                rest.iter()
                    .position(|token| token.indent == Some(0) && !token.is("}") && !token.is("]"))
                    .unwrap_or(rest.len()),
            ),
        };
        let line = first.map_or(0, |token| token.line);
        let length =
            found.ok_or_else(|| ModuleError::unknown(line, "a function whose end is missing"))?;
        Ok(start + 1 + length)
    }

    fn add(&mut self, range: Range<usize>) -> Result<(), ModuleError> {
        let tokens = self.slice(&range);
        let Some(&first) = tokens.first() else {
            return Ok(());
        };
        let unknown = |what: &str| Err(ModuleError::unknown(first.line, what));
        let second = tokens.get(1).copied();
        let is_assigned = second.is_some_and(|token| token.is("="));
        let value = range.start + 2..range.end;
        match (first.kind, first.text) {
            (Kind::Word, "source_filename") => {}
            (Kind::Word, "target") => {
                let text = tokens.get(3).map(|token| token.text.trim_matches('"'));
                match second.map(|token| token.text) {
                    Some("datalayout") => self.layout = text,
                    Some("triple") => self.triple = text,
                    _ => return unknown("an unknown property of the target"),
                }
            }
            (Kind::Word, "module") => {
                return unknown(
                    "assembly outside of functions, which belongs to no stencil: move it into a source of the host",
                );
            }
            (Kind::Word, "define" | "declare") => return self.add_function(first, range),
            (Kind::Word, "attributes") => {
                let inside = range.start + 4..range.end.saturating_sub(1);
                match second.filter(|token| token.kind == Kind::Group) {
                    Some(group) => self.groups.insert(group.name(), inside),
                    None => return unknown("an attribute group without a name"),
                };
            }
            (Kind::Comdat, _) if is_assigned => {
                self.comdats.insert(first.name(), value);
            }
            // The order of the uses of what all functions share.
            (Kind::Word, "uselistorder" | "uselistorder_bb") => {}
            (Kind::Local, _) if is_assigned => {
                if first.name().bytes().all(|byte| byte.is_ascii_digit()) {
                    return unknown(
                        "a structure type without a name, which looks like a value: give it a name",
                    );
                }
                self.types.insert(first.name(), value);
            }
            (Kind::Metadata, _) if is_assigned => {
                let name = first.name();
                let is_numbered = name.bytes().all(|byte| byte.is_ascii_digit());
                if !is_numbered && !NAMED.contains(&name) && !IGNORED.contains(&name) {
                    return unknown(&format!("metadata of the unknown name !{name}"));
                }
                self.metadata.insert(name, value);
            }
            (Kind::Global, _) if is_assigned => return self.add_variable(first, value),
            _ => {
                return unknown(&format!(
                    "{:?} is not known at the start of a line",
                    first.text
                ));
            }
        }
        Ok(())
    }

    fn add_function(&mut self, first: Token<'a>, range: Range<usize>) -> Result<(), ModuleError> {
        let tokens = self.slice(&range);
        let unknown = |what: &str| Err(ModuleError::unknown(first.line, what));
        let Some(at) = tokens.iter().position(|token| token.kind == Kind::Global) else {
            return unknown("a function without a name");
        };
        let name = tokens.get(at).map(Token::name).unwrap_or_default();
        let head = range.start + 1..range.start + at;
        let rest = range.start + at + 1;
        let symbol = match first.text {
            "declare" => Symbol {
                kind: SymbolKind::Declared,
                head,
                rest: rest..range.end,
            },
            _ => {
                // The brace is the last token of its line. Constants in the header are on the same line.
                let mut lines = tokens.windows(2).skip(at);
                let brace = lines
                    .position(|pair| matches!(pair, [a, b] if a.is("{") && b.indent.is_some()));
                let Some(brace) = brace.map(|position| range.start + at + position) else {
                    return unknown("a function without a body");
                };
                self.functions.push(name);
                Symbol {
                    kind: SymbolKind::Function(brace + 1..range.end - 1),
                    head,
                    rest: rest..brace,
                }
            }
        };
        match self.symbols.insert(name, symbol) {
            Some(_) => unknown(&format!("a second function {name}")),
            None => Ok(()),
        }
    }

    fn add_variable(&mut self, first: Token<'a>, value: Range<usize>) -> Result<(), ModuleError> {
        let name = first.name();
        let unknown = |what: &str| Err(ModuleError::unknown(first.line, what));
        if KEPT.contains(&name) {
            self.keeps = true;
            return Ok(());
        }
        if matches!(name, "llvm.global_ctors" | "llvm.global_dtors") {
            let tokens = self.slice(&value);
            let functions = tokens.iter().filter(|token| token.kind == Kind::Global);
            let functions: Vec<String> =
                functions.map(|token| lexer::plain(token.name())).collect();
            self.constructors.extend(functions);
            return Ok(());
        }
        let tokens = self.slice(&value);
        let kinds = [
            ("global", SymbolKind::Variable),
            ("constant", SymbolKind::Constant),
            ("alias", SymbolKind::Alias),
            ("ifunc", SymbolKind::Ifunc),
        ];
        let found = tokens.iter().enumerate().find_map(|(at, token)| {
            let (_, kind) = kinds.iter().find(|(word, _)| token.is(word))?;
            Some((at, kind.clone()))
        });
        let Some((at, kind)) = found else {
            return unknown(&format!("{name} is neither a variable nor an alias"));
        };
        let symbol = Symbol {
            kind,
            head: value.start..value.start + at,
            rest: value.start + at + 1..value.end,
        };
        match self.symbols.insert(name, symbol) {
            Some(_) => unknown(&format!("a second {name}")),
            None => Ok(()),
        }
    }
}

impl Symbol {
    /// Returns whether it is a function with a body.
    pub(super) fn is_function(&self) -> bool {
        matches!(self.kind, SymbolKind::Function(_))
    }
}

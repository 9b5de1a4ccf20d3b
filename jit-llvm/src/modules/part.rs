//! One function of a module that clang has made of many sources: the module that clang makes of its source alone.
//!
//! In contrast to what [`Module::extract`] does, nothing changes its meaning or linkage. clang's front end adds functions
//! and variables to a module when it first meets them, and translates the functions of headers after those that use them,
//! so most of their order follows from the text of the functions. The numbers of types, attributes and metadata have no
//! meaning; they are given in the order of use, so that the text does not depend on the other sources.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    lexer::{Kind, Token, is_dropped},
    module::{Module, Symbol, SymbolKind},
    names::Numbers,
    roles::{ENTRY, RESERVED},
};

/// How many functions of headers may call each other in turn.
const DEEPEST: usize = 500;

/// What linkage a function has that clang translates only because it is used.
const WHEN_USED: [&str; 4] = [
    "internal",
    "available_externally",
    "linkonce_odr",
    "linkonce",
];

/// On Windows, there is a unit of debug information in a module without any.
const WITHOUT_EFFECT: [&str; 1] = ["llvm.dbg.cu"];

/// What clang's names of variables start with that are made of the name of a function, before that name.
const OF_FUNCTIONS: [&str; 4] = [
    "__func__.",
    "__FUNCTION__.",
    "__PRETTY_FUNCTION__.",
    "__const.",
];

/// What linkage clang's own variables have, and none with a name in C: literals, for example.
const OF_CLANG: [&str; 2] = ["private", "linkonce_odr"];

/// How the names of LLVM's own functions start.
const INTRINSIC: &str = "llvm.";

impl<'a> Module<'a> {
    /// Returns whether everything that the module defines is either a function whose name starts with `prefix`, or is in
    /// a module only if that uses it. What a header defines for others is in the module of each source.
    pub(crate) fn is_divisible(&self, prefix: &str) -> bool {
        const LOCAL: [&str; 2] = ["internal", "private"];
        let is_needless = |(name, symbol): (&&str, &Symbol)| {
            let mut head = self.slice(&symbol.head).iter();
            self.is_external(symbol)
                || head.any(|token| LOCAL.iter().chain(&WHEN_USED).any(|word| token.is(word)))
                || symbol.is_function() && name.contains(prefix)
        };
        !self.keeps && self.symbols.iter().all(is_needless)
    }

    /// Returns the module of one of the sources, or `None` if it is not known to be the one that clang would have made of
    /// the source alone.
    pub(crate) fn part(&self, joined: &Joined<'_>) -> Option<String> {
        let name = joined.entry;
        // On Windows, the name may be part of a longer one. There are others with it, as of blocks.
        let entries = self.symbols.iter();
        let mut entries = entries.filter(|(known, symbol)| {
            symbol.is_function() && known.contains(name) && !known.contains('.')
        });
        let ((&entry, _), None) = (entries.next()?, entries.next()) else {
            return None;
        };
        let mut part = Part {
            module: self,
            joined,
            seen: HashSet::from([entry]),
            functions: vec![entry],
            variables: Vec::new(),
            waiting: Vec::new(),
            string: None,
            types: Numbers::default(),
            metadata: Numbers::default(),
            groups: Numbers::default(),
            comdats: BTreeSet::new(),
        };
        part.reach(entry)?;
        part.translate_waiting(0)?;
        let text = part.text()?;
        let mut prefixes = joined.prefixes.iter();
        // The attributes `error` and `warning` have places in sources, which clang prints.
        let is_whole =
            !prefixes.any(|prefix| text.contains(prefix)) && !text.contains("\"dontcall-");
        is_whole.then_some(text)
    }
}

/// What a source is in a module that was made of many.
pub(crate) struct Joined<'a> {
    /// The name that becomes `_JIT_ENTRY`, which has the same length.
    pub(crate) entry: &'a str,
    /// What names start with that start with `_JIT_` in the source.
    pub(crate) own: &'a str,
    /// How such names start in all sources. No others do.
    pub(crate) prefixes: [&'a str; 2],
    /// Returns whether a symbol that the source does not declare is the same thing for all sources.
    pub(crate) is_clear: &'a dyn Fn(&str) -> bool,
}

/// A module in the making.
struct Part<'m, 'a> {
    module: &'m Module<'a>,
    joined: &'m Joined<'m>,
    seen: HashSet<&'a str>,
    /// The functions and the variables, in the order in which clang meets them.
    functions: Vec<&'a str>,
    variables: Vec<&'a str>,
    /// The functions that clang has met and not translated.
    waiting: Vec<&'a str>,
    /// The string literal.
    string: Option<&'a str>,
    types: Numbers<'a>,
    metadata: Numbers<'a>,
    groups: Numbers<'a>,
    comdats: BTreeSet<&'a str>,
}

impl<'a> Part<'_, 'a> {
    fn symbol(&self, name: &str) -> Option<(&'a str, &Symbol)> {
        let (name, symbol) = self.module.symbols.get_key_value(name)?;
        Some((*name, symbol))
    }

    /// Notes what a function that is defined refers to.
    fn reach(&mut self, function: &str) -> Option<()> {
        let module = self.module;
        let symbol = module.symbols.get(function)?;
        let SymbolKind::Function(body) = &symbol.kind else {
            return None;
        };
        let tokens = module.slice(&symbol.rest).iter().chain(module.slice(body));
        for token in tokens.filter(|token| token.kind == Kind::Global) {
            self.meet(token.name())?;
        }
        Some(())
    }

    /// Notes that a symbol is used.
    fn meet(&mut self, name: &'a str) -> Option<()> {
        if self.seen.contains(name) {
            return Some(());
        }
        let module = self.module;
        let (name, symbol) = self.symbol(name)?;
        let Joined { entry, own, .. } = self.joined;
        let is_own = name.starts_with(own);
        let head = module.slice(&symbol.head);
        let is_private = || {
            head.iter()
                .any(|token| OF_CLANG.iter().any(|word| token.is(word)))
        };
        let is_like_clangs =
            is_string(name) || OF_FUNCTIONS.iter().any(|start| name.starts_with(start));
        let is_made_by_clang = name.starts_with(INTRINSIC)
            || is_like_clangs
                && !symbol.is_function()
                && !module.is_external(symbol)
                && is_private();
        if is_like_clangs && !is_made_by_clang {
            return None;
        }
        if !is_own && !is_made_by_clang && !(self.joined.is_clear)(name) {
            tracing::debug!("{entry} is compiled alone: not all uses of {name} are known to agree");
            return None;
        }
        match &symbol.kind {
            SymbolKind::Function(_) => {
                let is_used = |token: &Token<'_>| WHEN_USED.iter().any(|word| token.is(word));
                if !head.iter().any(is_used) {
                    return None;
                }
                self.functions.push(name);
                self.waiting.push(name);
            }
            SymbolKind::Declared => self.functions.push(name),
            SymbolKind::Variable | SymbolKind::Constant => {
                let is_external = module.is_external(symbol);
                let mut tokens = module.slice(&symbol.rest).iter();
                // What it is made of has a place in the order, too.
                let is_plain = tokens.all(|token| token.kind != Kind::Global);
                if !is_external && (symbol.kind == SymbolKind::Variable || !is_plain) {
                    return None;
                }
                // On Windows, the names of literals have a hash of their contents.
                let is_known = is_numbered_string(name)
                    || OF_FUNCTIONS.iter().any(|start| {
                        let rest = name.strip_prefix(start);
                        rest.is_some_and(|rest| rest.starts_with(self.joined.entry))
                    });
                let mut tokens = module.slice(&symbol.rest).iter();
                let has_name = name.contains(entry)
                    || tokens.any(|token| token.kind == Kind::Text && token.text.contains(entry));
                if has_name && !is_known {
                    return None;
                }
                // Which of two strings is the first one is not known, see `order.rs`.
                if is_string(name) && self.string.replace(name).is_some() {
                    return None;
                }
                self.variables.push(name);
            }
            SymbolKind::Alias | SymbolKind::Ifunc => return None,
        }
        self.seen.insert(name);
        Some(())
    }

    /// Notes what the functions that are waiting refer to, in clang's order: right after a function come those that it
    /// has added.
    fn translate_waiting(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        for function in std::mem::take(&mut self.waiting) {
            self.reach(function)?;
            if !self.waiting.is_empty() {
                self.translate_waiting(depth + 1)?;
            }
        }
        Some(())
    }

    fn text(&mut self) -> Option<String> {
        let module = self.module;
        let mut symbols = String::new();
        for name in std::mem::take(&mut self.variables) {
            self.variable(name, &mut symbols)?;
        }
        for name in std::mem::take(&mut self.functions) {
            self.function(name, &mut symbols)?;
        }
        let mut named = String::new();
        let mut names: Vec<&str> = module.metadata.keys().copied().collect();
        let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        names.retain(|name| !is_number(name) && !WITHOUT_EFFECT.contains(name));
        names.sort_unstable();
        for name in names {
            named.push_str(&format!("!{name} ="));
            self.tokens(module.slice(module.metadata.get(name)?), &mut named)?;
            named.push('\n');
        }
        let groups = self.numbered("attributes #", &module.groups, Emit::groups)?;
        let metadata = self.numbered("!", &module.metadata, Emit::metadata)?;
        let types = self.numbered("%jit_type.", &module.types, Emit::types)?;
        let mut text = String::new();
        for (word, value) in [("datalayout", module.layout), ("triple", module.triple)] {
            let value = value.map(|value| format!("target {word} = \"{value}\"\n"));
            text.push_str(&value.unwrap_or_default());
        }
        for name in std::mem::take(&mut self.comdats) {
            text.push_str(&format!("${name} ="));
            self.tokens(module.slice(module.comdats.get(name)?), &mut text)?;
            text.push('\n');
        }
        for part in [types, symbols, groups, named, metadata] {
            text.push_str(&part);
        }
        Some(text)
    }

    fn variable(&mut self, name: &'a str, out: &mut String) -> Option<()> {
        let module = self.module;
        let symbol = module.symbols.get(name)?;
        out.push_str(&format!("@{} =", self.renamed(name)));
        for token in module.slice(&symbol.head) {
            out.push(' ');
            self.token(token, out)?;
        }
        out.push_str(match symbol.kind {
            SymbolKind::Constant => " constant",
            _ => " global",
        });
        self.tokens(module.slice(&symbol.rest), out)?;
        out.push('\n');
        Some(())
    }

    fn function(&mut self, name: &'a str, out: &mut String) -> Option<()> {
        let module = self.module;
        let symbol = module.symbols.get(name)?;
        out.push_str(match symbol.kind {
            SymbolKind::Declared => "declare",
            _ => "define",
        });
        for token in module.slice(&symbol.head) {
            out.push_str(token.space);
            self.token(token, out)?;
        }
        out.push_str(&format!(" @{}", self.renamed(name)));
        self.tokens(module.slice(&symbol.rest), out)?;
        if let SymbolKind::Function(body) = &symbol.kind {
            out.push_str(" {");
            self.tokens(module.slice(body), out)?;
            out.push_str("\n}");
        }
        out.push('\n');
        Some(())
    }

    /// Writes what has numbers, and what that uses: `list` has those that were used.
    fn numbered(
        &mut self,
        start: &str,
        ranges: &HashMap<&'a str, std::ops::Range<usize>>,
        list: for<'p> fn(&'p Self) -> &'p Numbers<'a>,
    ) -> Option<String> {
        let module = self.module;
        let mut text = String::new();
        let mut next = 0;
        while let Some(name) = list(self).order.get(next).copied() {
            text.push_str(&format!("{start}{next} ="));
            let tokens = module.slice(ranges.get(name)?);
            match start.starts_with("attributes") {
                true => {
                    text.push_str(" {");
                    self.tokens(tokens, &mut text)?;
                    text.push_str(" }");
                }
                false => self.tokens(tokens, &mut text)?,
            }
            text.push('\n');
            next += 1;
        }
        Some(text)
    }

    fn tokens(&mut self, tokens: &[Token<'a>], out: &mut String) -> Option<()> {
        let mut rest = tokens;
        while let Some((token, after)) = rest.split_first() {
            // Places in sources have no effect on code.
            if token.is(",") && after.first().is_some_and(is_dropped) {
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            if token.indent.is_some() && token.is("uselistorder") {
                let (directive, after) = rest.split_at(length_of_line(rest));
                if is_about_value(directive, self.module) {
                    for token in directive {
                        out.push_str(token.space);
                        self.token(token, out)?;
                    }
                }
                rest = after;
                continue;
            }
            out.push_str(token.space);
            self.token(token, out)?;
            rest = after;
        }
        Some(())
    }

    fn token(&mut self, token: &Token<'a>, out: &mut String) -> Option<()> {
        match token.kind {
            Kind::Global => {
                out.push('@');
                out.push_str(&self.renamed(token.name()));
            }
            Kind::Local if self.module.types.contains_key(token.name()) => {
                out.push_str(&format!("%jit_type.{}", self.types.of(token.name())));
            }
            Kind::Group => out.push_str(&format!("#{}", self.groups.of(token.name()))),
            Kind::Metadata if token.name().bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push_str(&format!("!{}", self.metadata.of(token.name())));
            }
            // Debug information has places in sources.
            Kind::Metadata if token.name().starts_with("DI") => return None,
            Kind::Comdat => {
                self.comdats.insert(token.name());
                out.push_str(token.text);
            }
            Kind::Text if token.text.contains(self.joined.entry) => {
                out.push_str(&token.text.replace(self.joined.entry, ENTRY));
            }
            _ => out.push_str(token.text),
        }
        Some(())
    }

    fn renamed(&self, name: &str) -> String {
        let Joined { entry, own, .. } = self.joined;
        match name.strip_prefix(own) {
            Some(rest) => format!("{RESERVED}{rest}"),
            None if name.contains(entry) => name.replace(entry, ENTRY),
            // The number counts those of other sources.
            None if is_numbered_string(name) => STRING.to_owned(),
            None => name.to_owned(),
        }
    }
}

/// The numbers of a part.
struct Emit;

impl Emit {
    fn groups<'p, 'a>(part: &'p Part<'_, 'a>) -> &'p Numbers<'a> {
        &part.groups
    }

    fn metadata<'p, 'a>(part: &'p Part<'_, 'a>) -> &'p Numbers<'a> {
        &part.metadata
    }

    fn types<'p, 'a>(part: &'p Part<'_, 'a>) -> &'p Numbers<'a> {
        &part.types
    }
}

/// The name of the first string literal of a module, except on Windows, where all have names with this start.
const STRING: &str = ".str";
const STRING_ON_WINDOWS: &str = "\"??_C@";

/// Returns whether a name is clang's for a string literal.
fn is_string(name: &str) -> bool {
    name.starts_with(STRING_ON_WINDOWS) || is_numbered_string(name)
}

fn is_numbered_string(name: &str) -> bool {
    name.strip_prefix(STRING).is_some_and(|rest| {
        let digits = rest.strip_prefix('.').unwrap_or(rest);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns the number of tokens up to the end of the line.
fn length_of_line(tokens: &[Token<'_>]) -> usize {
    let more = tokens.iter().skip(1);
    1 + more.take_while(|token| token.indent.is_none()).count()
}

/// Returns whether the order of uses is that of a value or a block of the function.
fn is_about_value(directive: &[Token<'_>], module: &Module<'_>) -> bool {
    let is_value =
        |token: &Token<'_>| token.kind == Kind::Local && !module.types.contains_key(token.name());
    directive.iter().any(is_value) && directive.iter().all(|token| token.kind != Kind::Global)
}

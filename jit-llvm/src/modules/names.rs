//! The names in the new module.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Range,
};

use super::{
    error::{ModuleError, Refusal},
    lexer::{self, Kind, Token, closing},
    module::{Module, SymbolKind},
    roles::{ENTRY, RESERVED, Role, Wanted},
};

/// Numbers in the order of their use.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a> {
    known: HashMap<&'a str, usize>,
    pub(super) order: Vec<&'a str>,
}

impl<'a> Numbers<'a> {
    pub(super) fn of(&mut self, name: &'a str) -> usize {
        let order = &mut self.order;
        *self.known.entry(name).or_insert_with(|| {
            order.push(name);
            order.len() - 1
        })
    }
}

/// The names that the new module has so far, and what is still to be written.
pub(super) struct Emitter<'m, 'a> {
    pub(super) module: &'m Module<'a>,
    pub(super) wanted: &'m Wanted<'m>,
    pub(super) entry: &'a str,
    /// The definition that is being written.
    pub(super) current: &'a str,
    locals: Numbers<'a>,
    queue: VecDeque<&'a str>,
    types: Numbers<'a>,
    metadata: Numbers<'a>,
    groups: Vec<String>,
    /// The symbols that are not defined, with their declarations.
    pub(super) declared: BTreeMap<String, &'a str>,
    pub(super) host: BTreeSet<String>,
    pub(super) used: BTreeMap<String, Role>,
    /// The new names of symbols that are used other than by calling them.
    pub(super) taken: BTreeSet<String>,
    /// The number of names for values that were added.
    pub(super) added: usize,
}

/// What a symbol is in the new module.
pub(super) enum Meaning {
    /// A symbol of this name.
    Symbol(String),
    /// The value of a hole.
    Hole(Role),
}

impl<'m, 'a> Emitter<'m, 'a> {
    pub(super) fn new(module: &'m Module<'a>, wanted: &'m Wanted<'m>, entry: &'a str) -> Self {
        Emitter {
            module,
            wanted,
            entry,
            current: entry,
            locals: Numbers::default(),
            queue: VecDeque::from([entry]),
            types: Numbers::default(),
            metadata: Numbers::default(),
            groups: Vec::new(),
            declared: BTreeMap::new(),
            host: BTreeSet::new(),
            used: BTreeMap::new(),
            taken: BTreeSet::new(),
            added: 0,
        }
    }

    /// Returns the next symbol that has to be defined.
    pub(super) fn next_symbol(&mut self) -> Option<&'a str> {
        self.current = self.queue.pop_front()?;
        Some(self.current)
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> ModuleError {
        ModuleError::Refused {
            function: lexer::plain(self.current),
            refusal,
        }
    }

    pub(super) fn local_name(&mut self, name: &'a str) -> String {
        match name == self.entry {
            true => ENTRY.to_owned(),
            false => format!("jit_local.{}", self.locals.of(name)),
        }
    }

    pub(super) fn tokens(&mut self, tokens: &[Token<'a>]) -> Result<String, ModuleError> {
        let mut text = String::new();
        for token in tokens {
            text.push_str(token.space);
            text.push_str(&self.token(token)?);
        }
        Ok(text)
    }

    /// Returns a token with the name that it has in the new module.
    pub(super) fn token(&mut self, token: &Token<'a>) -> Result<String, ModuleError> {
        Ok(match token.kind {
            Kind::Global => match self.meaning(token)? {
                Meaning::Symbol(name) => {
                    let text = format!("@{name}");
                    self.taken.insert(name);
                    text
                }
                Meaning::Hole(Role::Operand { .. } | Role::Marker) => {
                    return Err(self.refuse(Refusal::HoleInData {
                        hole: lexer::plain(token.name()),
                        variable: lexer::plain(self.current),
                    }));
                }
                Meaning::Hole(role) => format!("@{}", self.canonical(role)),
            },
            Kind::Local => self.local(token),
            Kind::Group => format!("#{}", self.group(token)?),
            Kind::Metadata => self.metadata(token)?,
            Kind::Comdat | Kind::Text | Kind::Word | Kind::Label | Kind::Other => {
                token.text.to_owned()
            }
        })
    }

    /// Returns a type with its new name, or a value with its own.
    fn local(&mut self, token: &Token<'a>) -> String {
        match self.module.types.contains_key(token.name()) {
            true => format!("%jit_type.{}", self.types.of(token.name())),
            false => token.text.to_owned(),
        }
    }

    pub(super) fn canonical(&self, role: Role) -> String {
        role.symbol(self.wanted.pointer_bits).unwrap_or_default()
    }

    /// Returns what a symbol is, and notes that it is needed.
    pub(super) fn meaning(&mut self, token: &Token<'a>) -> Result<Meaning, ModuleError> {
        let module = self.module;
        let name = token.name();
        let plain = lexer::plain(name);
        let Some((&name, symbol)) = module.symbols.get_key_value(name) else {
            let what = format!("the symbol {plain}, which is neither defined nor declared");
            return Err(ModuleError::unknown(token.line, what));
        };
        let role = self.wanted.roles.get(&plain).copied();
        if module.is_external(symbol) {
            return self.external(name, plain, role);
        }
        if role.is_some() {
            return Err(self.refuse(Refusal::Other(format!(
                "{plain} is a hole, but the file defines it: declare it extern"
            ))));
        }
        let head = module.slice(&symbol.head);
        let has = |word: &str| head.iter().any(|token| token.is(word));
        let is_replaceable = has("weak") || has("linkonce") || has("common");
        match symbol.kind {
            _ if has("thread_local") => Err(self.refuse(Refusal::ThreadLocal(plain))),
            SymbolKind::Variable => Err(self.refuse(Refusal::Writable(plain))),
            SymbolKind::Ifunc => Err(self.refuse(Refusal::Ifunc(plain))),
            _ if is_replaceable && name != self.entry => {
                Err(self.refuse(Refusal::Replaceable(plain)))
            }
            SymbolKind::Alias => match module.slice(&symbol.rest) {
                [.., comma, word, target]
                    if comma.is(",") && word.is("ptr") && target.kind == Kind::Global =>
                {
                    self.meaning(target)
                }
                _ => Err(self.refuse(Refusal::Other(format!(
                    "{plain} is another name for an expression, which is not known"
                )))),
            },
            // A copy of a definition that is also elsewhere is as good: the language leaves it open which one is used.
            SymbolKind::Function(_) | SymbolKind::Constant | SymbolKind::Declared => {
                if name != self.entry && !self.locals.known.contains_key(name) {
                    self.queue.push_back(name);
                }
                Ok(Meaning::Symbol(self.local_name(name)))
            }
        }
    }

    fn external(
        &mut self,
        name: &'a str,
        plain: String,
        role: Option<Role>,
    ) -> Result<Meaning, ModuleError> {
        let Some(symbol) = self.module.symbols.get(name) else {
            return Ok(Meaning::Symbol(name.to_owned()));
        };
        let head = self.module.slice(&symbol.head);
        if head.iter().any(|token| token.is("thread_local")) {
            return Err(self.refuse(Refusal::ThreadLocal(plain)));
        }
        let is_weak = head.iter().any(|token| token.is("extern_weak"));
        // As the front end declares operands, instead of the declaration that the file has.
        let is_value = is_weak
            && symbol.kind == SymbolKind::Variable
            && matches!(self.module.slice(&symbol.rest), [kind] if kind.is("i8"));
        match role {
            Some(Role::Operand { .. }) if self.wanted.weak_operands && !is_value => {
                Err(self.refuse(Refusal::NotWeak(plain)))
            }
            Some(role) => {
                self.used.insert(plain, role);
                if role != Role::Marker {
                    self.declared.insert(self.canonical(role), name);
                }
                Ok(Meaning::Hole(role))
            }
            None if name.starts_with("llvm.") => {
                self.declared.insert(name.to_owned(), name);
                Ok(Meaning::Symbol(name.to_owned()))
            }
            None if self.is_decorated(&plain) => {
                let hole = undecorated(&plain).to_owned();
                Err(self.refuse(Refusal::NotWeak(hole)))
            }
            None if plain.starts_with(RESERVED) => Err(self.refuse(Refusal::Reserved(plain))),
            None => {
                self.host.insert(plain);
                self.declared.insert(name.to_owned(), name);
                Ok(Meaning::Symbol(name.to_owned()))
            }
        }
    }

    /// Returns whether a symbol is what Windows makes of an operand's name for a calling convention, as `_X@4`.
    fn is_decorated(&self, symbol: &str) -> bool {
        let hole = undecorated(symbol);
        hole != symbol && matches!(self.wanted.roles.get(hole), Some(Role::Operand { .. }))
    }

    /// Returns the types that were used, and those that they use.
    pub(super) fn types(&mut self) -> Result<String, ModuleError> {
        let module = self.module;
        let mut text = String::new();
        let mut next = 0;
        while let Some(name) = self.types.order.get(next).copied() {
            let range = module.types.get(name).cloned().unwrap_or_default();
            let value = self.tokens(module.slice(&range))?;
            text.push_str(&format!("%jit_type.{next} ={value}\n"));
            next += 1;
        }
        Ok(text)
    }

    /// Returns the number of an attribute group.
    fn group(&mut self, token: &Token<'a>) -> Result<usize, ModuleError> {
        let list = self.attributes(token)?;
        Ok(self.group_of(list.join(" ")))
    }

    /// Returns the number of the attribute group of a function that is defined.
    pub(super) fn group_of_definition(&mut self, token: &Token<'a>) -> Result<usize, ModuleError> {
        const FRAME_POINTER: &str = "\"frame-pointer\"=";
        let mut list = self.attributes(token)?;
        if let Some(choice) = self.wanted.frame_pointer {
            let attribute = format!("{FRAME_POINTER}\"{choice}\"");
            match list.iter_mut().find(|one| one.starts_with(FRAME_POINTER)) {
                Some(known) => *known = attribute,
                None => list.push(attribute),
            }
        }
        Ok(self.group_of(list.join(" ")))
    }

    fn attributes(&mut self, token: &Token<'a>) -> Result<Vec<String>, ModuleError> {
        let module = self.module;
        let Some(range) = module.groups.get(token.name()) else {
            let what = format!("the attribute group {}, which is missing", token.text);
            return Err(ModuleError::unknown(token.line, what));
        };
        let mut list = Vec::new();
        let mut tokens = module.slice(range);
        while let Some((first, rest)) = tokens.split_first() {
            // An attribute is a word or a text, `=` and a value, and what is in parentheses.
            let mut length = match rest.first() {
                Some(next) if next.is("=") => 3,
                _ => 1,
            };
            if tokens.get(length).is_some_and(|next| next.is("(")) {
                length = closing(tokens, length).map_or(tokens.len(), |end| end + 1);
            }
            let (one, others) = tokens.split_at_checked(length).unwrap_or((tokens, &[]));
            // Stencils have no unwind information.
            if !first.is("uwtable") {
                list.push(self.tokens(one)?.trim().to_owned());
            }
            tokens = others;
        }
        Ok(list)
    }

    /// Returns the number of the group with these attributes.
    pub(super) fn group_of(&mut self, text: String) -> usize {
        let known = self.groups.iter().position(|group| *group == text);
        known.unwrap_or_else(|| {
            self.groups.push(text);
            self.groups.len() - 1
        })
    }

    pub(super) fn groups(&self) -> String {
        let groups = self.groups.iter().enumerate();
        let lines = groups.map(|(number, text)| format!("attributes #{number} = {{ {text} }}\n"));
        lines.collect()
    }

    /// Returns a reference to metadata.
    pub(super) fn metadata(&mut self, token: &Token<'a>) -> Result<String, ModuleError> {
        let name = token.name();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            return match name.starts_with("DI") {
                true => Err(ModuleError::unknown(
                    token.line,
                    format!("debug information ({}) where none is expected", token.text),
                )),
                // The kind of what follows.
                false => Ok(token.text.to_owned()),
            };
        }
        Ok(format!("!{}", self.metadata.of(name)))
    }

    /// Returns the nodes that were used, and those that they use.
    pub(super) fn metadata_nodes(&mut self) -> Result<String, ModuleError> {
        let module = self.module;
        let mut text = String::new();
        let mut next = 0;
        while let Some(name) = self.metadata.order.get(next).copied() {
            let range = module.metadata.get(name).cloned().unwrap_or_default();
            let value = self.node(&range)?;
            text.push_str(&format!("!{next} ={value}\n"));
            next += 1;
        }
        Ok(text)
    }

    /// Returns a node without the places in sources that it refers to.
    fn node(&mut self, range: &Range<usize>) -> Result<String, ModuleError> {
        let module = self.module;
        let mut text = String::new();
        let mut tokens = module.slice(range).iter().peekable();
        while let Some(token) = tokens.next() {
            let target = module.metadata.get(token.name());
            let target = target.filter(|_| token.kind == Kind::Metadata);
            let first = target.and_then(|range| {
                let mut of_target = module.slice(range).iter();
                of_target.find(|token| !token.is("distinct"))
            });
            if first.is_some_and(|first| first.text.starts_with("!DI")) {
                tokens.next_if(|next| next.is(","));
                continue;
            }
            text.push_str(token.space);
            text.push_str(&self.token(token)?);
        }
        // What was removed may have been the last one.
        Ok(match text.strip_suffix(", }").or(text.strip_suffix(",}")) {
            Some(start) => format!("{start}}}"),
            None => text,
        })
    }
}

/// Returns the name that `_X@4`, `@X@4` and `X@@4` are made from.
fn undecorated(symbol: &str) -> &str {
    let plain = symbol.strip_prefix('\u{1}').unwrap_or(symbol);
    let plain = plain.strip_prefix(['_', '@']).unwrap_or(plain);
    match plain.rsplit_once('@') {
        Some((name, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            name.trim_end_matches('@')
        }
        _ => symbol,
    }
}

//! One function of a module, and what it reaches, as a module of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    definitions::Definition,
    error::{ModuleError, Refusal},
    lexer::Kind,
    module::{Module, NAMED},
    names::Emitter,
    roles::{Role, Wanted},
};

/// A function with what it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extracted {
    /// The module. Its only visible function is `_JIT_ENTRY`.
    pub text: String,
    /// The functions and variables that it refers to and that have no role.
    pub host: BTreeSet<String>,
    /// The symbols with a role that it refers to.
    pub roles: BTreeMap<String, Role>,
}

impl<'a> Module<'a> {
    /// Returns a module with one function, as `_JIT_ENTRY`, and what it reaches.
    ///
    /// # Errors
    ///
    /// [`ModuleError::NoFunction`] if the module does not define it, [`ModuleError::Refused`] if it cannot become a stencil.
    pub fn extract(&self, wanted: &Wanted<'_>) -> Result<Extracted, ModuleError> {
        let name = self.function(wanted.function).map(|(name, _)| name);
        let name = name.ok_or_else(|| ModuleError::NoFunction {
            name: wanted.function.to_owned(),
        })?;
        if wanted.roles.contains_key(wanted.function) {
            return Err(ModuleError::Refused {
                function: wanted.function.to_owned(),
                refusal: Refusal::Other("it is a stencil and a hole at the same time".to_owned()),
            });
        }
        let mut emitter = Emitter::new(self, wanted, name);
        let mut bodies = Vec::new();
        let mut variables = Vec::new();
        while let Some(symbol) = emitter.next_symbol() {
            match emitter.definition(symbol)? {
                Some(Definition::Constant(text)) => variables.push(text),
                Some(function) => bodies.push(function),
                None => {}
            }
        }
        let bodies: Vec<String> = bodies
            .into_iter()
            .map(|definition| match definition {
                Definition::Constant(text) => text,
                // Member functions in C++ are aligned because a pointer to one has another meaning if it is odd.
                Definition::Function {
                    name,
                    start,
                    alignment,
                    end,
                } => match emitter.taken.contains(&name) {
                    true => start + &alignment + &end,
                    false => start + &end,
                },
            })
            .collect();
        let mut named = String::new();
        for name in NAMED {
            named.push_str(&self.named(&mut emitter, name)?);
        }
        let metadata = emitter.metadata_nodes()?;
        let declarations = emitter.declarations()?;
        let types = emitter.types()?;
        let mut text = String::new();
        for (word, value) in [("datalayout", self.layout), ("triple", self.triple)] {
            let value = value.map(|value| format!("target {word} = \"{value}\"\n"));
            text.push_str(&value.unwrap_or_default());
        }
        text.push_str(&types);
        text.push_str(&variables.concat());
        text.push_str(&bodies.concat());
        text.push_str(&declarations);
        text.push_str(&emitter.groups());
        text.push_str(&named);
        text.push_str(&metadata);
        Ok(Extracted {
            text,
            host: emitter.host,
            roles: emitter.used,
        })
    }

    /// Returns named metadata, without the flags that are about debug information.
    fn named(&self, emitter: &mut Emitter<'_, 'a>, name: &str) -> Result<String, ModuleError> {
        const ABOUT_DEBUGGING: [&str; 4] =
            ["Debug Info Version", "Dwarf Version", "CodeView", "uwtable"];
        let Some(range) = self.metadata.get(name) else {
            return Ok(String::new());
        };
        let nodes = self.slice(range).iter();
        let nodes = nodes.filter(|token| token.kind == Kind::Metadata);
        let mut list = Vec::new();
        for node in nodes {
            let is_about_debugging = self.metadata.get(node.name()).is_some_and(|range| {
                let mut tokens = self.slice(range).iter();
                tokens.any(|token| ABOUT_DEBUGGING.contains(&token.text.trim_matches('"')))
            });
            if !is_about_debugging {
                list.push(emitter.metadata(node)?);
            }
        }
        Ok(match list.is_empty() {
            true => String::new(),
            false => format!("!{name} = !{{{}}}\n", list.join(", ")),
        })
    }
}

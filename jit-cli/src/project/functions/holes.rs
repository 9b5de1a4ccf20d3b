//! `[holes]`: what symbols stand for.

use std::{collections::BTreeMap, fmt, path::Path};

use jit_llvm::modules::{Part, Role, Roles};
use jit_schema::Target;
use toml::Value;

use super::demangle;
use crate::{
    error::Error,
    project::config::{Config, Table},
};

/// What symbols stand for, by the names that the author gives them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holes {
    all: BTreeMap<String, Hole>,
    /// What differs for single stencils.
    own: BTreeMap<String, BTreeMap<String, Hole>>,
}

/// An entry of the table.
#[derive(Clone)]
struct Hole {
    meaning: Meaning,
    /// Where it is in the file.
    at: usize,
}

/// Without the place, which has no effect on stencils.
impl fmt::Debug for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meaning.fmt(f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Operand {
        index: u16,
        bits: Option<u8>,
        part: Part,
    },
    Place(u16),
    Continue,
    ContinueJump,
    Marker,
}

/// What an entry can be, for messages.
const FORMS: &str = "write { operand = N, bits = 8 to 64 }, { operand = N, part = \"low\" or \"high\" }, { target = N }, \
                     \"continue\", \"continue-jump\" or \"marker\"";

/// The most operands and targets that an instruction can have.
const MOST: i64 = 1024;

impl Holes {
    pub(super) fn of(config: &Config) -> Result<Holes, Error> {
        let mut holes = Holes {
            all: table(config, "holes", &config.holes)?,
            own: BTreeMap::new(),
        };
        for (name, table_of) in &config.stencil {
            let key = format!("stencil.{}.holes", name.get_ref());
            let own = table(config, &key, &table_of.holes)?;
            holes.own.insert(name.get_ref().clone(), own);
        }
        Ok(holes)
    }

    /// Refuses holes of a stencil that does not exist.
    pub(crate) fn check_stencils(
        &self,
        config: &Config,
        exists: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        match config.stencil.keys().find(|name| !exists(name.get_ref())) {
            None => Ok(()),
            Some(name) => Err(config.error_at(
                name.span().start,
                format!(
                    "[stencil.{}]: there is no stencil of this name",
                    name.get_ref()
                ),
            )),
        }
    }

    /// Refuses holes that a file defines. `defined` are the symbols that it does.
    pub(crate) fn check_undefined(
        &self,
        config: &Config,
        path: &Path,
        defined: &[String],
    ) -> Result<(), Error> {
        let all = self.own.values().chain([&self.all]).flatten();
        let is_defined = |name: &str| defined.iter().any(|symbol| Holes::is_named(name, symbol));
        match all.into_iter().find(|(name, _)| is_defined(name)) {
            None => Ok(()),
            Some((name, hole)) => Err(config.error_at(
                hole.at,
                format!(
                    "{name} is a hole, but {} defines it: declare it there with extern, and without a body or an \
                     initial value",
                    path.display()
                ),
            )),
        }
    }

    /// Returns the names of those that are operands, for any of the stencils.
    pub(crate) fn operands(&self) -> Vec<&str> {
        self.named(|meaning| matches!(meaning, Meaning::Operand { .. }))
    }

    /// Returns the names of those that are places in the trace, for any of the stencils.
    pub(crate) fn places(&self) -> Vec<&str> {
        self.named(|meaning| !matches!(meaning, Meaning::Operand { .. } | Meaning::Marker))
    }

    fn named(&self, is_wanted: impl Fn(Meaning) -> bool) -> Vec<&str> {
        let own = self.own.values().flatten();
        let all = self.all.iter().chain(own);
        let wanted = all.filter(|(_, hole)| is_wanted(hole.meaning));
        wanted.map(|(name, _)| name.as_str()).collect()
    }

    /// Returns the names of all holes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// Returns the names of the holes that single stencils have, each with the stencil.
    pub(crate) fn of_stencils(&self) -> impl Iterator<Item = (&str, &str)> {
        self.own.iter().flat_map(|(stencil, holes)| {
            let names = holes.keys();
            names.map(|name| (stencil.as_str(), name.as_str()))
        })
    }

    /// Returns the roles of a module's symbols for one stencil. `symbols` are those that the module does not define.
    pub(crate) fn roles(
        &self,
        stencil: &str,
        symbols: &[String],
        target: &Target,
        config: &Config,
    ) -> Result<Roles, Error> {
        let mut roles = Roles::new();
        let own = self.own.get(stencil);
        for symbol in symbols {
            let find = |names: &BTreeMap<String, Hole>| {
                let written = [
                    symbol.clone(),
                    demangle::base(symbol),
                    demangle::demangled(symbol),
                ];
                written.iter().find_map(|name| names.get(name).cloned())
            };
            let Some(hole) = own.and_then(find).or_else(|| find(&self.all)) else {
                continue;
            };
            let role = hole.meaning.role(target).map_err(|message| {
                config.error_at(hole.at, format!("{}: {message}", demangle::base(symbol)))
            })?;
            roles.insert(symbol.clone(), role);
        }
        Ok(roles)
    }

    /// Returns whether a symbol that was found is what a hole is called.
    pub(crate) fn is_named(hole: &str, symbol: &str) -> bool {
        hole == symbol || hole == demangle::base(symbol) || hole == demangle::demangled(symbol)
    }
}

impl Meaning {
    fn role(self, target: &Target) -> Result<Role, String> {
        let pointer = 8 * target.arch.pointer_size();
        Ok(match self {
            Meaning::Operand { index, bits, part } => {
                let bits = bits.unwrap_or(match part {
                    Part::Whole => pointer,
                    Part::Low | Part::High => 64,
                });
                if part == Part::Whole && bits > pointer {
                    return Err(format!(
                        "an operand of {bits} bits is more than an address of {target}: give it two holes, for part = \
                         \"low\" and part = \"high\""
                    ));
                }
                Role::Operand { index, bits, part }
            }
            Meaning::Place(index) => Role::Place(index),
            Meaning::Continue => Role::Continue,
            Meaning::ContinueJump => Role::ContinueJump,
            Meaning::Marker => Role::Marker,
        })
    }
}

fn table(config: &Config, key: &str, table: &Table) -> Result<BTreeMap<String, Hole>, Error> {
    let mut holes = BTreeMap::new();
    for (name, value) in table {
        let at = name.span().start;
        let meaning = meaning(value.get_ref()).map_err(|message| {
            config.error_at(at, format!("[{key}] {}: {message}", name.get_ref()))
        })?;
        holes.insert(name.get_ref().clone(), Hole { meaning, at });
    }
    Ok(holes)
}

fn meaning(value: &Value) -> Result<Meaning, String> {
    let table = match value {
        Value::String(word) => {
            return match word.as_str() {
                "continue" => Ok(Meaning::Continue),
                "continue-jump" => Ok(Meaning::ContinueJump),
                "marker" => Ok(Meaning::Marker),
                _ => Err(format!("{word:?} is not known: {FORMS}")),
            };
        }
        Value::Table(table) => table,
        other => return Err(format!("{other} is not known: {FORMS}")),
    };
    let known = ["operand", "bits", "part", "target"];
    if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("{key} is not known: {FORMS}"));
    }
    let number = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(Value::Integer(number)) if (0..MOST).contains(number) => {
            Ok(u16::try_from(*number).ok())
        }
        Some(other) => Err(format!(
            "{key} = {other}: it is a number from 0 to {}",
            MOST - 1
        )),
    };
    let (operand, target) = (number("operand")?, number("target")?);
    let (bits, part) = (table.get("bits"), table.get("part"));
    match (operand, target) {
        (None, Some(index)) if bits.is_none() && part.is_none() => Ok(Meaning::Place(index)),
        (Some(index), None) => {
            let bits = bits.map(operand_bits).transpose()?;
            let part = match part {
                None => Part::Whole,
                Some(Value::String(word)) if word == "low" => Part::Low,
                Some(Value::String(word)) if word == "high" => Part::High,
                Some(other) => {
                    return Err(format!("part = {other}: it can be \"low\" or \"high\""));
                }
            };
            if part != Part::Whole && bits.is_some_and(|bits| bits <= 32) {
                return Err("an operand of 32 bits or less has no halves".to_owned());
            }
            Ok(Meaning::Operand { index, bits, part })
        }
        _ => Err(format!("{value} is not known: {FORMS}")),
    }
}

/// Returns how many bits an operand has, as `bits` says it.
pub(super) fn operand_bits(bits: &Value) -> Result<u8, String> {
    let number = bits.as_integer().and_then(|bits| u8::try_from(bits).ok());
    number
        .filter(|number| (8..=64).contains(number))
        .ok_or_else(|| format!("bits = {bits}: an operand has 8 to 64 bits"))
}

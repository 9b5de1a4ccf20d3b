//! The differences between the tree that a pack was made from and another tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    pyconfig::PYCONFIG,
    sources::{FileHashes, Inputs},
};

/// A difference between the tree that a pack was made from and another tree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The name of the file, relative to the checkout, or of the macro in `pyconfig.h`.
    pub name: String,
    /// What differs.
    pub change: Change,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Only comments, white space, or macros that nothing mentions. The code is the same.
    Harmless,
    /// Tokens that can change code.
    Tokens,
    /// The file does not exist.
    Missing,
    /// The file was not there, and would be included instead of another, or its existence matters.
    New,
    /// The release of CPython.
    Release {
        /// The release that the pack was made from.
        packed: String,
        /// The release of the checkout.
        here: String,
    },
    /// The value of a macro in `pyconfig.h`.
    Macro {
        /// The value in the pack, if it was defined.
        packed: Option<String>,
        /// The value in the checkout, if it is defined.
        here: Option<String>,
    },
}

impl Difference {
    /// Returns whether the difference can change code.
    pub fn can_change_code(&self) -> bool {
        self.change != Change::Harmless
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.change {
            Change::Harmless => write!(
                f,
                "{name}: only comments, space or macros that nothing mentions"
            ),
            Change::Tokens => write!(f, "{name}: its text can change code"),
            Change::Missing => write!(f, "{name}: it is missing"),
            Change::New => write!(
                f,
                "{name}: it was not there, and clang looks for such a file"
            ),
            Change::Release { packed, here } => {
                write!(f, "{name}: {packed} in the pack, {here} here")
            }
            Change::Macro { packed, here } => {
                let shown = |value: &Option<String>| match value.as_deref() {
                    None => "not defined".to_owned(),
                    Some("") => "defined".to_owned(),
                    Some(value) => value.replace('\n', " / "),
                };
                write!(
                    f,
                    "{name}: {} in the pack, {} in {PYCONFIG} here",
                    shown(packed),
                    shown(here)
                )
            }
        }
    }
}

/// Returns the differences, ordered by name.
pub(super) fn compare(packed: &Inputs, here: &Inputs) -> Vec<Difference> {
    let mut differences: Vec<Difference> = packed
        .files
        .iter()
        .filter_map(|(name, file)| difference(name, file, here.files.get(name)))
        .collect();
    if let Some(pyconfig) = &packed.pyconfig {
        let found = difference(PYCONFIG, pyconfig, here.pyconfig.as_ref());
        differences.extend(found);
    }
    let names: BTreeSet<&String> = packed.macros.keys().chain(here.macros.keys()).collect();
    let values = |macros: &BTreeMap<String, String>, name: &String| macros.get(name).cloned();
    differences.extend(names.into_iter().filter_map(|name| {
        let (packed, here) = (values(&packed.macros, name), values(&here.macros, name));
        (packed != here).then(|| Difference {
            name: name.clone(),
            change: Change::Macro { packed, here },
        })
    }));
    differences
}

fn difference(name: &str, packed: &FileHashes, here: Option<&FileHashes>) -> Option<Difference> {
    let change = match here {
        None => Change::Missing,
        Some(here) if here.code != packed.code => Change::Tokens,
        Some(here) if here.bytes != packed.bytes => Change::Harmless,
        Some(_) => return None,
    };
    Some(Difference {
        name: name.to_owned(),
        change,
    })
}

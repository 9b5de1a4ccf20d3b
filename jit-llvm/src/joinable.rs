//! Which sources may be translated as one file.

use std::collections::{BTreeSet, HashSet};

use memchr::memmem;

use crate::modules::ENTRY;

/// How the names start that functions have in a common file. They are as long as [`ENTRY`], because there are strings with
/// the name of a function.
pub(crate) const PREFIX: &str = "_JITE";

/// Sources that mean the same one after the other in one file as each on its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joinable {
    names: HashSet<String>,
    /// The macros to restore after each source.
    pub(crate) macros: BTreeSet<String>,
}

impl Joinable {
    /// `names` are those of the sources as far as their tokens tell, and `preamble` is the text before them.
    pub(crate) fn new(
        names: HashSet<String>,
        macros: BTreeSet<String>,
        preamble: &[u8],
    ) -> Joinable {
        // What a header declares is not declared for the names in the common file.
        let mentions = |name: &str| memmem::find(preamble, name.as_bytes()).is_some();
        if mentions(ENTRY) || mentions(PREFIX) || macros.contains(ENTRY) {
            return Joinable::default();
        }
        Joinable { names, macros }
    }

    /// Returns whether a source of this name is one of them.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

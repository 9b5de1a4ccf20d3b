//! The results of a comparison.

/// The kinds of declarations that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Type,
    Record,
    Function,
    Macro,
}

impl Kind {
    /// Returns the name of the kind, in the singular.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Type => "type",
            Kind::Record => "record",
            Kind::Function => "function",
            Kind::Macro => "macro",
        }
    }
}

/// A declaration that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Its description with the headers that are checked, and with the real ones. `None` means that there is
    /// no such declaration.
    pub(crate) checked: Option<String>,
    pub(crate) real: Option<String>,
    /// The fields of a record that have another offset.
    pub(crate) fields: Vec<Moved>,
}

/// A field that has another offset or is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The field's name, or its type if it has none.
    pub(crate) field: String,
    /// The last field before it with the right offset, whose size may be wrong.
    pub(crate) after: Option<String>,
    /// Its offsets as clang prints them: bytes, and bits after a colon.
    pub(crate) checked: Option<String>,
    pub(crate) real: Option<String>,
}

/// The numbers of declarations that were compared, and those that differ.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) types: usize,
    pub(crate) records: usize,
    pub(crate) functions: usize,
    pub(crate) macros: usize,
    pub(crate) differences: Vec<Difference>,
    /// The names of declarations that may differ, with the reason.
    pub(crate) notes: Vec<(String, &'static str)>,
}

impl Comparison {
    /// Adds a difference between the two descriptions of a declaration. It is a note if `known` has a reason
    /// for it.
    pub(crate) fn differ(
        &mut self,
        kind: Kind,
        name: &str,
        [checked, real]: [Option<String>; 2],
        known: &[(&str, &'static str)],
    ) {
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, why)) => self.notes.push((name.to_owned(), why)),
            None => self.differences.push(Difference {
                kind,
                name: name.to_owned(),
                checked,
                real,
                fields: Vec::new(),
            }),
        }
    }
}

//! What a comparison finds.

/// What kind of thing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Type,
    Record,
    Function,
    Macro,
}

impl Kind {
    /// In the singular.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Type => "type",
            Kind::Record => "record",
            Kind::Function => "function",
            Kind::Macro => "macro",
        }
    }
}

/// Something that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What it is with the headers that are checked, and with the real ones; `None` where there is no
    /// such thing.
    pub(crate) checked: Option<String>,
    pub(crate) real: Option<String>,
    /// Of a record: the fields that are somewhere else.
    pub(crate) fields: Vec<Moved>,
}

/// A field that is somewhere else, or not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Its name, with its type where it has none.
    pub(crate) field: String,
    /// The field in front of it that is where it should be: its size may be wrong.
    pub(crate) behind: Option<String>,
    /// As clang writes them: bytes, and bits behind a colon.
    pub(crate) checked: Option<String>,
    pub(crate) real: Option<String>,
}

/// The outcome.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) types: usize,
    pub(crate) records: usize,
    pub(crate) functions: usize,
    pub(crate) macros: usize,
    pub(crate) differences: Vec<Difference>,
    /// What differs and need not be the same, with the reason.
    pub(crate) notes: Vec<(String, &'static str)>,
}

impl Comparison {
    /// Note a difference between two values of something, or that only one side has it; as one that
    /// need not be mended if the table knows why.
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

//! What two sets of headers make of the same source, side by side.

use std::collections::BTreeMap;

use jit_llvm::{Declarations, Inspector, LlvmError, Macro, Passage, Record};
use jit_schema::Target;

use super::{functions, macros, records, scope::Scope, subject::Subject, types};

/// One set of headers: what a source is with it.
pub(super) struct Side<'a> {
    pub(super) inspector: Inspector<'a>,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) macros: BTreeMap<String, Macro>,
    pub(super) declarations: Declarations,
    passages: Vec<Passage>,
}

impl<'a> Side<'a> {
    /// Ask.
    pub(super) fn look(inspector: Inspector<'a>) -> Result<Side<'a>, LlvmError> {
        let ((records, declarations), (macros, passages)) = rayon::join(
            || rayon::join(|| inspector.records(), || inspector.declarations()),
            || rayon::join(|| inspector.macros(), || inspector.passages()),
        );
        let named = |record: Record| (record.name.clone(), record);
        Ok(Side {
            inspector,
            records: records?.into_iter().map(named).collect(),
            macros: macros?,
            declarations: declarations?,
            passages: passages?,
        })
    }
}

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

/// Compare what a project uses.
pub(super) fn compare(
    target: &Target,
    subject: &Subject,
    checked: &Side<'_>,
    real: &Side<'_>,
) -> Result<Comparison, LlvmError> {
    let mut scope = Scope::new(&subject.include_dirs);
    scope.add(&checked.passages);
    scope.add(&real.passages);
    let mut comparison = Comparison::default();
    types::compare(checked, real, &scope, &mut comparison)?;
    records::compare(checked, real, &scope, &mut comparison);
    for difference in &mut comparison.differences {
        difference.name = subject.shown(&difference.name);
    }
    functions::compare(target, checked, real, &scope, &mut comparison);
    macros::compare(checked, real, &scope, &mut comparison)?;
    comparison
        .differences
        .sort_by_key(|difference| difference.kind);
    Ok(comparison)
}

/// Ask both sides at the same time.
pub(super) fn both<T: Send>(
    checked: &Side<'_>,
    real: &Side<'_>,
    ask: impl Fn(&Side<'_>) -> Result<T, LlvmError> + Sync,
) -> Result<(T, T), LlvmError> {
    let (ours, theirs) = rayon::join(|| ask(checked), || ask(real));
    Ok((ours?, theirs?))
}

//! One of the two sets of headers.

use std::collections::BTreeMap;

use jit_llvm::{Declarations, Inspector, LlvmError, Macro, Passage, Record};

/// The declarations of a source with one set of headers.
pub(crate) struct Side<'a> {
    pub(crate) inspector: Inspector<'a>,
    pub(crate) records: BTreeMap<String, Record>,
    pub(crate) macros: BTreeMap<String, Macro>,
    pub(crate) declarations: Declarations,
    pub(crate) passages: Vec<Passage>,
}

impl<'a> Side<'a> {
    /// Collects the declarations.
    pub(crate) fn look(inspector: Inspector<'a>) -> Result<Side<'a>, LlvmError> {
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

/// Runs `ask` for both sides at the same time.
pub(crate) fn both<T: Send>(
    checked: &Side<'_>,
    real: &Side<'_>,
    ask: impl Fn(&Side<'_>) -> Result<T, LlvmError> + Sync,
) -> Result<(T, T), LlvmError> {
    let (ours, theirs) = rayon::join(|| ask(checked), || ask(real));
    Ok((ours?, theirs?))
}

//! The comparison of what two sets of headers declare.

use jit_llvm::LlvmError;
use jit_schema::Target;

use super::{
    functions, macros, outcome::Comparison, records, scope::Scope, side::Side, subject::Subject,
    types,
};

/// Compares everything that a project uses.
pub(crate) fn compare(
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

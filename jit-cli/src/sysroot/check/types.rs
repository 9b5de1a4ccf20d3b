//! The comparison of types: sizes, alignments and signs.

use jit_llvm::LlvmError;

use super::{
    outcome::{Comparison, Kind},
    scope::Scope,
    side::{Side, both},
};

/// Compares the typedefs that the project names.
pub(crate) fn compare(
    checked: &Side<'_>,
    real: &Side<'_>,
    scope: &Scope,
    comparison: &mut Comparison,
) -> Result<(), LlvmError> {
    let names: Vec<&String> = checked
        .declarations
        .types
        .intersection(&real.declarations.types)
        .filter(|name| scope.mentions(name))
        .collect();
    let probes: Vec<String> = names
        .iter()
        .flat_map(|name| {
            [
                format!("sizeof({name})"),
                format!("_Alignof({name})"),
                format!("({name})-1 < ({name})1"),
            ]
        })
        .collect();
    let (ours, theirs) = both(checked, real, |side| side.inspector.constants(&probes))?;
    for ((name, ours), theirs) in names.into_iter().zip(ours.chunks(3)).zip(theirs.chunks(3)) {
        match (facts(ours), facts(theirs)) {
            (Some(ours), Some(theirs)) => {
                comparison.types += 1;
                if ours != theirs {
                    comparison.differ(Kind::Type, name, [Some(ours), Some(theirs)], &[]);
                }
            }
            (None, None) => {}
            // A record of the project with a member of this type would not compile.
            _ => comparison
                .notes
                .push((name.clone(), "incomplete with one, so only pointed to")),
        }
    }
    Ok(())
}

/// Returns the description of a type, or `None` if it is incomplete.
fn facts(values: &[Option<String>]) -> Option<String> {
    let [Some(size), Some(alignment), signed] = values else {
        return None;
    };
    let sign = match signed.as_deref() {
        Some("0") => ", unsigned",
        Some(_) => ", signed",
        None => "",
    };
    Some(format!("{size} bytes, aligned to {alignment}{sign}"))
}

//! The comparison of functions: the attributes that affect the code of a call.

use jit_llvm::Function;
use jit_schema::Target;

use super::{
    outcome::{Comparison, Kind},
    scope::Scope,
    side::Side,
};

/// The attributes that affect the code of callers. Others are for warnings, for debuggers, or for the function
/// itself.
const CODE: [&str; 11] = [
    "cold",
    "const",
    "dllimport",
    "fastcall",
    "noreturn",
    "nothrow",
    "pure",
    "restrict",
    "returnstwice",
    "stdcall",
    "vectorcall",
];

/// Functions for which correct sets of headers differ, with the reason.
const KNOWN: [(&str, &str); 7] = [
    ("AcquireSRWLockExclusive", LEFT_OUT),
    ("ReleaseSRWLockExclusive", LEFT_OUT),
    ("calloc", PART),
    ("exit", "mingw-w64's is nothrow, and not imported"),
    ("free", PART),
    ("malloc", PART),
    ("realloc", PART),
];
const LEFT_OUT: &str = "mingw-w64 does not say that it is imported";
const PART: &str = "mingw-w64's is part of the program, Microsoft's is imported";

/// Compares the functions that the project names, or uses through macros such as `assert`.
pub(crate) fn compare(
    target: &Target,
    checked: &Side<'_>,
    real: &Side<'_>,
    scope: &Scope,
    comparison: &mut Comparison,
) {
    for (name, ours) in &checked.declarations.functions {
        let Some(theirs) = real.declarations.functions.get(name) else {
            continue;
        };
        if !(scope.mentions(name) || ours.is_used || theirs.is_used) {
            continue;
        }
        // An inline function is compiled together with its callers, so attributes add nothing to its body.
        if ours.is_defined != theirs.is_defined {
            comparison
                .notes
                .push((name.clone(), "an inline function with one of them"));
            continue;
        }
        comparison.functions += 1;
        let (ours, theirs) = (facts(target, name, ours), facts(target, name, theirs));
        if ours != theirs {
            comparison.differ(Kind::Function, name, [Some(ours), Some(theirs)], &KNOWN);
        }
    }
}

/// Returns the description of a function.
fn facts(target: &Target, name: &str, function: &Function) -> String {
    // Some headers declare the default symbol explicitly.
    let plain = format!("asm({}{name})", target.symbol_prefix);
    let shows = |attribute: &&str| {
        CODE.contains(attribute) || (attribute.starts_with("asm(") && *attribute != plain)
    };
    let attributes = function.attributes.iter().map(String::as_str).filter(shows);
    let words: Vec<&str> = attributes.collect();
    match words.is_empty() {
        true => "no attributes".to_owned(),
        false => words.join(", "),
    }
}

//! What a call of a function becomes: an import or not, with something behind it or not.

use jit_llvm::Function;
use jit_schema::Target;

use super::{
    outcome::{Comparison, Kind},
    scope::Scope,
    side::Side,
};

/// The attributes that show in the code of who calls. Others are for warnings, for debuggers, or for
/// the function itself.
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

/// Functions that sets of headers differ in where each is right in its way, and in what way.
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

/// Compare the functions that the project mentions, or uses without (`assert` does).
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
        // A body is compiled with who calls it, so that attributes say nothing that it does not.
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

/// A function in words.
fn facts(target: &Target, name: &str, function: &Function) -> String {
    // Some say the symbol that it is anyway.
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

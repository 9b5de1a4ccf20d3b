//! The comparison of macros' values.

use std::collections::{BTreeMap, BTreeSet};

use jit_llvm::{LlvmError, Macro};

use super::{
    outcome::{Comparison, Kind},
    scope::Scope,
    side::{Side, both},
};

/// Macros for which correct sets of headers differ, with the reason.
const KNOWN: [(&str, &str); 8] = [
    (
        "NTDDI_WIN10_NI",
        "Windows SDKs have it since 10.0.22621, mingw-w64 since 11",
    ),
    ("PATH_MAX", "mingw-w64 has it, Microsoft's headers do not"),
    (
        "WINAPI_PARTITION_APP",
        "a bit in mingw-w64's headers, a truth in Microsoft's",
    ),
    ("WINAPI_PARTITION_GAMES", "newer than mingw-w64's headers"),
    ("WINAPI_PARTITION_SYSTEM", "newer than mingw-w64's headers"),
    ("__GLIBC_MINOR__", "the version of the C library"),
    (
        "_POSIX_C_SOURCE",
        "glibc puts the newest standard that it knows",
    ),
    (
        "_XOPEN_SOURCE",
        "glibc puts the newest standard that it knows",
    ),
];

/// Compares the macros that the project names.
pub(crate) fn compare(
    checked: &Side<'_>,
    real: &Side<'_>,
    scope: &Scope,
    comparison: &mut Comparison,
) -> Result<(), LlvmError> {
    let (ours, theirs) = (&checked.macros, &real.macros);
    let names: Vec<&String> = ours
        .keys()
        .filter(|name| theirs.contains_key(*name) && scope.mentions(name))
        .collect();
    comparison.macros = names.len();
    let probes: Vec<String> = names
        .iter()
        .map(|name| used(name, ours.get(*name), theirs.get(*name)))
        .collect();
    let (our_texts, their_texts) = both(checked, real, |side| side.inspector.expansions(&probes))?;
    // All texts that may be values are evaluated, since the same text may have different values.
    let is_value = |place: &usize| {
        let text = |texts: &[String]| texts.get(*place).is_some_and(|text| is_expression(text));
        text(&our_texts) && text(&their_texts)
    };
    let places: Vec<usize> = (0..names.len()).filter(is_value).collect();
    let values: Vec<String> = places
        .iter()
        .filter_map(|place| probes.get(*place).cloned())
        .collect();
    let (our_values, their_values) = both(checked, real, |side| side.inspector.constants(&values))?;
    let mut constants = BTreeMap::new();
    for ((place, ours), theirs) in places.iter().zip(&our_values).zip(&their_values) {
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            constants.insert(*place, (ours, theirs));
        }
    }
    let texts = our_texts.iter().zip(&their_texts);
    for (place, (name, (our_text, their_text))) in names.iter().zip(texts).enumerate() {
        let takes = |macros: &BTreeMap<String, Macro>| {
            macros
                .get(*name)
                .is_some_and(|found| found.parameters.is_some())
        };
        let (checked, real) = match constants.get(&place) {
            Some((ours, theirs)) if ours == theirs => continue,
            Some((ours, theirs)) => (*ours, *theirs),
            None if squeezed(our_text) == squeezed(their_text) => continue,
            // Texts of function-like macros, functions and initializers may differ and mean the same.
            None if takes(ours) || takes(theirs) || !is_value(&place) => {
                comparison
                    .notes
                    .push(((*name).clone(), "written differently, and no constant"));
                continue;
            }
            None => (our_text, their_text),
        };
        let values = [checked, real].map(|value| Some(value.clone()));
        comparison.differ(Kind::Macro, name, values, &KNOWN);
    }
    one_sided(checked, real, scope, comparison);
    Ok(())
}

/// Compares which of the macros are defined that the project tests with `#if` and the like.
fn one_sided(checked: &Side<'_>, real: &Side<'_>, scope: &Scope, comparison: &mut Comparison) {
    let (ours, theirs) = (&checked.macros, &real.macros);
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        let (ours, theirs) = (ours.get(name), theirs.get(name));
        if ours.is_some() == theirs.is_some() || !scope.tests(name) {
            continue;
        }
        let bodies = [ours, theirs].map(|found| found.map(|found| found.body.clone()));
        comparison.differ(Kind::Macro, name, bodies, &KNOWN);
    }
}

/// Returns a use of a macro, with as many arguments as the longer of two definitions has.
fn used(name: &str, ours: Option<&Macro>, theirs: Option<&Macro>) -> String {
    let count = |found: Option<&Macro>| {
        found
            .and_then(|found| found.parameters.as_ref())
            .map(Vec::len)
    };
    let Some(count) = count(ours).max(count(theirs)) else {
        return name.to_owned();
    };
    let arguments: Vec<String> = (1..=count)
        .map(|number| format!("argument{number}"))
        .collect();
    format!("{name}({})", arguments.join(", "))
}

/// Returns whether a text may be a constant expression, and is safe to insert where one is expected.
fn is_expression(text: &str) -> bool {
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            ';' | '{' | '}' | '#' | '\n' => return false,
            _ => {}
        }
    }
    depth == 0 && !text.is_empty()
}

/// Returns a text without blanks and parentheses, and with all numbers in decimal.
fn squeezed(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        match number(word) {
            Some(number) => out.push_str(&number.to_string()),
            None if first.is_whitespace() || matches!(first, '(' | ')') => {}
            None => out.push_str(word),
        }
    }
    out
}

/// Returns the value of a C integer.
fn number(word: &str) -> Option<u64> {
    let digits = word.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => u64::from_str_radix(digits.get(2..)?, 16).ok(),
        [b'0', _, ..] => u64::from_str_radix(digits, 8).ok(),
        [b'0'..=b'9', ..] => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_in_other_words() {
        for (a, b) in [
            ("0x10UL + a", "(16+a)"),
            ("((x) & 0170000) == 0040000", "(x&0xF000)==0x4000"),
            ("f(0)", "f 0u"),
        ] {
            assert_eq!(squeezed(a), squeezed(b));
        }
        for (a, b) in [
            ("16", "17"),
            ("a1", "a2"),
            ("1.5", "1.25"),
            ("x + 1", "x - 1"),
        ] {
            assert_ne!(squeezed(a), squeezed(b));
        }
    }

    #[test]
    fn what_may_be_an_expression() {
        for text in ["1", "(a) + b", "sizeof(int)"] {
            assert!(is_expression(text), "{text}");
        }
        for text in ["", "(", ")(", "({ 1; })", "a;", "#pragma x"] {
            assert!(!is_expression(text), "{text}");
        }
    }
}

//! Choosing the micro-ops to compare.

use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
};

use crate::project::cases::Case;

/// Returns the indexes of at most `size` cases, in their order. Those that have changed come first. Of the places that are
/// left, half go to the cases that together have the most different names in them, such as functions, macros and
/// members, since each kind of code and relocation comes from some name, and the rest to cases of all lengths.
pub(super) fn choose(cases: &[Case<'_>], changed: &BTreeSet<&str>, size: usize) -> Vec<usize> {
    let size = size.min(cases.len());
    let all: Vec<usize> = (0..cases.len()).collect();
    let is_changed = |index: &&usize| {
        let case = cases.get(**index);
        case.is_some_and(|case| changed.contains(case.name))
    };
    let changed: Vec<usize> = all.iter().filter(is_changed).copied().collect();
    let mut chosen: BTreeSet<usize> = spread(&changed, size).into_iter().collect();
    let half = (size - chosen.len()).div_ceil(2);
    by_names(cases, &mut chosen, half);
    let mut others: Vec<usize> = all
        .into_iter()
        .filter(|index| !chosen.contains(index))
        .collect();
    others.sort_by_key(|index| cases.get(*index).map_or(0, |case| case.text.len()));
    chosen.extend(spread(&others, size - chosen.len()));
    chosen.into_iter().collect()
}

/// Returns at most `size` numbers, at equal distances in the list: the first and the last among them.
fn spread(all: &[usize], size: usize) -> Vec<usize> {
    if size >= all.len() {
        return all.to_vec();
    }
    let last = all.len() - 1;
    let steps = size.saturating_sub(1).max(1);
    let places = (0..size).map(|step| step * last / steps);
    places.filter_map(|place| all.get(place).copied()).collect()
}

/// Adds cases, each with as many names as possible that no chosen case has.
fn by_names(cases: &[Case<'_>], chosen: &mut BTreeSet<usize>, count: usize) {
    let names: Vec<HashSet<&str>> = cases.iter().map(|case| names(case.text)).collect();
    let mut known: HashSet<&str> = HashSet::new();
    let of = |index: usize| names.get(index).into_iter().flatten().copied();
    for index in chosen.iter() {
        known.extend(of(*index));
    }
    for _ in 0..count {
        let new = |index: &usize| of(*index).filter(|name| !known.contains(name)).count();
        let others = (0..cases.len())
            .rev()
            .filter(|index| !chosen.contains(index));
        let Some(best) = others.max_by_key(new) else {
            return;
        };
        known.extend(of(best));
        chosen.insert(best);
    }
}

/// Returns the identifiers and keywords in a text.
fn names(text: &str) -> HashSet<&str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        .collect()
}

/// Returns a cases file in which only the chosen cases are left. Other cases leave empty lines, so that lines have the
/// same numbers as before.
pub(super) fn reduced(text: &str, cases: &[Case<'_>], chosen: &[usize]) -> String {
    let mut dropped: Vec<Range<usize>> = cases
        .iter()
        .enumerate()
        .filter(|(index, _)| chosen.binary_search(index).is_err())
        .filter_map(|(_, case)| {
            let start = text.find(case.text)?;
            Some(start..start + case.text.len())
        })
        .collect();
    dropped.sort_by_key(|range| range.start);
    let mut left = String::with_capacity(text.len());
    let mut position = 0;
    for range in dropped {
        left.push_str(text.get(position..range.start).unwrap_or_default());
        let case = text.get(range.clone()).unwrap_or_default();
        left.extend(case.chars().filter(|c| *c == '\n'));
        position = range.end;
    }
    left.push_str(text.get(position..).unwrap_or_default());
    left
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project::cases::split;

    /// Returns a file of cases with these names and bodies.
    fn file(cases: &[(&str, &str)]) -> String {
        let cases = cases.iter().map(|(name, body)| {
            format!("        case {name}: {{\n            {body}\n        }}\n\n")
        });
        format!("// Head.\n\n{}#undef X\n", cases.collect::<String>())
    }

    fn chosen(text: &str, changed: &[&str], size: usize) -> Vec<String> {
        let cases = split(text, Path::new("c.h")).unwrap();
        let changed = changed.iter().copied().collect();
        let chosen = choose(&cases, &changed, size);
        chosen
            .into_iter()
            .map(|index| cases[index].name.to_owned())
            .collect()
    }

    #[test]
    fn what_has_changed_comes_first() {
        let text = file(&[
            ("_A", "f(g(h(i)));"),
            ("_B", "x;"),
            ("_C", "x;"),
            ("_D", "y;"),
        ]);
        assert_eq!(chosen(&text, &["_C"], 1), ["_C"]);
        assert_eq!(chosen(&text, &["_B", "_C", "_D"], 2), ["_B", "_D"]);
        assert_eq!(chosen(&text, &["_GONE"], 9), ["_A", "_B", "_C", "_D"]);
        assert_eq!(chosen(&text, &[], 0), [""; 0]);
    }

    #[test]
    fn names_and_lengths_decide_about_the_rest() {
        let long = "x; ".repeat(40);
        let text = file(&[
            ("_A", "f(a, b);"),
            ("_B", "f(a, b); g(c, d, e);"),
            ("_C", &long),
            ("_D", "h(i, j);"),
            ("_E", "x;"),
        ]);
        // _B has the most names; then _D has three that are new, and _A none but its own.
        assert_eq!(chosen(&text, &[], 1), ["_B"]);
        // Of the others, the shortest and the longest.
        assert_eq!(chosen(&text, &[], 4), ["_B", "_C", "_D", "_E"]);
        // What is known from a changed case is not new.
        assert_eq!(chosen(&text, &["_B"], 2), ["_B", "_D"]);
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = file(&[("_A", "a;\n            b;"), ("_AA", "c;"), ("_B", "d;")]);
        let cases = split(&text, Path::new("c.h")).unwrap();
        let left = reduced(&text, &cases, &[0, 2]);
        assert_eq!(left.lines().count(), text.lines().count());
        let found = split(&left, Path::new("c.h")).unwrap();
        // In the order of their texts, `_AA` comes after `_A:`.
        let expected = [cases[0], cases[2]];
        assert_eq!(found, expected);
        assert!(left.starts_with("// Head.\n") && left.ends_with("#undef X\n"));
        assert_eq!(reduced(&text, &cases, &[0, 1, 2]), text);
    }
}

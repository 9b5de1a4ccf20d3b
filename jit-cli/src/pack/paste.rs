//! Names that macros make with `##`.

use std::collections::BTreeSet;

use super::tokens::Token;

/// Words that are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paste<'a> {
    /// Each word, or `None` for a parameter, which may be any word.
    words: Parts<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts<'a> {
    Known(Vec<Option<&'a str>>),
    Two,
}

impl Paste<'_> {
    /// Two words of any kind.
    pub(super) const TWO: Paste<'static> = Paste { words: Parts::Two };

    /// Returns whether the result may be a name. `words` are all that there are.
    pub(super) fn makes(&self, name: &str, words: &BTreeSet<&str>) -> bool {
        match &self.words {
            Parts::Known(parts) => makes(parts, name, words),
            Parts::Two => (1..name.len()).any(|at| {
                let halves = name.split_at_checked(at);
                halves.is_some_and(|(a, b)| words.contains(a) && words.contains(b))
            }),
        }
    }
}

fn makes(parts: &[Option<&str>], name: &str, words: &BTreeSet<&str>) -> bool {
    match parts {
        [] => name.is_empty(),
        [Some(word), rest @ ..] => name
            .strip_prefix(word)
            .is_some_and(|name| makes(rest, name, words)),
        // An argument may be empty.
        [None, rest @ ..] => (0..=name.len()).any(|at| {
            let halves = name.split_at_checked(at);
            halves.is_some_and(|(word, after)| {
                (word.is_empty() || words.contains(word)) && makes(rest, after, words)
            })
        }),
    }
}

/// Returns what the body of a macro joins.
pub(super) fn of<'a>(body: &[Token<'a>]) -> Vec<Paste<'a>> {
    let parameters: BTreeSet<&str> = match body.first() {
        Some(first) if first.text == "(" && !first.spaced => {
            let inside = body.iter().take_while(|token| token.text != ")");
            inside
                .map(|token| token.text)
                .chain(["__VA_ARGS__"])
                .collect()
        }
        _ => BTreeSet::new(),
    };
    let operand = |index: usize| {
        let token = body.get(index)?;
        Some(match parameters.contains(token.text) {
            true => None,
            false => Some(token.text),
        })
    };
    let mut pastes = Vec::new();
    let mut parts: Vec<Option<&str>> = Vec::new();
    for (index, token) in body.iter().enumerate() {
        if token.text != "##" {
            continue;
        }
        // The word before belongs to the last one that was joined if that ends there.
        let goes_on = index >= 2 && body.get(index - 2).is_some_and(|token| token.text == "##");
        if !goes_on {
            if !parts.is_empty() {
                pastes.push(std::mem::take(&mut parts));
            }
            parts.extend(index.checked_sub(1).and_then(operand));
        }
        parts.extend(operand(index + 1));
    }
    pastes.push(parts);
    let known = pastes.into_iter().filter(|parts| !parts.is_empty());
    known
        .map(|parts| Paste {
            words: Parts::Known(parts),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::tokens::{lines, spliced},
        *,
    };

    #[test]
    fn names_that_are_made() {
        let words = BTreeSet::from(["HAVE_", "A", "B", "1", "x"]);
        for (definition, made, not_made) in [
            (
                "F(x) HAVE_##x",
                &["HAVE_", "HAVE_A", "HAVE_1"][..],
                &["HAVE", "HAVE_C", "xHAVE_A"][..],
            ),
            (
                "F(x, y) x ## _ ## y",
                &["A_B", "_", "HAVE__A"],
                &["A_C", "AB"],
            ),
            ("F(x) (x##_T a, U_##x)", &["A_T", "U_B"], &["A_TU_B"]),
            ("F(x, ...) x##__VA_ARGS__", &["AB", "x1"], &["ABA"]),
            ("F A##B", &["AB"], &["A"]),
        ] {
            let text = spliced(&format!("#define {definition}\n"));
            let lines = lines(&text);
            let pastes = of(lines[0].body());
            let is_made = |name: &&&str| pastes.iter().any(|paste| paste.makes(name, &words));
            assert!(made.iter().all(|name| is_made(&name)), "{definition}");
            assert!(!not_made.iter().any(|name| is_made(&name)), "{definition}");
        }
        assert!(Paste::TWO.makes("HAVE_A", &words));
        assert!(!Paste::TWO.makes("HAVE_AB", &words));
        assert!(!Paste::TWO.makes("A", &words));
    }
}

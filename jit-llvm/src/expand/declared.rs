//! What sources declare within their functions. In one file, a declaration of something with linkage also counts for the
//! sources after it: `extern int f(void) __attribute__((cold));` changes how a later source calls `f`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use memchr::memmem;
use rayon::prelude::*;

use crate::{
    joinable::PREFIX,
    lexical::{is_word, literal_length},
    modules::ENTRY,
};

/// Words that a declaration may start with or have, and that no other statement has.
const DECLARING: [&[u8]; 10] = [
    b"extern",
    b"__attribute__",
    b"__attribute",
    b"__declspec",
    b"_Thread_local",
    b"thread_local",
    b"__thread",
    b"_Noreturn",
    b"inline",
    b"__inline",
];

/// Words after which no name is declared.
const STATEMENTS: [&[u8]; 18] = [
    b"return",
    b"goto",
    b"else",
    b"do",
    b"case",
    b"default",
    b"sizeof",
    b"if",
    b"while",
    b"for",
    b"switch",
    b"break",
    b"continue",
    b"asm",
    b"__asm__",
    b"__asm",
    b"volatile",
    b"__volatile__",
];

/// Names of the function that a source defines, which are literals.
const FUNCTION_NAMES: [&[u8]; 3] = [b"__func__", b"__FUNCTION__", b"__PRETTY_FUNCTION__"];

/// Words before parentheses that belong to a type.
const OF_TYPES: [&[u8]; 10] = [
    b"__attribute__",
    b"__attribute",
    b"__declspec",
    b"typeof",
    b"__typeof__",
    b"__typeof",
    b"typeof_unqual",
    b"_Alignas",
    b"alignas",
    b"_Atomic",
];

/// All declarations of a name in a source, each once.
type Way<'t> = Vec<Vec<&'t [u8]>>;

/// What one source declares.
#[derive(Debug, Default, PartialEq, Eq)]
struct Declared<'t> {
    /// The declarations of what has linkage, or may have some, by name.
    linked: BTreeMap<&'t [u8], Way<'t>>,
    /// The names that are declared without parentheses or an initial value. The type may be one of a function.
    plain: BTreeSet<&'t [u8]>,
}

/// Returns, for each source, whether it means the same in one file with the others for which that is true, if its function
/// gets another name of the same length there. The tokens are those after preprocessing.
pub(super) fn joinable(bodies: &[Option<&[u8]>]) -> Vec<bool> {
    let words: Vec<Option<Vec<&[u8]>>> = bodies
        .par_iter()
        .map(|body| words(body.as_ref()?).filter(|words| is_independent_of_name(words)))
        .collect();
    let declared: Vec<Option<Declared<'_>>> = words
        .par_iter()
        .map(|words| Declared::of(words.as_ref()?))
        .collect();
    let sources: Vec<(usize, &Vec<&[u8]>, &Declared<'_>)> = words
        .iter()
        .zip(&declared)
        .enumerate()
        .filter_map(|(index, (words, declared))| Some((index, words.as_ref()?, declared.as_ref()?)))
        .collect();
    let names = sources
        .iter()
        .flat_map(|(_, _, declared)| declared.linked.keys());
    let names: HashSet<&[u8]> = names.copied().collect();
    // How each source that mentions one of the names declares it, if it does.
    let ways: Vec<BTreeMap<&[u8], Way<'_>>> = sources
        .par_iter()
        .map(|(_, words, declared)| {
            let mentioned = words.iter().filter_map(|word| names.get(word));
            let way = |name| declared.linked.get(name).cloned().unwrap_or_default();
            mentioned.map(|name| (*name, way(*name))).collect()
        })
        .collect();
    let mut counts: HashMap<&[u8], BTreeMap<&Way<'_>, usize>> = HashMap::new();
    for (name, way) in ways.iter().flatten() {
        *counts.entry(name).or_default().entry(way).or_default() += 1;
    }
    let most = |(name, counts): (_, BTreeMap<_, usize>)| {
        let most = counts.into_iter().max_by_key(|(_, count)| *count)?;
        Some((name, most.0))
    };
    let usual: HashMap<&[u8], &Way<'_>> = counts.into_iter().filter_map(most).collect();
    let mut joinable = vec![false; bodies.len()];
    let mut called_ones: HashSet<&[u8]> = HashSet::new();
    for ((index, words, declared), ways) in sources.iter().zip(&ways) {
        if ways.iter().all(|(name, way)| usual.get(name) == Some(&way)) {
            called_ones.extend(called(words).filter(|name| !declared.has(name)));
            if let Some(is_joinable) = joinable.get_mut(*index) {
                *is_joinable = true;
            }
        }
    }
    // A name that one source declares and another only calls is the same thing for both if its type is one of a function.
    for (index, _, declared) in sources {
        if declared.plain.iter().any(|name| called_ones.contains(name))
            && let Some(is_joinable) = joinable.get_mut(index)
        {
            *is_joinable = false;
        }
    }
    joinable
}

/// Returns whether a source has the name of its function only in ways in which clang's front end does not compute with it.
fn is_independent_of_name(words: &[&[u8]]) -> bool {
    let mentions = |word: &[u8], name: &str| memmem::find(word, name.as_bytes()).is_some();
    let is_other = |word: &&[u8]| {
        // Part of another name, of a literal, or one in wide characters.
        mentions(word, ENTRY) && *word != ENTRY.as_bytes()
            || mentions(word, PREFIX)
            || word.starts_with(b"__builtin_FUNC")
            || is_name(word)
                && (word.ends_with(b"__FUNCTION__") || word.ends_with(b"FUNCSIG__"))
                && !FUNCTION_NAMES.contains(word)
    };
    let is_usual = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let after = [words.get(at + 1), words.get(at + 2)];
        matches!(before, Some(&(b"(" | b",")))
            && match after {
                [Some(&b","), _] => true,
                [Some(&b")"), next] => next != Some(&&b"["[..]),
                _ => false,
            }
    };
    let mut names = words.iter().enumerate();
    let has_unusual = names.any(|(at, word)| FUNCTION_NAMES.contains(word) && !is_usual(at));
    let has_names = words.iter().any(|word| FUNCTION_NAMES.contains(word));
    // clang computes the results of these if it knows the strings.
    let compares = |word: &&[u8]| word.ends_with(b"cmp") || word.ends_with(b"chr");
    let depends =
        has_unusual || words.iter().any(is_other) || has_names && words.iter().any(compares);
    !depends
}

/// Returns the names before parentheses, without those of members.
fn called<'w, 't>(words: &'w [&'t [u8]]) -> impl Iterator<Item = &'t [u8]> + 'w {
    words.windows(3).filter_map(|three| match three {
        [before, name, b"("] if is_name(name) && !matches!(*before, b"." | b">") => Some(*name),
        _ => None,
    })
}

fn is_name(word: &[u8]) -> bool {
    word.first()
        .is_some_and(|first| is_word(*first) && !first.is_ascii_digit())
}

/// Returns the tokens of C: words, literals and single characters. Returns `None` if there is a directive, or if a
/// literal does not end.
fn words(mut text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut words = Vec::with_capacity(text.len() / 4);
    while let Some(first) = text.first() {
        let length = match first {
            b'#' => return None,
            b'"' | b'\'' => literal_length(text)?,
            _ if is_word(*first) => text.iter().take_while(|byte| is_word(**byte)).count(),
            _ => 1,
        };
        let (word, rest) = text.split_at_checked(length)?;
        if !first.is_ascii_whitespace() {
            words.push(word);
        }
        text = rest;
    }
    Some(words)
}

impl<'t> Declared<'t> {
    /// Returns what a source declares, or `None` if that is not clear.
    fn of(words: &[&'t [u8]]) -> Option<Declared<'t>> {
        let mut declared = Declared::default();
        let mut depth = 0_usize;
        let mut start = 0;
        for (at, word) in words.iter().enumerate() {
            match *word {
                b"(" | b"[" => depth += 1,
                b")" | b"]" => depth = depth.saturating_sub(1),
                // Braces in parentheses are those of an expression with statements, or of a compound literal.
                b";" | b"{" | b"}" | b":" if depth == 0 || *word != b":" => {
                    declared.note(words.get(start..at)?)?;
                    start = at + 1;
                    if *word == b"}" || *word == b"{" {
                        depth = 0;
                    }
                }
                _ => {}
            }
        }
        declared.note(words.get(start..)?)?;
        Some(declared)
    }

    fn has(&self, name: &[u8]) -> bool {
        self.linked.contains_key(name) || self.plain.contains(name)
    }

    /// Notes what a statement declares.
    fn note(&mut self, statement: &[&'t [u8]]) -> Option<()> {
        let outer = outer(statement);
        let is_statement = |word: &&[u8]| STATEMENTS.contains(word);
        if outer.first().is_some_and(&is_statement) {
            return Some(());
        }
        let is_declaring = statement.iter().any(|word| DECLARING.contains(word));
        if is_declaring {
            let names: Vec<&[u8]> = declarators(&outer).collect();
            if names.is_empty() && outer.iter().any(|word| is_name(word)) {
                return None;
            }
            for name in names {
                self.add(name, statement);
            }
            return Some(());
        }
        if !outer.first().is_some_and(|first| is_name(first)) {
            return Some(());
        }
        let mut names = outer.windows(3).filter_map(|three| match three {
            [before, name, GROUP] if is_name(name) && may_end_type(before) => Some(*name),
            _ => None,
        });
        if let Some(name) = names.next() {
            self.add(name, statement);
            return Some(());
        }
        // `T (f)(int)` declares a function. So may a call of what a call returns, which is rare.
        let is_in_parentheses = |three: &[&[u8]]| matches!(three, [before, GROUP, GROUP] if is_name(before) && !is_statement(before) || *before == b"*");
        if outer.windows(3).any(is_in_parentheses) {
            return None;
        }
        let is_plain = outer.len() > 1
            && outer.len() == statement.len()
            && outer
                .iter()
                .all(|word| is_name(word) || matches!(*word, b"*" | b","));
        if is_plain {
            self.plain.extend(declarators(&outer));
        }
        Some(())
    }

    fn add(&mut self, name: &'t [u8], statement: &[&'t [u8]]) {
        let known = self.linked.entry(name).or_default();
        if !known.iter().any(|one| one == statement) {
            known.push(statement.to_vec());
        }
    }
}

/// Stands for parentheses with what is in them.
const GROUP: &[u8] = b"(";

/// Stands for parentheses with a star and a name: the declarator of a pointer.
const POINTER: &[u8] = b"(*";

/// Returns the tokens outside of parentheses and brackets, with [`GROUP`] for each pair of parentheses, except those of
/// attributes and the like, which are left out with their words. Those in brackets are left out.
fn outer<'t>(statement: &[&'t [u8]]) -> Vec<&'t [u8]> {
    let mut outer: Vec<&[u8]> = Vec::with_capacity(statement.len());
    let mut depth = 0_usize;
    for (at, word) in statement.iter().enumerate() {
        match *word {
            b"(" => {
                if depth == 0 {
                    let inner = statement.get(at + 1..).unwrap_or_default();
                    let stars = inner.iter().take_while(|word| **word == b"*").count();
                    let is_pointer = stars > 0 && inner.get(stars + 1) == Some(&&b")"[..]);
                    match outer.last().is_some_and(|last| OF_TYPES.contains(last)) {
                        true => drop(outer.pop()),
                        false if is_pointer => outer.push(POINTER),
                        false => outer.push(GROUP),
                    }
                }
                depth += 1;
            }
            b"[" => depth += 1,
            b")" | b"]" => depth = depth.saturating_sub(1),
            b"__extension__" => {}
            other if depth == 0 => outer.push(other),
            _ => {}
        }
    }
    outer
}

/// Returns the names that are followed by what may follow a declarator.
fn declarators<'o, 't>(outer: &'o [&'t [u8]]) -> impl Iterator<Item = &'t [u8]> + 'o {
    outer.iter().enumerate().filter_map(|(at, word)| {
        let next = outer.get(at + 1);
        let ends = next.is_none_or(|next| {
            matches!(*next, GROUP | b"," | b"=" | b"asm" | b"__asm__" | b"__asm")
        });
        (ends && is_name(word) && !DECLARING.contains(word)).then_some(*word)
    })
}

/// Returns whether a token may be the last one of a type before a declarator.
fn may_end_type(word: &[u8]) -> bool {
    word == b"*" || is_name(word) && !STATEMENTS.contains(&word)
}

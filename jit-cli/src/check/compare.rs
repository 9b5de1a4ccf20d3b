//! What two sets of headers make of the same source, side by side.

use std::collections::{BTreeMap, BTreeSet};

use jit_llvm::{Field, Inspector, LlvmError, Macro, Passage, Record};

use super::{scope::Scope, subject::Subject};

/// One set of headers: what a source is with it.
pub(super) struct Side<'a> {
    inspector: Inspector<'a>,
    records: BTreeMap<String, Record>,
    macros: BTreeMap<String, Macro>,
    typedefs: BTreeSet<String>,
    passages: Vec<Passage>,
}

impl<'a> Side<'a> {
    /// Ask.
    pub(super) fn look(inspector: Inspector<'a>) -> Result<Side<'a>, LlvmError> {
        let ((records, typedefs), (macros, passages)) = rayon::join(
            || rayon::join(|| inspector.records(), || inspector.typedefs()),
            || rayon::join(|| inspector.macros(), || inspector.passages()),
        );
        let named = |record: Record| (record.name.clone(), record);
        Ok(Side {
            inspector,
            records: records?.into_iter().map(named).collect(),
            macros: macros?,
            typedefs: typedefs?.into_iter().collect(),
            passages: passages?,
        })
    }
}

/// What kind of thing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Type,
    Record,
    Macro,
}

impl Kind {
    /// In the singular.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Type => "type",
            Kind::Record => "record",
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
    pub(crate) macros: usize,
    pub(crate) differences: Vec<Difference>,
    /// What differs and need not be the same, with the reason.
    pub(crate) notes: Vec<(String, &'static str)>,
}

/// Macros that sets of headers differ in where each is right in its way, and in what way.
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

/// Compare what a project uses.
pub(super) fn compare(
    subject: &Subject,
    checked: &Side<'_>,
    real: &Side<'_>,
) -> Result<Comparison, LlvmError> {
    let mut scope = Scope::new(&subject.include_dirs);
    scope.add(&checked.passages);
    scope.add(&real.passages);
    let mut comparison = Comparison::default();
    types(checked, real, &scope, &mut comparison)?;
    records(checked, real, &scope, &mut comparison);
    for difference in &mut comparison.differences {
        difference.name = subject.shown(&difference.name);
    }
    macros(checked, real, &scope, &mut comparison)?;
    comparison
        .differences
        .sort_by_key(|difference| difference.kind);
    Ok(comparison)
}

/// Sizes, alignments and signs.
fn types(
    checked: &Side<'_>,
    real: &Side<'_>,
    scope: &Scope,
    comparison: &mut Comparison,
) -> Result<(), LlvmError> {
    let names: Vec<&String> = checked
        .typedefs
        .intersection(&real.typedefs)
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
                    comparison.differences.push(Difference {
                        kind: Kind::Type,
                        name: name.clone(),
                        checked: Some(ours),
                        real: Some(theirs),
                        fields: Vec::new(),
                    });
                }
            }
            (None, None) => {}
            // A record of the project's that had one in it would not compile.
            _ => comparison
                .notes
                .push((name.clone(), "incomplete with one, so only pointed to")),
        }
    }
    Ok(())
}

/// A type in words; nothing for an incomplete one.
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

fn records(checked: &Side<'_>, real: &Side<'_>, scope: &Scope, comparison: &mut Comparison) {
    let names: BTreeSet<&String> = checked
        .records
        .keys()
        .chain(real.records.keys())
        .filter(|name| scope.has_record(name))
        .collect();
    for name in names {
        let ours = checked.records.get(name);
        let theirs = real.records.get(name);
        comparison.records += usize::from(ours.is_some() && theirs.is_some());
        if ours == theirs {
            continue;
        }
        let fields = match (ours, theirs) {
            (Some(ours), Some(theirs)) => moved(&ours.fields, &theirs.fields),
            _ => Vec::new(),
        };
        let facts = |record: Option<&Record>| {
            record.map(
                |Record {
                     size, alignment, ..
                 }| { format!("{size} bytes, aligned to {alignment}") },
            )
        };
        // Types that are written differently, and are the same.
        if fields.is_empty() && facts(ours) == facts(theirs) {
            continue;
        }
        comparison.differences.push(Difference {
            kind: Kind::Record,
            name: name.clone(),
            checked: facts(ours),
            real: facts(theirs),
            fields,
        });
    }
}

/// The fields that are not in the same place in both, in order.
fn moved(ours: &[Field], theirs: &[Field]) -> Vec<Moved> {
    let (ours, theirs) = (keyed(ours), keyed(theirs));
    let find = |fields: &[(String, &Field)], wanted: &str| {
        let found = fields.iter().find(|(key, _)| key == wanted);
        found.map(|(_, field)| field.offset.clone())
    };
    let mut moved = Vec::new();
    let mut behind = None;
    for (key, field) in &ours {
        let real = find(&theirs, key);
        if real.as_ref() == Some(&field.offset) {
            behind = Some(format!("{} {}", field.kind, field.name).trim().to_owned());
            continue;
        }
        moved.push(Moved {
            field: key.clone(),
            behind: behind.clone(),
            checked: Some(field.offset.clone()),
            real,
        });
    }
    let missing = theirs.iter().filter(|(key, _)| find(&ours, key).is_none());
    moved.extend(missing.map(|(key, field)| Moved {
        field: key.clone(),
        behind: None,
        checked: None,
        real: Some(field.offset.clone()),
    }));
    moved
}

/// Fields by their names; those without, by type and number.
fn keyed(fields: &[Field]) -> Vec<(String, &Field)> {
    let mut unnamed = BTreeMap::new();
    fields
        .iter()
        .map(|field| {
            if !field.name.is_empty() {
                return (field.name.clone(), field);
            }
            let number = unnamed.entry(&field.kind).or_insert(0);
            *number += 1;
            let key = match number {
                1 => field.kind.clone(),
                _ => format!("{} ({number})", field.kind),
            };
            (key, field)
        })
        .collect()
}

fn macros(
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
    // Everything that looks like a value, since the same text may have another one.
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
            // Two ways to write a function, a function, or an initializer.
            None if takes(ours) || takes(theirs) || !is_value(&place) => {
                comparison
                    .notes
                    .push(((*name).clone(), "written differently, and no constant"));
                continue;
            }
            None => (our_text, their_text),
        };
        comparison.differences.push(Difference {
            kind: Kind::Macro,
            name: (*name).clone(),
            checked: Some(checked.clone()),
            real: Some(real.clone()),
            fields: Vec::new(),
        });
    }
    one_sided(checked, real, scope, comparison);
    let is_known = |difference: &Difference| {
        let known = |(name, _): &&(&str, &str)| difference.name == *name;
        let is_macro = difference.kind == Kind::Macro;
        let found = KNOWN.iter().filter(|_| is_macro).find(known);
        found.map(|(name, why)| ((*name).to_owned(), *why))
    };
    let notes = comparison.differences.iter().filter_map(is_known);
    comparison.notes.extend(notes);
    comparison
        .differences
        .retain(|difference| is_known(difference).is_none());
    Ok(())
}

/// Macros that are there or not where the project asks.
fn one_sided(checked: &Side<'_>, real: &Side<'_>, scope: &Scope, comparison: &mut Comparison) {
    let (ours, theirs) = (&checked.macros, &real.macros);
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        let (ours, theirs) = (ours.get(name), theirs.get(name));
        if ours.is_some() == theirs.is_some() || !scope.tests(name) {
            continue;
        }
        let body = |found: Option<&Macro>| found.map(|found| found.body.clone());
        comparison.differences.push(Difference {
            kind: Kind::Macro,
            name: name.clone(),
            checked: body(ours),
            real: body(theirs),
            fields: Vec::new(),
        });
    }
}

/// A macro's use, with as many arguments as either of two definitions names.
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

/// Whether text may be a constant expression, and can't do harm where one is expected.
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

/// Text without what does not matter in most of it: blanks, parentheses, how numbers are written.
fn squeezed(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = behind;
        match number(word) {
            Some(number) => out.push_str(&number.to_string()),
            None if first.is_whitespace() || matches!(first, '(' | ')') => {}
            None => out.push_str(word),
        }
    }
    out
}

/// The value of a C integer.
fn number(word: &str) -> Option<u64> {
    let digits = word.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => u64::from_str_radix(digits.get(2..)?, 16).ok(),
        [b'0', _, ..] => u64::from_str_radix(digits, 8).ok(),
        [b'0'..=b'9', ..] => digits.parse().ok(),
        _ => None,
    }
}

/// Ask both sides at the same time.
fn both<T: Send>(
    checked: &Side<'_>,
    real: &Side<'_>,
    ask: impl Fn(&Side<'_>) -> Result<T, LlvmError> + Sync,
) -> Result<(T, T), LlvmError> {
    let (ours, theirs) = rayon::join(|| ask(checked), || ask(real));
    Ok((ours?, theirs?))
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

    #[test]
    fn fields_that_moved() {
        let field = |offset: &str, kind: &str, name: &str| Field {
            offset: offset.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        let ours = [
            field("0", "int", "a"),
            field("4", "mutex", "m"),
            field("12", "int", ""),
            field("16", "int", ""),
            field("20", "int", "gone"),
        ];
        let theirs = [
            field("0", "int", "a"),
            field("4", "mutex", "m"),
            field("12", "int", ""),
            field("24", "int", ""),
            field("28", "int", "new"),
        ];
        let text = |text: &str| Some(text.to_owned());
        let expected = [
            Moved {
                field: "int (2)".to_owned(),
                behind: text("int"),
                checked: text("16"),
                real: text("24"),
            },
            Moved {
                field: "gone".to_owned(),
                behind: text("int"),
                checked: text("20"),
                real: None,
            },
            Moved {
                field: "new".to_owned(),
                behind: None,
                checked: None,
                real: text("28"),
            },
        ];
        assert_eq!(moved(&ours, &theirs), expected);
        assert_eq!(moved(&ours, &ours), []);
    }
}

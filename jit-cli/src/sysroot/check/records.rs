//! The comparison of records' layouts.

use std::collections::{BTreeMap, BTreeSet};

use jit_llvm::{Field, Record};

use super::{
    outcome::{Comparison, Difference, Kind, Moved},
    scope::Scope,
    side::Side,
};

/// Compares the records that the project defines.
pub(crate) fn compare(
    checked: &Side<'_>,
    real: &Side<'_>,
    scope: &Scope,
    comparison: &mut Comparison,
) {
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
        // The layouts are the same, and only the names of types differ.
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

/// Returns the fields that do not have the same offset in both, in their order.
fn moved(ours: &[Field], theirs: &[Field]) -> Vec<Moved> {
    let (ours, theirs) = (keyed(ours), keyed(theirs));
    let find = |fields: &[(String, &Field)], wanted: &str| {
        let found = fields.iter().find(|(key, _)| key == wanted);
        found.map(|(_, field)| field.offset.clone())
    };
    let mut moved = Vec::new();
    let mut after = None;
    for (key, field) in &ours {
        let real = find(&theirs, key);
        if real.as_ref() == Some(&field.offset) {
            after = Some(format!("{} {}", field.kind, field.name).trim().to_owned());
            continue;
        }
        moved.push(Moved {
            field: key.clone(),
            after: after.clone(),
            checked: Some(field.offset.clone()),
            real,
        });
    }
    let missing = theirs.iter().filter(|(key, _)| find(&ours, key).is_none());
    moved.extend(missing.map(|(key, field)| Moved {
        field: key.clone(),
        after: None,
        checked: None,
        real: Some(field.offset.clone()),
    }));
    moved
}

/// Returns the fields with their names, or with type and number if they have none.
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

#[cfg(test)]
mod tests {
    use super::*;

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
                after: text("int"),
                checked: text("16"),
                real: text("24"),
            },
            Moved {
                field: "gone".to_owned(),
                after: text("int"),
                checked: text("20"),
                real: None,
            },
            Moved {
                field: "new".to_owned(),
                after: None,
                checked: None,
                real: text("28"),
            },
        ];
        assert_eq!(moved(&ours, &theirs), expected);
        assert_eq!(moved(&ours, &ours), []);
    }
}

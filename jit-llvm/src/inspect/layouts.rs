//! What `clang -cc1 -fdump-record-layouts-complete` prints.
//!
//! ```text
//! *** Dumping AST Record Layout
//!          0 | struct pair
//!          0 |   char first
//!          8 |   struct inner second
//!          8 |     int deep
//!     16:0-2 |   unsigned int bits
//!            | [sizeof=24, align=8]
//! ```

/// A record (structure or union) as clang lays it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name as clang writes it: `struct NAME`, or with a place if it has none:
    /// `union (unnamed at FILE:LINE:COLUMN)`, `struct NAME::(anonymous at FILE:LINE:COLUMN)`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes.
    pub alignment: u64,
    /// Its fields in the order of the source, without those of nested records.
    pub fields: Vec<Field>,
}

/// A field of a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its offset from the record's start in bytes; for a bit-field, with a colon and its first and
    /// last bit after that.
    pub offset: String,
    /// Its type as clang writes it.
    pub kind: String,
    /// Its name; empty for an anonymous record.
    pub name: String,
}

/// The line before each record.
const HEAD: &str = "*** Dumping AST Record Layout";

/// Returns the records, or the line that is not understood.
pub(crate) fn parse(text: &str) -> Result<Vec<Record>, String> {
    let records = text.split(HEAD).skip(1);
    records
        .filter_map(|block| record(block).transpose())
        .collect()
}

/// Returns a record, or nothing for a type that has no layout (a dependent or invalid one).
fn record(block: &str) -> Result<Option<Record>, String> {
    let mut lines = block.lines().skip_while(|line| line.trim().is_empty());
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let (_, name) = split(first)?;
    let mut fields = Vec::new();
    for line in lines {
        let (offset, text) = split(line)?;
        if let Some(numbers) = text.strip_prefix('[') {
            let number = |key: &str| {
                let value = numbers.split([',', ']']).find_map(|part| {
                    let (found, value) = part.trim().split_once('=')?;
                    (found == key).then_some(value)
                });
                value.and_then(|value| value.parse().ok())
            };
            let (Some(size), Some(alignment)) = (number("sizeof"), number("align")) else {
                return Err(line.to_owned());
            };
            return Ok(Some(Record {
                name: name.to_owned(),
                size,
                alignment,
                fields,
            }));
        }
        // There are two spaces for each level; deeper lines are of a nested record.
        let Some(text) = text
            .strip_prefix("  ")
            .filter(|text| !text.starts_with(' '))
        else {
            continue;
        };
        let (kind, name) = declaration(text);
        fields.push(Field {
            offset: offset.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        });
    }
    Err(format!("no size of {name}"))
}

/// Returns what is before the bar, and what is after it, without the space.
fn split(line: &str) -> Result<(&str, &str), String> {
    let (offset, text) = line.split_once(" |").ok_or_else(|| line.to_owned())?;
    Ok((offset.trim(), text.strip_prefix(' ').unwrap_or(text)))
}

/// Returns type and name: the name is the last word, unless the record is anonymous.
fn declaration(text: &str) -> (&str, &str) {
    let text = text.trim_end();
    match text.rsplit_once(' ') {
        Some((kind, name)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => (kind, name),
        _ => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_outermost_level() {
        // Printed by clang 22.
        let text = "
*** Dumping AST Record Layout
         0 | struct pair
         0 |   char[3] first
         8 |   struct inner second
         8 |     int deep
    16:0-2 |   unsigned int bits
      24:- |   int :0
        24 |   union pair::(anonymous at a.c:1:9) 
        24 |     int one
        32 |   void (*)(int) call
           | [sizeof=40, align=8]

*** Dumping AST Record Layout
         0 | struct empty
           | [sizeof=0, align=1]
";
        let records = parse(text).unwrap();
        let [pair, empty] = records.as_slice() else {
            panic!("{records:?}");
        };
        assert_eq!(
            (&*pair.name, pair.size, pair.alignment),
            ("struct pair", 40, 8)
        );
        let fields: Vec<_> = pair
            .fields
            .iter()
            .map(|field| (&*field.offset, &*field.kind, &*field.name))
            .collect();
        assert_eq!(
            fields,
            [
                ("0", "char[3]", "first"),
                ("8", "struct inner", "second"),
                ("16:0-2", "unsigned int", "bits"),
                ("24:-", "int :0", ""),
                ("24", "union pair::(anonymous at a.c:1:9)", ""),
                ("32", "void (*)(int)", "call"),
            ]
        );
        assert_eq!((&*empty.name, empty.size), ("struct empty", 0));
        assert!(empty.fields.is_empty());
        for broken in [
            "*** Dumping AST Record Layout\n  0 | struct a\n  0 |   int b\n",
            "*** Dumping AST Record Layout\nstruct a\n | [sizeof=1, align=1]\n",
            "*** Dumping AST Record Layout\n  0 | struct a\n | [sizeof=?, align=1]\n",
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}

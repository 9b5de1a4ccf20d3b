//! Comparing the files that two tools have written.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::{error::Error, paths};

/// A file that was compared.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) name: String,
    /// The length of CPython's, or of ours if there is no other.
    pub(crate) bytes: usize,
    pub(crate) difference: Option<Difference>,
}

/// What differs in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The micro-ops that differ, in the order of their names.
    pub(crate) uops: Vec<String>,
    /// The micro-op of the first difference, if it is in one.
    pub(crate) uop: Option<String>,
    /// The first difference: the place in CPython's file and in ours, if they have one.
    pub(crate) first: [Option<Place>; 2],
}

/// A place in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A line of a text: its number and what it says.
    Line(usize, String),
    /// A byte of another file: its offset and its value.
    Byte(usize, u8),
}

/// The start of the line with the command that wrote a file, which differs on purpose.
const COMMAND: &str = "// $ ";

/// Compares the files of two directories: those of CPython's tool, and ours.
pub(super) fn directories(theirs: &Path, ours: &Path) -> Result<Vec<Compared>, Error> {
    let names: BTreeSet<String> = [theirs, ours]
        .into_iter()
        .map(names)
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    let all = names.into_iter().map(|name| {
        let read = |directory: &Path| {
            let path = directory.join(&name);
            let read = || paths::read(&path).map_err(Error::file("read", &path));
            path.exists().then(read).transpose()
        };
        let (theirs, ours) = (read(theirs)?, read(ours)?);
        Ok(compare(name, theirs, ours))
    });
    all.collect()
}

fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(directory).map_err(Error::file("read", directory))?;
    let names = entries.map(|entry| {
        let entry = entry.map_err(Error::file("read", directory))?;
        Ok(entry.file_name().to_string_lossy().into_owned())
    });
    names.collect()
}

fn compare(name: String, theirs: Option<Vec<u8>>, ours: Option<Vec<u8>>) -> Compared {
    let both = theirs.as_ref().zip(ours.as_ref());
    let difference = match both {
        Some((theirs, ours)) if name.ends_with(".h") => texts(theirs, ours),
        Some((theirs, ours)) => {
            let has_time = name.contains("-windows-");
            bytes([theirs, ours].map(|bytes| without_time(bytes, has_time)))
        }
        // One of the tools writes a file that the other does not.
        None => Some(Difference::default()),
    };
    let bytes = theirs.or(ours).map_or(0, |bytes| bytes.len());
    Compared {
        name,
        bytes,
        difference,
    }
}

/// Returns a COFF object without the time at which it was written, which build.py leaves in it.
fn without_time(object: &[u8], has_time: bool) -> Cow<'_, [u8]> {
    let mut object = Cow::Borrowed(object);
    if has_time && object.len() >= 8 {
        object.to_mut().splice(4..8, [0; 4]);
    }
    object
}

fn bytes([theirs, ours]: [Cow<'_, [u8]>; 2]) -> Option<Difference> {
    let length = theirs.len().max(ours.len());
    let at = (0..length).find(|at| theirs.get(*at) != ours.get(*at))?;
    let place = |bytes: &[u8]| bytes.get(at).map(|byte| Place::Byte(at, *byte));
    Some(Difference {
        first: [place(&theirs), place(&ours)],
        ..Difference::default()
    })
}

/// A line that counts.
struct Line<'t> {
    /// Its number in the file.
    number: usize,
    /// What it says, without what may differ.
    text: Cow<'t, str>,
    /// The micro-op that it is about.
    uop: Option<&'t str>,
}

fn texts(theirs: &[u8], ours: &[u8]) -> Option<Difference> {
    let [theirs, ours] = [theirs, ours].map(String::from_utf8_lossy);
    let [theirs, ours] = [&theirs, &ours].map(|text| lines(text));
    let count = theirs.len().max(ours.len());
    let text = |lines: &[Line<'_>], at: usize| lines.get(at).map(|line| line.text.to_string());
    let first = (0..count).find(|at| text(&theirs, *at) != text(&ours, *at))?;
    let place = |lines: &[Line<'_>]| {
        let line = lines.get(first)?;
        Some(Place::Line(line.number, line.text.to_string()))
    };
    let mut uops: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (side, lines) in [&theirs, &ours].into_iter().enumerate() {
        for line in lines {
            let Some(name) = line.uop else { continue };
            if let Some(texts) = uops.entry(name).or_default().get_mut(side) {
                texts.push(&line.text);
            }
        }
    }
    let differing = uops.iter().filter(|(_, [theirs, ours])| theirs != ours);
    let line = theirs.get(first).or_else(|| ours.get(first));
    Some(Difference {
        uops: differing.map(|(name, _)| (*name).to_owned()).collect(),
        uop: line.and_then(|line| line.uop).map(str::to_owned),
        first: [place(&theirs), place(&ours)],
    })
}

/// Returns the lines of a header that have to be equal.
fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut function = None;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with(COMMAND) {
            continue;
        }
        function = match line.strip_prefix("emit_") {
            Some(rest) => rest.split_once('(').map(|(name, _)| name),
            // The last line of a function.
            None if lines.last().is_some_and(|line: &Line<'_>| line.text == "}") => None,
            None => function,
        };
        lines.push(Line {
            number: index + 1,
            text: usual_spaces(line),
            uop: function.or_else(|| table_entry(line)),
        });
    }
    lines
}

/// Returns the micro-op of a line of a table, such as `    [_NOP] = {emit__NOP, 0, 0, {0}, {0}},`.
fn table_entry(line: &str) -> Option<&str> {
    let (name, value) = line.trim_start().strip_prefix('[')?.split_once("] = ")?;
    value.starts_with("{emit_").then_some(name)
}

/// Returns a line with one space where their number depends on the length of the name of build.py's temporary
/// directory, as in `// _NOP.o:      file format elf64-x86-64`.
fn usual_spaces(line: &str) -> Cow<'_, str> {
    let halves = line.split_once(".o: ").filter(|_| line.contains("// "));
    match halves.map(|(start, rest)| (start, rest.trim_start())) {
        Some((start, rest)) if rest.starts_with("file format ") => {
            Cow::Owned(format!("{start}.o: {rest}"))
        }
        _ => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "// digest\n// $ one\n\nvoid\nemit__A(\n    unsigned char *code)\n{\n    // \n    \
                          // _A.o:    file format elf64-x86-64\n    code;\n}\n\nvoid\nemit__B(\n    unsigned char *code)\n{\n    \
                          code;\n}\n\nstatic const int x;\n    [_A] = {emit__A, 1},\n    [_B] = {emit__B, 1},\n";

    fn differ(ours: &str) -> Option<Difference> {
        texts(HEADER.as_bytes(), ours.as_bytes())
    }

    fn line(number: usize, text: &str) -> Option<Place> {
        Some(Place::Line(number, text.to_owned()))
    }

    #[test]
    fn the_command_and_spaces_may_differ() {
        let ours = HEADER.replace("// $ one", "// $ two --three");
        let ours = ours.replace("_A.o:    file", "_A.o:        file");
        assert_eq!(differ(&ours), None);
        let without = HEADER.replace("// $ one\n", "");
        assert_eq!(differ(&without), None);
    }

    #[test]
    fn the_first_difference_and_all_micro_ops() {
        let ours = HEADER
            .replacen("    code;", "    other;", 1)
            .replace("{emit__B, 1}", "{emit__B, 2}");
        let found = differ(&ours).unwrap();
        assert_eq!(found.uops, ["_A", "_B"]);
        assert_eq!(found.uop.as_deref(), Some("_A"));
        assert_eq!(found.first, [line(10, "    code;"), line(10, "    other;")]);
    }

    #[test]
    fn lines_that_only_one_has() {
        let found = differ(&HEADER.replace("    [_B] = {emit__B, 1},\n", "")).unwrap();
        assert_eq!(found.uops, ["_B"]);
        assert_eq!(found.first, [line(22, "    [_B] = {emit__B, 1},"), None]);
        // Outside of micro-ops.
        let found = differ(&HEADER.replace("static const int x;", "static const int y;")).unwrap();
        assert_eq!((found.uops, found.uop), (Vec::new(), None));
        let found = differ(&HEADER.replace("// digest", "// other")).unwrap();
        assert_eq!(found.first, [line(1, "// digest"), line(1, "// other")]);
    }

    #[test]
    fn objects() {
        let of = |name: &str, theirs: &[u8], ours: &[u8]| {
            let compared = compare(name.to_owned(), Some(theirs.to_vec()), Some(ours.to_vec()));
            compared.difference
        };
        let (one, other) = (b"MZ..1234rest", b"MZ..5678rest");
        assert_eq!(of("jit_shim-x86_64-pc-windows-msvc.o", one, other), None);
        let found = of("jit_shim-x86_64-unknown-linux-gnu.o", one, other).unwrap();
        assert_eq!(
            found.first,
            [Some(Place::Byte(4, b'1')), Some(Place::Byte(4, b'5'))]
        );
        let found = of("x.o", b"12", b"123").unwrap();
        assert_eq!(found.first, [None, Some(Place::Byte(2, b'3'))]);
        assert!(
            compare("x.o".to_owned(), None, Some(Vec::new()))
                .difference
                .is_some()
        );
    }
}

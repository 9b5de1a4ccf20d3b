//! The lines of the source that instructions come from, of an object file with line tables (DWARF).

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use gimli::{AttributeValue, DebugLine, DebugLineOffset, EndianSlice, LittleEndian};
use object::{Object as _, ObjectSection as _};

/// A place in a source: the path of the file, and the line.
type Place = (PathBuf, u64);

/// The places that code comes from, by the offsets in the code from which on they apply.
pub(super) type Places = BTreeMap<usize, Option<Place>>;

/// Returns the places of the code in an object.
pub(super) fn places(object: &[u8], pointer: u8) -> Option<Places> {
    let file = object::File::parse(object).ok()?;
    let mut sections = file.sections();
    let section =
        sections.find(|section| matches!(section.name(), Ok(".debug_line" | "__debug_line")))?;
    let data = section.data().ok()?;
    let table = DebugLine::new(data, LittleEndian);
    let program = table
        .program(DebugLineOffset(0), pointer, None, None)
        .ok()?;
    let mut rows = program.rows();
    let mut places = BTreeMap::new();
    while let Ok(Some((header, row))) = rows.next_row() {
        let offset = usize::try_from(row.address()).ok()?;
        let place = row.line().filter(|_| !row.end_sequence()).and_then(|line| {
            let file = row.file(header)?;
            let mut path = PathBuf::new();
            if let Some(directory) = file.directory(header) {
                path.push(text(&directory)?);
            }
            path.push(text(&file.path_name())?);
            Some((path, line.get()))
        });
        places.insert(offset, place);
    }
    Some(places)
}

fn text(value: &AttributeValue<EndianSlice<'_, LittleEndian>>) -> Option<String> {
    match value {
        AttributeValue::String(text) => Some(text.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// The texts of sources.
pub(super) struct Texts<'a> {
    /// The micro-op's own, and what its file is called.
    pub(super) own: (&'a str, String),
    /// The directory of relative paths.
    pub(super) root: &'a Path,
    files: HashMap<PathBuf, Option<String>>,
}

impl<'a> Texts<'a> {
    pub(super) fn new(uop: &str, own: &'a str, root: &'a Path) -> Texts<'a> {
        Texts {
            own: (own, format!("{uop}.c")),
            root,
            files: HashMap::new(),
        }
    }

    /// Returns the text of a line. What is not the micro-op's own has its file and number before it.
    pub(super) fn line(&mut self, (path, line): &Place) -> Option<String> {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let index = usize::try_from(*line).ok()?.checked_sub(1)?;
        if name == self.own.1 {
            return Some(self.own.0.lines().nth(index)?.trim().to_owned());
        }
        let path = self.root.join(path);
        let text = self
            .files
            .entry(path.clone())
            .or_insert_with(|| fs::read_to_string(&path).ok());
        let text = text
            .as_ref()
            .and_then(|text| text.lines().nth(index))
            .unwrap_or_default();
        Some(
            format!("{name}:{line}: {}", text.trim())
                .trim_end()
                .to_owned(),
        )
    }
}

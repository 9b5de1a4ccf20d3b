//! Files that are written for the tools, and files that they write.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::LlvmError;

/// Returns the path of an existing directory without links: clang gets it as it is, to leave it out
/// of its output.
pub(crate) fn resolve(directory: &Path) -> Result<PathBuf, LlvmError> {
    directory
        .canonicalize()
        .map_err(LlvmError::file("find", directory))
}

/// Refuses a path that is not UTF-8.
pub(crate) fn check_name(path: &Path) -> Result<(), LlvmError> {
    match path.to_str() {
        Some(_) => Ok(()),
        None => Err(bad_name(path)),
    }
}

/// Returns the error about a path that is not UTF-8: clang's output has paths, and is read as text.
pub(crate) fn bad_name(path: &Path) -> LlvmError {
    let why = "this path is not UTF-8, and clang's output, which has it, is read as text: rename what it names";
    let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, why);
    LlvmError::file("compile with", path)(error)
}

/// Creates a directory, unless it is there.
pub(crate) fn create_dir(path: &Path) -> Result<(), LlvmError> {
    fs::create_dir_all(path).map_err(LlvmError::file("create", path))
}

/// Writes an input of a tool.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), LlvmError> {
    fs::write(path, contents).map_err(LlvmError::file("write", path))
}

/// Removes an output of an earlier run of a tool, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), LlvmError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LlvmError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Returns whether a tool has written a file that is not empty.
pub(crate) fn has_contents(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|output| output.is_file() && output.len() > 0)
}

/// Reads an output of a tool. Anything but a regular file might never end.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LlvmError> {
    let read = || match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        false => Err(std::io::Error::other("it is not a regular file")),
    };
    read().map_err(LlvmError::file("read", path))
}

/// Reads an output of a tool that must be UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, LlvmError> {
    String::from_utf8(read(path)?).map_err(|error| {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        LlvmError::file("read", path)(error)
    })
}

/// Returns the files that one of clang's dependency files lists after its only target.
pub(crate) fn dependencies(path: &Path) -> Result<Vec<PathBuf>, LlvmError> {
    let bytes = read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut words = text.split_whitespace();
    if let Some(name) = words.find(|word| word.contains('\u{fffd}')) {
        return Err(bad_name(name.as_ref()));
    }
    if !text.ends_with('\n') || text.ends_with("\\\n") {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is cut short");
        return Err(LlvmError::file("read", path)(error));
    }
    let list = text.split_once(": ").map_or("", |(_, list)| list);
    // As make reads it: a backslash joins lines and escapes spaces and #, and dollars are doubled.
    let mut files = Vec::new();
    let mut name = String::new();
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('\n')) => {}
            ('\\', Some(&escaped @ (' ' | '#'))) => {
                name.push(escaped);
                characters.next();
            }
            ('$', Some('$')) => {
                name.push('$');
                characters.next();
            }
            (' ' | '\n', _) => {
                if !name.is_empty() {
                    files.push(PathBuf::from(std::mem::take(&mut name)));
                }
            }
            _ => name.push(character),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_as_make_writes_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.d");
        fs::write(
            &path,
            "preamble: preamble.h /a/b.h \\\n  /with\\ space/c\\#.h \\\n  d$$.h\n",
        )
        .unwrap();
        let files = dependencies(&path).unwrap();
        let expected = ["preamble.h", "/a/b.h", "/with space/c#.h", "d$.h"];
        assert_eq!(files, expected.map(PathBuf::from));
    }
}

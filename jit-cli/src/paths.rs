//! Paths and files of the user's.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::error::Error;

/// The largest file that is read. A source is much smaller.
const LARGEST: u64 = 256 << 20;

/// Returns an absolute path, which stays right if the current directory changes. Links are not followed.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(Error::file("find", path))
}

/// Makes a path absolute, if there is one.
pub(crate) fn make_absolute(path: &mut Option<PathBuf>) -> Result<(), Error> {
    if let Some(path) = path {
        *path = absolute(path)?;
    }
    Ok(())
}

/// Reads a regular file. Anything else, such as a pipe or a device, might never end.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe waits for its other end.
    let data = path.metadata()?;
    check_regular(&data)?;
    // With room for one byte more, the end is found without another allocation.
    let length = data.len().min(LARGEST);
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_or(0, |length| length + 1));
    let file = File::open(path)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let why = format!("it is larger than {} MiB", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Returns an error for anything but a regular file, such as a directory, a pipe or a device.
pub(crate) fn check_regular(data: &Metadata) -> io::Result<()> {
    if data.is_file() {
        return Ok(());
    }
    let kind = if data.is_dir() {
        io::ErrorKind::IsADirectory
    } else {
        io::ErrorKind::InvalidInput
    };
    Err(io::Error::new(kind, "it is not a regular file"))
}

/// Reads a regular file with text. `shown` is its name in errors.
pub(crate) fn read_text(path: &Path, shown: &Path) -> Result<String, Error> {
    let bytes = read(path).map_err(Error::file("read", shown))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        Error::NotText {
            path: shown.to_path_buf(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
        }
    })
}

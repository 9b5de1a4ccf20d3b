//! Texts with a version in the first line and a checksum in the last one.

use crate::state::inputs::hexadecimal;

/// The start of the last line.
const CHECKSUM: &str = "sha256 ";

/// Returns the contents of a file with this text. `head` is the first line.
pub(crate) fn seal(head: &str, text: &str) -> Vec<u8> {
    let text = format!("{head}\n{text}\n");
    let checksum = hexadecimal(text.as_bytes());
    format!("{text}{CHECKSUM}{checksum}\n").into_bytes()
}

/// Returns the text in a file. Returns `None` if it is damaged or starts with another line.
pub(crate) fn open<'a>(head: &str, bytes: &'a [u8]) -> Option<&'a str> {
    let text = str::from_utf8(bytes).ok()?;
    let (before, checksum) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let covered = text.get(..before.len() + 1)?;
    if checksum.strip_prefix(CHECKSUM)? != hexadecimal(covered.as_bytes()) {
        return None;
    }
    covered.strip_prefix(head)?.strip_prefix('\n')
}

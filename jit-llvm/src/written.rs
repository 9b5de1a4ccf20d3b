//! What clang writes for a source: assembly or an object file.

use std::path::Path;

use jit_schema::Target;

use crate::{error::LlvmError, files, order};

/// Something that clang writes to a file.
pub(crate) trait Written: Sized {
    /// The extension of the file's name.
    const EXTENSION: &'static str;

    /// Reads the file.
    fn read(path: &Path) -> Result<Self, LlvmError>;

    /// Returns whether it is not cut short, as far as that shows here: `end` is the start of a line at the end of all
    /// assembly.
    fn is_whole(&self, end: Option<&str>) -> bool;

    /// Returns whether it is certain that it has nothing whose order could depend on what else was in the file.
    fn has_no_order(&self, target: &Target) -> bool;
}

/// Assembly.
impl Written for String {
    const EXTENSION: &'static str = "s";

    fn read(path: &Path) -> Result<String, LlvmError> {
        files::read_text(path)
    }

    fn is_whole(&self, end: Option<&str>) -> bool {
        has_line(self, end)
    }

    fn has_no_order(&self, target: &Target) -> bool {
        order::is_none_in_assembly(self, target)
    }
}

/// An object file. Making a stencil of it shows whether it is whole.
impl Written for Vec<u8> {
    const EXTENSION: &'static str = "o";

    fn read(path: &Path) -> Result<Vec<u8>, LlvmError> {
        files::read(path)
    }

    fn is_whole(&self, _: Option<&str>) -> bool {
        true
    }

    fn has_no_order(&self, _: &Target) -> bool {
        order::is_none_in_object(self)
    }
}

/// Returns whether one of the last lines of a text starts with a directive.
pub(crate) fn has_line(text: &str, directive: Option<&str>) -> bool {
    directive.is_none_or(|directive| {
        let mut lines = text.lines().rev();
        lines.any(|line| line.trim_start().starts_with(directive))
    })
}

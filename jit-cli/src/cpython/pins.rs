//! Reading the LLVM version that a checkout pins.

use std::path::Path;

use crate::paths;

/// The variable with the major version.
const VERSION: &str = "_LLVM_VERSION";

/// The LLVM that a checkout pins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LlvmPins {
    /// The major version to use.
    pub(crate) version: Option<u32>,
    /// The name of the directory with LLVM in CPython's externals, on Windows.
    pub(crate) externals_tag: Option<String>,
}

impl LlvmPins {
    /// Reads the two assignments, as far as the file is there and has them.
    pub(crate) fn read(path: &Path) -> LlvmPins {
        let Ok(text) = paths::read_text(path, path) else {
            return LlvmPins::default();
        };
        let value = |name: &str| {
            text.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                (key.trim() == name).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
            })
        };
        LlvmPins {
            version: value(VERSION).and_then(|version| version.parse().ok()),
            externals_tag: value("_EXTERNALS_LLVM_TAG"),
        }
    }
}

/// Returns the text of a file with pins with another major version of LLVM, in the form that the old one has.
#[cfg(feature = "cli")]
pub(crate) fn replaced(text: &str, major: u32) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((key, value)) if key.trim() == VERSION => {
            let quote = value.trim_start().chars().next();
            let quote = quote
                .filter(|quote| matches!(quote, '"' | '\''))
                .map(String::from);
            let quote = quote.unwrap_or_default();
            format!("{key}= {quote}{major}{quote}\n")
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pins_of_a_checkout() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("_llvm.py");
        assert_eq!(LlvmPins::read(&path), LlvmPins::default());
        fs::write(
            &path,
            "import os\n\n_LLVM_VERSION = \"21\"\n_EXTERNALS_LLVM_TAG = \"llvm-21.1.4.0\"\n",
        )
        .unwrap();
        assert_eq!(
            LlvmPins::read(&path),
            LlvmPins {
                version: Some(21),
                externals_tag: Some("llvm-21.1.4.0".to_owned())
            }
        );
    }

    #[test]
    #[cfg(feature = "cli")]
    fn another_version() {
        for (old, new) in [
            ("_LLVM_VERSION = \"21\"\n", "_LLVM_VERSION = \"22\"\n"),
            ("_LLVM_VERSION = 19\nx = 1\n", "_LLVM_VERSION = 22\nx = 1\n"),
            ("_LLVM_VERSION=19\n", "_LLVM_VERSION= 22\n"),
            ("x = _LLVM_VERSION\n", "x = _LLVM_VERSION\n"),
        ] {
            assert_eq!(replaced(old, 22), new);
        }
    }
}

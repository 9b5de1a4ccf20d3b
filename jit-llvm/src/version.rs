//! The version that a tool prints for `--version`, read as `_check_tool_version` of CPython's
//! `Tools/jit/_llvm.py` reads it.

use std::{fmt, sync::LazyLock};

use regex::Regex;

/// The majors that were tried, newest first: the tests run on 22 and 21, and some of them on 20 and 19. A search without a
/// major looks for them in this order, and then for newer ones.
pub const SUPPORTED_MAJORS: &[u32] = &[23, 22, 21, 20, 19];

/// A version of LLVM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LlvmVersion {
    /// The part that a search compares.
    pub major: u32,
    /// The second part.
    pub minor: u32,
    /// The third part.
    pub patch: u32,
}

impl LlvmVersion {
    /// Returns the version in what a tool of LLVM prints for `--version`, or `None` if there is none.
    pub fn printed_in(text: &str) -> Option<LlvmVersion> {
        match identify(text) {
            Identity::Llvm(version) => Some(version),
            Identity::Apple(_) | Identity::Unknown(_) => None,
        }
    }

    /// Returns the value of clang's `-mframe-pointer` with which functions keep the frame pointer of their caller.
    ///
    /// Before LLVM 21, `reserved` is accepted and does nothing: code uses the register for values. There, functions make
    /// frames, with which the register is right again when control leaves them.
    pub fn kept_frame_pointer(self) -> &'static str {
        match self.major {
            ..21 => "all",
            21.. => "reserved",
        }
    }
}

/// What a tool is, by what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    Llvm(LlvmVersion),
    /// Apple's clang, which has version numbers of its own; its first line.
    Apple(String),
    /// No tool of LLVM's; its first line.
    Unknown(String),
}

/// Identifies a tool by what it prints for `--version`.
pub(crate) fn identify(output: &str) -> Identity {
    // `clang version 22.1.0`, `Debian LLVM version 22.1.0`, `Homebrew clang version 21.1.4`.
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?P<apple>Apple )?(?:LLVM|clang) version\s+(\d+)\.(\d+)\.(\d+)\S*\s")
            .expect("the pattern is a constant")
    });
    // A program may print megabytes, which do not fit in a message.
    let first_line = || {
        let line = output.lines().next().unwrap_or_default().trim();
        line.chars().take(100).collect::<String>()
    };
    let mut apple = false;
    // Tools end their first line with a newline; one that does not is accepted as well.
    let text = format!("{output}\n");
    for found in PATTERN.captures_iter(&text) {
        if found.name("apple").is_some() {
            apple = true;
            continue;
        }
        let part = |index: usize| found.get(index).and_then(|part| part.as_str().parse().ok());
        if let (Some(major), Some(minor), Some(patch)) = (part(2), part(3), part(4)) {
            return Identity::Llvm(LlvmVersion {
                major,
                minor,
                patch,
            });
        }
    }
    if apple {
        Identity::Apple(first_line())
    } else {
        Identity::Unknown(first_line())
    }
}

impl fmt::Display for LlvmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> Identity {
        Identity::Llvm(LlvmVersion {
            major,
            minor,
            patch,
        })
    }

    #[test]
    fn frame_pointers() {
        let kept = |major| {
            let version = LlvmVersion {
                major,
                minor: 1,
                patch: 0,
            };
            version.kept_frame_pointer()
        };
        assert_eq!([20, 21, 22].map(kept), ["all", "reserved", "reserved"]);
    }

    // First lines as the distributions print them.
    #[test]
    fn distributions() {
        for (text, expected) in [
            (
                "Debian clang version 22.1.2 (++20260101)\n",
                version(22, 1, 2),
            ),
            (
                "clang version 21.1.0\nTarget: x86_64-unknown-linux-musl\n",
                version(21, 1, 0),
            ),
            ("Homebrew clang version 21.1.4\n", version(21, 1, 4)),
            (
                "clang version 21.1.8 (Fedora 21.1.8-1.fc43)\n",
                version(21, 1, 8),
            ),
            (
                "Ubuntu LLVM version 21.1.1\n\nOptimized build.\n",
                version(21, 1, 1),
            ),
            (
                "LLVM (http://llvm.org/):\n  LLVM version 19.1.7\n  Optimized\n",
                version(19, 1, 7),
            ),
            (
                "clang version 22.0.0git (https://example.org 1234)\n",
                version(22, 0, 0),
            ),
        ] {
            assert_eq!(identify(text), expected, "{text}");
        }
    }

    #[test]
    fn apples_clang_is_recognized() {
        let text = "Apple clang version 21.0.0 (clang-2100.0.1.2)\nTarget: arm64-apple-darwin\n";
        assert!(matches!(identify(text), Identity::Apple(_)));
        let text = "Apple LLVM version 21.0.0 (clang-2100)\n";
        assert!(matches!(identify(text), Identity::Apple(_)));
    }

    #[test]
    fn others_are_unknown() {
        for text in [
            "",
            "gcc (Debian 12.2.0-14) 12.2.0\n",
            "clang version x.y.z\n",
        ] {
            assert!(matches!(identify(text), Identity::Unknown(_)), "{text}");
        }
    }
}

//! The LLVMs that the tests need. A test that names one of these begins with `fixtures::needs!`.

use std::{path::Path, path::PathBuf, sync::OnceLock};

use fixtures::needs;

/// clang 22, by its path.
pub(crate) fn clang_22() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| needs::clang_22().expect("the test needs clang_22"))
}

/// A prefix with clang 21 in `bin` and no other tool.
pub(crate) fn prefix_21() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| needs::prefix_21().expect("the test needs prefix_21"))
}

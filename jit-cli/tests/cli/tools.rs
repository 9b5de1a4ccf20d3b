//! The LLVM installations that tests need. A test that uses one starts with `fixtures::needs!`.

use std::{path::Path, path::PathBuf, sync::OnceLock};

use fixtures::needs;

/// Returns the path of clang 22.
pub(crate) fn clang_22() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| needs::clang_22().expect("the test needs clang_22"))
}

/// Returns a directory with clang 21 in `bin`, and no other tool.
pub(crate) fn prefix_21() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| needs::prefix_21().expect("the test needs prefix_21"))
}

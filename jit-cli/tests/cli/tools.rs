//! The LLVMs that the tests need.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const INSTALL: &str = "run scripts/test, which installs what the tests need and tells them";

/// clang 22, by its path.
pub(crate) fn clang_22() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| in_path("clang-22"))
}

/// llvm-objdump 22, by its path.
pub(crate) fn objdump_22() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| in_path("llvm-objdump-22"))
}

/// A prefix with clang 21 in `bin` and no other tool.
pub(crate) fn prefix_21() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let prefix = env::var_os("JIT_TEST_LLVM_21")
            .map(PathBuf::from)
            .unwrap_or_else(|| {
                panic!("JIT_TEST_LLVM_21 does not name a prefix with clang 21: {INSTALL}")
            });
        let clang = prefix.join("bin/clang");
        let runs = Command::new(&clang).arg("--version").output();
        let version = runs.unwrap_or_else(|error| {
            panic!(
                "JIT_TEST_LLVM_21: can't run {}: {error}; {INSTALL}",
                clang.display()
            )
        });
        let text = String::from_utf8_lossy(&version.stdout);
        assert!(
            text.contains("clang version 21."),
            "JIT_TEST_LLVM_21: {} is no clang 21 ({text}); {INSTALL}",
            clang.display()
        );
        prefix
    })
}

fn in_path(name: &str) -> PathBuf {
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no {name} in PATH: {INSTALL}"))
}

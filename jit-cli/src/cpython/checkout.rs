//! Which release a checkout is of.

use std::path::Path;

use super::{release::Release, v3_15};
use crate::error::Error;

/// All releases, newest first.
const RELEASES: &[&Release] = &[&v3_15::RELEASE];

/// The Python source that every release has. A directory without it but with everything else (such as
/// the example virtual machine) is laid out like a checkout of the newest release.
const COMMON_TOOL: &str = "Tools/jit/_stencils.py";

/// Returns the newest release, for CPython's headers without a checkout.
pub(crate) fn newest() -> &'static Release {
    &v3_15::RELEASE
}

/// Whether a directory looks like a checkout of any release.
pub(crate) fn is_checkout(root: &Path) -> bool {
    RELEASES
        .iter()
        .any(|release| release.missing(root).is_none())
}

/// Returns the release that a checkout is of. `root` is an existing directory.
pub(crate) fn release_of(root: &Path) -> Result<&'static Release, Error> {
    let newest = newest();
    if !is_checkout(root) {
        return Err(Error::NotCpython {
            root: root.to_path_buf(),
            missing: newest.missing(root).unwrap_or(newest.template),
        });
    }
    if !root.join(COMMON_TOOL).is_file() {
        return Ok(newest);
    }
    let tools = root.join("Tools/jit");
    let found = RELEASES.iter().find(|release| (release.has_tools)(&tools));
    found.copied().ok_or_else(|| Error::UnknownCpythonRelease {
        root: root.to_path_buf(),
        known: RELEASES
            .iter()
            .map(|release| release.name)
            .collect::<Vec<_>>()
            .join(", "),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes empty files with these names into a directory that has a release's sources.
    fn checkout(tools: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let newest = newest();
        let sources = [newest.template, newest.cases, newest.shim];
        let tools = tools.iter().map(|name| format!("Tools/jit/{name}"));
        for name in sources.map(str::to_owned).into_iter().chain(tools) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn releases_are_told_by_their_tools() {
        let name = |tools: &[&str]| {
            let root = checkout(tools);
            let found = release_of(root.path());
            found.map(|release| release.name).map_err(|e| e.to_string())
        };
        assert_eq!(
            name(&["_stencils.py", "_optimizers.py", "_dwarf.py"]),
            Ok("3.15")
        );
        // No Python at all: laid out like the newest.
        assert_eq!(name(&[]), Ok(newest().name));
        // 3.14, and something between the two.
        for tools in [&["_stencils.py"][..], &["_stencils.py", "_optimizers.py"]] {
            let message = name(tools).unwrap_err();
            assert!(message.contains("3.15"), "{message}");
        }
    }

    #[test]
    fn a_missing_source_is_named() {
        let root = checkout(&[]);
        fs::remove_file(root.path().join("Tools/jit/shim.c")).unwrap();
        assert!(!is_checkout(root.path()));
        let message = release_of(root.path()).unwrap_err().to_string();
        assert!(message.contains("Tools/jit/shim.c"), "{message}");
    }
}

//! Finding out the release of a checkout.

use std::path::Path;

use super::{patchlevel::Version, release::Release, v3_14, v3_15};
use crate::error::Error;

/// The newest release.
const NEWEST: &Release = &v3_15::RELEASE;

/// All releases, newest first.
pub(crate) const RELEASES: &[&Release] = &[NEWEST, &v3_14::RELEASE];

/// The Python source that every release has. A directory without it but with everything else (such as
/// the example virtual machine) is laid out like a checkout of the newest release.
const COMMON_TOOL: &str = "Tools/jit/_stencils.py";

/// Returns the newest release, for CPython's headers without a checkout.
pub(crate) fn newest() -> &'static Release {
    NEWEST
}

/// Returns whether a directory looks like a checkout of any release, including those that can't be built.
pub(crate) fn is_checkout(root: &Path) -> bool {
    has_sources(root) || Version::read(root).is_some()
}

/// Returns whether a directory has the sources of a known release.
fn has_sources(root: &Path) -> bool {
    RELEASES
        .iter()
        .any(|release| release.missing(root).is_none())
}

/// Returns the release that a checkout is of. `root` is an existing directory.
pub(crate) fn release_of(root: &Path) -> Result<&'static Release, Error> {
    let newest = newest();
    let version = Version::read(root);
    let without = |missing| Error::NotCpython {
        root: root.to_path_buf(),
        missing,
    };
    let tools = root.join("Tools/jit");
    let found = RELEASES
        .iter()
        .find(|release| (release.has_tools)(&tools))
        .filter(|release| version.is_none_or(|version| version >= release.version));
    if let Some(release) = found
        && release.missing(root).is_none()
    {
        // What is only laid out like a checkout has headers of its own.
        return match release.missing_header(root) {
            None => Ok(release),
            Some(missing) => Err(without(missing)),
        };
    }
    if let Some(missing) = version.and_then(|version| missing_of(root, version)) {
        return Err(without(missing));
    }
    let is_newest = found.is_some_and(|release| release.version == newest.version);
    let is_older = version.is_some_and(|version| version < newest.version);
    if !is_newest && (is_older || root.join(COMMON_TOOL).is_file()) {
        return Err(Error::UnknownCpythonRelease {
            root: root.to_path_buf(),
            found: describe(root, version),
            known: RELEASES
                .iter()
                .map(|release| release.version.to_string())
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    match newest.missing(root) {
        None => Ok(newest),
        Some(missing) => Err(without(missing)),
    }
}

/// Returns the first file that a checkout of that version of an older release does not have, of those that decide what
/// is generated.
fn missing_of(root: &Path, version: Version) -> Option<&'static str> {
    let mut older = RELEASES.iter().skip(1);
    let release = older.find(|release| release.version == version)?;
    let mut tools = release.tools.iter();
    let tool = tools.find(|file| !root.join(file.path).is_file());
    release.missing(root).or(tool.map(|file| file.path))
}

/// Returns a description of an unknown release: the version, or how it differs from the known ones.
fn describe(root: &Path, version: Option<Version>) -> String {
    let newest = newest();
    let oldest = RELEASES.last().map_or(newest.version, |last| last.version);
    let is_there = |path: &str| root.join(path).is_file();
    let newer = ["Tools/jit/_optimizers.py", "Tools/jit/_dwarf.py"];
    match version {
        Some(version) if version < oldest => version.to_string(),
        // A release with files of another one.
        Some(version) if version < newest.version => {
            let newer = newer.into_iter().find(|path| is_there(path));
            let newer = newer.unwrap_or("a newer Tools/jit/_stencils.py");
            format!("{version}, with {newer}")
        }
        None if (v3_14::RELEASE.has_tools)(&root.join("Tools/jit")) => format!("before {oldest}"),
        _ if !is_there(newer[0]) => format!("between {oldest} and {}", newest.version),
        // An alpha, or a release that comes after the newest that is known.
        _ => {
            let mut tools = newest.tools.iter();
            let missing = tools.find(|file| !is_there(file.path));
            format!(
                "{}, without {}",
                version.unwrap_or(newest.version),
                missing.map_or("one of its tools", |file| file.path)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Files in all directories of headers, and those that are required.
    const HEADERS: [&str; 7] = [
        "Include/Python.h",
        "Include/cpython/pystate.h",
        "Include/internal/pycore_jit.h",
        "Include/internal/mimalloc/mimalloc.h",
        "Include/internal/mimalloc/mimalloc/prim.h",
        "Python/ceval.h",
        "Tools/jit/jit.h",
    ];

    /// Writes an empty file.
    fn write(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    /// Writes empty files with these names into a directory that has a release's sources.
    fn checkout(tools: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let newest = newest();
        let sources = [newest.template, newest.cases, newest.shim];
        let tools = tools.iter().map(|name| format!("Tools/jit/{name}"));
        for name in sources.map(str::to_owned).into_iter().chain(tools) {
            write(&root.path().join(name));
        }
        for name in HEADERS {
            write(&root.path().join(name));
        }
        root
    }

    #[test]
    fn releases_are_told_by_their_tools() {
        let name = |tools: &[&str]| {
            let root = checkout(tools);
            let found = release_of(root.path());
            found
                .map(|release| release.version)
                .map_err(|e| e.to_string())
        };
        assert_eq!(
            name(&["_stencils.py", "_optimizers.py", "_dwarf.py"]),
            Ok(newest().version)
        );
        // No Python at all: laid out like the newest.
        assert_eq!(name(&[]), Ok(newest().version));
        let v3_14 = v3_14::RELEASE.version;
        assert_eq!(name(&["_stencils.py"]), Ok(v3_14));
        // Something between the two.
        let message = name(&["_stencils.py", "_optimizers.py"]).unwrap_err();
        let found = "of CPython 3.15, without Tools/jit/_dwarf.py, which";
        assert!(message.contains(found), "{message}");
        let message = name(&["_stencils.py", "_dwarf.py"]).unwrap_err();
        assert!(
            message.contains("of CPython between 3.14 and 3.15, which"),
            "{message}"
        );
    }

    #[test]
    fn a_release_is_named_by_its_version() {
        for (minor, tools) in [(13, &["_stencils.py"][..]), (12, &[])] {
            let root = checkout(tools);
            fs::remove_file(root.path().join("Tools/jit/shim.c")).unwrap();
            let header = format!("#define PY_MAJOR_VERSION\t3\n#define PY_MINOR_VERSION {minor}\n");
            fs::create_dir_all(root.path().join("Include")).unwrap();
            fs::write(root.path().join("Include/patchlevel.h"), header).unwrap();
            assert!(is_checkout(root.path()));
            let message = release_of(root.path()).unwrap_err().to_string();
            let expected = format!("of CPython 3.{minor}, which can't be built");
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn missing_headers_are_named() {
        let tools = ["_stencils.py", "_optimizers.py", "_dwarf.py"];
        for (removed, named) in [
            ("Include", "Include"),
            ("Include/internal", "Include/internal"),
            ("Include/internal/mimalloc", "Include/internal/mimalloc"),
            (
                "Include/internal/mimalloc/mimalloc",
                "Include/internal/mimalloc/mimalloc",
            ),
            ("Include/cpython", "Include/cpython"),
        ] {
            let root = checkout(&tools);
            fs::remove_dir_all(root.path().join(removed)).unwrap();
            let message = release_of(root.path()).unwrap_err().to_string();
            let expected = format!("is not a CPython checkout: it has no {named}");
            assert!(message.ends_with(&expected), "{message}");
        }
        for header in ["Include/Python.h", "Tools/jit/jit.h"] {
            let root = checkout(&tools);
            fs::remove_file(root.path().join(header)).unwrap();
            let message = release_of(root.path()).unwrap_err().to_string();
            assert!(message.ends_with(&format!(" no {header}")), "{message}");
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

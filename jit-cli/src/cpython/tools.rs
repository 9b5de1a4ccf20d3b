//! Checking whether a checkout's `Tools/jit` is one that this version of the crate reproduces.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::{
    cpython::{
        checkout::newest,
        patchlevel::{FILE, Version},
        release::{Release, ToolFile},
    },
    hex, paths,
};

/// Returns whether a checkout has none of the known versions of a file.
fn differs(file: &ToolFile, checkout: &Path) -> bool {
    let Ok(bytes) = paths::read(&checkout.join(file.path)) else {
        return true;
    };
    !file.sha256.contains(&hash(&bytes).as_str())
}

/// Returns the SHA-256 of a text with Unix line ends, since git on Windows may write others.
fn hash(bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let (line, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        hasher.update(line);
        rest = after.get(1..).unwrap_or_default();
    }
    hasher.update(rest);
    hex::digits(&hasher.finalize())
}

/// Returns whether a directory has any of the files: without them, it is another kind of project with the layout of a
/// checkout.
pub(crate) fn has_any(release: &Release, checkout: &Path) -> bool {
    let mut tools = release.tools.iter();
    tools.any(|file| checkout.join(file.path).is_file())
}

/// Returns the files of a checkout that are not known versions.
pub(crate) fn unknown(release: &Release, checkout: &Path) -> Vec<&'static str> {
    if !has_any(release, checkout) {
        return Vec::new();
    }
    let tools = release.tools.iter();
    tools
        .filter(|file| differs(file, checkout))
        .map(|file| file.path)
        .collect()
}

/// Returns a warning if a checkout's own version is not that of its `Tools/jit`.
fn other_version(release: &Release, checkout: &Path) -> Option<String> {
    if !checkout.join(FILE).is_file() || !has_any(release, checkout) {
        return None;
    }
    let says = match Version::read(checkout) {
        Some(version) if version == release.version => return None,
        // What comes after the newest that is known may have its tools.
        Some(version)
            if release.version == newest().version && version.major == release.version.major =>
        {
            return None;
        }
        Some(version) => format!("says CPython {version}"),
        None => "says no version of CPython".to_owned(),
    };
    Some(format!(
        "{FILE} {says}, but Tools/jit is that of CPython {0}: the checkout is built as CPython {0} is",
        release.version
    ))
}

/// Returns a warning if files of a checkout are not known versions, or are not those of its own version.
pub(crate) fn warning(release: &Release, checkout: &Path) -> Option<String> {
    let differing = unknown(release, checkout);
    if differing.is_empty() {
        return other_version(release, checkout);
    }
    let other = match Version::read(checkout) {
        Some(version) if version != release.version => format!(" (CPython {version})"),
        _ => String::new(),
    };
    Some(format!(
        "this checkout{other} is built as CPython {} is, but these of its files are not known versions: {}. \
         `jit-cli check --upstream` finds out whether the output is still that of its Tools/jit/build.py",
        release.version,
        differing.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cpython::v3_15;

    /// Two versions of one file are known, of `1\n` and `2\n`.
    const FILES: &[ToolFile] = &[ToolFile {
        path: "build.py",
        sha256: &[
            "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865",
            "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3",
        ],
    }];

    #[test]
    fn only_unknown_versions_are_named() {
        let release = Release {
            tools: FILES,
            ..v3_15::RELEASE
        };
        let checkout = tempfile::tempdir().unwrap();
        assert_eq!(warning(&release, checkout.path()), None);
        for (text, differs) in [("1\n", false), ("2\r\n", false), ("3\n", true)] {
            fs::write(checkout.path().join("build.py"), text).unwrap();
            let warning = warning(&release, checkout.path());
            assert_eq!(warning.is_some(), differs, "{text:?}: {warning:?}");
        }
    }

    /// A checkout with the tools of one release and the version of another is not built without a word.
    #[test]
    fn another_version_is_named() {
        use crate::cpython::checkout::RELEASES;
        let said = |release: &Release, version: &str| {
            let checkout = tempfile::tempdir().unwrap();
            fs::create_dir(checkout.path().join("Include")).unwrap();
            fs::write(checkout.path().join("Include/patchlevel.h"), version).unwrap();
            fs::write(checkout.path().join("build.py"), "1\n").unwrap();
            warning(release, checkout.path())
        };
        let version = |major, minor| {
            format!("#define PY_MAJOR_VERSION {major}\n#define PY_MINOR_VERSION {minor}\n")
        };
        for known in RELEASES {
            let Version { major, minor } = known.version;
            let release = Release {
                tools: FILES,
                version: known.version,
                ..v3_15::RELEASE
            };
            assert_eq!(said(&release, &version(major, minor)), None);
            // 3.16 with 3.15's Tools/jit is what it is supposed to be.
            let next = said(&release, &version(major, minor + 1));
            assert_eq!(next.is_some(), minor == 14, "{next:?}");
            for (text, expected) in [
                (version(4, 0), "says CPython 4.0"),
                (String::new(), "says no version of CPython"),
            ] {
                let warning = said(&release, &text).unwrap();
                let expected = format!(
                    "Include/patchlevel.h {expected}, but Tools/jit is that of CPython {major}.{minor}"
                );
                assert!(warning.starts_with(&expected), "{warning}");
                assert_eq!(warning.lines().count(), 1, "{warning}");
            }
        }
    }

    // From sha256sum.
    #[test]
    fn line_ends_do_not_count() {
        assert_eq!(hash(b"a\nb\n"), hash(b"a\r\nb\r\n"));
        assert_ne!(hash(b"a\nb\n"), hash(b"a\rb\n"));
        assert_eq!(
            hash(b"1\r\n2\n"),
            "a6e2b7a040683432de03a18fd8a1939a2fdf82585b364bfc874bdd4095c4cae1"
        );
    }
}

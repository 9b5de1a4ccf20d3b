//! clang's flags: those of the conventions, with the project's macros.

use std::path::Path;

use jit_llvm::Flags;

/// Returns the flags with a project's macros in front of their own, so that the latter take precedence.
pub(crate) fn with_defines(
    mut flags: Flags,
    defines: &[String],
    stencil_defines: &[String],
    shim_defines: &[String],
) -> Flags {
    let words = |macros: &[String]| -> Vec<String> {
        macros.iter().map(|name| format!("-D{name}")).collect()
    };
    flags.defines.splice(0..0, defines.iter().cloned());
    flags.stencil.splice(0..0, words(stencil_defines));
    flags.shim.splice(0..0, words(shim_defines));
    flags
}

/// The flags with a directory, in the same word or in the next one.
const WITH_DIRECTORY: &[&str] = &[
    "-I",
    "-F",
    "-isystem",
    "-iquote",
    "-idirafter",
    "-isysroot",
    "--sysroot=",
    "--sysroot",
];

/// The flags that are followed by a file, which may be one of a directory for headers.
const WITH_FILE: &[&str] = &["-include", "-imacros"];

/// Returns flags for clang in which relative paths of headers are absolute: clang runs in a temporary directory,
/// where it would not find them.
pub(crate) fn with_absolute_paths(words: &[String], base: &Path) -> Vec<String> {
    let absolute = |path: &str| base.join(path).display().to_string();
    // clang puts the sysroot in the place of `=`, and `-isystem-after` is another flag.
    let is_relative = |path: &str| !path.starts_with(['=', '-']) && Path::new(path).is_relative();
    let mut before = "";
    let mut result = Vec::with_capacity(words.len());
    for word in words {
        let joined = WITH_DIRECTORY.iter().find_map(|flag| {
            let path = word.strip_prefix(flag)?;
            (!path.is_empty() && is_relative(path)).then_some((*flag, path))
        });
        let is_file = WITH_FILE.contains(&before) && base.join(word).is_file();
        result.push(match joined {
            _ if is_file || WITH_DIRECTORY.contains(&before) && is_relative(word) => absolute(word),
            Some((flag, path)) => format!("{flag}{}", absolute(path)),
            None => word.clone(),
        });
        before = word;
    }
    result
}

/// Returns whether a text is a macro as clang's -D takes it: `NAME`, `NAME=VALUE` or `NAME(PARAMETERS)=VALUE`.
pub(crate) fn is_macro(text: &str) -> bool {
    let (head, _) = text.split_once('=').unwrap_or((text, ""));
    let (name, parameters) = head.split_once('(').unwrap_or((head, ")"));
    let is_identifier = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    is_identifier && parameters.ends_with(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_headers_are_absolute() {
        let base = tempfile::tempdir().unwrap();
        std::fs::write(base.path().join("x.h"), "").unwrap();
        let base = base.path();
        let at = base.display();
        for (flags, expected) in [
            (
                "-Ia -I b -I/c -I /d",
                format!("-I{at}/a -I {at}/b -I/c -I /d"),
            ),
            (
                "-isystem a -iquoteb",
                format!("-isystem {at}/a -iquote{at}/b"),
            ),
            (
                "--sysroot=a --sysroot b",
                format!("--sysroot={at}/a --sysroot {at}/b"),
            ),
            ("-isysroot a -I=b", format!("-isysroot {at}/a -I=b")),
            (
                "-include x.h -include y.h",
                format!("-include {at}/x.h -include y.h"),
            ),
            (
                "-DI=a -isystem-after /a -I",
                "-DI=a -isystem-after /a -I".to_owned(),
            ),
            ("-Os -ffast-math x.h", "-Os -ffast-math x.h".to_owned()),
        ] {
            let words: Vec<String> = flags.split(' ').map(str::to_owned).collect();
            assert_eq!(with_absolute_paths(&words, base).join(" "), expected);
        }
    }

    #[test]
    fn macros() {
        for good in ["A", "_a1=", "A=B C", "A(x, y)=x+y", "A==", "A=-DX"] {
            assert!(is_macro(good), "{good}");
        }
        for bad in ["", "=1", "-DA", "A B", "A-B=1", "1A", "A(x=1", " A"] {
            assert!(!is_macro(bad), "{bad}");
        }
    }
}

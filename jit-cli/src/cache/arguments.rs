//! The arguments of cc1 that a key has to cover.
//!
//! clang runs in a directory of its own, where there are no files of the user's. So an argument can only
//! name a file with a path, which has a separator: unless such an argument is known to be harmless, nothing
//! is cached. The same goes for arguments that read files of other names.

/// Arguments whose effect is visible in the tokens. Each is followed by a value.
const DEFINITIONS: [&str; 2] = ["-D", "-U"];

/// Starts of arguments that have paths. Without debug and coverage information, only `__FILE__` shows them,
/// which is visible in the tokens.
const PATHS: [&str; 6] = [
    "-fcoverage-compilation-dir=",
    "-fcoverage-prefix-map=",
    "-fdebug-compilation-dir=",
    "-fdebug-prefix-map=",
    "-ffile-prefix-map=",
    "-fmacro-prefix-map=",
];

/// Starts of arguments that make clang read or write files that they do not name, load code, or add
/// information about places in files.
const OTHER_FILES: [&str; 26] = [
    "-add-plugin",
    "-chain-include",
    "-coverage",
    "-debug-info",
    "-fapinotes",
    "-fcas",
    "-fcoverage-mapping",
    "-fcs-profile",
    "-fembed-bitcode",
    "-fexperimental-cas",
    "-fimplicit-module",
    "-finclude-default-header",
    "-fmodule",
    "-fpass-plugin",
    "-fplugin",
    "-fprebuilt",
    "-fprofile",
    "-fsample-profile",
    "-fsystem-module",
    "-ftest-module",
    "-fxray",
    "-gcodeview",
    "-imacros",
    "-include",
    "-ivfsoverlay",
    "-load",
];

/// Starts of others of this kind.
const MORE_OTHER_FILES: [&str; 6] = [
    "-mlink-",
    "-plugin",
    "-token-cache",
    "-ftime-trace",
    "-fthinlto",
    "-print-",
];

/// Returns the arguments that a key has to cover. The error is an argument because of which nothing can be
/// cached.
pub(crate) fn keyed(arguments: &[String]) -> Result<Vec<&str>, &str> {
    let mut kept = Vec::with_capacity(arguments.len());
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if DEFINITIONS.contains(&word) {
            words.next();
            continue;
        }
        if PATHS.iter().any(|start| word.starts_with(start)) {
            continue;
        }
        let mut others = OTHER_FILES.iter().chain(&MORE_OTHER_FILES);
        let names_a_file = word.contains(['/', '\\']) || cfg!(windows) && word.contains(':');
        if names_a_file || others.any(|start| word.starts_with(start)) {
            return Err(word);
        }
        kept.push(word);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn only_arguments_for_code_count() {
        let a = words("-cc1 -Os -D A=/x -fmacro-prefix-map=/x=. -target-cpu x86-64");
        let b = words("-cc1 -Os -U A -target-cpu x86-64");
        assert_eq!(keyed(&a), keyed(&b));
        let c = words("-cc1 -Os -target-cpu znver4");
        assert_ne!(keyed(&a), keyed(&c));
    }

    #[test]
    fn files_are_not_cached() {
        for word in [
            "-debug-info-kind=constructor",
            "-frandomize-layout-seed-file=/x/seed",
            "-fsanitize-ignorelist=../list",
            "-fprofile-instrument-use-path=x",
            "-load",
            "-fmodules",
            "-ivfsoverlay",
            "/x/unknown",
        ] {
            let all = ["-cc1".to_owned(), word.to_owned()];
            assert_eq!(keyed(&all), Err(word));
        }
    }
}

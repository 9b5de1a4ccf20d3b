//! The files and directories in clang's flags and in the arguments of cc1.

use std::path::{Path, PathBuf};

/// Prefixes of arguments that make cc1 read files that it does not report, or find files in other places than their paths
/// say.
const UNKNOWN: [&str; 15] = [
    "-F",
    "-add-plugin",
    "-fapinotes",
    "-fmodule-file",
    "-fmodule-map",
    "-fmodules",
    "-fpass-plugin",
    "-fplugin",
    "-fprebuilt",
    "-iframework",
    "-include-pch",
    "-ivfsoverlay",
    "-load",
    "-plugin",
    "-vfsoverlay",
];

/// The options that name a directory to search, in the order of the search: for quoted names only, for all names, for
/// system headers, and after those.
const DIRECTORIES: [&[&str]; 4] = [
    &["-iquote"],
    &["-I"],
    &[
        "-isystem",
        "-c-isystem",
        "-internal-isystem",
        "-internal-externc-isystem",
    ],
    &["-idirafter"],
];

/// Prefixes of other options that make cc1 search directories.
const OTHER_DIRECTORIES: [&str; 6] = [
    "--embed-dir",
    "-embed-dir",
    "-iprefix",
    "-iwithprefix",
    "-iwithsysroot",
    "-stdlib++-isystem",
];

/// Returns the directories in which cc1 searches for headers, in the order of the search.
pub(crate) fn directories(arguments: &[String]) -> Result<Vec<PathBuf>, String> {
    let is_other = |word: &&String| {
        let mut starts = OTHER_DIRECTORIES.iter();
        starts.any(|start| word.starts_with(start))
    };
    if let Some(word) = arguments.iter().find(is_other) {
        return Err(format!("the option {word} is not understood"));
    }
    let mut found = Vec::new();
    for group in DIRECTORIES {
        let mut words = arguments.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let joined = || word.strip_prefix("-I").filter(|_| group == ["-I"]);
            let directory = match group.contains(&word) {
                true => words.peek().copied(),
                false => joined(),
            };
            let Some(directory) = directory else { continue };
            let path = PathBuf::from(directory);
            // A leading `=` stands for the sysroot, and a file is a header map.
            if !path.is_absolute() || path.is_file() {
                return Err(format!("the directory {directory} is not understood"));
            }
            found.push(path);
        }
    }
    Ok(found)
}

/// Returns the names of headers that are included before the source (`-include`, `-imacros`).
pub(crate) fn included(arguments: &[String]) -> Vec<&str> {
    let pairs = arguments.windows(2).filter_map(|pair| match pair {
        [option, name] if ["-include", "-imacros"].contains(&option.as_str()) => Some(name),
        _ => None,
    });
    pairs.map(String::as_str).collect()
}

/// Returns the files whose paths occur in flags, such as `-fsanitize-ignorelist=/x`.
pub(crate) fn files(words: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for word in words {
        // A macro may be an alias of `__has_include`.
        let asks = word.contains("__has_");
        if asks || UNKNOWN.iter().any(|start| word.starts_with(start)) {
            return Err(format!("files may be read because of {word}"));
        }
        // A path may be a part of a flag, or contain the separators itself.
        let parts = word.split([',', '=', ';', ':']);
        let paths = parts.chain([word.as_str()]).filter_map(|part| {
            let start = part.find('/')?;
            let relative = part.get(..start).is_some_and(|text| text.ends_with('.'));
            part.get(start..).filter(|_| !relative).map(PathBuf::from)
        });
        found.extend(paths.filter(|path| path.is_file()));
    }
    Ok(found)
}

/// Returns the paths of clang's possible configuration files, whether they exist or not.
pub(crate) fn configuration(
    clang: &Path,
    triple: &str,
    flags: &[String],
) -> Result<Vec<PathBuf>, String> {
    let resolved = clang.canonicalize();
    let programs = [Some(clang), resolved.as_deref().ok()];
    let mut directories: Vec<PathBuf> = programs
        .into_iter()
        .flatten()
        .filter_map(|path| path.parent().map(Path::to_path_buf))
        .collect();
    let mut named = Vec::new();
    let mut words = flags.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        for option in ["--config-user-dir=", "--config-system-dir="] {
            let directory = word.strip_prefix(option).map(PathBuf::from);
            // A leading `~` stands for another directory.
            if directory.as_ref().is_some_and(|path| !path.is_absolute()) {
                return Err(format!("the directory of {word} is not understood"));
            }
            directories.extend(directory);
        }
        named.extend(word.strip_prefix("--config="));
        if word == "--config" {
            named.extend(words.peek().copied());
        }
    }
    let mut files = Vec::new();
    for directory in &directories {
        for name in [
            format!("{triple}-clang.cfg"),
            format!("{triple}.cfg"),
            "clang.cfg".to_owned(),
        ] {
            files.push(directory.join(name));
        }
    }
    for name in named {
        let places = directories.iter().map(|directory| directory.join(name));
        let before = files.len();
        files.extend(places);
        if !files.iter().skip(before).any(|path| path.is_file()) {
            return Err(format!("the configuration file {name} was not found"));
        }
    }
    let mut next = 0;
    while let Some(path) = files.get(next).cloned() {
        let mut new = nested(&path)?;
        new.retain(|path| !files.contains(path));
        files.extend(new);
        next += 1;
    }
    Ok(files)
}

/// Returns the files that a configuration file includes.
fn nested(path: &Path) -> Result<Vec<PathBuf>, String> {
    let Ok(bytes) = crate::paths::read(path) else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&bytes);
    let unclear = || format!("{} names other files", path.display());
    if text.contains("--config") {
        return Err(unclear());
    }
    let directory = path.parent().unwrap_or(Path::new(""));
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut files = Vec::new();
    for word in lines.flat_map(str::split_whitespace) {
        let special = ['\'', '"', '\\', '<', '>'];
        if let Some(name) = word.trim_start_matches(special).strip_prefix('@') {
            if word.contains(special) {
                return Err(unclear());
            }
            files.push(directory.join(name));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn directories_in_the_order_of_the_search() {
        let arguments = words(
            "-cc1 -internal-isystem /r -I /a -I/b -idirafter /z -iquote /q -isystem /s -c-isystem /c \
             -internal-externc-isystem /e",
        );
        let found = directories(&arguments).unwrap();
        let expected = ["/q", "/a", "/b", "/r", "/s", "/c", "/e", "/z"];
        assert_eq!(found, expected.map(PathBuf::from));
        for bad in [
            "-I =x",
            "-I x",
            "-isystem ../x",
            "-I /a -iwithprefixbefore /b",
            "-iwithsysroot /b",
            "--embed-dir=/b",
        ] {
            assert!(directories(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_in_words() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x");
        std::fs::write(&file, "").unwrap();
        let shown = file.display();
        for word in [
            format!("{shown}"),
            format!("-fsanitize-ignorelist={shown}"),
            format!("-include{shown}"),
            format!("-Wa,{shown},b"),
        ] {
            assert!(files(&[word]).unwrap().contains(&file));
        }
        let nothing = [format!("{}", directory.path().display()), "-Os".to_owned()];
        assert_eq!(files(&nothing).unwrap(), [""; 0].map(PathBuf::from));
        assert!(files(&words("-load /x.so")).is_err());
    }

    #[test]
    fn configuration_files() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text);
        write("clang.cfg", "-DX\n@more.cfg\n").unwrap();
        write("own.cfg", "-DY\n").unwrap();
        let clang = directory.path().join("clang");
        let flags = words("-DZ --config=own.cfg");
        let found = configuration(&clang, "t", &flags).unwrap();
        for name in ["t-clang.cfg", "clang.cfg", "own.cfg", "more.cfg"] {
            assert!(found.contains(&directory.path().join(name)), "{name}");
        }
        assert!(configuration(&clang, "t", &words("--config=none")).is_err());
        assert!(configuration(&clang, "t", &words("--config-user-dir=~/x")).is_err());
        for (text, is_known) in [
            ("# '@x'\n-Da@b @sub/third.cfg", true),
            ("@own.cfg", true),
            ("'@more.cfg'", false),
            ("\\@more.cfg", false),
            ("@<CFGDIR>/more.cfg", false),
            ("@\"more.cfg\"", false),
            ("@mo\\\nre.cfg", false),
        ] {
            write("own.cfg", text).unwrap();
            let found = configuration(&clang, "t", &flags);
            assert_eq!(found.is_ok(), is_known, "{text}");
        }
    }
}

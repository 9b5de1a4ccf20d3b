//! The files that programs consist of.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    command::{self, Limits},
    interrupt::Interrupt,
};

/// The files that a program consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// The program, and the shared libraries that the system's loader finds for it.
    pub files: Vec<PathBuf>,
    /// The directories and the index in which the loader has searched for libraries, there or not: as long as they and
    /// the files stay as they are, it finds the same again. `None` if they are not known.
    pub places: Option<Vec<PathBuf>>,
}

/// The files that change what the loader does, apart from those that it tells of.
const CONFIGURATION: [&str; 1] = ["/etc/ld.so.preload"];

impl Parts {
    /// Asks `ldd` which files a program consists of. Returns `None` where that is not known, such as for a script.
    ///
    /// The loader finds libraries by the directory of the program, so a link to the program may have other parts.
    pub fn of(program: &Path, interrupt: &Interrupt) -> Option<Parts> {
        let ldd = which::which("ldd").unwrap_or_else(|_| PathBuf::from("/usr/bin/ldd"));
        // The loader of the GNU C library tells where it searches.
        let env = which::which("env").unwrap_or_else(|_| PathBuf::from("/usr/bin/env"));
        let words = ["-u", "LD_DEBUG_OUTPUT", "LD_DEBUG=libs"].map(OsString::from);
        let arguments = words.into_iter().chain([ldd.into(), program.into()]);
        let arguments: Vec<OsString> = arguments.collect();
        let limits = Limits::QUESTION;
        let output = command::run_within(limits, &env, &arguments, None, interrupt).ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (told, listed): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| message(line).is_some());
        let mut files = match output.status.success() {
            true => libraries(&listed)?,
            false => return None,
        };
        files.push(program.to_path_buf());
        let places = places(told.into_iter().filter_map(message));
        Some(Parts { files, places })
    }
}

/// Returns the text of a message of the loader, which follows the number of its process.
fn message(line: &str) -> Option<&str> {
    let (number, text) = line.split_once(":\t")?;
    let number = number.trim_start();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(text.trim())
}

/// Returns the paths of libraries in what `ldd` prints. Returns `None` if one of them was not found.
fn libraries(lines: &[&str]) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in lines.iter().map(|line| line.trim()) {
        if line == "statically linked" {
            continue;
        }
        let (start, _) = line.rsplit_once(" (")?;
        match start.split_once(" => ") {
            Some((_, path)) => found.push(PathBuf::from(path)),
            None if start.starts_with('/') => found.push(PathBuf::from(start)),
            // The kernel provides this one.
            None if start.starts_with("linux-") => {}
            None => return None,
        }
    }
    found.iter().all(|path| path.is_absolute()).then_some(found)
}

/// Returns the places in messages of the loader. Returns `None` if it does not tell of any, or of a relative path.
fn places<'a>(messages: impl Iterator<Item = &'a str>) -> Option<Vec<PathBuf>> {
    let mut places = BTreeSet::new();
    for text in messages {
        if let Some(list) = text.strip_prefix("search path=") {
            // The reason follows in parentheses.
            let list = list.split('\t').next().unwrap_or_default();
            places.extend(list.split(':').map(PathBuf::from));
        }
        places.extend(text.strip_prefix("search cache=").map(PathBuf::from));
    }
    if places.is_empty() || places.iter().any(|path| !path.is_absolute()) {
        return None;
    }
    places.extend(CONFIGURATION.map(PathBuf::from));
    Some(places.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ldd_prints() {
        let lines = [
            "\tlinux-vdso.so.1 (0x00007ffd)",
            "\tlibLLVM.so.22.1 => /lib/libLLVM.so.22.1 (0x00007f)",
            "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)",
        ];
        let expected = ["/lib/libLLVM.so.22.1", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(
            libraries(&lines),
            Some(expected.map(PathBuf::from).to_vec())
        );
        assert_eq!(libraries(&["\tstatically linked"]), Some(vec![]));
        assert_eq!(libraries(&["\tlibx.so => not found"]), None);
        assert_eq!(libraries(&["a script"]), None);
    }

    #[test]
    fn what_the_loader_tells() {
        let lines = [
            "     16642:\tfind library=libx.so [0]; searching",
            "     16642:\t search path=/a/glibc-hwcaps:/a\t\t(RUNPATH from file /b/x)",
            "     16642:\t  trying file=/a/libx.so",
            "     16642:\t search cache=/etc/ld.so.cache",
            "     16642:\t",
            "\tlibx.so => /a/libx.so (0x00007f)",
        ];
        let told = || lines.into_iter().filter_map(message);
        assert_eq!(told().count(), 5);
        let expected = [
            "/a",
            "/a/glibc-hwcaps",
            "/etc/ld.so.cache",
            "/etc/ld.so.preload",
        ];
        assert_eq!(places(told()), Some(expected.map(PathBuf::from).to_vec()));
        assert_eq!(
            places(told().chain(["search path=:/x\t(LD_LIBRARY_PATH)"])),
            None
        );
        assert_eq!(places([].into_iter()), None);
    }
}

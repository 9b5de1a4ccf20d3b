//! System headers for targets other than this machine: those of a directory, or the ones that are part of
//! jit-cli. `sysroot/README.md` describes the latter, and what they were compared with.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use jit_schema::{ObjectFormat, Target};
use sha2::{Digest as _, Sha256};

use crate::{
    cache::store::Cache,
    cpython::patchlevel::Version,
    error::Error,
    hex,
    scratch::{self, Scratch},
};

/// The name of the sysroot that is part of jit-cli.
pub(crate) const BUILTIN: &str = "builtin";
/// The newest CPython for which the built-in sysroot was compared with real headers.
pub(crate) const CHECKED: Version = Version {
    major: 3,
    minor: 16,
};

macro_rules! files {
    ($($path:literal,)*) => {
        /// The path and the text of every file.
        const FILES: &[(&str, &str)] = &[
            $(($path, include_str!(concat!("../../sysroot/", $path))),)*
        ];
    };
}

files! {
    "include/TargetConditionals.h",
    "include/assert.h",
    "include/basetsd.h",
    "include/ctype.h",
    "include/dlfcn.h",
    "include/errno.h",
    "include/float.h",
    "include/inttypes.h",
    "include/io.h",
    "include/limits.h",
    "include/linux/prctl.h",
    "include/locale.h",
    "include/mach-o/loader.h",
    "include/malloc.h",
    "include/math.h",
    "include/pthread.h",
    "include/sched.h",
    "include/sdkddkver.h",
    "include/semaphore.h",
    "include/setjmp.h",
    "include/signal.h",
    "include/stdio.h",
    "include/stdlib.h",
    "include/string.h",
    "include/sys/param.h",
    "include/sys/prctl.h",
    "include/sys/stat.h",
    "include/sys/time.h",
    "include/sys/types.h",
    "include/sysroot.h",
    "include/sysroot_checks.h",
    "include/time.h",
    "include/unistd.h",
    "include/wchar.h",
    "include/wctype.h",
    "include/winapifamily.h",
    "include/windows.h",
    "include/winerror.h",
    "pyconfig/pyconfig.h",
}

/// The system headers of a target.
#[derive(Debug, Clone)]
pub(crate) enum Sysroot {
    /// The headers that are part of jit-cli, unpacked in this directory.
    Builtin(PathBuf),
    /// Real headers, in this directory.
    Directory(PathBuf),
}

impl Sysroot {
    /// Finds a sysroot by its name: `builtin`, or a directory. The built-in one is unpacked in the directory of
    /// the cache.
    pub(crate) fn find(name: &Path, cache: Option<&Path>) -> Result<Sysroot, Error> {
        if name == Path::new(BUILTIN) {
            let temporary = || env::temp_dir().join("jit-cli");
            let directory = cache
                .map(Path::to_path_buf)
                .or_else(Cache::default_directory)
                .unwrap_or_else(temporary);
            let directory = unpack(&directory).or_else(|error| {
                let temporary = temporary();
                tracing::warn!(
                    "{error}: the headers are unpacked in {}",
                    temporary.display()
                );
                unpack(&temporary)
            })?;
            // clang runs in another directory.
            let absolute = directory
                .canonicalize()
                .map_err(Error::file("find", &directory))?;
            return Ok(Sysroot::Builtin(absolute));
        }
        let directory = name
            .canonicalize()
            .and_then(|directory| match directory.is_dir() {
                true => Ok(directory),
                false => Err(io::ErrorKind::NotADirectory.into()),
            })
            .map_err(Error::file("find the sysroot", name))?;
        Ok(Sysroot::Directory(directory))
    }

    /// Returns the directory with the `pyconfig.h` that belongs to these headers, if there is one.
    pub(crate) fn pyconfig_dir(&self) -> Option<PathBuf> {
        match self {
            Sysroot::Builtin(directory) => Some(directory.join("pyconfig")),
            Sysroot::Directory(_) => None,
        }
    }

    /// Returns the text that identifies the headers in the digest of a build: the directory of real headers,
    /// relative to the project if they are in it, or the version of the built-in ones.
    pub(crate) fn digest(&self, project: &Path) -> String {
        match self {
            Sysroot::Builtin(_) => format!("builtin {}", version()),
            Sysroot::Directory(directory) => {
                let place = directory.strip_prefix(project).unwrap_or(directory);
                place.display().to_string()
            }
        }
    }

    /// Returns the flags for clang, which come before the user's.
    pub(crate) fn cflags(&self, target: &Target) -> Vec<String> {
        let mut flags = self.dialect(target).unwrap_or_default();
        flags.extend(self.places(target));
        flags
    }

    /// Returns the flags that name the directories of headers.
    pub(crate) fn places(&self, target: &Target) -> Vec<String> {
        let mut flags = vec!["-nostdlibinc".to_owned()];
        if target.format == ObjectFormat::MachO {
            // The default version is from 2005.
            flags.push("-mmacosx-version-min=11.0".into());
        }
        for directory in self.include_dirs(target) {
            flags.push("-isystem".into());
            flags.push(directory.display().to_string());
        }
        flags
    }

    /// Returns the flags that a project's headers need to compile with these, if there are any. They affect the
    /// project's headers, too.
    pub(crate) fn dialect(&self, target: &Target) -> Option<Vec<String>> {
        let mut directories = self.include_dirs(target).into_iter();
        let mingw = target.format == ObjectFormat::Coff && directories.any(|dir| is_mingw(&dir));
        mingw.then(|| mingw_flags(target).map(str::to_owned).collect())
    }

    fn include_dirs(&self, target: &Target) -> Vec<PathBuf> {
        match self {
            Sysroot::Builtin(directory) => vec![directory.join("include")],
            Sysroot::Directory(directory) => include_dirs(directory, target),
        }
    }
}

/// Returns the macros that choose a configuration of CPython in the built-in `pyconfig.h`.
pub(crate) fn defines(debug: bool, free_threaded: bool) -> impl Iterator<Item = String> {
    let debug = debug.then(|| "JIT_SYSROOT_DEBUG".to_owned());
    let free_threaded = free_threaded.then(|| "JIT_SYSROOT_FREE_THREADED".to_owned());
    debug.into_iter().chain(free_threaded)
}

/// Returns a preamble with the assertions of sizes after the first headers. They replace an empty line, since
/// line numbers become code in debug builds.
pub(crate) fn with_checks(preamble: &str) -> String {
    const CHECKS: &str = "#include \"sysroot_checks.h\"\n";
    let mut place = None;
    let mut end = 0;
    for line in preamble.split_inclusive('\n') {
        if line.trim().is_empty() && end > 0 && place.is_none() {
            place = Some(end..end + line.len());
        }
        end += line.len();
    }
    let (before, after) = match place {
        Some(place) => (preamble.get(..place.start), preamble.get(place.end..)),
        None => (Some(preamble), None),
    };
    [before.unwrap_or(preamble), CHECKS, after.unwrap_or("")].concat()
}

/// Logs a warning if a checkout is newer than the newest CPython that the built-in sysroot was compared for.
pub(crate) fn warn_if_newer(checkout: &Path) {
    if let Some(version) = Version::read(checkout)
        && version > CHECKED
    {
        tracing::warn!(
            "CPython {version}: the built-in sysroot was compared with real headers up to {CHECKED}; \
             the sizes in sysroot_checks.h are asserted, and the layouts of CPython's structures are \
             not known to be right: compare with a build with real headers"
        );
    }
}

/// Returns whether the built-in sysroot has a header with this name.
#[cfg(feature = "cli")]
pub(crate) fn has(header: &str) -> bool {
    let mut headers = FILES
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("include/"));
    headers.any(|path| path == header)
}

/// Returns the header of the built-in sysroot that has a name in its code, for any system. Comments and
/// assertions are ignored.
#[cfg(feature = "cli")]
pub(crate) fn mentioned(name: &str) -> Option<&'static str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has_it = |code: &str| code.split(|c| !is_part(c)).any(|word| word == name);
    let mut headers = FILES
        .iter()
        .filter(|(path, _)| !path.ends_with("_checks.h"));
    let (path, _) = headers.find(|(_, text)| {
        let mut parts = text.split("/*").enumerate();
        parts.any(|(index, part)| match part.split_once("*/") {
            Some((_, code)) => has_it(code),
            None => index == 0 && has_it(part),
        })
    })?;
    path.strip_prefix("include/")
}

/// Returns the subdirectories with headers where distributions have them, or else the directory itself.
fn include_dirs(directory: &Path, target: &Target) -> Vec<PathBuf> {
    let arch = target.triple.split('-').next().unwrap_or_default();
    let candidates = [
        format!("usr/include/{arch}-linux-gnu"),
        "usr/include".to_owned(),
        "include".to_owned(),
    ];
    let found: Vec<PathBuf> = candidates
        .iter()
        .map(|candidate| directory.join(candidate))
        .filter(|candidate| candidate.is_dir())
        .collect();
    if found.is_empty() {
        vec![directory.to_path_buf()]
    } else {
        found
    }
}

fn is_mingw(directory: &Path) -> bool {
    directory.join("_mingw.h").is_file()
}

/// Returns the flags with which CPython's headers compile with mingw-w64's as with Microsoft's.
fn mingw_flags(target: &Target) -> impl Iterator<Item = &'static str> {
    let all = [
        "-Dtypeof=__typeof__",
        "-fgnuc-version=4.2.1",
        "-D_PID_T_",
        "-D__CRT__NO_INLINE",
        "-D__USE_MINGW_ANSI_STDIO=0",
        "-D__declspec=__declspec",
        "-Wno-macro-redefined",
        "-D_UNICODE",
        "-DUNICODE",
    ];
    let undeclared: &[&str] = match target.triple {
        "x86_64-pc-windows-msvc" => &[],
        _ => &["-Wno-error=implicit-function-declaration"],
    };
    let narrow: &[&str] = match target.triple {
        // Without the last flag, time_t has four bytes in Debian's headers.
        "i686-pc-windows-msvc" => &["-D_X86_", "-D_CRTIMP=", "-D__MINGW_USE_VC2005_COMPAT"],
        _ => &[],
    };
    all.into_iter()
        .chain(undeclared.iter().copied())
        .chain(narrow.iter().copied())
}

/// Returns the version of the built-in headers: the first digits of their SHA-256.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(hash);
    &VERSION
}

fn hash() -> String {
    let mut hasher = Sha256::new();
    for (path, text) in FILES {
        hasher.update(path);
        hasher.update([0]);
        hasher.update(text);
        hasher.update([0]);
    }
    let mut digits = hex::digits(&hasher.finalize());
    digits.truncate(2 * 8);
    digits
}

/// Writes the built-in headers to a directory named after their version, unless they are there. They are written to a
/// temporary directory, which is then renamed, so that the directory is always complete.
fn unpack(cache: &Path) -> Result<PathBuf, Error> {
    let directory = cache.join(format!("sysroot-{}", version()));
    let there = fs::symlink_metadata(&directory).is_ok();
    if there && is_whole(&directory) {
        return Ok(directory);
    }
    fs::create_dir_all(cache).map_err(Error::file("create", cache))?;
    scratch::remove_abandoned_directories(cache);
    let staged = Scratch::create_in(cache).map_err(Error::file("write", cache))?;
    if there {
        tracing::warn!("{} is damaged: writing it again", directory.display());
        let damaged = Scratch::create_in(cache).map_err(Error::file("write", cache))?;
        // It goes with the temporary directory. Another build may have moved it in the meantime.
        let _ = fs::rename(&directory, damaged.path().join("headers"));
    }
    for (path, text) in FILES {
        let path = staged.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
        }
        fs::write(&path, text).map_err(Error::file("write", &path))?;
    }
    match fs::rename(staged.path(), &directory) {
        Ok(()) => Ok(directory),
        // Another build has created it in the meantime.
        Err(_) if directory.is_dir() => Ok(directory),
        Err(error) => Err(Error::file("create", &directory)(error)),
    }
}

/// Returns whether a directory has the built-in headers, as they were written, and nothing else.
fn is_whole(directory: &Path) -> bool {
    matching(directory, directory).is_some_and(|count| count == FILES.len())
}

/// Returns the number of files below a part of the directory `root`, or `None` if one of them is no built-in header.
fn matching(part: &Path, root: &Path) -> Option<usize> {
    let mut count = 0;
    for entry in fs::read_dir(part).ok()? {
        let entry = entry.ok()?;
        let (path, kind) = (entry.path(), entry.file_type().ok()?);
        if kind.is_dir() {
            count += matching(&path, root)?;
            continue;
        }
        let name = path.strip_prefix(root).ok()?;
        let (_, text) = FILES.iter().find(|(file, _)| Path::new(file) == name)?;
        // A link or a pipe is no file.
        if !kind.is_file() || fs::read(&path).ok()? != text.as_bytes() {
            return None;
        }
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(directory: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                let path = path.strip_prefix(root).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }

    #[test]
    fn every_header_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sysroot");
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.retain(|path| path.ends_with(".h"));
        found.sort();
        assert_eq!(
            FILES.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
            found
        );
    }

    #[test]
    fn checks_take_no_line_where_one_is_empty() {
        for (preamble, expected) in [
            (
                "#include <a>\n\n#include <b>\n\n",
                "#include <a>\n#include \"sysroot_checks.h\"\n#include <b>\n\n",
            ),
            (
                "#include <a>\n",
                "#include <a>\n#include \"sysroot_checks.h\"\n",
            ),
        ] {
            assert_eq!(with_checks(preamble), expected);
        }
    }

    #[test]
    fn names_in_headers() {
        for (name, header) in [
            ("pthread_mutex_t", Some("pthread.h")),
            ("clockid_t", Some("time.h")),
            ("S_IFMT", Some("sys/stat.h")),
            // These are in comments only.
            ("ucrt", None),
            ("pthread_mutex", None),
        ] {
            assert_eq!(mentioned(name), header, "{name}");
        }
        assert!(has("sys/stat.h") && !has("sys/mman.h") && !has("pyconfig.h"));
    }

    #[test]
    fn unpacking_twice_is_once() {
        let cache = tempfile::tempdir().unwrap();
        let first = unpack(cache.path()).unwrap();
        assert_eq!(unpack(cache.path()).unwrap(), first);
        for (path, text) in FILES {
            assert_eq!(fs::read_to_string(first.join(path)).unwrap(), *text);
        }
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }

    #[test]
    fn damaged_headers_are_written_again() {
        let cache = tempfile::tempdir().unwrap();
        let directory = unpack(cache.path()).unwrap();
        let (first, _) = FILES.first().unwrap();
        let header = directory.join(first);
        let damages: [fn(&Path); 4] = [
            |header| fs::write(header, "int x;").unwrap(),
            |header| fs::remove_file(header).unwrap(),
            |header| fs::write(header.with_extension("other"), "").unwrap(),
            |header| {
                fs::remove_file(header).unwrap();
                fs::create_dir(header).unwrap();
            },
        ];
        for damage in damages {
            damage(&header);
            assert!(!is_whole(&directory));
            assert_eq!(unpack(cache.path()).unwrap(), directory);
            assert!(is_whole(&directory));
        }
        fs::remove_dir_all(&directory).unwrap();
        fs::write(&directory, "").unwrap();
        assert_eq!(unpack(cache.path()).unwrap(), directory);
        assert!(is_whole(&directory));
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}

//! The files that clang reads for a build, and the places where another file would be read instead.
//!
//! clang reports which files it has read, and which names it has searched for. The files are hashed only after that. So if
//! one of them was changed since shortly before clang read it, there is no list: its hash may not be that of the text that
//! was compiled.

pub(crate) mod times;
pub(crate) mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::SystemTime,
};

use jit_llvm::{Compiler, LlvmError, Snapshot, Source};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::times::{TICK, changed, check_places, is_newer, read};
use crate::state::inputs::{Mark, Names};

/// What clang has read.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// Their hashes, and the places of absent files, or the reason why these are not known.
    pub(crate) headers: Result<Headers, String>,
}

/// The files that were read, and the places where there was no file, but where one would be read instead or would change
/// the result of `__has_include`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) seen: BTreeMap<PathBuf, Mark>,
    /// The names of the absent files, by directory.
    pub(crate) absent: BTreeMap<PathBuf, Names>,
    /// Whether clang was asked only after the compilation. Then no file may have changed since the build began.
    #[serde(skip)]
    pub(crate) late: bool,
    /// Whether the code may contain the time of the build (`__DATE__` or `__TIME__`).
    #[serde(skip)]
    pub(crate) dated: bool,
}

impl Reads {
    /// Returns what was read for a snapshot. `arguments` are those of cc1, which name the directories to search, and `work`
    /// is the directory of the compiler's own files.
    pub(crate) fn of(snapshot: &Snapshot, arguments: &[String], work: &Path) -> Reads {
        Reads::of_all(&[snapshot], arguments, work)
    }

    /// Returns what was read for several snapshots, each of which has the same arguments. A file that many of them have
    /// read is hashed once.
    pub(crate) fn of_all(snapshots: &[&Snapshot], arguments: &[String], work: &Path) -> Reads {
        let files = snapshots.iter().flat_map(|snapshot| &snapshot.files);
        let files: BTreeSet<&PathBuf> = files.collect();
        Reads {
            files: files.into_iter().cloned().collect(),
            headers: Headers::of(snapshots, arguments, work),
        }
    }

    /// Asks the compiler what it reads for the sources and the shim. Returns `None` if that is not known.
    pub(crate) fn ask(
        compiler: &Compiler<'_>,
        sources: &[Source],
        shim: Option<&Path>,
    ) -> Result<Option<Reads>, LlvmError> {
        let (Some(found), Some([compile, _, of_shim])) = (
            compiler.dependencies(sources, shim)?,
            compiler.cc1_arguments()?,
        ) else {
            return Ok(None);
        };
        let work = compiler.work();
        let mut reads = Reads::of(&found.sources, &compile, work);
        if let Some(snapshot) = &found.shim {
            reads = reads.with(Reads::of(snapshot, &of_shim, work));
        }
        let snapshots = found.shim.iter().chain([&found.sources]);
        let texts: Vec<_> = snapshots
            .map(|one| String::from_utf8_lossy(&one.text))
            .collect();
        let has = |word: &str| texts.iter().any(|text| text.contains(word));
        if found.may_assemble_files {
            reads.headers =
                Err("the assembler may read files that clang does not report".to_owned());
        } else if has("__TIMESTAMP__") {
            reads.headers =
                Err("the code may contain the time of a file (__TIMESTAMP__)".to_owned());
        } else if let Ok(headers) = &mut reads.headers {
            headers.late = true;
            headers.dated = has("__DATE__") || has("__TIME__");
        }
        Ok(Some(reads))
    }

    /// Returns what a record lists.
    pub(crate) fn recorded(headers: &Headers) -> Reads {
        Reads {
            files: headers.seen.keys().cloned().collect(),
            headers: Ok(headers.clone()),
        }
    }

    /// Returns these files and those of `other`.
    pub(crate) fn with(self, other: Reads) -> Reads {
        Reads {
            files: [self.files, other.files].concat(),
            headers: self
                .headers
                .and_then(|headers| headers.with(other.headers?)),
        }
    }
}

impl Headers {
    /// Returns what was read for snapshots. A place that was searched for one of them counts up to where any of them has
    /// read a file: more of the places before it may be listed than for each alone.
    fn of(snapshots: &[&Snapshot], arguments: &[String], work: &Path) -> Result<Headers, String> {
        let mut searched = BTreeSet::new();
        for snapshot in snapshots {
            let names = snapshot.searched.as_ref();
            searched
                .extend(names.ok_or("the names of headers that clang has searched are not known")?);
        }
        let files = snapshots.iter().flat_map(|snapshot| &snapshot.files);
        let files: BTreeSet<&Path> = files.map(PathBuf::as_path).collect();
        // A file that has not changed since the first of them is the same for all.
        let time = snapshots.iter().map(|snapshot| snapshot.taken).min();
        let time = time.and_then(|time| time.checked_sub(TICK));
        let mut search = Search {
            directories: words::directories(arguments)?,
            work,
            files: files.clone(),
            time: time.unwrap_or(SystemTime::UNIX_EPOCH),
            absent: BTreeMap::new(),
            unread: BTreeSet::new(),
            present: BTreeSet::new(),
        };
        let mut seen = search.read(&search.files)?;
        check_places(&files, search.time)?;
        for name in searched {
            search.note(&name.name, &name.beside, name.asked)?;
        }
        for name in words::included(arguments) {
            search.note(Path::new(name), &[], false)?;
        }
        check_places(&search.unread, search.time)?;
        let present = search.present.iter().map(PathBuf::as_path).collect();
        seen.extend(search.read(&present)?);
        Ok(Headers {
            seen,
            absent: search.absent,
            late: false,
            dated: false,
        })
    }

    /// Returns these files and those of `other`. It is an error if the two have different hashes for a file.
    fn with(mut self, other: Headers) -> Result<Headers, String> {
        for (path, mark) in other.seen {
            if self.seen.get(&path).is_some_and(|known| *known != mark) {
                return Err(changed(&path));
            }
            self.seen.insert(path, mark);
        }
        for (directory, names) in other.absent {
            self.absent.entry(directory).or_default().0.extend(names.0);
        }
        Ok(self)
    }

    /// Returns the files that were changed or removed, and those that are new.
    pub(crate) fn changed(&self) -> Vec<PathBuf> {
        let seen = self.seen.iter().filter(|(path, mark)| !is_same(path, mark));
        let new = self.absent.iter();
        let new = new.flat_map(|(directory, names)| names.found_in(directory));
        seen.map(|(path, _)| path.clone()).chain(new).collect()
    }

    /// Returns whether all files are unchanged, and absent ones are still absent.
    pub(crate) fn is_current(&self) -> bool {
        let mut absent = self.absent.iter();
        self.seen.par_iter().all(|(path, mark)| is_same(path, mark))
            && absent.all(|(directory, names)| names.found_in(directory).is_empty())
    }
}

fn is_same(path: &Path, mark: &Mark) -> bool {
    Mark::of_file(path).is_ok_and(|now| now == *mark)
}

/// The search for the places where other files would be found.
struct Search<'a> {
    /// The directories of the search, in its order.
    directories: Vec<PathBuf>,
    /// The compiler's own directory. No other build searches it, so places in it do not count.
    work: &'a Path,
    /// The files that were read.
    files: BTreeSet<&'a Path>,
    /// The time after which no file may have changed.
    time: SystemTime,
    absent: BTreeMap<PathBuf, Names>,
    /// Files that are at places of the search, but were not read.
    unread: BTreeSet<PathBuf>,
    /// Those of them whose existence matters.
    present: BTreeSet<PathBuf>,
}

impl Search<'_> {
    fn read(&self, files: &BTreeSet<&Path>) -> Result<BTreeMap<PathBuf, Mark>, String> {
        let read = |path: &&Path| Ok((path.to_path_buf(), read(path, self.time)?.0));
        files.par_iter().map(read).collect()
    }

    /// Notes the places that are searched before the last one where a file was read, or all places if none was read.
    /// `beside` are the directories that are searched first. `asked` means that `__has_include` has asked for the name: then
    /// existing files that were not read are noted, too.
    fn note(&mut self, name: &Path, beside: &[PathBuf], asked: bool) -> Result<(), String> {
        let directories = beside.iter().chain(&self.directories);
        let directories = directories.filter(|path| !path.starts_with(self.work));
        let mut places: Vec<PathBuf> = directories.map(|path| path.join(name)).collect();
        let is_read = |path: &PathBuf| self.files.contains(path.as_path());
        if let Some(found) = places.iter().rposition(is_read).filter(|_| !asked) {
            places.truncate(found);
        }
        for path in places {
            match path.metadata() {
                _ if self.files.contains(path.as_path()) => {}
                // clang ignores directories.
                Ok(data) if !data.is_dir() => {
                    if is_newer(&data, self.time) {
                        return Err(changed(&path));
                    }
                    if asked {
                        self.present.insert(path.clone());
                    }
                    self.unread.insert(path);
                }
                _ => self.note_absent(&path)?,
            }
        }
        Ok(())
    }

    fn note_absent(&mut self, path: &Path) -> Result<(), String> {
        let name = path.file_name();
        let (Some(directory), Some(name)) = (path.parent(), name) else {
            return Ok(());
        };
        let name = name.to_str();
        let name = name.ok_or_else(|| format!("{} is not UTF-8", path.display()))?;
        let names = self.absent.entry(directory.to_path_buf()).or_default();
        names.0.insert(name.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    /// Returns a snapshot that was taken after some seconds.
    fn snapshot(files: &[&Path], lines: &str, seconds: i64) -> Snapshot {
        let (now, after) = (
            SystemTime::now(),
            Duration::from_secs(seconds.unsigned_abs()),
        );
        let taken = if seconds < 0 {
            now - after
        } else {
            now + after
        };
        let text = format!("# 1 \"/nowhere/preamble.h\"\n{lines}");
        let files = files.iter().map(PathBuf::from).collect();
        Snapshot::of(text.into_bytes(), files, taken)
    }

    fn include(line: &str) -> String {
        format!("#if 0 /* expanded by -frewrite-includes */\n{line}\n")
    }

    /// Makes two directories, and returns them with the arguments that name them.
    fn directories(root: &Path) -> ([PathBuf; 2], [String; 4]) {
        let paths = ["first", "second"].map(|name| root.join(name));
        for path in &paths {
            fs::create_dir_all(path.join("sub")).unwrap();
        }
        let [one, two] = paths.each_ref().map(|path| path.to_str().unwrap());
        let arguments = ["-I", one, "-I", two].map(str::to_owned);
        (paths, arguments)
    }

    #[test]
    fn a_header_that_hides_another_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let ([first, second], arguments) = directories(root.path());
        let header = second.join("sub/x.h");
        fs::write(&header, "int x;").unwrap();
        let lines = include("#include <sub/x.h>") + "#if __has_include(\"new/y.h\")\n";
        let of = |seconds| {
            let snapshot = snapshot(&[&header], &lines, seconds);
            Headers::of(&[&snapshot], &arguments, Path::new("/nowhere"))
        };
        let headers = of(10).unwrap();
        assert!(headers.is_current());
        assert_eq!(headers.changed(), Vec::<PathBuf>::new());

        fs::write(&header, "int y;").unwrap();
        assert!(!headers.is_current());
        assert_eq!(headers.changed(), [header.as_path()]);
        fs::write(&header, "int x;").unwrap();
        assert!(headers.is_current());

        for hiding in ["sub/x.h", "new/y.h"].map(|name| first.join(name)) {
            fs::create_dir_all(hiding.parent().unwrap()).unwrap();
            assert!(headers.is_current());
            fs::write(&hiding, "int z;").unwrap();
            assert!(!headers.is_current());
            assert_eq!(headers.changed(), [hiding.as_path()]);
            // It may not have been there when clang searched.
            assert!(of(-10).is_err());
            fs::remove_file(&hiding).unwrap();
            assert!(headers.is_current());
        }

        // One that is changed after the snapshot is not what was read.
        assert!(of(-10).is_err());
        fs::remove_file(&header).unwrap();
        assert!(!headers.is_current());
        assert!(of(10).is_err());
    }

    #[test]
    fn files_that_were_only_asked_for_are_listed() {
        let root = tempfile::tempdir().unwrap();
        let ([first, second], arguments) = directories(root.path());
        let asked = second.join("asked.h");
        fs::write(&asked, "").unwrap();
        let snapshot = snapshot(&[], "#if __has_include(<asked.h>)\n", 10);
        let headers = Headers::of(&[&snapshot], &arguments, Path::new("/nowhere")).unwrap();
        assert_eq!(headers.absent.keys().collect::<Vec<_>>(), [&first]);
        assert!(headers.is_current());
        fs::remove_file(&asked).unwrap();
        assert_eq!(headers.changed(), [asked]);
    }

    /// Some compilers search beside every file that is open, and clang does not.
    #[test]
    fn a_file_beside_an_outer_one_ends_no_search() {
        let root = tempfile::tempdir().unwrap();
        let ([first, second], arguments) = directories(root.path());
        let (outer, inner) = (root.path().join("outer.h"), first.join("sub/inner.h"));
        let (other, header) = (root.path().join("x.h"), second.join("x.h"));
        for path in [&outer, &inner, &other, &header] {
            fs::write(path, "").unwrap();
        }
        let enter = |path: &Path| format!("# 1 \"{}\" 1\n", path.display());
        let lines = enter(&outer) + &enter(&inner) + &include("#include \"x.h\"");
        let snapshot = snapshot(&[&outer, &inner, &header], &lines, 10);
        let headers = Headers::of(&[&snapshot], &arguments, Path::new("/nowhere")).unwrap();
        for hiding in [first.join("sub/x.h"), first.join("x.h")] {
            assert!(headers.is_current());
            fs::write(&hiding, "").unwrap();
            assert_eq!(headers.changed(), [hiding.as_path()]);
            fs::remove_file(&hiding).unwrap();
        }
    }
}

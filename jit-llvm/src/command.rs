//! The one place that starts processes.

use std::{
    collections::HashMap,
    ffi::OsString,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use shared_child::SharedChild;

use crate::LlvmError;

/// Stops the processes that run, and lets no more start: what Ctrl-C wants. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    state: Arc<InterruptState>,
}

#[derive(Debug, Default)]
struct InterruptState {
    tripped: AtomicBool,
    next: AtomicU64,
    running: Mutex<HashMap<u64, Arc<SharedChild>>>,
}

impl Interrupt {
    /// Kill what runs and refuse what comes. May be called from any thread, and more than once.
    pub fn trip(&self) {
        self.state.tripped.store(true, Ordering::SeqCst);
        let running = self
            .state
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for child in running.values() {
            // It may have ended by itself meanwhile, which is as good.
            let _ = child.kill();
        }
    }

    /// Whether [`Interrupt::trip`] was called.
    pub fn is_tripped(&self) -> bool {
        self.state.tripped.load(Ordering::SeqCst)
    }

    fn register(&self, child: Arc<SharedChild>) -> u64 {
        let id = self.state.next.fetch_add(1, Ordering::Relaxed);
        let mut running = self
            .state
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.is_tripped() {
            let _ = child.kill();
        }
        running.insert(id, child);
        id
    }

    fn forget(&self, id: u64) {
        let mut running = self
            .state
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.remove(&id);
    }
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    /// What it said on standard error, with how it ended where that is worth a line.
    pub(crate) fn diagnostics(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.stderr).into_owned();
        // A compiler that was killed (out of memory, a crash) may have said nothing at all.
        if text.trim().is_empty() || self.status.code().is_none() {
            text.push_str(&format!("the process ended with {}\n", self.status));
        }
        text
    }
}

/// Run a program to its end.
pub(crate) fn run(
    program: &Path,
    arguments: &[OsString],
    folder: Option<&Path>,
    interrupt: &Interrupt,
) -> Result<Output, LlvmError> {
    if interrupt.is_tripped() {
        return Err(LlvmError::Interrupted);
    }
    let failed = |source| LlvmError::Run {
        program: program.to_path_buf(),
        source,
    };
    tracing::info!(target: "jit_llvm::command", "{}", shown(program, arguments));
    let tool = program.file_name().unwrap_or_default().to_string_lossy();
    let _shown_in_timelines =
        tracing::info_span!("process", %tool, words = arguments.len()).entered();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    if cfg!(windows) {
        // Visual Studio puts the include path of its own clang there, which may be another version
        // (python/cpython#146210).
        command.env_remove("INCLUDE");
    }
    if cfg!(target_os = "linux") && std::env::var_os("GLIBC_TUNABLES").is_none() {
        // clang allocates and frees the same small pieces for input after input. Larger caches and
        // memory that is not given back in between save some 5 % of its time.
        command.env(
            "GLIBC_TUNABLES",
            "glibc.malloc.tcache_count=2000:glibc.malloc.mmap_threshold=1000000000:\
             glibc.malloc.trim_threshold=1000000000:glibc.malloc.top_pad=33554432",
        );
    }
    let child = Arc::new(SharedChild::spawn(&mut command).map_err(failed)?);
    let id = interrupt.register(Arc::clone(&child));
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let outcome = std::thread::scope(|scope| {
        let pipe = child.take_stderr();
        let reader = scope.spawn(|| match pipe {
            Some(mut pipe) => pipe.read_to_end(&mut stderr).map(drop),
            None => Ok(()),
        });
        let mut result = match child.take_stdout() {
            Some(mut pipe) => pipe.read_to_end(&mut stdout).map(drop),
            None => Ok(()),
        };
        if let Ok(other) = reader.join() {
            result = result.and(other);
        }
        result.and_then(|()| child.wait())
    });
    interrupt.forget(id);
    if interrupt.is_tripped() {
        return Err(LlvmError::Interrupted);
    }
    Ok(Output {
        status: outcome.map_err(failed)?,
        stdout,
        stderr,
    })
}

/// The command as it could be typed into a shell.
fn shown(program: &Path, arguments: &[OsString]) -> String {
    let words: Vec<String> = std::iter::once(program.as_os_str())
        .chain(arguments.iter().map(OsString::as_os_str))
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// The path of a work folder without links: clang is given it as it is, to leave out of its output.
pub(crate) fn resolve(work: &Path) -> Result<PathBuf, LlvmError> {
    work.canonicalize().map_err(|source| LlvmError::File {
        action: "find",
        path: work.to_path_buf(),
        source,
    })
}

/// Write a file of ours.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), LlvmError> {
    std::fs::write(path, contents).map_err(|source| LlvmError::File {
        action: "write",
        path: path.to_path_buf(),
        source,
    })
}

/// Read a file a tool wrote for us.
pub(crate) fn read(path: PathBuf) -> Result<Vec<u8>, LlvmError> {
    std::fs::read(&path).map_err(|source| LlvmError::File {
        action: "read",
        path,
        source,
    })
}

/// Read text a tool wrote for us.
pub(crate) fn read_text(path: PathBuf) -> Result<String, LlvmError> {
    let bytes = read(path.clone())?;
    String::from_utf8(bytes).map_err(|error| LlvmError::File {
        action: "read",
        path,
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    })
}

/// The files a dependency file of clang's lists, its one target left out.
pub(crate) fn dependencies(path: &Path) -> Result<Vec<PathBuf>, LlvmError> {
    let text = read_text(path.to_path_buf())?;
    let list = text.split_once(": ").map_or("", |(_, list)| list);
    // As Make wants it: lines are joined by backslashes, spaces and # escaped, dollars doubled.
    let mut files = Vec::new();
    let mut name = String::new();
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('\n')) => {}
            ('\\', Some(&escaped @ (' ' | '#'))) => {
                name.push(escaped);
                characters.next();
            }
            ('$', Some('$')) => {
                name.push('$');
                characters.next();
            }
            (' ' | '\n', _) => {
                if !name.is_empty() {
                    files.push(PathBuf::from(std::mem::take(&mut name)));
                }
            }
            _ => name.push(character),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_as_make_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.d");
        std::fs::write(
            &path,
            "preamble: preamble.h /a/b.h \\\n  /with\\ space/c\\#.h \\\n  d$$.h\n",
        )
        .unwrap();
        let files = dependencies(&path).unwrap();
        let expected = ["preamble.h", "/a/b.h", "/with space/c#.h", "d$.h"];
        assert_eq!(files, expected.map(PathBuf::from));
    }
}

//! Running a process; nothing else in the workspace's crates does.

use std::{
    ffi::OsString,
    io::{self, Read},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
};

use shared_child::SharedChild;

use crate::{error::LlvmError, interrupt::Interrupt};

/// The result of a process that has ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    /// Returns what it printed on standard error, and how it ended where that is worth a line.
    pub(crate) fn diagnostics(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.stderr).into_owned();
        // A compiler that was killed (out of memory, a crash) may have printed nothing at all.
        if text.trim().is_empty() || self.status.code().is_none() {
            text.push_str(&format!("the process ended with {}\n", self.status));
        }
        text
    }
}

/// Runs a program until it ends, in a directory if one is given.
pub(crate) fn run(
    program: &Path,
    arguments: &[OsString],
    directory: Option<&Path>,
    interrupt: &Interrupt,
) -> Result<Output, LlvmError> {
    if interrupt.is_tripped() {
        return Err(LlvmError::Interrupted);
    }
    let failed = |source: io::Error| LlvmError::Run {
        program: program.to_path_buf(),
        source: Arc::new(source),
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
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    if cfg!(windows) {
        // Visual Studio puts the include path of its own clang there, which may be of another version
        // (python/cpython#146210).
        command.env_remove("INCLUDE");
    }
    if cfg!(target_os = "linux") && std::env::var_os("GLIBC_TUNABLES").is_none() {
        // clang allocates and frees the same small blocks for one input after another. Larger caches
        // save about 5 % of its time, and so does memory that is not given back in between.
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

/// Returns the command as it could be typed into a shell.
fn shown(program: &Path, arguments: &[OsString]) -> String {
    let words: Vec<String> = std::iter::once(program.as_os_str())
        .chain(arguments.iter().map(OsString::as_os_str))
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

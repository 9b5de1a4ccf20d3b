//! Running a process until it ends; nothing else in the workspace's crates does.
//!
//! A process cannot hold up the build: it has a limited time, what it prints is limited, and what it has
//! started in the background is not waited for. Two threads read its pipes and one waits for its end; the
//! caller's thread gets their events.

use std::{
    ffi::OsString,
    io::{self, Read},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{doing, error::LlvmError, interrupt::Interrupt, process::Process};

/// What a process may take, and how much it may print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The time in addition to the limit of the [`Interrupt`].
    pub(crate) time: Option<Duration>,
    /// The most bytes on standard output. A process that prints more is killed.
    pub(crate) stdout: usize,
}

impl Limits {
    /// For a tool that works. The disassembly of 256 micro-ops and the preprocessed sources of a large
    /// project have a few MiB.
    pub(crate) const WORK: Limits = Limits {
        time: None,
        stdout: 256 << 20,
    };
    /// For a question that a tool answers in an instant.
    pub(crate) const QUESTION: Limits = Limits {
        time: Some(Duration::from_secs(60)),
        stdout: 16 << 20,
    };
}

/// The most bytes of standard error that are kept. A process may print more.
const STDERR: usize = 4 << 20;
/// The most bytes of standard error in an error. Each micro-op may have one.
const DIAGNOSTICS: usize = 64 << 10;
/// The time between two looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait for the rest of the output after the end of a process, or for its end once it was
/// killed.
const GRACE: Duration = Duration::from_millis(500);

/// The result of a process that has ended.
#[derive(Debug)]
pub(crate) struct Output {
    /// The program's name, for messages.
    program: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    /// Returns what it printed on standard error, and how it ended where that is worth a line.
    pub(crate) fn diagnostics(&self) -> String {
        let (start, rest) = self.stderr.split_at(self.stderr.len().min(DIAGNOSTICS));
        let mut text = String::from_utf8_lossy(start).into_owned();
        if !rest.is_empty() {
            text.push_str(&format!("\n({} bytes more)\n", rest.len()));
        }
        // A compiler that was killed (out of memory, a crash) may have printed nothing at all.
        if text.trim().is_empty() || self.status.code().is_none() {
            text.push_str(&format!("{} ended with {}\n", self.program, self.status));
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
    run_within(Limits::WORK, program, arguments, directory, interrupt)
}

/// Runs a program until it ends or exceeds its limits.
pub(crate) fn run_within(
    limits: Limits,
    program: &Path,
    arguments: &[OsString],
    directory: Option<&Path>,
    interrupt: &Interrupt,
) -> Result<Output, LlvmError> {
    let command = command(program, arguments, directory);
    run_command(limits, command, (program, arguments), interrupt)
}

/// Runs a command until it ends or exceeds its limits. The program and its arguments are for messages.
pub(crate) fn run_command(
    limits: Limits,
    mut command: Command,
    (program, arguments): (&Path, &[OsString]),
    interrupt: &Interrupt,
) -> Result<Output, LlvmError> {
    interrupt.check()?;
    tracing::info!(target: "jit_llvm::command", "{}", doing::whole(program, arguments));
    let tool = program.file_name().unwrap_or_default().to_string_lossy();
    let _shown_in_timelines =
        tracing::info_span!("process", %tool, words = arguments.len()).entered();
    let failed = |source: io::Error| LlvmError::Run {
        program: program.to_path_buf(),
        source: Arc::new(source),
    };
    let process = Arc::new(Process::start(&mut command).map_err(failed)?);
    let id = interrupt.register(Arc::clone(&process));
    let limit = interrupt.limit();
    let limit = limit.map(|limit| limits.time.map_or(limit, |time| time.min(limit)));
    let watched = Running::watch(&process, limits.stdout).map_err(Stop::Failed);
    let outcome = watched.and_then(|mut running| {
        let outcome = running.until_end(limit, interrupt);
        if outcome.is_err() {
            running.kill();
        }
        outcome.map(|()| running)
    });
    interrupt.forget(id);
    let stopped = |stop| match stop {
        Stop::Failed(error) => failed(error),
        Stop::TooMuchOutput => LlvmError::TooMuchOutput {
            program: program.to_path_buf(),
            doing: doing::describe(arguments),
            limit: limits.stdout,
        },
        Stop::TimedOut(limit) => interrupt.give_up(LlvmError::TimedOut {
            program: program.to_path_buf(),
            doing: doing::describe(arguments),
            unfinished: None,
            command: doing::short(program, arguments),
            limit,
            is_question: limits.time == Some(limit),
        }),
        Stop::Interrupted(error) => error,
    };
    let running = outcome.map_err(stopped)?;
    let status = process.status().map_err(failed)?;
    interrupt.check()?;
    let [stdout, stderr] = running.output();
    Ok(Output {
        program: tool.into_owned(),
        status,
        stdout,
        stderr,
    })
}

pub(crate) fn command(program: &Path, arguments: &[OsString], directory: Option<&Path>) -> Command {
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
    command
}

/// Why a process is not waited for any longer.
enum Stop {
    Failed(io::Error),
    TimedOut(Duration),
    TooMuchOutput,
    /// The build ends for another reason.
    Interrupted(LlvmError),
}

/// Something that happened to a process.
enum Event {
    /// A pipe has no more to read.
    Closed(io::Result<()>),
    /// It has printed more than it may.
    TooMuchOutput,
    /// It has ended.
    Ended(io::Result<()>),
}

/// A process that runs, and what it has printed so far.
struct Running {
    process: Arc<Process>,
    events: Receiver<Event>,
    /// The number of pipes that are not at their end.
    open: usize,
    ended: bool,
    stdout: Arc<Mutex<Kept>>,
    stderr: Arc<Mutex<Kept>>,
}

/// The start of what a process has printed on one pipe.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// The number of bytes that were dropped.
    more: u64,
}

impl Running {
    /// Starts the threads. If a process that has left the group holds a pipe, its thread stays until
    /// that process ends.
    fn watch(process: &Arc<Process>, most: usize) -> io::Result<Running> {
        let running = Running::start(process, most);
        if running.is_err() {
            process.kill();
            let _ = process.status();
        }
        running
    }

    fn start(process: &Arc<Process>, most: usize) -> io::Result<Running> {
        let (sender, events) = mpsc::channel();
        let start = |name: &str, work: Box<dyn FnOnce() -> Event + Send>| {
            let sender: Sender<Event> = sender.clone();
            let run = move || {
                // Nobody may be interested any longer.
                let _ = sender.send(work());
            };
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map(drop)
        };
        let (stdout, stderr) = (Arc::<Mutex<Kept>>::default(), Arc::default());
        if let Some(pipe) = process.child().take_stdout() {
            let kept = Arc::clone(&stdout);
            start("stdout", Box::new(move || read(pipe, &kept, most, false)))?;
        }
        if let Some(pipe) = process.child().take_stderr() {
            let kept = Arc::clone(&stderr);
            start("stderr", Box::new(move || read(pipe, &kept, STDERR, true)))?;
        }
        let waiting = Arc::clone(process);
        start("wait", Box::new(move || Event::Ended(waiting.wait())))?;
        Ok(Running {
            process: Arc::clone(process),
            events,
            open: 2,
            ended: false,
            stdout,
            stderr,
        })
    }

    /// Waits until the process has ended and both pipes are closed, or nothing more is to be expected of
    /// them.
    fn until_end(&mut self, limit: Option<Duration>, interrupt: &Interrupt) -> Result<(), Stop> {
        let mut waited = Duration::ZERO;
        while !self.ended {
            waited += self.next()?;
            interrupt.check().map_err(Stop::Interrupted)?;
            if let Some(limit) = limit.filter(|limit| !self.ended && waited >= *limit) {
                return Err(Stop::TimedOut(limit));
            }
        }
        // What it has left in the background may hold its pipes. What has left its group is beyond reach.
        self.until_closed()?;
        if self.open > 0 {
            self.process.kill();
            self.until_closed()?;
        }
        Ok(())
    }

    /// Waits for the rest of the output for a short time.
    fn until_closed(&mut self) -> Result<(), Stop> {
        let mut waited = Duration::ZERO;
        while self.open > 0 && waited < GRACE {
            waited += self.next()?;
        }
        Ok(())
    }

    /// Kills the process and takes its status, unless the system can't end it.
    fn kill(&mut self) {
        self.process.kill();
        let mut waited = Duration::ZERO;
        while !self.ended && waited < GRACE {
            match self.next() {
                Ok(time) => waited += time,
                Err(Stop::TooMuchOutput) => {}
                Err(_) => return,
            }
        }
        if self.ended {
            let _ = self.process.status();
        }
    }

    /// Waits for the next event, and returns the time that counts: while this process or the whole
    /// machine is stopped, none does.
    fn next(&mut self) -> Result<Duration, Stop> {
        let started = Instant::now();
        match self.events.recv_timeout(TICK) {
            Ok(Event::Closed(result)) => {
                result.map_err(Stop::Failed)?;
                self.open -= 1;
            }
            Ok(Event::Ended(result)) => {
                result.map_err(Stop::Failed)?;
                self.ended = true;
            }
            Ok(Event::TooMuchOutput) => return Err(Stop::TooMuchOutput),
            Err(RecvTimeoutError::Timeout) => {}
            // All threads have sent what they had to.
            Err(RecvTimeoutError::Disconnected) => (self.ended, self.open) = (true, 0),
        }
        Ok(started.elapsed().min(2 * TICK))
    }

    /// Returns what was printed on standard output and standard error.
    fn output(&self) -> [Vec<u8>; 2] {
        [&self.stdout, &self.stderr].map(|kept| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let mut bytes = std::mem::take(&mut kept.bytes);
            if kept.more > 0 {
                bytes.extend(format!("\n({} bytes more)\n", kept.more).as_bytes());
            }
            bytes
        })
    }
}

/// Reads a pipe to its end. What is more than `most` bytes is dropped, or too much.
fn read(mut pipe: impl Read, kept: &Mutex<Kept>, most: usize, drops: bool) -> Event {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = match pipe.read(&mut buffer) {
            Ok(0) => return Event::Closed(Ok(())),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Event::Closed(Err(error)),
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = most - kept.bytes.len();
        let (start, rest) = bytes.split_at(length.min(room));
        kept.bytes.extend_from_slice(start);
        if !rest.is_empty() && !drops {
            return Event::TooMuchOutput;
        }
        kept.more += rest.len() as u64;
    }
}

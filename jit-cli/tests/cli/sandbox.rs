//! A directory for one test, in which it runs jit-cli.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use tempfile::TempDir;

use crate::{known_tools, tinyvm::Files};

/// The target of most tests.
pub(crate) const LINUX: &str = "x86_64-unknown-linux-gnu";

/// A directory that is removed at the end of the test. It has the subdirectories `out` for generated files, `tmp`
/// for temporary files, `empty`, and `vm` with a copy of the example if the test asks for one.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("jit-cli-test-")
            .tempdir()
            .unwrap();
        for name in ["out", "tmp", "empty"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        Sandbox { directory }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a project in the directory `p`, with one function of these statements.
    pub(crate) fn function(&self, statements: &str) {
        self.write(
            "p/jit.toml",
            "source = \"a.c\"\nstencils = \"op_*\"\nemit = [\"stencils\"]\n[holes]\nNEXT = \"continue\"\n",
        );
        let text =
            format!("extern void NEXT(long *);\nvoid op_a(long *p) {{ {statements} NEXT(p); }}\n");
        self.write("p/a.c", text);
    }

    pub(crate) fn text(&self, relative: &str) -> String {
        fixtures::golden::read_text(&self.path(relative))
    }

    /// Writes an executable shell script. `cp` writes it, because a file that is open for writing can't be executed,
    /// and a child process that another test is starting may have inherited an open file.
    pub(crate) fn script(&self, relative: &str, body: &str) -> PathBuf {
        let text = self.write(&format!("{relative}.text"), format!("#!/bin/sh\n{body}"));
        let path = self.path(relative);
        let done = Command::new("cp").arg(&text).arg(&path).status().unwrap();
        assert!(done.success());
        fs::remove_file(text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Returns all files below a directory.
    pub(crate) fn files(&self, relative: &str) -> Files {
        let mut found = BTreeMap::new();
        collect(&self.path(relative), "", &mut found);
        found
    }

    /// Returns a run of `jit-cli` with these arguments, in the sandbox's directory.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run<'_> {
        let run = Run {
            sandbox: self,
            arguments: Vec::new(),
            environment: vec![("TMPDIR".into(), self.path("tmp").into())],
            directory: self.path("."),
        };
        run.with(arguments)
    }

    /// Returns a build of the copy in `vm` for Linux, with LLVM 22, to `out`.
    pub(crate) fn build(&self) -> Run<'_> {
        self.build_for(&[LINUX])
    }

    /// Returns a build of the copy in `vm`, with LLVM 22, to `out`.
    pub(crate) fn build_for(&self, triples: &[&str]) -> Run<'_> {
        self.build_to("out").with(triples)
    }

    /// Returns a build of the copy in `vm`, with LLVM 22, to a directory.
    pub(crate) fn build_to(&self, directory: &str) -> Run<'_> {
        self.run(&["build", "--cpython", "vm", "-p", "vm", "-o", directory])
            .with(&["--llvm-version", "22"])
    }
}

fn collect(directory: &Path, prefix: &str, found: &mut Files) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.insert(format!("{name}/"), Vec::new());
            collect(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).unwrap_or_default());
        }
    }
}

/// Returns the text on standard error without the progress of slow builds.
pub(crate) fn complaints(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| !is_progress(line)).collect()
}

/// Returns whether a line is about the progress of a slow build.
pub(crate) fn is_progress(line: &str) -> bool {
    line.contains(" of ") && line.ends_with(" micro-ops")
}

/// A command to run.
#[must_use = "nothing runs until `succeeds` or `fails`"]
pub(crate) struct Run<'a> {
    sandbox: &'a Sandbox,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
}

/// The output of a command.
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run<'_> {
    pub(crate) fn with<S: AsRef<OsStr>>(mut self, arguments: &[S]) -> Self {
        let arguments = arguments.iter().map(|word| word.as_ref().to_owned());
        self.arguments.extend(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets the directory to run in, relative to the sandbox.
    pub(crate) fn within(mut self, directory: &str) -> Self {
        self.directory = self.sandbox.path(directory);
        self
    }

    pub(crate) fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_jit-cli"))
    }

    /// Returns a run of another program in the place of `jit-cli`.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let home = self.sandbox.path(&format!("home-{number}"));
        fs::create_dir(&home).unwrap();
        known_tools::write_to(&home.join("jit-cli"));
        let mut command = Command::new(program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_remove("EXTERNALS_DIR")
            .env_remove("GITHUB_ACTIONS")
            // No run uses the cache in the user's home.
            .env("XDG_CACHE_HOME", &home)
            .env("HOME", &home)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        // Nor the one of whoever runs the tests.
        for (name, _) in std::env::vars_os() {
            let is_set = self.environment.iter().any(|(own, _)| *own == name);
            if name.to_string_lossy().starts_with("JIT_CACHE_") && !is_set {
                command.env_remove(name);
            }
        }
        command
    }

    fn output(&self) -> (Output, Printed) {
        let output = self.command().output().unwrap();
        let printed = Printed {
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        };
        (output, printed)
    }

    /// Runs the command, and checks that it succeeds and leaves no temporary files.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Printed {
        let (output, printed) = self.output();
        assert!(
            output.status.success(),
            "{:?} ended with {}\n{}",
            self.arguments,
            output.status,
            printed.stderr
        );
        assert_eq!(self.left_files(), [""; 0], "{}", printed.stderr);
        printed
    }

    /// Runs the command, and checks its status.
    #[track_caller]
    pub(crate) fn prints(self, status: i32) -> Printed {
        let (output, printed) = self.output();
        assert_eq!(output.status.code(), Some(status), "{}", printed.stderr);
        printed
    }

    /// Runs the command, and checks that it fails with this status and one message, leaves no temporary files, and
    /// does not change the output directory. Returns the message.
    #[track_caller]
    pub(crate) fn fails(self, status: i32) -> String {
        let before = self.sandbox.files("out");
        let (output, printed) = self.output();
        let text = printed.stderr;
        assert_eq!(
            output.status.code(),
            Some(status),
            "{:?} ended with {}\n{text}",
            self.arguments,
            output.status
        );
        let messages = text.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(messages.count(), 1, "{text}");
        assert!(!text.contains("panicked"), "{text}");
        assert_eq!(self.left_files(), [""; 0], "{text}");
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        let after = self.sandbox.files("out");
        assert_eq!(names(&before), names(&after), "{text}");
        assert!(before == after, "a file in out has changed\n{text}");
        let from = text.find("error: ").unwrap();
        text[from..].to_owned()
    }

    /// Returns the temporary files of jit-cli. A clang that crashes leaves its own, for a bug report.
    fn left_files(&self) -> Vec<String> {
        let directories = self.environment.iter().rev();
        let (_, directory) = directories
            .clone()
            .find(|(name, _)| name == "TMPDIR")
            .unwrap();
        // The test may have replaced the directory.
        let Ok(entries) = fs::read_dir(directory) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| {
                name.starts_with("jit-") || !(name.ends_with(".c") || name.ends_with(".sh"))
            })
            .collect()
    }
}

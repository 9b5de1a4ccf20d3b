//! The command line.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use jit_llvm::Search;

use crate::{
    error::{EXIT_STATUS_HELP, Error},
    project::codegen::CodegenName,
    project::emit::Emit,
    sysroot::headers,
};

/// Build stencils for copy-and-patch JIT compilers.
#[derive(Debug, Parser)]
#[command(name = "jit-cli", version, after_long_help = EXIT_STATUS_HELP)]
pub(crate) struct Cli {
    /// Say what is done and which commands run; twice for more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Who reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum MessageFormat {
    /// People: text, and bars on a terminal.
    #[default]
    Human,
    /// Tools: one JSON object a line on standard output, and nothing else there.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build stencils, shim and unwind information: what CPython's Tools/jit/build.py writes.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Build(BuildArgs),
    /// Tell what a build would do, and why: which input has changed since the last one (file, macro,
    /// flag, compiler), and which micro-ops that touches. Nothing is written.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Explain(BuildArgs),
    /// Work with headers for other systems.
    Sysroot {
        #[command(subcommand)]
        command: SysrootCommand,
    },
}

/// What there is to do with a sysroot.
#[derive(Debug, Subcommand)]
pub(crate) enum SysrootCommand {
    /// Compare what two sets of headers make of CPython's: the layout of each of its records, and the
    /// types, functions and values of macros that it uses. A difference is a failure.
    #[command(after_long_help = EXIT_STATUS_HELP)]
    Check(CheckArgs),
}

impl Cli {
    /// Who reads what is printed.
    pub(crate) fn message_format(&self) -> MessageFormat {
        match &self.command {
            Command::Build(arguments) | Command::Explain(arguments) => arguments.message_format,
            Command::Sysroot {
                command: SysrootCommand::Check(arguments),
            } => arguments.message_format,
        }
    }

    /// Where a timeline is wanted.
    pub(crate) fn timeline(&self) -> Option<&Path> {
        match &self.command {
            Command::Build(arguments) | Command::Explain(arguments) => {
                arguments.timeline.as_deref()
            }
            Command::Sysroot { .. } => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Targets to build for, as build.py takes them. The path of a checkout's Tools/jit/build.py may
    /// come first and names the checkout: so CPython's own make rules run jit-cli with
    /// `make regen-jit PYTHON_FOR_REGEN="jit-cli build"`.
    #[arg(value_name = "TRIPLE")]
    pub(crate) triples: Vec<String>,
    /// A target to build for; may be given several times. Without any: what jit.toml says, else
    /// this machine.
    #[arg(short, long = "target", value_name = "TRIPLE")]
    pub(crate) targets: Vec<String>,
    /// Build for all seven targets.
    #[arg(long, conflicts_with_all = ["triples", "targets"])]
    pub(crate) all_targets: bool,
    /// The CPython checkout. Without it: a jit.toml in the current folder or above it, else the
    /// checkout the current folder is in, else the embedded example.
    #[arg(long, value_name = "DIR")]
    pub(crate) cpython: Option<PathBuf>,
    /// The jit.toml to go by, instead of one in the current folder or above it. With --cpython: the
    /// checkout that it is about.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to write the generated files [default: the current folder, or what jit.toml says].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// What to write, separated by commas: C headers with the shim's object and unwind information,
    /// or one stencil file, shim included, for programs that link at run time [default: header, or
    /// what jit.toml says].
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) emit: Vec<Emit>,
    /// Where pyconfig.h is, for all targets [default: what jit.toml says, else for CPython the
    /// built-in sysroot's, or that of the output folder, the current one or the checkout].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) pyconfig_dir: Option<PathBuf>,
    /// Where the target's headers are: `builtin` for the ones that jit-cli carries for all seven
    /// targets, with a pyconfig.h, or a folder with real ones [default: what jit.toml says, else where
    /// clang finds this machine's].
    #[arg(long, value_name = "DIR|builtin")]
    pub(crate) sysroot: Option<PathBuf>,
    /// Compile for a free-threaded build of Python: for the built-in sysroot's pyconfig.h.
    #[arg(long)]
    pub(crate) free_threaded: bool,
    /// Compile for a debug build of Python.
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// Build even if the files say that nothing changed; the cache is used all the same.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Whose flags stencils are compiled with: CPython's own, for the same bytes as build.py's, or
    /// more, for less code and data [default: upstream, or what jit.toml says].
    #[arg(long, value_name = "FLAGS")]
    pub(crate) codegen: Option<CodegenName>,
    /// More flags for clang, after the target's own.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(crate) cflags: Option<String>,
    #[command(flatten)]
    pub(crate) llvm: LlvmArgs,
    /// How many jobs to run at once [default: one for each core].
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
    /// Keep sources, assembly and objects in a folder for each target below this one.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep_temps: Option<PathBuf>,
    /// Where to keep what was compiled, for builds to come [default: the platform's folder for
    /// caches].
    #[arg(long, value_name = "DIR", env = "JIT_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Neither use what was compiled before nor keep it.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// How large the cache may get; what was not used for longest is dropped.
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) cache_size: u64,
    /// Who reads what is printed; tools get one JSON object a line.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) message_format: MessageFormat,
    /// Write what ran when, as a trace for Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,
    /// Run one clang for each micro-op and step, as build.py does: slow, and the same bytes. To find
    /// out what is wrong with a build.
    #[arg(long)]
    pub(crate) one_process_per_step: bool,
}

/// Which LLVM to use.
#[derive(Debug, Args)]
pub(crate) struct LlvmArgs {
    /// The LLVM major to use [default: what the checkout's Tools/jit/_llvm.py pins, else the newest
    /// supported one that is installed].
    #[arg(long, value_name = "VERSION")]
    pub(crate) llvm_version: Option<String>,
    /// The prefix LLVM is installed in, with the tools in its bin folder.
    #[arg(long, value_name = "DIR")]
    // Not a PathBuf, which clap takes no empty value for.
    pub(crate) llvm_tools_install_dir: Option<OsString>,
}

impl LlvmArgs {
    /// Where to look, with what a project says of it. An empty value counts as none: CPython's
    /// Makefile passes `--llvm-version=""`.
    pub(crate) fn search(&self, mut search: Search) -> Result<Search, Error> {
        if let Some(version) = self.llvm_version.as_deref().filter(|v| !v.is_empty()) {
            search.major = Some(Search::parse_major(version)?);
        }
        search.install_dir = self
            .llvm_tools_install_dir
            .as_ref()
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from);
        Ok(search)
    }
}

/// `jit-cli sysroot check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The target [default: this machine].
    #[arg(short, long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,
    /// The headers to check: `builtin` for jit-cli's own, or a folder.
    #[arg(long, value_name = "DIR|builtin", default_value = headers::BUILTIN)]
    pub(crate) sysroot: PathBuf,
    /// The headers to compare them with, in a folder as `build --sysroot` takes it [default: what
    /// jit.toml has for the target, else where clang finds this machine's].
    #[arg(long, value_name = "DIR")]
    pub(crate) real: Option<PathBuf>,
    /// The CPython checkout whose headers to compile with both [default: as for build].
    #[arg(long, value_name = "DIR")]
    pub(crate) cpython: Option<PathBuf>,
    /// The jit.toml to go by; its tables say where a target's real headers and its pyconfig.h are, if
    /// nothing else does [default: as for build].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The headers of an installed CPython, instead of a checkout: the folder with Python.h and
    /// internal/.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cpython", "config"])]
    pub(crate) headers: Option<PathBuf>,
    /// Where the pyconfig.h is that belongs to the real headers [default: the one for both].
    #[arg(short, long, value_name = "DIR")]
    pub(crate) pyconfig_dir: Option<PathBuf>,
    /// Compile for a debug build of Python.
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// Compile for a free-threaded build of Python.
    #[arg(long)]
    pub(crate) free_threaded: bool,
    /// More flags for clang, on both sides.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    pub(crate) cflags: Option<String>,
    #[command(flatten)]
    pub(crate) llvm: LlvmArgs,
    /// Beside which cache to unpack the built-in headers [default: the platform's folder for
    /// caches].
    #[arg(long, value_name = "DIR", env = "JIT_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Who reads what is printed; tools get one JSON object a line.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) message_format: MessageFormat,
}

impl BuildArgs {
    /// Take build.py's path, if the first triple is one, for what it says: which checkout to build.
    pub(crate) fn accept_build_py(&mut self) {
        let Some(first) = self.triples.first() else {
            return;
        };
        let path = Path::new(first);
        if path.file_name().is_some_and(|name| name == "build.py") {
            // CHECKOUT/Tools/jit/build.py, which may be relative: `./Tools/jit/build.py`.
            let root = path.ancestors().nth(3).unwrap_or(Path::new("."));
            let root = if root.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                root.to_path_buf()
            };
            self.cpython.get_or_insert(root);
            self.triples.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> BuildArgs {
        let Command::Build(mut arguments) = Cli::parse_from(words).command else {
            panic!("{words:?}");
        };
        arguments.accept_build_py();
        arguments
    }

    #[test]
    fn the_command_of_cpythons_makefile() {
        // As make runs it in a configured checkout, in the tree and outside of it.
        for (script, root) in [
            ("../src/Tools/jit/build.py", "../src"),
            ("./Tools/jit/build.py", "."),
            ("Tools/jit/build.py", "."),
        ] {
            let arguments = parse(&[
                "jit-cli",
                "build",
                script,
                "x86_64-pc-linux-gnu",
                "--output-dir",
                ".",
                "--pyconfig-dir",
                ".",
                "--cflags=",
                "--llvm-version=",
                "--llvm-tools-install-dir=",
                "--debug",
            ]);
            assert_eq!(arguments.cpython.as_deref(), Some(Path::new(root)));
            assert_eq!(arguments.triples, ["x86_64-pc-linux-gnu"]);
            assert!(arguments.debug);
        }
    }

    #[test]
    fn kinds_of_output() {
        for words in [
            &["--emit", "header,stencils"][..],
            &["--emit=header", "--emit=stencils"],
        ] {
            let arguments = parse(&[&["jit-cli", "build"], words].concat());
            assert_eq!(arguments.emit, [Emit::Header, Emit::Stencils]);
        }
        assert_eq!(parse(&["jit-cli", "build"]).emit, []);
        for words in ["--emit=", "--emit=object", "--emit=header,"] {
            assert!(Cli::try_parse_from(["jit-cli", "build", words]).is_err());
        }
    }

    #[test]
    fn flags_may_start_with_a_dash() {
        let arguments = parse(&["jit-cli", "build", "--cflags", "-isystem /x -DA"]);
        assert_eq!(arguments.cflags.as_deref(), Some("-isystem /x -DA"));
        assert_eq!(arguments.cpython, None);
    }
}

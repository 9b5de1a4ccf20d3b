//! `jit-cli build`: builds a project and writes the generated files.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;
use jit_llvm::Interrupt;

use super::shared::{LlvmArgs, MessageFormat, asked};
use crate::{
    Build,
    error::Error,
    project::{
        codegen::CodegenName,
        definition::Origin,
        emit::Emit,
        hardening::HardeningName,
        options::{CacheOptions, Options, Targets},
    },
    terminal::report::Report,
};

/// Runs the command.
pub(crate) fn run(
    arguments: &BuildArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let written = arguments.build(interrupt, report).write()?;
    report.finish(&written.directory);
    Ok(())
}

/// The largest size of the cache that can be asked for: its bytes are a number of 64 bits.
const MOST_MIB: u64 = u64::MAX >> 20;

/// The arguments of `jit-cli build` and of `jit-cli explain`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Targets to build for, as build.py accepts them. The first may be the path of a checkout's
    /// Tools/jit/build.py, which selects that checkout: this is how CPython's make rules run jit-cli, with
    /// `make regen-jit PYTHON_FOR_REGEN="jit-cli build"`.
    #[arg(value_name = "TRIPLE")]
    pub(super) triples: Vec<String>,
    /// Target to build for; may be repeated [default: the targets in jit.toml, else this machine].
    #[arg(short, long = "target", value_name = "TRIPLE")]
    pub(super) targets: Vec<String>,
    /// Build for all seven targets.
    #[arg(long, conflicts_with_all = ["triples", "targets"])]
    pub(super) all_targets: bool,
    /// CPython checkout to build [default: the project of a jit.toml in the current directory or a parent,
    /// else the checkout that contains the current directory, else a built-in example].
    #[arg(long, value_name = "DIR")]
    pub(super) cpython: Option<PathBuf>,
    /// Configuration to use instead of a jit.toml in the current directory or a parent. With --cpython, it
    /// applies to that checkout.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Directory for generated files [default: the one in jit.toml, else the current directory].
    #[arg(short, long, value_name = "DIR")]
    pub(super) output_dir: Option<PathBuf>,
    /// Kinds of files to write, separated by commas [default: those in jit.toml, else header].
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(super) emit: Vec<Emit>,
    /// Directory with the pyconfig.h for all targets [default: the one in jit.toml; else, for CPython, that
    /// of the built-in sysroot, or the output directory, the current directory or the checkout].
    #[arg(short, long, value_name = "DIR")]
    pub(super) pyconfig_dir: Option<PathBuf>,
    /// System headers: a directory with the target's own, or `builtin` for headers and a pyconfig.h that are
    /// part of jit-cli, for all targets [default: the ones in jit.toml, else those that clang finds on this
    /// machine].
    #[arg(long, value_name = "DIR|builtin")]
    pub(super) sysroot: Option<PathBuf>,
    /// Compile for a free-threaded build of Python, with the pyconfig.h of the built-in sysroot.
    #[arg(long)]
    pub(super) free_threaded: bool,
    /// Compile for a debug build of Python.
    #[arg(short, long)]
    pub(super) debug: bool,
    /// Build even if the generated files are up to date. The cache is still used.
    #[arg(short, long)]
    pub(super) force: bool,
    /// Code generation to use [default: the one in jit.toml, else upstream].
    #[arg(long, value_name = "NAME")]
    pub(super) codegen: Option<CodegenName>,
    /// Checks of the processor to harden code for, separated by commas [default: those in jit.toml, else none].
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(super) hardening: Vec<HardeningName>,
    /// Additional flags for clang, after all others.
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    // CPython's Makefile adds one to those in PYTHON_FOR_REGEN.
    pub(super) cflags: Vec<String>,
    #[command(flatten)]
    pub(super) llvm: LlvmArgs,
    /// Number of jobs to run at once [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Keep sources, assembly and objects, in a subdirectory for each target.
    #[arg(long, value_name = "DIR")]
    pub(super) keep_temps: Option<PathBuf>,
    /// Directory of the cache, which later builds use [default: jit-cli in the user's directory for
    /// caches].
    #[arg(long, value_name = "DIR", env = "JIT_CACHE_DIR")]
    pub(super) cache_dir: Option<PathBuf>,
    /// Neither read nor write the cache.
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Compile N% of what is found in the cache again, and compare the results [default: 100%].
    #[arg(long, value_name = "N%", num_args = 0..=1, require_equals = true, default_missing_value = "100%")]
    #[arg(value_parser = percent)]
    pub(super) verify_cache: Option<u8>,
    /// Largest size of the entries in the cache. The least recently used ones are removed first.
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=MOST_MIB))]
    pub(super) cache_size: u64,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) message_format: MessageFormat,
    /// Write a trace of all processes, for Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE")]
    pub(super) timeline: Option<PathBuf>,
    /// Run clang once for each micro-op and step, as build.py does. This is slow and gives the same bytes;
    /// it helps to find out what is wrong with a build.
    #[arg(long)]
    pub(super) one_process_per_step: bool,
}

impl BuildArgs {
    /// Returns the build that the arguments ask for.
    pub(super) fn build(&self, interrupt: &Interrupt, report: &Report) -> Build {
        let named = self.cpython.is_some();
        let listener = report.clone();
        Build::with(self.options())
            .interrupt(interrupt.clone())
            .on_event(move |event| listener.event(event, named))
    }

    fn options(&self) -> Options {
        let triples = self.targets.iter().chain(&self.triples);
        Options {
            targets: match self.all_targets {
                true => Targets::All,
                false => Targets::Named(triples.cloned().collect()),
            },
            output_dir: self.output_dir.clone(),
            emit: self.emit.clone(),
            codegen: self.codegen.map(Into::into),
            hardening: asked(&self.hardening),
            debug: self.debug,
            free_threaded: self.free_threaded,
            cflags: self.cflags(),
            sysroot: self.sysroot.clone(),
            pyconfig_dir: self.pyconfig_dir.clone(),
            llvm: self.llvm.options(),
            jobs: self.jobs,
            keep_temps: self.keep_temps.clone(),
            cache: CacheOptions {
                enabled: !self.no_cache,
                directory: self.cache_dir.clone(),
                limit: self.cache_size << 20,
                verify: self.verify_cache.unwrap_or(0),
                ..CacheOptions::default()
            },
            force: self.force,
            one_process_per_step: self.one_process_per_step,
            headers: false,
            ..Options::new(origin(self.cpython.as_deref(), self.config.as_deref()))
        }
    }

    /// Returns the flags for clang. All that are given count.
    fn cflags(&self) -> String {
        let given = self.cflags.iter().filter(|flags| !flags.is_empty());
        given.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Takes the first triple as the checkout to build, if it is the path of a build.py.
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

/// Returns the project that `--cpython` and `--config` name.
pub(super) fn origin(cpython: Option<&Path>, config: Option<&Path>) -> Origin {
    let config = config.map(Path::to_path_buf);
    match (cpython, config) {
        (Some(root), config) => Origin::Checkout {
            root: root.to_path_buf(),
            config,
        },
        (None, Some(config)) => Origin::Config(config),
        (None, None) => Origin::Search,
    }
}

/// Parses a number of percent.
fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse();
    let wrong = || "a number of percent is between 0 and 100, as in 10%".to_owned();
    number
        .ok()
        .filter(|number| *number <= 100)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::commands::{Cli, Command};

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
        assert_eq!(arguments.cflags(), "-isystem /x -DA");
        assert_eq!(arguments.cpython, None);
    }

    /// `PYTHON_FOR_REGEN` has options as well as the makefile.
    #[test]
    fn options_before_those_of_cpythons_makefile() {
        let own = [
            "--llvm-version",
            "22",
            "--cflags=-DA",
            "--llvm-tools-install-dir=/a",
        ];
        let parse = |makes: [&str; 3]| {
            let script = ["Tools/jit/build.py", "x86_64-pc-linux-gnu"];
            parse(&[&["jit-cli", "build"], &own[..], &script, &makes].concat())
        };
        let arguments = parse(["--cflags=", "--llvm-version=", "--llvm-tools-install-dir="]);
        let llvm = arguments.llvm.options();
        assert_eq!(arguments.cflags(), "-DA");
        assert_eq!(llvm.version.as_deref(), Some("22"));
        assert_eq!(llvm.install_dir.as_deref(), Some(Path::new("/a")));
        let arguments = parse([
            "--cflags=-DB",
            "--llvm-version=21",
            "--llvm-tools-install-dir=/b",
        ]);
        let llvm = arguments.llvm.options();
        assert_eq!(arguments.cflags(), "-DA -DB");
        assert_eq!(llvm.version.as_deref(), Some("21"));
        assert_eq!(llvm.install_dir.as_deref(), Some(Path::new("/b")));
    }
}

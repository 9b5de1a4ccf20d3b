//! Flags that change what clang does instead of how it compiles. jit-cli needs one assembly file or object
//! file for each input, so these are refused by name.

use jit_llvm::{CompileOptions, LlvmError, Output};
use jit_schema::Arch;

use crate::error::Error;

/// A kind of flag that is refused.
struct Refused {
    /// The flags.
    exact: &'static [&'static str],
    /// What other flags of this kind start with.
    prefixes: &'static [&'static str],
    /// What the flags do, and what to do instead.
    why: &'static str,
}

const REFUSED: &[Refused] = &[
    Refused {
        exact: &[
            "-E",
            "-S",
            "-c",
            "-fsyntax-only",
            "-emit-llvm",
            "-emit-ast",
            "-extract-api",
            "--preprocess",
            "--compile",
            "--assemble",
            "--precompile",
            "--analyze",
        ],
        prefixes: &["-rewrite-", "-emit-interface-stubs"],
        why: OTHER_OUTPUT,
    },
    Refused {
        exact: &["-o", "--output"],
        prefixes: &["--output="],
        why: "names a single file for clang's output, but clang writes many: the directory for generated files \
              is set with --output-dir",
    },
    Refused {
        exact: &[
            "--dependencies",
            "--user-dependencies",
            "--write-dependencies",
            "--write-user-dependencies",
        ],
        prefixes: &["-M"],
        why: "makes clang write rules for make, which would have the names of temporary files",
    },
    Refused {
        exact: &[],
        prefixes: &["-save-temps", "--save-temps"],
        why: "keeps temporary files, which are removed: use --keep-temps",
    },
    Refused {
        exact: &["-gen-cdb-fragment-path"],
        prefixes: &["-fproc-stat-report=", "-gen-reproducer"],
        why: OTHER_FILES,
    },
    Refused {
        exact: &[
            "--help",
            "-help",
            "--help-hidden",
            "--version",
            "-version",
            "-###",
            "-dumpversion",
            "-dumpmachine",
            "-cc1",
            "-cc1as",
        ],
        prefixes: &["-print-", "--print-", "-ccc-print-"],
        why: "makes clang print something instead of compiling: run clang itself to see it",
    },
    Refused {
        exact: &[],
        prefixes: &["-x", "--language"],
        why: "selects a language: a template, its cases and a shim are always compiled as C",
    },
    Refused {
        exact: &[],
        prefixes: &["@"],
        why: "names a file with more flags, and a build would not notice that they have changed: write the \
              flags themselves",
    },
];

/// Why flags with which clang writes more files are refused.
pub(super) const OTHER_FILES: &str = "makes clang write another file for each input, with the name of a temporary file: run clang itself to get it";

const OTHER_OUTPUT: &str =
    "selects what clang writes: jit-cli needs assembly and object files, and selects them itself";

/// The flags of clang that are followed by a value in a word of its own.
#[rustfmt::skip]
const WITH_VALUE: &[&str] = &[
    "-A", "--analyzer-output", "-arch", "--assert", "-B", "-b", "-ccc-gcc-name", "-ccc-install-dir", "--config",
    "-cxx-isystem", "-D", "-darwin-target-variant", "-darwin-target-variant-triple", "--define-macro",
    "-dependency-dot", "-dependency-file", "-dsym-dir", "-dumpdir", "--dyld-prefix", "-e", "--encoding", "-F",
    "-fdebug-compilation-dir", "-filelist", "-fmodules-user-build-path", "--for-linker", "--force-link", "-framework",
    "-ftrapv-handler", "-G", "-gcc-install-dir", "-gen-cdb-fragment-path", "-I", "-iapinotes-modules", "-idirafter",
    "-iframework", "-iframeworkwithsysroot", "--imacros", "-imacros", "-imultilib", "--include", "-include",
    "--include-directory", "--include-directory-after", "-include-pch", "--include-prefix", "--include-with-prefix",
    "--include-with-prefix-after", "--include-with-prefix-before", "-install_name", "-iprefix", "-iquote", "-isysroot",
    "-isystem", "-isystem-after", "-ivfsoverlay", "-iwithprefix", "-iwithprefixbefore", "-iwithsysroot", "-L", "-l",
    "--language", "--library-directory", "-meabi", "--mhwdiv", "-mllvm", "-mmlir", "-module-dependency-dir",
    "-mthread-model", "--no-system-header-prefix", "--output", "--param", "--prefix", "--resource", "-resource-dir",
    "-rpath", "--rtlib", "--serialize-diagnostics", "-serialize-diagnostics", "--std", "--stdlib", "-stdlib++-isystem",
    "--sysroot", "--system-header-prefix", "-T", "-target", "-U", "-u", "--undefine-macro", "-undefined",
    "--vfsoverlay", "-vfsoverlay", "-working-directory", "-Xanalyzer", "-Xarch_device", "-Xarch_host", "-Xassembler",
    "-Xclang", "-Xclangas", "-Xcuda-fatbinary", "-Xcuda-ptxas", "-Xlinker", "-Xoffload-linker", "-Xopenmp-target",
    "-Xpreprocessor", "-z",
];

/// Why a flag at the end is refused that would take jit-cli's own flags for its value.
const NO_VALUE: &str = "needs a value in the word after it, and is the last word: add the value";

/// Refuses the user's flags that are known to change what clang does, and one whose value is missing.
pub(crate) fn refuse_words(options: &CompileOptions) -> Result<(), Error> {
    for word in own_words(&options.cflags) {
        let kind = REFUSED.iter().find(|kind| {
            kind.exact.contains(&word)
                || kind.prefixes.iter().any(|prefix| word.starts_with(prefix))
        });
        if let Some(kind) = kind {
            return Err(refusal(options, word.to_owned(), kind.why));
        }
    }
    let mut words = with_values(&options.cflags);
    match words.find(|(_, value)| value.is_none()) {
        Some((word, _)) => Err(refusal(options, word.to_owned(), NO_VALUE)),
        None => Ok(()),
    }
}

/// Returns the words that are flags or inputs, and not the value of the word before them.
fn own_words(cflags: &[String]) -> impl Iterator<Item = &str> {
    with_values(cflags).map(|(word, _)| word)
}

/// Returns the words that are flags or inputs, each with the value in the word after it if it has to have one: `None` is
/// one that is missing.
fn with_values(cflags: &[String]) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut words = cflags.iter().map(String::as_str);
    std::iter::from_fn(move || {
        let word = words.next()?;
        let value = match WITH_VALUE.contains(&word) {
            true => words.next(),
            false => Some(""),
        };
        Some((word, value))
    })
}

/// The arguments of cc1 that select what it does, besides `-S` and `-emit-obj`. The last one wins.
const ACTIONS: &[&str] = &[
    "-E",
    "-Eonly",
    "-analyze",
    "-extract-api",
    "-fsyntax-only",
    "-help",
    "--help",
    "--help-hidden",
    "-version",
    "--version",
    "-init-only",
    "-migrate",
    "-plugin",
    "-print-dependency-directives-minimized-source",
    "-print-preamble",
    "-run-ast-print",
    "-templight-dump",
    "-verify-pch",
];

/// What other such arguments start with.
const ACTION_PREFIXES: &[&str] = &["-ast-", "-dump-", "-emit-", "-fixit", "-rewrite-"];

/// Arguments of cc1 that start like these, and select nothing.
const NO_ACTIONS: &[&str] = &[
    "-emit-llvm-uselists",
    "-emit-compact-unwind-non-canonical",
    "-dump-coverage-mapping",
    "-dump-deserialized-decls",
    "-dump-minimization-hints",
];

/// Refuses flags that lead to arguments with which cc1 does something else than making assembly or an object
/// file of C, for the target. `commands` are those that compile a source, assemble, and compile the shim.
pub(crate) fn refuse_arguments(
    options: &CompileOptions,
    commands: &[Vec<String>; 3],
) -> Result<(), Error> {
    let [compile, assemble, shim] = commands;
    let made = match options.output {
        Output::Assembly => "-S",
        Output::Object => "-emit-obj",
    };
    for (arguments, expected) in [(compile, made), (shim, "-emit-obj")] {
        if let Some(action) = arguments.iter().rev().find(|word| is_action(word))
            && action != expected
        {
            return Err(refusal(options, led_to(options, action), OTHER_OUTPUT));
        }
        // The user's flags are not among those that assemble.
        let triple = value(arguments, "-triple");
        if triple.map(system) != value(assemble, "-triple").map(system) {
            let flag = triple.map_or_else(String::new, |triple| format!("-triple {triple}"));
            let words = ["--target", "-target", "-arch", "-m", "-E"];
            let given = own_words(&options.cflags)
                .find(|word| words.iter().any(|start| word.starts_with(start)));
            let why = "makes clang compile for another target: name the target to jit-cli instead";
            return Err(refusal(options, given.map_or(flag, str::to_owned), why));
        }
    }
    Ok(())
}

fn is_action(argument: &str) -> bool {
    if NO_ACTIONS.contains(&argument) {
        return false;
    }
    argument == "-S"
        || ACTIONS.contains(&argument)
        || ACTION_PREFIXES
            .iter()
            .any(|prefix| argument.starts_with(prefix))
}

fn value<'a>(arguments: &'a [String], option: &str) -> Option<&'a str> {
    let mut words = arguments.iter().skip_while(|word| *word != option);
    words.nth(1).map(String::as_str)
}

/// Returns a triple's parts without the vendor, which means nothing, and without the versions of the system,
/// which flags may set.
fn system(triple: &str) -> Vec<&str> {
    let is_version = |c: char| c.is_ascii_digit() || c == '.';
    let mut parts = triple.split('-');
    let arch = parts.next();
    let others = parts.skip(1).map(|part| part.trim_end_matches(is_version));
    arch.into_iter().chain(others).collect()
}

/// Explains an error about the flags that does not name the one at fault: clang takes a word for an input,
/// or takes jit-cli's own flags for wrong because of one that selects 32-bit code.
pub(crate) fn explain(error: LlvmError, options: &CompileOptions) -> Error {
    let is_narrow = |word: &&str| ["-m16", "-m32", "-mx32"].contains(word);
    let narrow = own_words(&options.cflags).find(is_narrow);
    if let (LlvmError::Flags { .. }, Some(word)) = (&error, narrow)
        && options.target.arch != Arch::I686
    {
        return refusal(
            options,
            word.to_owned(),
            "makes clang compile for another target: name the target to jit-cli instead, such as \
             i686-pc-windows-msvc",
        );
    }
    let said = match &error {
        LlvmError::Flags { diagnostics } => diagnostics.text.as_str(),
        _ => "",
    };
    // clang finds a file only if its path is absolute, as it runs in a directory of its own.
    let is_found = said.contains("cannot specify -o when generating multiple output files");
    let is_missing = |word: &str| said.contains(&format!("no such file or directory: '{word}'"));
    let mut words = own_words(&options.cflags).filter(|word| !word.starts_with('-'));
    match words.find(|word| is_found || is_missing(word)) {
        Some(word) => refusal(
            options,
            word.to_owned(),
            "is no flag, so clang takes it for another file to compile: quote a value that has spaces",
        ),
        None => error.into(),
    }
}

/// Returns the word of the user's that is an argument of cc1, or the argument if it is none of them.
fn led_to(options: &CompileOptions, argument: &str) -> String {
    match options.cflags.iter().any(|word| word == argument) {
        true => argument.to_owned(),
        false => {
            format!("{argument} (which clang's configuration or another flag leads to)")
        }
    }
}

fn refusal(options: &CompileOptions, flag: String, why: &'static str) -> Error {
    Error::RefusedFlag {
        target: options.target,
        flag,
        why,
    }
}

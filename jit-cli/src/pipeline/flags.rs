//! Checks clang's flags before anything is compiled. They may come from `--cflags`, `jit.toml`, or a configuration file
//! that clang reads on its own, so the arguments that clang's driver passes to cc1 are checked, not the flags themselves.

use jit_llvm::{CompileOptions, Compiler, LastFlags, LlvmError, Output};
use jit_schema::{Arch, ObjectFormat};

use crate::{
    error::{Error, HardeningError},
    pipeline::actions,
};

/// A kind of flag that means nothing for stencils, and is turned off.
struct TurnedOff {
    /// Prefixes of the arguments that cc1 gets because of the flag.
    arguments: &'static [&'static str],
    /// Prefixes of the flag itself, to name it in messages.
    words: &'static [&'static str],
    /// The flags that turn it off.
    instead: &'static [&'static str],
    /// The sources that it is turned off for.
    sources: Sources,
    /// Why they do not need it, or cannot have it.
    why: &'static str,
}

/// The sources that a flag is turned off for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sources {
    /// Stencils and the shim.
    All,
    /// Stencils.
    Stencils,
    /// The shim of a target for which unwind rules are derived from the shim.
    UnwoundShim,
}

const TURNED_OFF: &[TurnedOff] = &[
    TurnedOff {
        arguments: &["-debug-info-kind=", "-gcodeview"],
        words: &["-g"],
        instead: &["-g0"],
        sources: Sources::Stencils,
        why: "stencils have no debug information",
    },
    TurnedOff {
        arguments: &["-split-dwarf-output"],
        words: &["-gsplit-dwarf"],
        instead: &["-gno-split-dwarf"],
        sources: Sources::All,
        why: "the shim's debug information has to be in its object file",
    },
    TurnedOff {
        arguments: &["-dwarf-debug-flags", "-record-command-line"],
        words: &["-grecord-", "-frecord-"],
        instead: &["-gno-record-gcc-switches", "-fno-record-gcc-switches"],
        sources: Sources::All,
        why: "clang's command has names of temporary files",
    },
    TurnedOff {
        arguments: &["-flto"],
        words: &["-flto"],
        instead: &["-fno-lto", "-fno-fat-lto-objects"],
        sources: Sources::All,
        why: "stencils are made from machine code",
    },
    TurnedOff {
        arguments: &["-stack-protector"],
        words: &["-fstack-protector"],
        instead: &["-fno-stack-protector"],
        sources: Sources::All,
        why: "the function that reports an overwritten stack is not one that stencils can reach everywhere",
    },
    TurnedOff {
        arguments: &["-funwind-tables", "-fexceptions"],
        words: &[
            "-fasynchronous-unwind-tables",
            "-funwind-tables",
            "-fexceptions",
        ],
        instead: &[
            "-fno-exceptions",
            "-fno-unwind-tables",
            "-fno-asynchronous-unwind-tables",
        ],
        sources: Sources::Stencils,
        why: "stencils have no unwind information",
    },
    TurnedOff {
        arguments: &["-fprofile-instrument-use", "-fprofile-sample-use"],
        words: &[
            "-fprofile-use",
            "-fprofile-instr-use",
            "-fprofile-sample-use",
            "-fauto-profile",
        ],
        instead: &[
            "-fno-profile-use",
            "-fno-profile-instr-use",
            "-fno-profile-sample-use",
        ],
        sources: Sources::All,
        why: "a profile tells functions apart by name, and all stencils have one name",
    },
    TurnedOff {
        arguments: &[
            "-msign-return-address=non-leaf",
            "-msign-return-address=all",
        ],
        words: &["-mbranch-protection", "-msign-return-address"],
        // Landing pads, which -mbranch-protection may ask for as well, stay.
        instead: &["-Xclang", "-msign-return-address=none"],
        sources: Sources::UnwoundShim,
        why: "debuggers could not unwind from stencils through a signed one",
    },
];

/// A kind of flag that is refused, because it adds code or data that stencils cannot have.
struct Refused {
    /// Prefixes of the arguments that cc1 gets because of the flag.
    arguments: &'static [&'static str],
    /// Prefixes of the flag itself, to name it in messages.
    words: &'static [&'static str],
    /// What the flag does.
    why: &'static str,
}

const REFUSED: &[Refused] = &[
    Refused {
        arguments: &[
            "-M",
            "-dependency-file",
            "-dependency-dot",
            "-module-dependency-dir",
            "-header-include-file",
            "-serialize-diagnostic-file",
            "-diagnostic-log-file",
            "-opt-record-file",
            "-stack-usage-file",
            "-stats-file=",
            "-ftime-trace",
            "-fmodules-cache-path=",
            "-fthin-link-bitcode=",
            "-fverify-debuginfo-preserve-export=",
            "-as-secure-log-file",
            "-info-output-file",
            "-ir-dump-directory",
            "-pass-remarks-output",
        ],
        words: &[
            "-Wp,-M",
            "-M",
            "-dependency-",
            "-module-dependency-dir",
            "-header-include-file",
            "-serialize-diagnostic",
            "--serialize-diagnostics",
            "-diagnostic-log-file",
            "-fsave-optimization-record",
            "-foptimization-record",
            "-fstack-usage",
            "-save-stats",
            "--save-stats",
            "-ftime-trace",
            "-fmodules",
            "-fthin-link-bitcode",
        ],
        why: actions::OTHER_FILES,
    },
    Refused {
        arguments: &["+retpoline", "+lvi-cfi"],
        words: &[
            "-mretpoline",
            "-mlvi",
            "-mseses",
            "-mspeculative-load-hardening",
        ],
        why: "makes calls and jumps go through functions that each object file would have a copy of, but a stencil is \
              one function",
    },
    Refused {
        arguments: &[
            "-fprofile-instrument=",
            "-fcoverage-mapping",
            "-coverage-notes-file",
            "-coverage-data-file",
        ],
        words: &[
            "-fprofile-generate",
            "-fprofile-instr-generate",
            "-fcs-profile-generate",
            "-fcoverage-mapping",
            "--coverage",
            "-fprofile-arcs",
            "-ftest-coverage",
        ],
        why: "adds counters, which are writable data",
    },
    Refused {
        arguments: &[
            "-pg",
            "-finstrument-function",
            "-fxray-instrument",
            "-fsplit-stack",
        ],
        words: &["-pg", "-finstrument-function", "-fxray", "-fsplit-stack"],
        why: "adds calls to a run-time library at the start of each function, but a micro-op is no function",
    },
    Refused {
        arguments: &["-fsanitize=", "-fsanitize-coverage"],
        words: &["-fsanitize"],
        why: "adds calls to a run-time library",
    },
    Refused {
        arguments: &["-fpatchable-function-entry"],
        words: &["-fpatchable-function-entry"],
        why: "adds instructions to replace and a table of their addresses to each function, but a micro-op is no \
              function",
    },
    Refused {
        arguments: &["-mregparm", "-mrtd", "-fdefault-calling-conv="],
        words: &["-mregparm", "-mrtd", "-fdefault-calling-conv"],
        why: "changes how functions are called, but the functions that call stencils and that stencils call do not \
              change",
    },
];

/// What stencils with landing pads of AArch64 need. With landing pads, clang compares the value of a switch with the size
/// of its jump table even if the value is known to be smaller. If it is not, the code jumps to the end of the function,
/// which has no instruction unless these flags add a trap. Calls that do not return need no trap.
const TRAPS: [&str; 4] = [
    "-mllvm",
    "-trap-unreachable",
    "-mllvm",
    "-no-trap-after-noreturn",
];

/// What decides about flags besides clang's options.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    /// Whether there is a shim.
    pub(crate) has_shim: bool,
    /// Whether flags were to decide about hardened code, and the user's do not ask for it.
    pub(crate) is_unhardened_by_flags: bool,
}

/// Checks the flags and returns a compiler, with a remark for each flag that is turned off.
pub(crate) fn checked<'a>(
    mut options: CompileOptions,
    facts: Facts,
    make: impl Fn(CompileOptions) -> Result<Compiler<'a>, LlvmError>,
) -> Result<(Compiler<'a>, Vec<String>), Error> {
    actions::refuse_words(&options)?;
    let compiler = make(options.clone())?;
    let commands = compiler
        .cc1_arguments()
        .map_err(|error| actions::explain(error, &options))?;
    let Some(commands) = commands else {
        // The arguments of this clang are unknown. Its output is still checked when it becomes stencils.
        return Ok((compiler, Vec::new()));
    };
    refuse(&options, &commands)?;
    if facts.is_unhardened_by_flags {
        refuse_hidden_checks(&options, &commands)?;
    }
    let remarks = turn_off(&mut options, &commands, facts.has_shim);
    if options.last == LastFlags::default() {
        actions::refuse_arguments(&options, &commands)?;
        return Ok((compiler, remarks));
    }
    // -flto, which is turned off by now, selects what clang writes.
    let compiler = make(options.clone())?;
    if let Some(commands) = compiler.cc1_arguments()? {
        actions::refuse_arguments(&options, &commands)?;
    }
    Ok((compiler, remarks))
}

/// Refuses flags that stencils cannot have.
fn refuse(options: &CompileOptions, [compile, _, shim]: &[Vec<String>; 3]) -> Result<(), Error> {
    for kind in REFUSED {
        let all = compile.iter().chain(shim);
        let is_refused = |argument: &&String| starts(argument, kind.arguments);
        let mut found = all
            .filter(is_refused)
            .filter(|argument| !traps(argument, compile));
        if let Some(argument) = found.next() {
            return Err(Error::RefusedFlag {
                target: options.target,
                flag: name(&options.cflags, kind.words, argument),
                why: kind.why,
            });
        }
    }
    let mut all = compile.iter().chain(shim);
    if let Some(argument) = all.find(|argument| marks_functions(argument)) {
        return Err(Error::RefusedFlag {
            target: options.target,
            flag: name(&options.cflags, &["-fsanitize="], argument),
            why: "adds data before each function, where a micro-op would start: add -fno-sanitize=function",
        });
    }
    Ok(())
}

/// Refuses a check of the processor's that something else than the user's flags asks for, such as a configuration file of clang's:
/// the flags were to decide whether code is hardened, and whoever asked for that would believe that it is.
fn refuse_hidden_checks(
    options: &CompileOptions,
    [compile, ..]: &[Vec<String>; 3],
) -> Result<(), Error> {
    let arguments = match options.target.arch {
        Arch::Aarch64 => &["-mbranch-target-enforce"][..],
        Arch::I686 | Arch::X86_64 => &["-fcf-protection=full", "-fcf-protection=branch"],
    };
    match compile
        .iter()
        .find(|word| arguments.contains(&word.as_str()))
    {
        Some(argument) => Err(HardeningError::NotInFlags {
            target: options.target,
            argument: argument.clone(),
        }
        .into()),
        None => Ok(()),
    }
}

/// Adds the flags that turn others off, and returns a remark for each of those.
fn turn_off(
    options: &mut CompileOptions,
    [compile, _, shim]: &[Vec<String>; 3],
    has_shim: bool,
) -> Vec<String> {
    let mut remarks = Vec::new();
    for kind in TURNED_OFF {
        // Where stencils are made of objects, the shim is a stencil as well.
        let is_direct = options.output == Output::Object;
        let sources = match kind.sources {
            Sources::UnwoundShim if is_direct || !has_shim => continue,
            Sources::UnwoundShim if options.target.format != ObjectFormat::Elf => continue,
            Sources::Stencils if is_direct => Sources::All,
            sources => sources,
        };
        let arguments: Vec<&String> = match sources {
            Sources::All => compile.iter().chain(shim).collect(),
            Sources::Stencils => compile.iter().collect(),
            Sources::UnwoundShim => shim.iter().collect(),
        };
        let mut found = arguments.into_iter();
        let Some(argument) = found.find(|argument| starts(argument, kind.arguments)) else {
            continue;
        };
        // The release's own flags are what they are: other ones may lead to other code.
        if is_direct && given(&options.cflags, kind.words).is_none() {
            continue;
        }
        let (last, place) = match sources {
            Sources::All => (&mut options.last.all, "here"),
            Sources::Stencils => (&mut options.last.stencil, "here"),
            Sources::UnwoundShim => (&mut options.last.shim, "on the shim's return address"),
        };
        last.extend(kind.instead.iter().map(|word| (*word).to_owned()));
        remarks.push(format!(
            "{} has no effect {place}, as {}: {} is added",
            name(&options.cflags, kind.words, argument),
            kind.why,
            kind.instead.join(" "),
        ));
    }
    let landing_pads = compile.iter().any(|word| word == "-mbranch-target-enforce");
    if landing_pads && !compile.iter().any(|word| word.contains("trap-unreachable")) {
        let traps = TRAPS.iter().map(|word| (*word).to_owned());
        options.last.stencil.extend(traps);
    }
    remarks
}

fn starts(argument: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| argument.starts_with(prefix))
}

/// Returns whether all sanitizers that an argument names stop the program with a trap instruction, so that they call
/// nothing.
fn traps(argument: &str, all: &[String]) -> bool {
    argument.strip_prefix("-fsanitize=").is_some_and(|list| {
        let trapping = all
            .iter()
            .find_map(|argument| argument.strip_prefix("-fsanitize-trap="));
        trapping == Some(list)
    })
}

/// Returns whether an argument selects the sanitizer that marks functions with their types.
fn marks_functions(argument: &str) -> bool {
    let list = argument.strip_prefix("-fsanitize=");
    list.is_some_and(|list| list.split(',').any(|sanitizer| sanitizer == "function"))
}

/// Returns the last flag from the user that may have led to an argument of cc1, or else the argument.
fn name(cflags: &[String], words: &[&str], argument: &str) -> String {
    match given(cflags, words) {
        Some(word) => word.clone(),
        None => format!("{argument} (which clang's configuration or another flag leads to)"),
    }
}

/// Returns the last flag from the user that is one of these.
fn given<'a>(cflags: &'a [String], words: &[&str]) -> Option<&'a String> {
    let mut given = cflags.iter().rev();
    given.find(|word| starts(word, words) && *word != "-g0")
}

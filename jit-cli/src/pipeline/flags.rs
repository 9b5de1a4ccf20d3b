//! Checks clang's flags before anything is compiled. They may come from `--cflags`, `jit.toml`, or a configuration file
//! that clang reads on its own, so the arguments that clang's driver passes to cc1 are checked, not the flags themselves.

use jit_llvm::{CompileOptions, Compiler, LlvmError};

use crate::{error::Error, pipeline::actions};

/// A kind of flag that means nothing for stencils, and is turned off.
struct TurnedOff {
    /// Prefixes of the arguments that cc1 gets because of the flag.
    arguments: &'static [&'static str],
    /// Prefixes of the flag itself, to name it in messages.
    words: &'static [&'static str],
    /// The flags that turn it off.
    instead: &'static [&'static str],
    /// Whether it is turned off for the shim, too.
    shim: bool,
    /// Why stencils do not need it.
    why: &'static str,
}

const TURNED_OFF: &[TurnedOff] = &[
    TurnedOff {
        arguments: &["-debug-info-kind=", "-gcodeview"],
        words: &["-g"],
        instead: &["-g0"],
        shim: false,
        why: "stencils have no debug information",
    },
    TurnedOff {
        arguments: &["-flto"],
        words: &["-flto"],
        instead: &["-fno-lto", "-fno-fat-lto-objects"],
        shim: true,
        why: "stencils are made from machine code",
    },
    TurnedOff {
        arguments: &["-stack-protector"],
        words: &["-fstack-protector"],
        instead: &["-fno-stack-protector"],
        shim: true,
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
        shim: false,
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
        shim: true,
        why: "a profile tells functions apart by name, and all stencils have one name",
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
];

/// Checks the flags and returns a compiler, with a remark for each flag that is turned off.
pub(crate) fn checked<'a>(
    mut options: CompileOptions,
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
    let [compile, _, shim] = &commands;
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
    let mut remarks = Vec::new();
    for kind in TURNED_OFF {
        let mut arguments = compile
            .iter()
            .chain(if kind.shim { &shim[..] } else { &[] });
        let Some(argument) = arguments.find(|argument| starts(argument, kind.arguments)) else {
            continue;
        };
        let instead = kind.instead.iter().map(|word| (*word).to_owned());
        match kind.shim {
            true => options.last.all.extend(instead),
            false => options.last.stencil.extend(instead),
        }
        remarks.push(format!(
            "{} has no effect here, as {}: {} is added",
            name(&options.cflags, kind.words, argument),
            kind.why,
            kind.instead.join(" "),
        ));
    }
    if remarks.is_empty() {
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

/// Returns the last flag from the user that may have led to an argument of cc1, or else the argument.
fn name(cflags: &[String], words: &[&str], argument: &str) -> String {
    let mut given = cflags.iter().rev();
    match given.find(|word| starts(word, words) && *word != "-g0") {
        Some(word) => word.clone(),
        None => format!("{argument} (which clang's configuration or another flag leads to)"),
    }
}

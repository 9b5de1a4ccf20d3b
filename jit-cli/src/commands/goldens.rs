//! The texts of the command line: the help of each command, and every error with its exit status and advice.
//! `BLESS=1 cargo test -p jit-cli commands::goldens` accepts changes.

mod help;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use fixtures::golden;
use jit_llvm::{
    Cause, Diagnostics, Installed, LlvmError, LlvmVersion, Rejection,
    modules::{ModuleError, Refusal},
};
use jit_optimizer::OptimizeError;
use jit_schema::{Hardening, ObjectError, Target};
use jit_stencils::{LowerError, ResolveError, ShimError, UnwindError};

use super::{advice::advice, exit_status::exit_status};
use crate::{
    error::{Error, FunctionError, HardeningError, Headers, SubjectError, UpstreamError},
    pack::PackError,
    project::release,
};

/// Examples of every kind of error. A kind that is missing here does not compile.
macro_rules! examples {
    ($($kind:ident => [$($example:expr),+ $(,)?],)*) => {
        fn kind(error: &Error) -> &'static str {
            match error {
                $(Error::$kind { .. } => stringify!($kind),)*
            }
        }

        fn examples() -> Vec<(&'static str, Error)> {
            vec![$($((stringify!($kind), $example)),+),*]
        }
    };
}

fn linux() -> &'static Target {
    Target::from_triple("x86_64-unknown-linux-gnu").unwrap()
}

fn place() -> PathBuf {
    PathBuf::from("DIR/FILE")
}

fn rejected(text: &str) -> Error {
    Error::Llvm(LlvmError::Rejected {
        name: "_NOP".to_owned(),
        stage: "compile",
        diagnostics: Diagnostics::parse(text),
    })
}

fn timed_out(doing: &str, command: &str, is_question: bool) -> Error {
    Error::Llvm(LlvmError::TimedOut {
        program: PathBuf::from("/bin/clang"),
        doing: doing.to_owned(),
        unfinished: (!is_question).then(|| "_NOP".into()),
        command: command.to_owned(),
        limit: Duration::from_secs(60),
        is_question,
    })
}

fn unusable(why: Rejection) -> Error {
    Error::Llvm(LlvmError::Unusable {
        tool: "clang".to_owned(),
        wanted: "22".to_owned(),
        rejected: vec![(PathBuf::from("/bin/clang"), why)],
        others: Vec::new(),
    })
}

fn of_target(headers: Headers) -> Error {
    let text = "_NOP.c:3:10: fatal error: 'sys/mman.h' file not found\n\
                _NOP.c:4:5: error: call to undeclared function 'mmap'\n\
                /r/x.h:1:10: fatal error: 'pthread.h' file not found\n";
    Error::Target {
        target: linux(),
        headers,
        root: PathBuf::from("/r"),
        error: Box::new(rejected(text)),
    }
}

fn file(kind: io::ErrorKind) -> Error {
    Error::file("write", &place())(io::Error::new(kind, "WHAT THE SYSTEM SAYS"))
}

fn shim(source: ShimError) -> Error {
    Error::Shim {
        path: place(),
        source,
    }
}

fn not_of_release(asked: &str, why: &'static str) -> Error {
    Error::NotOfRelease {
        release: "3.14".to_owned(),
        asked: asked.to_owned(),
        why,
    }
}

fn build_py_failed(output: &str) -> Error {
    Error::Upstream(UpstreamError::Failed {
        checkout: PathBuf::from("DIR"),
        python: "Python 3.13.0".to_owned(),
        status: "exit status: 1".to_owned(),
        output: format!("Traceback (most recent call last):\n{output}"),
    })
}

fn uop() -> String {
    "_NOP".to_owned()
}

fn malformed() -> ObjectError {
    ObjectError::Malformed {
        what: "ELF object".to_owned(),
        detail: "it ends early".to_owned(),
    }
}

examples! {
    UnknownTarget => [Target::from_triple("vax-dec-vms").unwrap_err().into()],
    NoHostTarget => [Error::NoHostTarget],
    Flags => [Error::Flags { flags: "-DA='x".to_owned() }],
    NotAMacro => [Error::NotAMacro { text: "-DX".to_owned() }],
    RefusedFlag => [Error::RefusedFlag {
        target: linux(),
        flag: "-fsanitize=address".to_owned(),
        why: "adds calls to a run-time library",
    }],
    FreeThreaded => [Error::FreeThreaded],
    Jobs => [Error::Jobs { message: "WHAT THE SYSTEM SAYS".to_owned() }],
    NotABuildScript => [Error::NotABuildScript { name: "OUT_DIR" }],
    OutputTaken => [Error::OutputTaken { directory: PathBuf::from("DIR") }],
    Llvm => [
        Error::Llvm(LlvmError::Missing {
            tool: "clang".to_owned(),
            wanted: "22".to_owned(),
            places: vec!["PATH".to_owned(), "/usr/lib/llvm-22/bin".to_owned()],
            others: Vec::new(),
        }),
        Error::Llvm(LlvmError::Missing {
            tool: "clang".to_owned(),
            wanted: "21".to_owned(),
            places: vec!["clang in PATH".to_owned(), "clang-21 in PATH".to_owned()],
            others: [22, 19].map(|major| Installed { major, path: format!("/usr/bin/clang-{major}").into() }).to_vec(),
        }),
        unusable(Rejection::Version(LlvmVersion { major: 14, minor: 0, patch: 6 })),
        unusable(Rejection::Apple),
        unusable(Rejection::NotExecutable("WHAT THE SYSTEM SAYS".to_owned())),
        unusable(Rejection::NotLlvm("Turbo C".to_owned())),
        Error::Llvm(LlvmError::BadVersion("22.1".to_owned())),
        rejected("_NOP.c:3:5: error: expected expression\n"),
        rejected("_NOP.c:3:13: error: conflicting types for 'jit_cli_defines_JIT_OPERAND0'\n"),
        rejected(
            "_NOP.c:3:5: error: cannot take the address of an rvalue of type 'unsigned long'\n    3 | &_JIT_OPERAND0\n",
        ),
        rejected("error: option 'cf-protection=branch' cannot be specified on this target\n"),
        Error::Llvm(LlvmError::Flags { diagnostics: Diagnostics::parse("clang: error: unknown argument: '-x'\n") }),
        rejected("error: unable to open output file: 'No space left on device'\n"),
        Error::Llvm(LlvmError::Run {
            program: PathBuf::from("/bin/clang"),
            source: Arc::new(io::Error::other("WHAT THE SYSTEM SAYS")),
        }),
        Error::Llvm(LlvmError::File {
            action: "write",
            path: place(),
            source: Arc::new(io::Error::other("WHAT THE SYSTEM SAYS")),
        }),
        timed_out("compile 24 files", "/bin/clang -cc1 -S 0.c ...", false),
        timed_out("print its version", "/bin/clang --version", true),
        Error::Llvm(LlvmError::TooMuchOutput {
            program: PathBuf::from("/bin/llvm-objdump"),
            doing: "disassemble 24 files".to_owned(),
            limit: 256 << 20,
        }),
        Error::Llvm(LlvmError::WroteNothing { program: PathBuf::from("/bin/clang"), what: "assembly", name: "_NOP".to_owned() }),
        rejected("clang-22 ended with signal: 25 (SIGXFSZ)\n"),
        Error::Llvm(LlvmError::Interrupted),
    ],
    NoPyconfig => [Error::NoPyconfig { directory: PathBuf::from("DIR") }],
    NoCase => [Error::NoCase { path: place() }],
    NotText => [Error::NotText { path: place(), line: 3 }],
    NotACase => [Error::NotACase { path: place(), line: 3, text: "case A-B: {".to_owned() }],
    OutsideOfCases => [Error::OutsideOfCases { path: place(), line: 3, text: "#define X 4".to_owned() }],
    OpenComment => [Error::OpenComment { path: place(), line: 3 }],
    NoPlaceholder => [Error::NoPlaceholder { path: place() }],
    Functions => [
        Error::Functions(FunctionError::NoTemplate { root: place() }),
        Error::Functions(FunctionError::Module {
            path: place(),
            source: ModuleError::Unknown { line: 3, what: "WHAT IS THERE".to_owned() },
        }),
        Error::Functions(FunctionError::Module {
            path: place(),
            source: ModuleError::NoFunction { name: "ENTRY".to_owned() },
        }),
        Error::Functions(FunctionError::OtherTarget {
            path: place(),
            line: Some(3),
            found: "s390x-ibm-linux".to_owned(),
            target: linux(),
        }),
        Error::Functions(FunctionError::Function {
            uop: uop(),
            message: Refusal::Writable("count".to_owned()).to_string(),
        }),
        Error::Functions(FunctionError::Constructor {
            path: place(),
            line: Some(3),
            source: Box::new(ModuleError::Constructors { functions: vec!["START".to_owned()] }),
        }),
        Error::Functions(FunctionError::Folded {
            path: place(),
            line: 3,
            operand: "STEP".to_owned(),
            cause: Cause::Builtin { name: "__builtin_is_aligned".to_owned(), alignment: Some(8) },
        }),
        Error::Functions(FunctionError::Folded {
            path: place(),
            line: 3,
            operand: "STEP".to_owned(),
            cause: Cause::Linkage,
        }),
        Error::Functions(FunctionError::Folded {
            path: place(),
            line: 3,
            operand: "STEP".to_owned(),
            cause: Cause::Label,
        }),
        Error::Functions(FunctionError::DuplicateFunction {
            name: uop(),
            first: "nop() in DIR/FILE".to_owned(),
            second: "nop(int) in DIR/FILE".to_owned(),
        }),
    ],
    DuplicateCase => [Error::DuplicateCase { path: place(), name: uop(), first: 3, second: 9 }],
    CaseCutShort => [Error::CaseCutShort { path: place(), line: 3, name: uop() }],
    Optimize => [Error::Optimize {
        uop: uop(),
        source: OptimizeError::DuplicateLabel { label: ".L1".to_owned(), line: 7 },
    }],
    Object => [
        Error::Object { uop: uop(), source: malformed() },
        Error::Object {
            uop: uop(),
            source: ObjectError::UnsupportedRelocation {
                kind: "R_X86_64_TPOFF32".to_owned(),
                symbol: "counter".to_owned(),
                section: ".text".to_owned(),
                offset: 18,
            },
        },
        Error::Object {
            uop: uop(),
            source: ObjectError::UnsupportedSection {
                section: ".bss".to_owned(),
                index: 4,
                kind: "SHT_NOBITS".to_owned(),
            },
        },
    ],
    Lower => [
        Error::Lower { uop: uop(), source: LowerError::Entry { found: None } },
        Error::Lower {
            uop: uop(),
            source: LowerError::SectionAddress {
                section: "__const".to_owned(),
                address: 0x9000,
                code: 64,
                data: 8,
            },
        },
    ],
    Resolve => [ResolveError::DuplicateUop { opname: uop() }.into()],
    Header => [
        jit_writer::HeaderError::Alignment {
            opname: uop(),
            alignment: 16,
            format: "cpython-3.15",
            supported: 8,
        }
        .into(),
        jit_writer::HeaderError::Vector {
            opname: uop(),
            offset: 0x1c,
            patch: jit_schema::PatchKind::Aarch64_12,
            format: "cpython-3.15",
        }
        .into(),
        jit_writer::HeaderError::Value {
            opname: uop(),
            part: jit_stencils::Part::Code,
            offset: 0x1c,
            value: jit_stencils::HoleValue::Operand(3),
            format: "cpython-3.15",
        }
        .into(),
        jit_writer::HeaderError::OpName { opname: "A B".to_owned() }.into(),
        jit_writer::HeaderError::Constant {
            opname: "add".to_owned(),
            constant: "ADD".to_owned(),
            other: "Add".to_owned(),
        }
        .into(),
        jit_writer::HeaderError::Symbol {
            opname: uop(),
            part: jit_stencils::Part::Code,
            offset: 0x1c,
            symbol: "a b".to_owned(),
        }
        .into(),
        jit_writer::HeaderError::Local {
            opname: uop(),
            part: jit_stencils::Part::Code,
            offset: 0x1c,
            symbol: "data".to_owned(),
            format: "plain",
        }
        .into(),
        jit_writer::HeaderError::Unused { ordinal: 3, symbol: "a b".to_owned() }.into(),
    ],
    Unwind => [Error::Unwind {
        path: place(),
        source: UnwindError::NoCode { target: linux().triple },
    }],
    Shim => [
        shim(ShimError::Object(malformed())),
        shim(ShimError::NameTaken { name: "enter".to_owned() }),
        shim(ShimError::Unwind(UnwindError::NoCode { target: linux().triple })),
    ],
    Missing => [Error::Missing { uop: uop() }],
    File => [
        file(io::ErrorKind::PermissionDenied),
        file(io::ErrorKind::StorageFull),
        file(io::ErrorKind::QuotaExceeded),
        file(io::ErrorKind::FileTooLarge),
    ],
    Changed => [Error::Changed { path: "Include/object.h".into() }],
    Config => [Error::Config { path: place(), message: "WHAT IS WRONG".to_owned() }],
    NotCpython => [Error::NotCpython { root: PathBuf::from("DIR"), missing: "Tools/jit/shim.c" }],
    UnknownCpythonRelease => [Error::UnknownCpythonRelease {
        root: PathBuf::from("DIR"),
        found: "3.13".to_owned(),
        known: "3.15, 3.14".to_owned(),
    }],
    NotOfRelease => [
        not_of_release("--codegen tuned", release::NO_OPTIMIZER),
        not_of_release("--emit stencils", release::NO_LINKER),
        not_of_release("LLVM 18", release::OLD_LLVM),
    ],
    NotInstalled => [Error::NotInstalled { directory: PathBuf::from("DIR"), missing: "Python.h" }],
    NoRealHeaders => [Error::NoRealHeaders { target: linux() }],
    Pack => [
        Error::Pack(PackError::Unreadable {
            path: "py.pack".into(),
            problem: "it has format 2, but this version of jit-cli reads format 1: use the version that made it".to_owned(),
        }),
        Error::Pack(PackError::NothingFor {
            path: "py.pack".into(),
            wanted: "x86_64-unknown-linux-gnu (debug)".to_owned(),
            builds: vec!["x86_64-unknown-linux-gnu (release)".to_owned()],
            hardened: None,
        }),
        Error::Pack(PackError::Differs {
            path: "py.pack".into(),
            title: "x86_64-unknown-linux-gnu (release)".to_owned(),
            differences: vec![
                "Include/object.h: its text can change code".to_owned(),
                "SIZEOF_WCHAR_T: 4 in the pack, 2 in pyconfig.h here".to_owned(),
            ],
        }),
        Error::Pack(PackError::NotReproduced {
            path: "py.pack".into(),
            title: "x86_64-unknown-linux-gnu (release)".to_owned(),
            names: vec!["_NOP_r00".to_owned()],
        }),
        Error::Pack(PackError::NothingToAccept { path: "py.pack".into(), name: "Include/object.h".to_owned() }),
        Error::Pack(PackError::Unknown { why: "the assembler may read files of which clang does not tell".to_owned() }),
        Error::Pack(PackError::NotPackable { project: "project jit.toml".to_owned() }),
    ],
    Subject => [
        SubjectError::Unreadable { path: place(), problem: "the end of the header is missing".to_owned() }.into(),
        SubjectError::Empty { path: place() }.into(),
        SubjectError::UnknownTarget { path: place() }.into(),
        SubjectError::OtherTargets {
            place: "out".to_owned(),
            wanted: vec!["aarch64-apple-darwin".to_owned()],
            found: vec!["x86_64-unknown-linux-gnu".to_owned()],
        }
        .into(),
        SubjectError::NoRevision { name: "mian".to_owned(), project: "DIR".to_owned() }.into(),
        SubjectError::NoRepository { name: "HEAD".to_owned(), project: "DIR".to_owned() }.into(),
        SubjectError::NoStencil { name: "_LAOD".to_owned(), near: vec!["_LOAD".to_owned()] }.into(),
        SubjectError::NoStencil { name: "_XYZZY".to_owned(), near: vec![] }.into(),
        SubjectError::NothingToCompare.into(),
        SubjectError::BuiltBefore { path: "DIR".to_owned() }.into(),
        SubjectError::NotBuilt { place: "out".to_owned(), option: "--ir" }.into(),
        SubjectError::NoSource { name: "vm_add".to_owned() }.into(),
        SubjectError::Pattern { text: "a**b".to_owned(), problem: "WHAT IS WRONG".to_owned() }.into(),
        SubjectError::Larger {
            what: "_NOP of x86_64-unknown-linux-gnu".to_owned(),
            by: "+8 (+2.0 %)".to_owned(),
            limit: "1 %".to_owned(),
        }
        .into(),
        SubjectError::Revision { name: "HEAD~1".to_owned(), error: Box::new(file(io::ErrorKind::PermissionDenied)) }.into(),
        SubjectError::Git { name: "main".to_owned(), problem: "WHAT GIT SAYS".to_owned() }.into(),
    ],
    Hardening => [
        HardeningError::NotFor { target: linux(), named: Hardening::NONE.with("bti").unwrap_or_default() }.into(),
        HardeningError::Release { release: "3.14".to_owned() }.into(),
        HardeningError::NoStencil { list: "entries", name: "strat_*".to_owned() }.into(),
        HardeningError::Pattern { pattern: "a**b".to_owned(), problem: "WHAT IS WRONG".to_owned() }.into(),
        HardeningError::OtherEntries { path: place(), found: "_A, _C".to_owned(), known: "_A, _B".to_owned() }.into(),
        HardeningError::NoNote { target: linux().triple }.into(),
        HardeningError::NotHardened {
            target: linux().triple,
            findings: (0..12).map(|offset| format!("_NOP+{offset}: WHAT IS WRONG")).collect(),
        }
        .into(),
    ],
    SharedCache => [Error::SharedCache {
        message: "JIT_CACHE_REDIS_DB is set, but JIT_CACHE_REDIS_ENDPOINT is not".to_owned(),
    }],
    NothingToVerify => [Error::NothingToVerify { option: "--no-cache" }],
    WrongCache => [Error::WrongCache { names: (0..12).map(|number| format!("_OP{number}")).collect() }],
    SysrootDiffers => [Error::SysrootDiffers {
        sysroot: "builtin".to_owned(),
        against: "DIR".to_owned(),
        differences: 3,
    }],
    Upstream => [
        UpstreamError::NoPython { named: None, wanted: "3.11".to_owned(), found: Vec::new() }.into(),
        UpstreamError::NoPython {
            named: None,
            wanted: "3.11".to_owned(),
            found: vec![(PathBuf::from("python3"), "Python 3.9.2".to_owned())],
        }
        .into(),
        UpstreamError::NoPython { named: Some(place()), wanted: "3.11".to_owned(), found: Vec::new() }.into(),
        build_py_failed("RuntimeError: Can't find llvm-readobj-22!\n"),
        build_py_failed("KeyError: 'R_NEW'\n"),
        UpstreamError::Differs {
            root: PathBuf::from("DIR"),
            files: vec!["jit_stencils-x86_64-unknown-linux-gnu.h".to_owned()],
            uops: vec![uop()],
        }
        .into(),
        UpstreamError::Differs {
            root: PathBuf::from("DIR"),
            files: vec!["a.h".to_owned(), "b.o".to_owned()],
            uops: vec![uop(), uop()],
        }
        .into(),
    ],
    Target => [
        of_target(Headers::Installed),
        of_target(Headers::Builtin(PathBuf::from("/cache"))),
        of_target(Headers::Directory(PathBuf::from("/sysroot"))),
    ],
    Uop => [
        Error::Missing { uop: uop() }.at(&|_| Some((place(), 9)), &str::to_owned),
    ],
    Several => [Error::of_all(
        rejected("_NOP.c:3:5: error: expected expression\n"),
        vec![Error::Object { uop: "_POP".to_owned(), source: malformed() }],
    ), {
        let one = |index: usize| {
            let source = OptimizeError::DuplicateLabel { label: ".L1".to_owned(), line: 7 };
            Error::Optimize { uop: format!("_OP{index}"), source }.at(&|_| Some((place(), index)), &str::to_owned)
        };
        Error::of_all(one(3), (4..14).map(one).collect())
    }],
}

#[test]
fn messages() {
    let mut text = String::new();
    for (name, error) in examples() {
        assert_eq!(kind(&error), name);
        let status = exit_status(&error);
        text.push_str(&format!("[{name}, exit status {status}]\nerror: {error}\n"));
        if let Some(advice) = advice(&error) {
            text.push_str(&format!("{advice}\n"));
        }
        text.push('\n');
    }
    golden::check_text(help::path("messages.txt"), &text);
}

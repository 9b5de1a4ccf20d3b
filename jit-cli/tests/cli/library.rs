//! The library, without the command line.

use std::sync::{Arc, Mutex};

use jit_cli::{Build, Emit, Event, Interrupt, Sources};

use crate::sandbox::{LINUX, Sandbox};

pub(crate) const TEMPLATE: &str = "
enum { DOUBLE, HALVE };
extern __attribute__((visibility(\"hidden\"))) long _JIT_CONTINUE(long);
long _JIT_ENTRY(long x) {
    switch (_JIT_OPCODE) {
        CASE
        default:
            __builtin_unreachable();
    }
    __attribute__((musttail)) return _JIT_CONTINUE(x);
}
";
pub(crate) const CASES: &str = "
        case DOUBLE: {
            x *= 2;
            break;
        }

        case HALVE: {
            x /= 2;
            break;
        }
";

fn build() -> Build {
    Build::from_sources(Sources::new(TEMPLATE, CASES))
        .target(LINUX)
        .llvm_version(22)
        .emit(Emit::Header)
        .emit(Emit::Stencils)
        .no_cache()
}

#[test]
fn sources_in_memory() {
    fixtures::needs!(clang_22);
    let done = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&done);
    let built = build()
        .on_event(move |event| match *event {
            Event::Progress { done, uops, .. } => seen.lock().unwrap().push((done, uops)),
            Event::Finished { .. } => seen.lock().unwrap().push((0, 0)),
            _ => {}
        })
        .run()
        .unwrap();
    assert_eq!(done.lock().unwrap()[..], [(2, 2), (0, 0)]);
    let [target] = built.targets.as_slice() else {
        panic!("{built:?}");
    };
    assert_eq!(target.target.triple, LINUX);
    assert_eq!(target.statistics.uops, 2);
    assert!(target.header().unwrap().contains("DOUBLE"));
    assert!(target.stencil_file().is_some() && target.shim_object().is_none());

    // `run` and `write` give the same files.
    let sandbox = Sandbox::new();
    built.write(sandbox.path("memory")).unwrap();
    let written = build().output_dir(sandbox.path("out")).write().unwrap();
    assert_eq!(sandbox.files("memory"), sandbox.files("out"));
    assert!(written.stencil_file(target.target).is_file());
    // Temporary files with the sources are not listed.
    assert!(written.inputs.iter().all(|path| path.is_file()));
}

/// A shim that compiles.
pub(crate) const SHIM: &str =
    "long _JIT_ENTRY(long (*entry)(long), long x) {\n    return entry(x) + 1;\n}\n";

/// Errors and warnings about sources in memory name the sources, not the temporary files that clang reads.
#[test]
fn places_in_memory() {
    fixtures::needs!(clang_22);
    let twice = format!("{CASES}{CASES}");
    let no_call = SHIM.replace("entry(x)", "x");
    let static_data = SHIM.replace("return", "static long calls; calls++; return");
    for (template, cases, shim, expected) in [
        ("int x;\n", CASES, SHIM, "template.c has no `CASE`"),
        (TEMPLATE, "", SHIM, "cases.h has no case: "),
        (TEMPLATE, &twice, SHIM, "cases.h:12: micro-op DOUBLE"),
        (
            TEMPLATE,
            "  case A: {",
            SHIM,
            "cases.h:1: `case A: {` is not",
        ),
        (TEMPLATE, &CASES[..30], SHIM, "cases.h:2: micro-op DOUBLE"),
        (TEMPLATE, CASES, "int x = y;\n", "shim.c:1:9: error: use of"),
        (TEMPLATE, CASES, &no_call, "shim.c: no unwind information"),
        (
            TEMPLATE,
            CASES,
            &static_data,
            "shim.c: it can't be in the stencil file",
        ),
        (
            TEMPLATE,
            "        case A: {\n            x = y;\n        }\n",
            SHIM,
            "cases.h:2:17: error: use of",
        ),
        (
            "#include <no_such_header.h>\nCASE\n",
            CASES,
            SHIM,
            ":1:10: fatal error: 'no_such_header.h' file not found",
        ),
    ] {
        let build = Build::from_sources(Sources::new(template, cases).shim(shim))
            .target(LINUX)
            .llvm_version(22)
            .emit(Emit::Stencils)
            .no_cache();
        for build in [build.clone(), build.one_process_per_step()] {
            let message = build.run().unwrap_err().to_string();
            assert!(message.contains(expected), "{expected}: {message}");
            assert!(!message.contains("jit-stencils-"), "{message}");
        }
    }
}

#[test]
fn a_warning_in_memory() {
    fixtures::needs!(clang_22);
    let told = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&told);
    let shim = SHIM.replace("return", "int unused;\n    return");
    Build::from_sources(Sources::new(TEMPLATE, CASES).shim(shim))
        .target(LINUX)
        .llvm_version(22)
        .cflags("-Wall")
        .no_cache()
        .on_event(move |event| {
            if let Event::Warning { text, .. } = *event {
                heard.lock().unwrap().push_str(text);
            }
        })
        .run()
        .unwrap();
    let told = told.lock().unwrap();
    assert!(
        told.starts_with("shim.c:2:9: warning: unused variable"),
        "{told}"
    );
}

/// The inputs have every header, wherever it is, with a cache and without.
#[test]
fn inputs() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let write = |name: &str, text: &str| sandbox.write(name, text).canonicalize().unwrap();
    let template = format!("#include <first.h>\n{TEMPLATE}");
    // A header in the middle of the template, which the cache has no keys for.
    let late = template.replace("long _JIT_ENTRY", "#include <late.h>\nlong _JIT_ENTRY");
    let headers = ["first.h", "second.h", "late.h"].map(|name| {
        let text = if name == "first.h" {
            "#include <second.h>\n"
        } else {
            ""
        };
        write(&format!("elsewhere/{name}"), text)
    });
    let cases = write("machine/cases.h", CASES);
    let settings =
        "template = \"template.c\"\ncases = \"cases.h\"\ncflags = [\"-I../elsewhere\"]\n";
    let settings = settings.replace(
        "../elsewhere",
        headers[0].parent().unwrap().to_str().unwrap(),
    );
    let config = write("machine/jit.toml", &settings);
    for (text, count) in [(&template, 2), (&late, 3)] {
        let template = write("machine/template.c", text);
        let build = Build::from_config(&config)
            .target(LINUX)
            .llvm_version(22)
            .output_dir(sandbox.path("out"))
            .cache_dir(sandbox.path("cache"));
        for build in [
            build.clone(),
            build.clone().force(true),
            build.clone().no_cache().force(true),
            build.one_process_per_step().force(true),
        ] {
            let inputs = build.write().unwrap().inputs;
            for path in headers[..count].iter().chain([&config, &cases, &template]) {
                assert!(inputs.contains(path), "{}: {inputs:?}", path.display());
            }
        }
    }
}

#[test]
fn an_interrupted_build() {
    fixtures::needs!(clang_22);
    let interrupt = Interrupt::default();
    interrupt.trip();
    let error = build().interrupt(interrupt).run().unwrap_err();
    assert!(error.is_interrupted(), "{error}");
}

#[test]
fn not_a_build_script() {
    let error = build().emit_to_out_dir().unwrap_err().to_string();
    assert!(error.contains("is not set"), "{error}");
}

#[test]
fn macros_that_are_none() {
    let sources = || Sources::new(TEMPLATE, CASES);
    for sources in [sources().define("-DX"), sources().stencil_define("A B")] {
        let error = Build::from_sources(sources).run().unwrap_err().to_string();
        assert!(error.contains("is not a macro"), "{error}");
    }
}

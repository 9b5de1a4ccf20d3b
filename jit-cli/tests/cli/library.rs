//! The library, without the command line.

use std::sync::{Arc, Mutex};

use jit_cli::{Build, Emit, Event, Interrupt, Sources};

use crate::sandbox::{LINUX, Sandbox};

const TEMPLATE: &str = "
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
const CASES: &str = "
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

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
        .on_event(move |event| {
            if let Event::Progress { done, uops, .. } = *event {
                seen.lock().unwrap().push((done, uops));
            }
        })
        .run()
        .unwrap();
    assert_eq!(done.lock().unwrap().last(), Some(&(2, 2)));
    let [target] = built.targets.as_slice() else {
        panic!("{built:?}");
    };
    assert_eq!(target.target.triple, LINUX);
    assert_eq!(target.statistics.uops, 2);
    assert!(target.header().unwrap().contains("DOUBLE"));
    assert!(target.stencil_file().is_some() && target.shim_object().is_none());

    // Written from memory or at once, the files are the same.
    let sandbox = Sandbox::new();
    built.write(sandbox.path("memory")).unwrap();
    let written = build().output_dir(sandbox.path("out")).write().unwrap();
    assert_eq!(sandbox.files("memory"), sandbox.files("out"));
    assert!(written.stencil_file(target.target).is_file());
    // Sources that are in memory are no files to look at.
    assert!(written.inputs.iter().all(|path| path.is_file()));
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

//! The example's objects become the example's headers, with no LLVM around: what CPython's tools
//! made in one run, read natively, lowered, resolved and written.

use fixtures::{
    TRIPLES,
    generated::{self, Build},
    golden::{self, Golden},
    inputs,
};
use jit_schema::Target;
use jit_writer::{HeaderFormat, Preamble};

const FORMAT: HeaderFormat = HeaderFormat::CPYTHON_3_15;

const PREAMBLE: Preamble<'static> = Preamble {
    digest: "left out",
    comment: "$ left out",
};

fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

#[test]
fn objects_become_headers() {
    for triple in TRIPLES {
        let target = target(triple);
        let groups = generated::opnames(triple).into_iter().map(|opname| {
            let bytes = golden::read_bytes(&inputs::object(triple, &opname));
            let object = jit_schema::native::read(&bytes).unwrap();
            let mut group = jit_stencils::lower(target, &object).unwrap();
            let text = golden::read_text(&inputs::objdump(triple, &opname));
            let text = text.strip_prefix(&format!("\n{opname}.o")).unwrap();
            group.listing.disassembly = Some(text.to_owned());
            (opname, group)
        });
        let set = jit_stencils::resolve(target, groups).unwrap();
        // Digest and command are the build's own.
        Golden::new(generated::stencils_header(Build::Release, triple))
            .skip_lines(2)
            .made_by_upstream()
            .check_text(&FORMAT.stencil_header(PREAMBLE, &set).unwrap());
    }
}

#[test]
fn shims_become_unwind_headers() {
    for triple in TRIPLES {
        let shim = golden::read_bytes(&generated::shim_object(Build::Release, triple));
        let info = jit_stencils::shim_unwind(target(triple), &shim).unwrap();
        Golden::new(generated::unwind_header(Build::Release, triple))
            .skip_lines(2)
            .made_by_upstream()
            .check_text(&FORMAT.unwind_header(PREAMBLE, info.as_ref()));
    }
}

#[test]
fn dispatchers() {
    for prefix in ["jit_stencils", "jit_unwind_info"] {
        let text = FORMAT.dispatcher("$ left out", prefix, TRIPLES.map(target));
        Golden::new(generated::dispatcher(&format!("{prefix}.h")))
            .skip_lines(1)
            .made_by_upstream()
            .check_text(&text);
    }
}

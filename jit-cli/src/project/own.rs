//! The conventions of projects that are not CPython.

use jit_llvm::{Flags, Output};
use jit_optimizer::{FramePointer, Places};
use jit_schema::{Codegen, ObjectFormat, Target, native};
use jit_writer::HeaderFormat;

use crate::{
    conventions::{Conventions, FileNames, ShimForm, Spelling},
    project::{cases, holes},
    tuned,
};

/// Returns the conventions of a project with this header format.
pub(crate) fn conventions(header_format: HeaderFormat) -> Conventions {
    let for_cpython = header_format == HeaderFormat::CPYTHON_3_15;
    Conventions {
        header_format,
        file_names: FileNames::USUAL,
        prelude: match for_cpython {
            // The templates of such projects declare the symbols, as CPython's does.
            true => |_| String::new(),
            false => holes::definitions,
        },
        flags,
        frame_pointer,
        places: match for_cpython {
            true => Places::Upstream,
            false => Places::Any,
        },
        lower: match for_cpython {
            true => jit_stencils::lower,
            false => jit_stencils::lower_aligned,
        },
        output: Output::Assembly,
        shim: ShimForm::Object,
        read_object: native::read,
        resolve: |target, _, groups| jit_stencils::resolve(target, groups),
        spelling: Spelling::Canonical,
        cases: match for_cpython {
            // Their cases files have directives for the interpreter around the cases, as CPython's does.
            true => cases::split,
            false => cases::split_only_cases,
        },
        digest: None,
        banner: |_, _| None,
    }
}

/// Returns the flags that all stencils need, and the macros that templates may test.
fn flags(target: &Target, debug: bool, codegen: Codegen) -> Flags {
    let mut flags = Flags::for_stencils(target);
    let small = u8::from(target.arch.has_small_constants());
    flags.defines = vec![
        if debug { "_DEBUG" } else { "NDEBUG" }.to_owned(),
        format!("SUPPORTS_SMALL_CONSTS={small}"),
    ];
    let more = tuned::flags(target, codegen);
    flags.stencil.extend(more.into_iter().map(str::to_owned));
    let imports = target.arch.pointer_size() == 8;
    let runtime_library = match (target.format, imports, debug) {
        (ObjectFormat::Coff, true, true) => Some("-fms-runtime-lib=dll_dbg"),
        (ObjectFormat::Coff, true, false) => Some("-fms-runtime-lib=dll"),
        (ObjectFormat::Coff, false, _) | (ObjectFormat::Elf | ObjectFormat::MachO, _, _) => None,
    };
    let runtime_library = runtime_library.map(str::to_owned);
    flags.last.splice(0..0, runtime_library);
    flags
}

/// Returns whether stencils may set the frame pointer: not where [`Flags::for_stencils`] reserves it.
fn frame_pointer(target: &Target) -> FramePointer {
    match target.format {
        ObjectFormat::Elf => FramePointer::Reserved,
        ObjectFormat::Coff | ObjectFormat::MachO => FramePointer::Free,
    }
}

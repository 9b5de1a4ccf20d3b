//! How projects that are not CPython are built.

use jit_writer::HeaderFormat;

use crate::{
    conventions::{Conventions, FileNames},
    project::{cases, digest},
};

/// Returns the conventions of a project with headers in that format.
pub(crate) fn conventions(header_format: HeaderFormat) -> Conventions {
    Conventions {
        header_format,
        file_names: FileNames {
            stencils: "jit_stencils",
            shim: "jit_shim",
            unwind: "jit_unwind_info",
        },
        flags: jit_llvm::flags::cpython_3_15,
        cases: cases::split,
        digest: digest::of_project,
        banner: |_, _| None,
    }
}

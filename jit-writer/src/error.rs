//! The error of writing a header.

use jit_stencils::PatchKind;

/// Why stencils cannot be in a header of a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The data of a micro-op has a greater alignment than the users of the format give it.
    #[error(
        "{opname}: its data must be aligned to {alignment} bytes, and programs that use a {format} \
         header align data to {supported}: keep vectors and other such data outside of the micro-op, \
         and compile with -fno-vectorize -fno-slp-vectorize if it is the compiler that makes them"
    )]
    Alignment {
        /// The micro-op.
        opname: String,
        /// The alignment, in bytes.
        alignment: usize,
        /// The name of the format.
        format: &'static str,
        /// The largest alignment that the format knows, in bytes.
        supported: usize,
    },
    /// An instruction has an address in a field that a patch of the users of the format does not know.
    #[error(
        "{opname}: code+{offset:#x} loads or stores 128 bits, and {} of programs that use a {format} \
         header does not support that: keep vectors outside of the micro-op, and compile with \
         -fno-vectorize -fno-slp-vectorize if it is the compiler that makes them",
        patch.c_name()
    )]
    Vector {
        /// The micro-op.
        opname: String,
        /// The offset of the instruction in the code, in bytes.
        offset: usize,
        /// How the address is written.
        patch: PatchKind,
        /// The name of the format.
        format: &'static str,
    },
}

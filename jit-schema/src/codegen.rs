//! Upstream's code generation, or a tuned one.

/// Which code generation to use: compiler flags and optimizer passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Codegen {
    /// The flags and passes of CPython's `Tools/jit`, for the same bytes as it makes.
    #[default]
    Upstream,
    /// More flags and passes, for less code and data. Stencils keep the calling convention and the
    /// relocations that an unmodified `jit.c` handles.
    Tuned,
}

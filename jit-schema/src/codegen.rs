//! Upstream's code generation, or one of ours.

/// Which code generation to use: compiler flags and optimizer passes.
///
/// Stencils keep the calling convention and the relocations that an unmodified `jit.c` handles with all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Codegen {
    /// The flags and passes of CPython's `Tools/jit`, for the same bytes as it makes.
    #[default]
    Upstream,
    /// More passes, and flags that they need, for faster code, which is smaller as well.
    Tuned,
    /// The passes of [`Tuned`](Codegen::Tuned) and others, and more flags, for the smallest code, also where it is slower.
    Small,
}

impl Codegen {
    /// All of them.
    pub const ALL: [Codegen; 3] = [Codegen::Upstream, Codegen::Tuned, Codegen::Small];

    /// Returns the name: `upstream`, `tuned` or `small`.
    pub fn name(self) -> &'static str {
        match self {
            Codegen::Upstream => "upstream",
            Codegen::Tuned => "tuned",
            Codegen::Small => "small",
        }
    }

    /// Returns whether the code is CPython's own tool's, byte for byte.
    pub fn is_upstream(self) -> bool {
        self == Codegen::Upstream
    }
}

//! The largest image and the longest trace.

/// The largest image with [`LayoutPolicy::CPython`](crate::LayoutPolicy::CPython), and the largest code or data
/// of one stencil, in bytes. It is below 1 MiB so that AArch64's conditional branches reach all of an image
/// (`PY_MAX_JIT_CODE_SIZE` in CPython's `Include/internal/pycore_jit.h`).
pub const MAX_SIZE: usize = (1 << 20) - 1;

/// The largest image for AArch64 in bytes: branches reach 128 MiB.
pub(crate) const LARGE_BRANCHES: usize = (1 << 27) - 1;

/// The largest image for x86 in bytes: displacements reach 2 GiB.
pub(crate) const LARGE_DISPLACEMENTS: usize = (1 << 31) - 1;

/// The longest trace of [`Uop`](crate::Uop)s: jump targets have 16 bits.
pub(crate) const MAX_UOPS: usize = u16::MAX as usize;

/// The longest trace of [`Instruction`](crate::Instruction)s: targets have 32 bits.
pub(crate) const MAX_INSTRUCTIONS: usize = u32::MAX as usize;

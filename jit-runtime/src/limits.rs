//! The largest image and the longest trace.

/// The largest image, in bytes. It is below 1 MiB so that AArch64's conditional branches reach all of
/// it (`PY_MAX_JIT_CODE_SIZE` in CPython's `Include/internal/pycore_jit.h`).
pub const MAX_SIZE: usize = (1 << 20) - 1;

/// The longest trace, in micro-ops: jump targets have 16 bits.
pub(crate) const MAX_LENGTH: usize = u16::MAX as usize;

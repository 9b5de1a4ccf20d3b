//! How the work is divided between processes of clang.

use jit_llvm::Mode;

/// The least sources for one process. Starting it takes about as long as compiling three micro-ops.
pub(super) const LEAST: usize = 24;
/// The most sources for one process: each micro-op takes memory.
const MOST: usize = 256;

/// Splits the work into batches of [`LEAST`] to [`MOST`]. The last ones are smaller, so that no core waits long for
/// another.
pub(super) fn batches<T>(all: &[T], mode: Mode) -> Vec<&[T]> {
    if mode == Mode::Driver {
        return all.chunks(1).collect();
    }
    let threads = rayon::current_num_threads().max(1);
    let mut batches = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let size = rest.len().div_ceil(2 * threads).clamp(LEAST, MOST);
        let (batch, others) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        batches.push(batch);
        rest = others;
    }
    batches
}

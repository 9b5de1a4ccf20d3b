//! How the work is divided between processes of clang.

use jit_llvm::Mode;

/// The least sources for one process. Starting it takes about as long as compiling three micro-ops.
pub(super) const LEAST: usize = 24;
/// The most sources for one process: each micro-op takes memory.
const MOST: usize = 256;

/// Splits the work into batches of [`LEAST`] to [`MOST`]. The last ones are smaller, so that no core waits long for
/// another.
pub(super) fn batches<T>(all: Vec<T>, mode: Mode) -> Vec<Vec<T>> {
    let threads = rayon::current_num_threads().max(1);
    let mut batches = Vec::new();
    let mut rest = all.into_iter();
    while rest.len() > 0 {
        let size = match mode {
            Mode::Driver => 1,
            _ => rest.len().div_ceil(2 * threads).clamp(LEAST, MOST),
        };
        batches.push(rest.by_ref().take(size).collect());
    }
    batches
}

/// Splits the work into batches that are translated as one file each: the fewer there are, the less often are the functions
/// of headers translated.
pub(super) fn joined_batches<T>(all: Vec<T>) -> Vec<Vec<T>> {
    let threads = rayon::current_num_threads().max(1);
    let needed = all.len().div_ceil(MOST).next_multiple_of(threads);
    let size = all.len().div_ceil(needed.max(1)).max(LEAST);
    let mut batches = Vec::new();
    let mut rest = all.into_iter();
    while rest.len() > 0 {
        batches.push(rest.by_ref().take(size).collect());
    }
    batches
}

/// Returns how many sources, of so many, are worth being assembled by a process of their own. Starting the assembler and
/// llvm-objdump takes as long as assembling fifty, but no core should wait long for the last process.
pub(super) fn enough_to_assemble(all: usize) -> usize {
    let threads = rayon::current_num_threads().max(1);
    all.div_ceil(3 * threads).clamp(LEAST, MOST)
}

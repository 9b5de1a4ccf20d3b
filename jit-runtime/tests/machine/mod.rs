//! Machine code without stencils: a function that returns a number.

use jit_runtime::memory::Executable;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns the machine code of `return value;`, encoded by hand from the processor's manual.
pub(crate) fn code(value: u32) -> Vec<u8> {
    let words = |words: [u32; 4]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let (low, high) = (value & 0xffff, value >> 16);
    if cfg!(target_arch = "aarch64") {
        // movz w0, low; movk w0, high, lsl 16; ret; nop
        words([
            0x5280_0000 | low << 5,
            0x72a0_0000 | high << 5,
            0xd65f_03c0,
            0xd503_201f,
        ])
    } else {
        // mov eax, value; ret; int3...
        let mut code = vec![0xb8];
        code.extend(value.to_le_bytes());
        code.push(0xc3);
        code.resize(16, 0xcc);
        code
    }
}

/// Runs a block that starts with the result of [`code`].
pub(crate) fn call(code: &Executable) -> u32 {
    // SAFETY: the block starts with a function of this type, and the call ends before `code` can be dropped.
    unsafe { code.entry::<extern "C" fn() -> u32>(0) }.unwrap()()
}

/// Sets a flag for other threads when this thread is done or panics, so that a scope that waits for them ends.
#[allow(dead_code, reason = "not every test has other threads")]
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

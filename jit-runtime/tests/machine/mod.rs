//! Machine code that needs no stencils: a function that returns a number.

use jit_runtime::memory::Executable;
use std::sync::atomic::{AtomicBool, Ordering};

/// `return value;`, as the processor's manual has it.
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

/// Runs a block that begins with [`code`].
pub(crate) fn call(code: &Executable) -> u32 {
    // SAFETY: `code` wrote a function of this type there, and it is over before `code` can be dropped.
    unsafe { code.entry::<extern "C" fn() -> u32>(0) }.unwrap()()
}

/// Tells other threads to stop when this one is done, or has panicked: a scope waits for them.
#[allow(dead_code, reason = "not every test has other threads")]
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

//! Flushing instruction caches: processors may have fetched or decoded what was in memory before.

/// Ensures that all threads execute the `len` bytes of new code at `start`.
///
/// x86 keeps instruction caches coherent with stores by physical address, so that nothing has to be done, even for code
/// that was written through another mapping. Elsewhere the caches are cleaned and invalidated by address. On AArch64
/// Linux, `membarrier` empties the pipelines of the other cores, if the kernel has it (since 4.16).
///
/// # Safety
///
/// The bytes are mapped, and readable.
pub(super) unsafe fn flush(start: *const u8, len: usize) {
    // SAFETY: as the caller promises.
    unsafe { imp::flush(start, len) }
}

#[cfg(windows)]
mod imp {
    use windows_sys::Win32::System::Diagnostics::Debug::FlushInstructionCache;
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    pub(super) unsafe fn flush(start: *const u8, len: usize) {
        // SAFETY: the function only reads its arguments. It cannot fail for this process and mapped memory, and on x86,
        // the only place where it could be left out, it does next to nothing.
        unsafe { FlushInstructionCache(GetCurrentProcess(), start.cast(), len) };
    }
}

#[cfg(all(target_vendor = "apple", target_arch = "aarch64"))]
mod imp {
    unsafe extern "C" {
        fn sys_icache_invalidate(start: *mut core::ffi::c_void, len: usize);
    }

    pub(super) unsafe fn flush(start: *const u8, len: usize) {
        // SAFETY: libSystem's function cleans and invalidates by address, and writes nothing.
        unsafe { sys_icache_invalidate(start.cast_mut().cast(), len) }
    }
}

#[cfg(all(not(windows), not(target_vendor = "apple"), target_arch = "aarch64"))]
mod imp {
    use core::arch::asm;

    pub(super) unsafe fn flush(start: *const u8, len: usize) {
        let begin = start.addr();
        let end = begin + len;
        let cache_type: usize;
        // SAFETY: CTR_EL0 may be read by programs (the kernel traps it where cores differ).
        unsafe {
            asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack, preserves_flags))
        };
        let data_line = 4usize << ((cache_type >> 16) & 15);
        let code_line = 4usize << (cache_type & 15);
        // IDC: data need not be cleaned for instruction fetches to see them.
        if cache_type & (1 << 28) == 0 {
            for line in (begin & !(data_line - 1)..end).step_by(data_line) {
                // SAFETY: cleaning a line of readable memory changes no bytes.
                unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
            }
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
        // DIC: instruction caches need not be invalidated.
        if cache_type & (1 << 29) == 0 {
            for line in (begin & !(code_line - 1)..end).step_by(code_line) {
                // SAFETY: invalidating a line of the instruction cache changes no bytes.
                unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
            }
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        other_cores();
        // SAFETY: a barrier.
        unsafe { asm!("isb", options(nostack, preserves_flags)) };
    }

    /// Makes every core that runs a thread of this process execute an `isb`: it may have decoded what was here before.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn other_cores() {
        use rustix::thread::{MembarrierCommand, membarrier};
        if membarrier(MembarrierCommand::PrivateExpeditedSyncCore) == Err(rustix::io::Errno::PERM) {
            // Not registered yet, which is needed once per process and after exec. There is no other way on kernels
            // without it.
            let _ = membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore)
                .and_then(|()| membarrier(MembarrierCommand::PrivateExpeditedSyncCore));
        }
    }
}

#[cfg(all(not(windows), not(target_arch = "aarch64")))]
mod imp {
    /// Does nothing, for x86 and for processors for which [`SUPPORTED`](super::SUPPORTED) is false.
    pub(super) unsafe fn flush(_start: *const u8, _len: usize) {}
}

/// Whether [`flush`] does what this processor needs.
pub(super) const SUPPORTED: bool = cfg!(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "aarch64"
));

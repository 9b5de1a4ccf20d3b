//! Memory in which processors let indirect branches arrive at landing pads only.

use rustix::mm::{MprotectFlags, ProtFlags};

/// Returns whether this system has such memory: AArch64 Linux, if the processor has branch target identification.
pub(in super::super) fn can_check_landing_pads() -> bool {
    #[cfg(all(
        target_arch = "aarch64",
        any(target_os = "linux", target_os = "android")
    ))]
    {
        // HWCAP2_BTI in the kernel's asm/hwcap.h.
        const BTI: usize = 1 << 17;
        rustix::param::linux_hwcap().1 & BTI != 0
    }
    #[cfg(not(all(
        target_arch = "aarch64",
        any(target_os = "linux", target_os = "android")
    )))]
    false
}

/// Returns the protection of executable memory for mmap.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn mapped(landing_pads: bool) -> ProtFlags {
    let flags = ProtFlags::READ | ProtFlags::EXEC;
    match landing_pads && can_check_landing_pads() {
        true => flags | ProtFlags::from_bits_retain(PROT_BTI),
        false => flags,
    }
}

/// Returns the protection of executable memory for mprotect.
pub(super) fn protected(landing_pads: bool) -> MprotectFlags {
    let flags = MprotectFlags::READ | MprotectFlags::EXEC;
    match landing_pads && can_check_landing_pads() {
        true => flags | MprotectFlags::from_bits_retain(PROT_BTI),
        false => flags,
    }
}

/// `PROT_BTI` in the kernel's asm/mman.h, which only AArch64 has.
const PROT_BTI: u32 = 0x10;

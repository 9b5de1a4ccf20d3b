//! What differs between systems. Each has the same functions and one type:
//!
//! - `map`, `make_executable`, `unmap`: pages that are writable, then executable;
//! - `Chunk`: memory that is executable from the start, and is not written through that mapping;
//! - `can_check_landing_pads`: whether memory can be such that indirect branches arrive at landing pads only;
//! - `page_size`.

#[cfg(unix)]
mod landing_pads;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use landing_pads::can_check_landing_pads;
#[cfg(unix)]
pub(super) use unix::{make_executable, map, page_size, unmap};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod maps;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod signal;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::Chunk;

#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
mod macos;
#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
pub(super) use macos::Chunk;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::{Chunk, can_check_landing_pads, make_executable, map, page_size, unmap};

mod none;
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    windows,
    all(target_os = "macos", target_arch = "aarch64")
)))]
pub(super) use none::Chunk;
#[cfg(not(any(unix, windows)))]
pub(super) use none::{can_check_landing_pads, make_executable, map, page_size, unmap};

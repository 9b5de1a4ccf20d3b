//! Writing to files whose size the system limits. A limit (`RLIMIT_FSIZE`, `ulimit -f`) applies to memfd files as well, and
//! can be lowered at any time; by default, exceeding it kills the process with SIGXFSZ.
//!
//! The limit is not asked for: another thread could lower it right after, and `prlimit64` can be refused.

use core::ffi::{c_int, c_void};
use std::io;
use std::ptr::null_mut;

// These are the numbers of x86 and ARM.
const SIGXFSZ: c_int = 25;
const SIG_BLOCK: c_int = 0;
const SIG_SETMASK: c_int = 2;

/// A `sigset_t`: 128 bytes in glibc and musl, fewer in Bionic.
#[repr(C, align(8))]
struct Set([u8; 128]);

/// A `timespec`, of 8 or 16 bytes.
#[repr(C, align(8))]
struct Time([u8; 16]);

unsafe extern "C" {
    fn sigemptyset(set: *mut Set) -> c_int;
    fn sigaddset(set: *mut Set, signal: c_int) -> c_int;
    fn sigismember(set: *const Set, signal: c_int) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const Set, old: *mut Set) -> c_int;
    fn sigtimedwait(set: *const Set, info: *mut c_void, timeout: *const Time) -> c_int;
}

/// Does something that may exceed the limit, so that it fails with `EFBIG` and this thread gets no SIGXFSZ.
///
/// # Errors
///
/// The error of `write`, or that of a system that does not let the signal be blocked; then nothing is written.
pub(super) fn within_limit<T>(write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let (mut signal, mut before) = (Set([0; 128]), Set([0; 128]));
    // SAFETY: the sets are large enough for any C library, and alive during the calls.
    let error = unsafe {
        sigemptyset(&raw mut signal);
        sigaddset(&raw mut signal, SIGXFSZ);
        pthread_sigmask(SIG_BLOCK, &raw const signal, &raw mut before)
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    let result = write();
    let exceeded = matches!(&result, Err(error) if error.kind() == io::ErrorKind::FileTooLarge);
    // SAFETY: as above; `before` has been set.
    unsafe {
        // A thread that had blocked the signal before keeps it. If the signal cannot be taken, it stays blocked.
        if !exceeded || sigismember(&raw const before, SIGXFSZ) == 1 || take(&signal) {
            pthread_sigmask(SIG_SETMASK, &raw const before, null_mut());
        }
    }
    result
}

/// Takes a blocked signal that this thread has got, if it has. Returns whether it is not pending any more.
fn take(signal: &Set) -> bool {
    let now = Time([0; 16]);
    loop {
        // SAFETY: both are alive during the call. Zero bytes are a time of zero, so that nothing waits.
        if unsafe { sigtimedwait(signal, null_mut(), &raw const now) } > 0 {
            return true;
        }
        match io::Error::last_os_error().kind() {
            io::ErrorKind::Interrupted => {}
            // Nothing is pending: the process ignores the signal.
            kind => return kind == io::ErrorKind::WouldBlock,
        }
    }
}

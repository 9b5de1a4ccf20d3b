//! Noticing forks. A chunk of Linux is a file that parent and child share, so neither may change any of it once there
//! are two: each may still be running code that the other has dropped.
//!
//! So each fork begins a new generation, in the parent as in the child, and chunks of older ones only lose traces.
//! Chunks of the other systems are private, or there is no fork.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use core::ffi::c_int;
    use std::sync::Once;
    use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

    static GENERATION: AtomicU64 = AtomicU64::new(0);
    /// Threads that are inside fork.
    static FORKING: AtomicU32 = AtomicU32::new(0);

    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> c_int;
    }

    extern "C" fn prepare() {
        FORKING.fetch_add(1, SeqCst);
        GENERATION.fetch_add(1, SeqCst);
    }

    extern "C" fn parent() {
        GENERATION.fetch_add(1, SeqCst);
        FORKING.fetch_sub(1, SeqCst);
    }

    extern "C" fn child() {
        GENERATION.fetch_add(1, SeqCst);
        // The threads that were in the middle of it do not exist here.
        FORKING.store(0, SeqCst);
    }

    pub(crate) fn watch() {
        static WATCHING: Once = Once::new();
        WATCHING.call_once(|| {
            // SAFETY: the handlers only touch atomics, which is fine wherever they are called. It can fail for want of
            // a few bytes, which is not worth an error here.
            unsafe { pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        });
    }

    pub(crate) fn generation() -> Option<u64> {
        let generation = GENERATION.load(SeqCst);
        // The second look makes both answers true at one moment.
        (FORKING.load(SeqCst) == 0 && GENERATION.load(SeqCst) == generation).then_some(generation)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    pub(crate) fn generation() -> Option<u64> {
        Some(0)
    }
}

/// Begins to notice forks; needed before the first chunk.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use imp::watch;

/// The current generation, or nothing while some thread is inside fork: then no chunk may be used for new code.
pub(super) use imp::generation;

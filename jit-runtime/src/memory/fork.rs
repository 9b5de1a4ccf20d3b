//! Notices forks. A chunk of Linux is a file that parent and child share, so that neither may change it after a fork: each
//! may still be running code that the other has dropped.
//!
//! Each fork therefore begins a new generation, in the parent and in the child, and chunks of older generations get no
//! new traces. The chunks of other systems are private, or there is no fork.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use core::ffi::c_int;
    use std::sync::Once;
    use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

    static GENERATION: AtomicU64 = AtomicU64::new(0);
    /// The number of threads that are inside fork.
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
            // SAFETY: the handlers only access atomics, which is sound wherever they are called. The call can only fail
            // for lack of a few bytes of memory, which is not worth an error.
            unsafe { pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        });
    }

    pub(crate) fn generation() -> Option<u64> {
        let generation = GENERATION.load(SeqCst);
        // The second load ensures that both answers are true at one moment.
        (FORKING.load(SeqCst) == 0 && GENERATION.load(SeqCst) == generation).then_some(generation)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    pub(crate) fn generation() -> Option<u64> {
        Some(0)
    }
}

/// Begins to notice forks. This must be called before there is a chunk.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use imp::watch;

/// Returns the current generation, or none while a thread is inside fork: then no chunk may be used for new code.
pub(super) use imp::generation;

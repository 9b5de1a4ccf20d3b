//! Progress.

use std::sync::atomic::{AtomicUsize, Ordering};

use jit_schema::Target;

use crate::events::{Event, Listener};

/// Counts the micro-ops that are done.
pub(super) struct Meter<'a> {
    target: &'static Target,
    uops: usize,
    done: AtomicUsize,
    pub(super) listener: &'a Listener,
}

impl<'a> Meter<'a> {
    pub(super) fn new(target: &'static Target, uops: usize, listener: &'a Listener) -> Meter<'a> {
        Meter {
            target,
            uops,
            done: AtomicUsize::new(0),
            listener,
        }
    }

    /// Reports the number of micro-ops that were in the cache.
    pub(super) fn plan(&self, cached: usize) {
        let &Meter { target, uops, .. } = self;
        self.done.store(cached, Ordering::Relaxed);
        self.listener.tell(&Event::Planned {
            target,
            uops,
            cached,
        });
    }

    /// Reports that `more` micro-ops are done.
    pub(super) fn advance(&self, more: usize) {
        if more == 0 {
            return;
        }
        let &Meter { target, uops, .. } = self;
        self.listener.tell_with(|| Event::Progress {
            target,
            done: self.done.fetch_add(more, Ordering::Relaxed) + more,
            uops,
        });
    }
}

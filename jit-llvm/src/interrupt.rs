//! Stopping processes from another thread.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use shared_child::SharedChild;

/// Stops the running processes and lets no more start, as Ctrl-C should. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    state: Arc<InterruptState>,
}

#[derive(Debug, Default)]
struct InterruptState {
    tripped: AtomicBool,
    next: AtomicU64,
    running: Mutex<HashMap<u64, Arc<SharedChild>>>,
}

impl Interrupt {
    /// Kills all running processes, and makes all later ones fail with
    /// [`LlvmError::Interrupted`](crate::LlvmError::Interrupted). May be called from any thread, and
    /// more than once.
    pub fn trip(&self) {
        self.state.tripped.store(true, Ordering::SeqCst);
        for child in self.running().values() {
            // It may have ended by itself in the meantime, which is as good.
            let _ = child.kill();
        }
    }

    /// Whether [`Interrupt::trip`] was called.
    pub fn is_tripped(&self) -> bool {
        self.state.tripped.load(Ordering::SeqCst)
    }

    /// Adds a process, and returns a number for [`Interrupt::forget`].
    pub(crate) fn register(&self, child: Arc<SharedChild>) -> u64 {
        let id = self.state.next.fetch_add(1, Ordering::Relaxed);
        let mut running = self.running();
        if self.is_tripped() {
            let _ = child.kill();
        }
        running.insert(id, child);
        id
    }

    /// Removes a process that has ended.
    pub(crate) fn forget(&self, id: u64) {
        self.running().remove(&id);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Arc<SharedChild>>> {
        self.state
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

//! Stopping processes: from another thread, or because one of them does not end.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{error::LlvmError, process::Process};

/// Stops the running processes and lets no more start, as Ctrl-C should. Clones share one state.
///
/// It also limits how long each process may take: a process that hangs is killed, and is an error
/// ([`LlvmError::TimedOut`]).
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    state: Arc<InterruptState>,
    watch: Arc<Watch>,
}

#[derive(Debug, Default)]
struct InterruptState {
    tripped: AtomicBool,
    next: AtomicU64,
    running: Mutex<HashMap<u64, Arc<Process>>>,
}

/// The limit of the processes of one build, and the error about the first that did not keep it.
#[derive(Debug)]
struct Watch {
    limit: Option<Duration>,
    failure: OnceLock<LlvmError>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            limit: Some(Interrupt::TOOL_TIMEOUT),
            failure: OnceLock::new(),
        }
    }
}

impl Interrupt {
    /// How long a process may take, unless [`Interrupt::with_tool_timeout`] sets another limit.
    pub const TOOL_TIMEOUT: Duration = Duration::from_secs(10 * 60);

    /// Returns an interrupt that [`Interrupt::trip`] of this one trips, too, with another limit for
    /// each process, or with none. Once a process has exceeded it, no others start with this interrupt
    /// or its clones, and those that run are killed.
    #[must_use]
    pub fn with_tool_timeout(&self, limit: Option<Duration>) -> Interrupt {
        Interrupt {
            state: Arc::clone(&self.state),
            watch: Arc::new(Watch {
                limit,
                failure: OnceLock::new(),
            }),
        }
    }

    /// Kills all running processes and what they have started, and makes all later ones fail with
    /// [`LlvmError::Interrupted`]. May be called from any thread, and more than once.
    ///
    /// On Windows, what the processes have started goes on.
    pub fn trip(&self) {
        self.state.tripped.store(true, Ordering::SeqCst);
        for process in self.running().values() {
            process.kill();
        }
    }

    /// Whether [`Interrupt::trip`] was called.
    pub fn is_tripped(&self) -> bool {
        self.state.tripped.load(Ordering::SeqCst)
    }

    /// Returns the time that each process may take.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.watch.limit
    }

    /// Returns the error that ends everything, if there is one.
    pub(crate) fn check(&self) -> Result<(), LlvmError> {
        if self.is_tripped() {
            return Err(LlvmError::Interrupted);
        }
        match self.watch.failure.get() {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// Ends everything because of a process that hangs. Returns the error to report.
    pub(crate) fn give_up(&self, failure: LlvmError) -> LlvmError {
        if self.is_tripped() {
            return LlvmError::Interrupted;
        }
        self.watch.failure.get_or_init(|| failure).clone()
    }

    /// Adds a process, and returns a number for [`Interrupt::forget`].
    pub(crate) fn register(&self, process: Arc<Process>) -> u64 {
        let id = self.state.next.fetch_add(1, Ordering::Relaxed);
        let mut running = self.running();
        if self.is_tripped() {
            process.kill();
        }
        running.insert(id, process);
        id
    }

    /// Removes a process, before its status is asked for.
    pub(crate) fn forget(&self, id: u64) {
        self.running().remove(&id);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Arc<Process>>> {
        self.state
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

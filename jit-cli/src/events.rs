//! The events of a build.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jit_schema::Target;

use crate::statistics::Statistics;

/// Something that happened during a build. [`Build::on_event`](crate::Build::on_event) sets the function that
/// gets events, one at a time and in their order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The project was found.
    Project {
        /// The kind of project and its location, in one line.
        description: &'a str,
    },
    /// The build goes on, but may not give what the user expects: a CPython checkout is of another release
    /// than those that are known, or a flag for clang has no effect on stencils.
    Remark {
        /// The remark, in one line.
        text: &'a str,
    },
    /// A target was started.
    Started {
        /// The target.
        target: &'static Target,
        /// A notice of the project about all targets that are built, in several lines. The first one that is started has it.
        notice: Option<&'a str>,
    },
    /// A target's files are up to date, so it is not built.
    Current {
        /// The target.
        target: &'static Target,
    },
    /// The functions of a project use these functions and variables, which are not among its holes, so the host has to
    /// define them.
    HostSymbols {
        /// The target.
        target: &'static Target,
        /// Their names, as the sources have them.
        symbols: &'a [String],
    },
    /// A target's micro-ops are about to be compiled.
    Compiling {
        /// The target.
        target: &'static Target,
    },
    /// The number of micro-ops to compile is known.
    Planned {
        /// The target.
        target: &'static Target,
        /// The number of micro-ops.
        uops: usize,
        /// How many of them were in the cache.
        cached: usize,
    },
    /// clang compiled some micro-ops with warnings.
    Warning {
        /// The target.
        target: &'static Target,
        /// The text that clang printed.
        text: &'a str,
    },
    /// Some more micro-ops are done.
    Progress {
        /// The target.
        target: &'static Target,
        /// How many are done, those from the cache included.
        done: usize,
        /// The number of micro-ops.
        uops: usize,
    },
    /// What the cache gave was compiled again and is the same, as [`Build::verify_cache`](crate::Build::verify_cache)
    /// asks for.
    Verified {
        /// The target.
        target: &'static Target,
        /// The number of results that were compared.
        same: usize,
        /// The number of those that could not be, because they do not follow from known inputs any more.
        unknown: usize,
    },
    /// A target is done, and its files are written unless the build is in memory.
    Built {
        /// The target.
        target: &'static Target,
        /// Sizes and times.
        statistics: &'a Statistics,
        /// The names of its files.
        files: &'a [&'a str],
    },
    /// All targets are done. This is the last event of a build that succeeds.
    Finished {
        /// The time that the build took.
        elapsed: Duration,
    },
}

/// The receiver of events.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Mutex<Function>>>);

type Function = dyn FnMut(&Event<'_>) + Send;

impl Listener {
    /// Returns a listener that calls this function.
    pub(crate) fn new(function: impl FnMut(&Event<'_>) + Send + 'static) -> Listener {
        Listener(Some(Arc::new(Mutex::new(function))))
    }

    /// Passes on an event.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.tell_with(|| event.clone());
    }

    /// Passes on an event that is made while no other event is passed on, so that counts are in order.
    pub(crate) fn tell_with<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if let Some(function) = &self.0 {
            let mut function = function.lock().unwrap_or_else(PoisonError::into_inner);
            (*function)(&event());
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}

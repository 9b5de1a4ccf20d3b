//! What happens during a build, as values.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use jit_schema::Target;

use crate::statistics::Statistics;

/// Something that happened during a build. [`Build::on_event`](crate::Build::on_event) passes these to
/// a function of the caller's, one at a time and in their order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The project was found.
    Project {
        /// One line that says what it is and where.
        description: &'a str,
    },
    /// The build goes on, but may not give what the user expects: a CPython checkout is of another release
    /// than those that are known, or a flag for clang has no effect on stencils.
    Remark {
        /// What the user should know, in one line.
        text: &'a str,
    },
    /// A target's turn has come.
    Started {
        /// The target.
        target: &'static Target,
        /// What the project has to say about it, in several lines.
        notice: Option<&'a str>,
    },
    /// A target's files are up to date, so that nothing is built.
    Current {
        /// The target.
        target: &'static Target,
    },
    /// A target's micro-ops are about to be compiled.
    Compiling {
        /// The target.
        target: &'static Target,
    },
    /// How much there is to do is known.
    Planned {
        /// The target.
        target: &'static Target,
        /// The number of micro-ops.
        uops: usize,
        /// How many of them were in the cache.
        cached: usize,
    },
    /// clang compiled some micro-ops and has something to say about them.
    Warning {
        /// The target.
        target: &'static Target,
        /// What clang prints.
        text: &'a str,
    },
    /// More micro-ops are done.
    Progress {
        /// The target.
        target: &'static Target,
        /// How many are done, those from the cache included.
        done: usize,
        /// The number of micro-ops.
        uops: usize,
    },
    /// A target is done; its files, if they are written, are in their place.
    Built {
        /// The target.
        target: &'static Target,
        /// Sizes and times.
        statistics: &'a Statistics,
        /// The names of its files.
        files: &'a [&'a str],
    },
}

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Mutex<Function>>>);

type Function = dyn FnMut(&Event<'_>) + Send;

impl Listener {
    /// Tells this function.
    pub(crate) fn new(function: impl FnMut(&Event<'_>) + Send + 'static) -> Listener {
        Listener(Some(Arc::new(Mutex::new(function))))
    }

    /// Passes on an event.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.tell_with(|| event.clone());
    }

    /// Passes on an event that is made while no other is told, so that counts come in order.
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

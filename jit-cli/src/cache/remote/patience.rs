//! How long a build puts up with its shared cache.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What a build may lose to a shared cache that gives nothing.
const PATIENCE: Duration = Duration::from_secs(3);
/// How much longer a build may wait for each entry that was transferred: about what compiling a micro-op takes.
const WORTH: Duration = Duration::from_millis(20);
/// How many requests may fail before the shared cache is left alone.
const FAILURES: u32 = 5;

/// What has happened in a build.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How long the build has waited.
    waited: Duration,
    /// How many entries were transferred.
    transferred: u32,
    failures: u32,
    /// Whether no more requests are made.
    is_over: bool,
    complained: bool,
}

impl Patience {
    /// Returns how much longer the build waits if it has been waiting for so long now. There is no time left once the
    /// shared cache is left alone.
    pub(crate) fn left(&self, waiting: Duration) -> Duration {
        let state = self.state();
        match state.is_over {
            true => Duration::ZERO,
            false => {
                let allowed = PATIENCE + WORTH * state.transferred;
                allowed.saturating_sub(state.waited + waiting)
            }
        }
    }

    /// Returns whether no more requests are made in this build.
    pub(crate) fn is_over(&self) -> bool {
        self.state().is_over
    }

    /// Adds time that the build has waited.
    pub(crate) fn wait(&self, time: Duration) {
        self.state().waited += time;
    }

    /// Notes that an entry was transferred.
    pub(crate) fn succeed(&self) {
        self.state().transferred += 1;
    }

    /// Notes that a request failed. After a few of them, no more are made.
    pub(crate) fn fail(&self, text: &str) {
        let is_over = {
            let mut state = self.state();
            state.failures += 1;
            state.is_over |= state.failures >= FAILURES;
            state.is_over
        };
        if is_over {
            tracing::debug!("the shared cache is not used any more in this build");
        }
        self.complain(text);
    }

    /// Gives up for the rest of the build.
    pub(crate) fn give_up(&self, text: &str) {
        self.state().is_over = true;
        self.complain(text);
    }

    /// Warns once in a build.
    fn complain(&self, text: &str) {
        let again = std::mem::replace(&mut self.state().complained, true);
        match again {
            true => tracing::debug!("shared cache: {text}"),
            false => tracing::warn!(
                "shared cache: {text}; the build goes on, and more warnings of this kind are left out"
            ),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_buys_time() {
        let patience = Patience::default();
        assert_eq!(patience.left(Duration::ZERO), PATIENCE);
        patience.wait(PATIENCE / 2);
        assert_eq!(patience.left(PATIENCE / 2), Duration::ZERO);
        for _ in 0..50 {
            patience.succeed();
        }
        assert_eq!(patience.left(PATIENCE / 2), Duration::from_secs(1));
    }

    #[test]
    fn a_few_failures_are_enough() {
        let patience = Patience::default();
        for _ in 1..FAILURES {
            patience.fail("no");
            assert!(!patience.is_over());
        }
        patience.fail("no");
        assert!(patience.is_over());
        assert_eq!(patience.left(Duration::ZERO), Duration::ZERO);
    }
}

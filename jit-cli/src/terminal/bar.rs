//! The progress of a target's build: a bar on a terminal, and a line every few seconds elsewhere.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use jit_schema::Target;

use super::console::print_line;

/// The progress of one target.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
    triple: &'static str,
    /// The time at which a line was last printed, if there is no bar.
    printed: Instant,
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The time between two lines, if there is no bar.
const INTERVAL: Duration = Duration::from_secs(5);

impl Bar {
    /// Returns a spinner, which becomes a bar when it is known how much there is to do. Nothing is shown if it is `hidden`.
    pub(crate) fn new(target: &'static Target, hidden: bool) -> Bar {
        let bar = match !hidden && io::stderr().is_terminal() {
            // The number of micro-ops is not known yet.
            true => ProgressBar::new_spinner().with_style(style(
                "{prefix:26} {spinner} finding out what to compile {elapsed}",
            )),
            false => ProgressBar::hidden(),
        };
        bar.set_prefix(target.triple);
        bar.enable_steady_tick(Duration::from_millis(100));
        Bar {
            bar,
            triple: target.triple,
            printed: Instant::now(),
        }
    }

    /// Sets the number of micro-ops, and how many of them were in the cache.
    pub(crate) fn plan(&mut self, uops: usize, cached: usize) {
        self.bar.set_length(uops as u64);
        self.bar.set_position(cached as u64);
        self.bar.set_message(match cached {
            0 => "micro-ops".to_owned(),
            _ => format!("micro-ops, {cached} cached"),
        });
        // The spinner shows none of these, so it becomes a bar when all are known.
        let template = "{prefix:26} {bar:30} {pos}/{len} {msg} {elapsed}";
        self.bar.set_style(style(template));
    }

    /// Shows the number of micro-ops that are done.
    pub(crate) fn advance(&mut self, done: usize, uops: usize) {
        self.bar.set_position(done as u64);
        if self.bar.is_hidden() && self.printed.elapsed() > INTERVAL {
            self.printed = Instant::now();
            print_line(&format!("{}: {done} of {uops} micro-ops", self.triple));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

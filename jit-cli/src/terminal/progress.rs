//! How far a target's build is.

use std::{
    io::{self, IsTerminal},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use jit_schema::Target;
use serde_json::json;

use crate::{commands::arguments::MessageFormat, terminal::console::say};

/// See the module.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    triple: &'static str,
    format: MessageFormat,
    /// When it was last said where there is no bar.
    said: Mutex<Instant>,
}

/// How often it is said where there is no bar.
const QUIET: Duration = Duration::from_secs(5);

impl Progress {
    /// Nothing is done.
    pub(crate) fn begin(target: &'static Target, format: MessageFormat) -> Progress {
        let bar = match format {
            MessageFormat::Human if io::stderr().is_terminal() => {
                let style = ProgressStyle::with_template(
                    "{prefix:26} {bar:30} {pos}/{len} {msg} {elapsed}",
                );
                let bar = ProgressBar::new(0);
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.enable_steady_tick(Duration::from_millis(100));
                bar
            }
            _ => ProgressBar::hidden(),
        };
        bar.set_prefix(target.triple);
        Progress {
            bar,
            triple: target.triple,
            format,
            said: Mutex::new(Instant::now()),
        }
    }

    /// It is known what there is to do.
    pub(crate) fn plan(&self, uops: usize, cached: usize) {
        self.bar.set_length(uops as u64);
        self.bar.set_position(cached as u64);
        self.bar.set_message(match cached {
            0 => "micro-ops".to_owned(),
            _ => format!("micro-ops, {cached} cached"),
        });
    }

    /// More micro-ops are done.
    pub(crate) fn advance(&self, uops: usize) {
        self.bar.inc(uops as u64);
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        if self.format == MessageFormat::Json {
            let (target, reason) = (self.triple, "progress");
            let event = json!({ "reason": reason, "target": target, "done": done, "uops": all });
            say(&event.to_string());
        } else if self.bar.is_hidden() {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.elapsed() > QUIET {
                *said = Instant::now();
                say(&format!("{}: {done} of {all} micro-ops", self.triple));
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

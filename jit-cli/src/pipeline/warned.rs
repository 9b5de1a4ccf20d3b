//! clang's warnings.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use jit_llvm::Diagnostics;
use jit_schema::Target;

use crate::events::{Event, Listener};

/// The micro-ops that clang has warned about.
#[derive(Debug)]
pub(crate) struct Warned<'a> {
    target: &'static Target,
    listener: &'a Listener,
    uops: Mutex<BTreeSet<String>>,
}

impl<'a> Warned<'a> {
    /// Returns an empty list that passes on warnings to a listener.
    pub(crate) fn new(target: &'static Target, listener: &'a Listener) -> Warned<'a> {
        Warned {
            target,
            listener,
            uops: Mutex::default(),
        }
    }

    /// Passes on warnings, and records which micro-ops they are about.
    pub(crate) fn report(&self, diagnostics: &Diagnostics) {
        tracing::warn!("clang warns:\n{}", diagnostics.text.trim_end());
        self.listener.tell(&Event::Warning {
            target: self.target,
            text: &diagnostics.text,
        });
        let mut uops = self.uops.lock().unwrap_or_else(PoisonError::into_inner);
        uops.extend(diagnostics.sources().map(str::to_owned));
    }

    /// Returns whether there was a warning about a micro-op. Its object is not stored, so that the next build
    /// warns again.
    pub(crate) fn contains(&self, uop: &str) -> bool {
        let uops = self.uops.lock().unwrap_or_else(PoisonError::into_inner);
        uops.contains(uop)
    }
}

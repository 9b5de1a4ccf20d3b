//! clang's warnings.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use jit_llvm::Diagnostics;
use jit_schema::Target;

use crate::{
    events::{Event, Listener},
    project::places::Places,
};

/// The micro-ops that clang has warned about.
#[derive(Debug)]
pub(crate) struct Warned<'a> {
    target: &'static Target,
    listener: &'a Listener,
    /// Where the sources come from, unless they are kept.
    places: Option<&'a Places>,
    uops: Mutex<BTreeSet<String>>,
    /// What was passed on. Variants of a file have the same warnings.
    told: Mutex<BTreeSet<String>>,
}

impl<'a> Warned<'a> {
    /// Returns an empty list that passes on warnings to a listener.
    pub(crate) fn new(
        target: &'static Target,
        listener: &'a Listener,
        places: Option<&'a Places>,
    ) -> Warned<'a> {
        Warned {
            target,
            listener,
            places,
            uops: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Passes on warnings, and records which micro-ops they are about.
    pub(crate) fn report(&self, diagnostics: &Diagnostics) {
        let text = match self.places {
            Some(places) => places.translate(&diagnostics.text),
            None => diagnostics.text.clone(),
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(text.clone()) {
            tracing::warn!("clang warns:\n{}", text.trim_end());
            self.listener.tell(&Event::Warning {
                target: self.target,
                text: &text,
            });
        }
        drop(told);
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

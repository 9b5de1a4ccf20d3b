//! clang's warnings.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use jit_llvm::Diagnostics;

/// The micro-ops that clang has warned about.
#[derive(Debug, Default)]
pub(crate) struct Warned {
    uops: Mutex<BTreeSet<String>>,
}

impl Warned {
    /// Prints warnings, and notes which micro-ops they are about.
    pub(crate) fn report(&self, diagnostics: &Diagnostics) {
        tracing::warn!("clang says:\n{}", diagnostics.text.trim_end());
        let mut uops = self.uops.lock().unwrap_or_else(PoisonError::into_inner);
        uops.extend(diagnostics.sources().map(str::to_owned));
    }

    /// Whether there was a warning about a micro-op. Its object is not stored, so that the next build
    /// warns again.
    pub(crate) fn contains(&self, uop: &str) -> bool {
        let uops = self.uops.lock().unwrap_or_else(PoisonError::into_inner);
        uops.contains(uop)
    }
}

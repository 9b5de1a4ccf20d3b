//! Programs without the feature `remote-cache` have no shared cache.

use jit_llvm::Interrupt;

use crate::cache::{key::Key, remote::settings::Settings};

/// There is none.
#[derive(Debug)]
pub(crate) enum Remote {}

impl Remote {
    /// Warns that the settings have no effect.
    pub(crate) fn open(_: Settings) -> Option<Remote> {
        tracing::warn!(
            "the shared cache is not used: this program was built without the feature remote-cache; to install \
             jit-cli with it, run `cargo install --path jit-cli --locked --features remote-cache` in a clone of its \
             repository"
        );
        None
    }

    pub(crate) fn fetch(&self, _: Vec<Key>, _: &Interrupt, _: impl FnMut(&Key, &[u8]) -> bool) {
        match *self {}
    }

    pub(crate) fn send(&self, _: &Key, _: Vec<u8>) {
        match *self {}
    }

    pub(crate) fn finish(&self, _: &Interrupt) {
        match *self {}
    }
}

//! How long things take.

use std::time::{Duration, Instant};

/// How long each stage took, added up over the threads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stages {
    /// Finding out what to do: keys, and what the cache has.
    pub(crate) lookup: Duration,
    /// Precompiling the preamble, and the shim.
    pub(crate) prepare: Duration,
    pub(crate) compile: Duration,
    pub(crate) optimize: Duration,
    pub(crate) assemble: Duration,
    /// From object files to stencils with numbers.
    pub(crate) stencils: Duration,
}

impl Stages {
    /// Add what another thread did.
    pub(crate) fn add(&mut self, other: &Stages) {
        self.lookup += other.lookup;
        self.prepare += other.prepare;
        self.compile += other.compile;
        self.optimize += other.optimize;
        self.assemble += other.assemble;
        self.stencils += other.stencils;
    }

    /// The stages in their order, with their names.
    pub(crate) fn named(&self) -> [(&'static str, Duration); 6] {
        [
            ("lookup", self.lookup),
            ("prepare", self.prepare),
            ("compile", self.compile),
            ("optimize", self.optimize),
            ("assemble", self.assemble),
            ("stencils", self.stencils),
        ]
    }
}

/// Do some work, and add the time it takes.
pub(crate) fn timed<T>(duration: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = work();
    *duration += started.elapsed();
    value
}

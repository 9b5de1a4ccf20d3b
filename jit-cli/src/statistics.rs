//! Sizes and times of a build.

use std::time::{Duration, Instant};

use jit_stencils::StencilSet;

/// Sizes and times of one target's build.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// The number of micro-ops.
    pub uops: usize,
    /// How many of them came from the cache.
    pub cached: usize,
    /// Bytes of code.
    pub code_bytes: usize,
    /// Bytes of constant data.
    pub data_bytes: usize,
    /// The number of holes.
    pub holes: usize,
    /// The time that each stage took.
    pub stages: StageTimes,
    /// The time from the start of the target until its files were written.
    pub elapsed: Duration,
}

impl Statistics {
    /// Returns the statistics of a set of stencils. `elapsed` is zero.
    pub(crate) fn of(set: &StencilSet, cached: usize, stages: StageTimes) -> Statistics {
        let sum = |size: fn(&jit_stencils::StencilGroup) -> usize| {
            set.groups.iter().map(|(_, group)| size(group)).sum()
        };
        Statistics {
            uops: set.groups.len(),
            cached,
            code_bytes: sum(|group| group.code.body.len()),
            data_bytes: sum(|group| group.data.body.len()),
            holes: sum(|group| group.code.holes.len() + group.data.holes.len()),
            stages,
            elapsed: Duration::ZERO,
        }
    }
}

/// The time that each stage of a build took, added up over all threads.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct StageTimes {
    /// Finding out what has to be compiled: computing keys and reading the cache.
    pub lookup: Duration,
    /// Precompiling the preamble.
    pub prepare: Duration,
    /// Compiling C to assembly.
    pub compile: Duration,
    /// Optimizing the assembly.
    pub optimize: Duration,
    /// Assembling to object files.
    pub assemble: Duration,
    /// Making stencils of object files.
    pub stencils: Duration,
}

impl StageTimes {
    /// Adds the times of another thread.
    pub(crate) fn add(&mut self, other: &StageTimes) {
        self.lookup += other.lookup;
        self.prepare += other.prepare;
        self.compile += other.compile;
        self.optimize += other.optimize;
        self.assemble += other.assemble;
        self.stencils += other.stencils;
    }

    /// Returns the stages in their order, with their names.
    pub fn named(&self) -> [(&'static str, Duration); 6] {
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

/// Runs `work` and adds the time that it takes to `duration`.
pub(crate) fn timed<T>(duration: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = work();
    *duration += started.elapsed();
    value
}

//! How long loading takes: for any file, a time in proportion to its size.

use std::time::Duration;

use jit_runtime::Stencils;

mod hostile;

use hostile::{KINDS, Kind};

/// The sizes of the files that are compared, in bytes.
const SIZES: [usize; 2] = [40_000, 320_000];
/// How many times as long as in the smaller file a byte of the larger one may take. Caches and the
/// allocator account for up to 3; a time that grows with the square would give 8.
const GROWTH: f64 = 4.0;
/// The nanoseconds that a byte may take at most, in a release build (docs/runtime.md has the figures) or in one that
/// is not optimized, with room for a slow or busy machine.
const MOST: f64 = if cfg!(debug_assertions) {
    2500.0
} else {
    200.0
};

/// Returns the processor time of this thread, which other programs do not add to.
#[cfg(unix)]
fn now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[cfg(not(unix))]
fn now() -> Duration {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Returns the nanoseconds that loading the file and dropping the result take for each of its bytes.
fn time(kind: &Kind, file: &[u8]) -> f64 {
    let start = now();
    let loaded = Stencils::load(file).map(drop);
    let elapsed = now() - start;
    assert_eq!(loaded.is_ok(), kind.valid, "{}: {loaded:?}", kind.name);
    elapsed.as_nanos() as f64 / file.len() as f64
}

/// A measurement that other programs disturb is repeated: the least times count.
#[test]
fn time_is_in_proportion_to_the_size() {
    for kind in &KINDS {
        let files = SIZES.map(kind.make);
        let mut least = [f64::MAX; 2];
        let mut tries = 0;
        let met = loop {
            for (least, file) in least.iter_mut().zip(&files) {
                *least = least.min(time(kind, file));
            }
            let [small, large] = least;
            tries += 1;
            let met = large <= MOST && large <= GROWTH * small;
            if (met && tries >= 2) || tries == 20 {
                break met;
            }
        };
        let [small, large] = least;
        let lengths = files.map(|file| file.len());
        println!(
            "{:52} {lengths:?} bytes: {small:.1}, {large:.1} ns a byte",
            kind.name
        );
        assert!(met, "{}: {small:.1} and {large:.1} ns a byte", kind.name);
    }
}

/// Prints what `docs/runtime.md` states. Run it in a release build.
#[test]
#[ignore = "it only measures"]
fn print_times() {
    for kind in &KINDS {
        let mut text = format!("{:52}", kind.name);
        for size in [100_000, 300_000, 1_300_000, 5_000_000] {
            let file = (kind.make)(size);
            let least = (0..5).map(|_| time(kind, &file)).fold(f64::MAX, f64::min);
            text += &format!(" {:>8} bytes: {least:5.1} ns", file.len());
        }
        println!("{text}");
    }
}

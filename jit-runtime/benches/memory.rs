//! Measures how long it takes to copy a finished image of 30,000 bytes (500 micro-ops of CPython's), or of 600 bytes, to
//! executable memory, and to drop it again: in nanoseconds per trace, without and with another thread that runs code. The
//! result is the fastest of 200 rounds of 50 traces, as other load on the machine only adds time.

use jit_runtime::memory::{Arena, ArenaOptions, Executable, MemoryError, Writable};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const ROUNDS: usize = 200;
const TRACES: u32 = 50;

fn image(len: usize) -> Vec<u8> {
    let mut image = vec![0; len];
    let ret: &[u8] = if cfg!(target_arch = "aarch64") {
        &[0xc0, 0x03, 0x5f, 0xd6]
    } else {
        &[0xc3]
    };
    image[..ret.len()].copy_from_slice(ret);
    image
}

fn run(code: &Executable) {
    // SAFETY: `image` begins with a return.
    unsafe { code.entry::<extern "C" fn()>(0) }.unwrap()();
}

fn measure(
    name: &str,
    image: &[u8],
    mut alloc: impl FnMut(usize) -> Result<Writable, MemoryError>,
) {
    let mut round = || {
        let start = Instant::now();
        for _ in 0..TRACES {
            let mut block = alloc(image.len()).unwrap();
            block.copy_from_slice(black_box(image));
            run(&black_box(block.publish().unwrap()));
        }
        start.elapsed().as_nanos() / u128::from(TRACES)
    };
    let best = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
    println!("{name:<40} {:>7} bytes {best:>8} ns", image.len());
}

fn all() {
    for len in [30_000, 600] {
        let image = image(len);
        let arena = Arena::new(ArenaOptions::default()).unwrap();
        measure("pages of its own (CPython's way)", &image, Writable::alloc);
        measure("arena", &image, |len| arena.alloc(len));
        // An arena with a thousand other traces, of which every second one has been dropped.
        let mut others: Vec<_> = (0..1000)
            .map(|n| {
                arena
                    .alloc(100 + n * 7919 % 1000)
                    .unwrap()
                    .publish()
                    .unwrap()
            })
            .collect();
        let mut keep = false;
        others.retain(|_| {
            keep = !keep;
            keep
        });
        measure("arena with holes", &image, |len| arena.alloc(len));
    }
}

fn main() {
    // `cargo test --all-targets` runs this program as well, without the flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    all();
    println!("with another thread running code:");
    let code = {
        let arena = Arena::new(ArenaOptions::default()).unwrap();
        let mut block = arena.alloc(16).unwrap();
        block.copy_from_slice(&image(16));
        block.publish().unwrap()
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                run(&code);
            }
        });
        all();
        stop.store(true, Ordering::Relaxed);
    });
}

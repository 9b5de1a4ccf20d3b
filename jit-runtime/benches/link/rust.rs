//! Measures jit-runtime.

use std::hint::black_box;
use std::time::Instant;

use jit_runtime::{
    LayoutPolicy, Linker, Stencils, Symbols, Uop,
    memory::{Arena, ArenaOptions, Writable},
};
use jit_stencils::StencilSet;

/// The address that images are linked for. Symbols are 256 MiB away, as those of a library may be.
pub(crate) const BASE: u64 = 0x7d00_0000_0000;
/// The address of the first symbol.
pub(crate) const SYMBOLS: u64 = BASE + (1 << 28);

const PAGE: usize = 4096;

/// The stencils, traces and symbols to measure with, and the memory for code.
pub(crate) struct Contest<'a> {
    stencils: &'a Stencils,
    bodies: Vec<(&'a [u8], &'a [u8])>,
    traces: &'a [Vec<Uop>],
    symbols: Symbols,
    arena: Arena,
}

/// Returns the address of a symbol. Symbols are 64 bytes apart, in the order of the stencils' symbols.
pub(crate) fn address(symbols: &[String], name: &str) -> Option<u64> {
    let index = symbols.iter().position(|symbol| symbol == name)?;
    Some(SYMBOLS + 64 * index as u64)
}

impl<'a> Contest<'a> {
    pub(crate) fn new(
        stencils: &'a Stencils,
        set: &'a StencilSet,
        traces: &'a [Vec<Uop>],
    ) -> Contest<'a> {
        let bodies = set.groups.iter();
        Contest {
            stencils,
            bodies: bodies
                .map(|(_, group)| (&*group.code.body, &*group.data.body))
                .collect(),
            traces,
            symbols: Symbols::new(stencils, |name| address(stencils.symbols(), name)),
            arena: Arena::new(ArenaOptions::default()).expect("an arena"),
        }
    }

    /// Measures everything once, and returns the nanoseconds per micro-op of each measurement.
    pub(crate) fn round(&self) -> Vec<(String, f64)> {
        let mut linker = Linker::new(self.stencils, LayoutPolicy::CPython { page_size: PAGE });
        let mut tight = Linker::new(self.stencils, LayoutPolicy::Tight);
        let mut out = vec![0; 1 << 21];
        let images: Vec<usize> = self
            .traces
            .iter()
            .map(|trace| linker.layout(trace).expect("a layout").size())
            .collect();
        let layouts: Vec<_> = self
            .traces
            .iter()
            .map(|trace| linker.layout(trace).expect("a layout"))
            .collect();
        let source = vec![1_u8; 1 << 20];
        vec![
            self.time("copy whole image", |index, _| {
                out[..images[index]].copy_from_slice(&source[..images[index]]);
                black_box(&mut out);
            }),
            self.time("copy per uop", |_, trace| {
                self.copy(trace, &mut out);
                black_box(&mut out);
            }),
            self.time("link", |index, _| {
                let out = &mut out[..images[index]];
                linker
                    .link(&layouts[index], BASE, &self.symbols, out)
                    .expect("an image");
                black_box(out);
            }),
            self.time("layout and link", |_, trace| {
                let layout = linker.layout(trace).expect("a layout");
                let out = &mut out[..layout.size()];
                linker
                    .link(&layout, BASE, &self.symbols, out)
                    .expect("an image");
                black_box(out);
            }),
            self.time("layout and link, tight", |_, trace| {
                let layout = tight.layout(trace).expect("a layout");
                let out = &mut out[..layout.size()];
                tight
                    .link(&layout, BASE, &self.symbols, out)
                    .expect("an image");
                black_box(out);
            }),
            self.time("compile into an arena", |_, trace| {
                let code = tight.compile(trace, &self.symbols, &self.arena);
                black_box(code.expect("code"));
            }),
            self.time("compile into own pages", |_, trace| {
                let layout = linker.layout(trace).expect("a layout");
                let mut memory = Writable::alloc(layout.size()).expect("memory");
                let base = memory.base();
                linker
                    .link(&layout, base, &self.symbols, &mut memory)
                    .expect("an image");
                black_box(memory.publish().expect("code"));
            }),
        ]
    }

    /// Does the least that any linker does: copies code and data to their places.
    fn copy(&self, trace: &[Uop], out: &mut [u8]) {
        let (mut code, mut data) = (0, 1 << 20);
        for uop in trace {
            let (code_body, data_body) = self.bodies[uop.opcode as usize];
            out[code..code + code_body.len()].copy_from_slice(code_body);
            code += code_body.len();
            out[data..data + data_body.len()].copy_from_slice(data_body);
            data += data_body.len();
        }
    }

    /// Runs all traces ten times, and returns the sum of each trace's median, per micro-op.
    fn time(&self, name: &str, mut way: impl FnMut(usize, &[Uop])) -> (String, f64) {
        let uops: usize = self.traces.iter().map(Vec::len).sum();
        let mut times = vec![Vec::new(); self.traces.len()];
        for _ in 0..10 {
            for (index, trace) in self.traces.iter().enumerate() {
                let start = Instant::now();
                way(index, trace);
                times[index].push(start.elapsed().as_nanos() as f64);
            }
        }
        let medians = times.iter_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        (name.to_owned(), medians.sum::<f64>() / uops as f64)
    }
}

/// Prints how much memory many short traces take in an arena and in pages of their own.
pub(crate) fn memory(stencils: &Stencils, traces: &[Vec<Uop>]) {
    let symbols = Symbols::new(stencils, |name| address(stencils.symbols(), name));
    let arena = Arena::new(ArenaOptions::default()).expect("an arena");
    let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
    let pages = Linker::new(stencils, LayoutPolicy::CPython { page_size: PAGE });
    let (mut contents, mut cpython) = (0, 0);
    let mut alive = Vec::new();
    for trace in traces {
        let layout = pages.layout(trace).expect("a layout");
        contents += layout.code_size() + layout.trampolines().len();
        contents += layout.data().len() + layout.got().len();
        cpython += layout.size();
        alive.push(linker.compile(trace, &symbols, &arena).expect("code"));
    }
    let stats = arena.stats();
    let kilobytes = |bytes: usize| bytes as f64 / 1024.0;
    let to = |bytes: usize| bytes as f64 / contents as f64;
    println!(
        "| {} traces of 20 uops | KiB | to their code and data |\n| --- | --- | --- |",
        alive.len()
    );
    println!("| code and data | {:.1} | 1.00 |", kilobytes(contents));
    println!(
        "| blocks in the arena | {:.1} | {:.2} |",
        kilobytes(stats.used),
        to(stats.used)
    );
    println!(
        "| memory of the arena | {:.1} | {:.2} |",
        kilobytes(stats.touched),
        to(stats.touched)
    );
    println!(
        "| pages of their own | {:.1} | {:.2} |",
        kilobytes(cpython),
        to(cpython)
    );
}

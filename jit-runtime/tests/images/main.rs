//! Compares whole images with those that C code links: the headers that CPython's tools generated from the same
//! objects, compiled by a C compiler (`CC`, or `cc`). The traces are random, consist of all micro-ops, and have
//! addresses and symbols at the limits of what patches can do. Where an assertion stops the C code, linking must
//! be an error.
//!
//! The C code around the headers is the example's `Python/jit.c`, or the file that
//! `JIT_IMAGES_HOST` names: CPython's own with a few lines around it, for example. That file must
//! define `vm_link` and `vm_stencil_size` as `Include/tinyvm_jit.h` has them. `JIT_IMAGES_ROUNDS`
//! sets the number of sets of symbols and addresses for each target.
//!
//! One difference from CPython is expected: the instructions of AArch64's trampolines
//! ([`with_own_trampolines`]).
//!
//! The tests run on x86_64 Linux only, because the C program maps memory at fixed addresses and defines symbols at
//! any address.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![forbid(unsafe_code)]

mod c_host;
mod general;
mod host;
mod host_input;
mod input;
mod random;
mod seen;
mod traces;

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use fixtures::generated::{Build, opnames, stencils_header};
use jit_runtime::{Instruction, Layout, LayoutPolicy, LinkError, Linker, Stencils, Symbols};
use jit_schema::{Arch, Target};
use jit_stencils::{PatchValue, StencilGroup, StencilSet, lower, resolve};

use host::{Header, Host, Outcome};
use random::Random;
use seen::{Seen, places};
use traces::{Job, Traces};

/// The number of sets of symbols and addresses, unless `JIT_IMAGES_ROUNDS` sets it.
const ROUNDS: usize = 16;
/// The number of traces for each of them.
const JOBS: usize = 60;

fn rounds() -> usize {
    match std::env::var("JIT_IMAGES_ROUNDS") {
        Ok(text) => text.parse().expect("JIT_IMAGES_ROUNDS is a number"),
        Err(_) => ROUNDS,
    }
}

/// Returns the example's stencils, made from the objects that the header was generated from.
fn example(target: &'static Target) -> StencilSet {
    let groups: Vec<_> = opnames(target.triple)
        .into_iter()
        .map(|opname| {
            let path = fixtures::inputs::object(target.triple, &opname);
            let object = jit_schema::native::read(&fixtures::golden::read_bytes(&path)).unwrap();
            (opname, lower(target, &object).unwrap())
        })
        .collect();
    let mut set = resolve(target, groups).unwrap();
    for (_, group) in &mut set.groups {
        address_literals_as_upstream(group);
    }
    set
}

/// Gives the addresses of literals the values that they have in the golden headers, which CPython's
/// tool wrote: `jit.c` links what is in the header.
fn address_literals_as_upstream(group: &mut StencilGroup) {
    for hole in &mut group.code.holes {
        if let (Some(shift), PatchValue::Address { addend, .. }) = (
            group.listing.literal_shifts.get(&hole.offset),
            &mut hole.value,
        ) {
            *addend = addend.wrapping_add(*shift);
        }
    }
}

fn check_example(triple: &str) {
    fixtures::needs!(c_compiler);
    let target = Target::from_triple(triple).unwrap();
    let set = example(target);
    let header = Header {
        path: &stencils_header(Build::Release, triple),
        target,
        prelude: None,
    };
    let seen = check(&set, &header);
    println!("{triple}: {seen}");
    if rounds() >= ROUNDS {
        seen.check_enough(&set);
    }
}

/// Compares the images with those of the linker in C that a header for hosts has.
#[test]
fn a_linker_in_a_header() {
    fixtures::needs!(c_compiler);
    for triple in fixtures::TRIPLES {
        c_host::check(&example(Target::from_triple(triple).unwrap()));
    }
}

/// Compares the images of many traces, and returns what they contained.
fn check(set: &StencilSet, header: &Header<'_>) -> Seen {
    let stencils = Stencils::new(set).unwrap();
    let numbered = Stencils::new(&general::numbered(set)).unwrap();
    let host = Host::compile(header);
    let traces = Traces::new(set);
    let mut seen = Seen::default();
    let bases = traces::bases(header.target.arch);
    for round in 0..rounds() {
        let mut random = Random::new(round as u64);
        let base = bases[round % bases.len()];
        let jobs: Vec<Job> = (0..JOBS).map(|_| traces.job(&mut random, base)).collect();
        let references = traces::references(set, &jobs);
        let addresses = traces::symbols(
            &mut random,
            header.target.arch,
            base,
            stencils.symbols(),
            &references,
        );
        let outcomes = host.images(&addresses, &jobs);
        for (index, (job, outcome)) in jobs.iter().zip(outcomes).enumerate() {
            let place = format!("{}, round {round}, trace {index}", header.target.triple);
            check_numbered(&numbered, &addresses, job, &outcome, &place);
            let stencils = (&stencils, set);
            check_job(stencils, &addresses, job, &outcome, &place, &mut seen);
        }
    }
    seen
}

fn check_job(
    (stencils, set): (&Stencils, &StencilSet),
    addresses: &HashMap<String, u64>,
    job: &Job,
    outcome: &Outcome,
    place: &str,
    seen: &mut Seen,
) {
    let page_size = job.page_size;
    let mut linker = Linker::new(stencils, LayoutPolicy::CPython { page_size });
    let layout = match linker.layout(&job.trace) {
        Ok(layout) => layout,
        Err(error) => {
            assert_eq!(*outcome, Outcome::Refused, "{place}: {error}");
            seen.refused += 1;
            return;
        }
    };
    let symbols = Symbols::new(stencils, |name| addresses.get(name).copied());
    let mut image = vec![0xaa; layout.size()];
    let linked = linker.link(&layout, job.base, &symbols, &mut image);
    match (linked, outcome) {
        (Ok(()), Outcome::Linked(expected)) => {
            let expected =
                with_own_trampolines(set.target.arch, layout.trampolines(), expected, place);
            if image != expected {
                panic!(
                    "{place}: {}",
                    difference(set, job, &layout, &image, &expected)
                );
            }
            seen.look(set, job, &layout, &image);
        }
        (Err(_), Outcome::Asserted) => {
            assert!(
                image.iter().all(|byte| *byte == 0xaa),
                "{place}: written to"
            );
            seen.asserted += 1;
        }
        (linked, outcome) => panic!(
            "{place}: {linked:?}, and in C {}",
            match outcome {
                Outcome::Linked(_) => "it was linked",
                Outcome::Refused => "it was too large",
                Outcome::Asserted => "an assertion failed",
                Outcome::Crashed => "it crashed",
            }
        ),
    }
}

/// Compares the image of the same trace as instructions with numbered values.
fn check_numbered(
    stencils: &Stencils,
    addresses: &HashMap<String, u64>,
    job: &Job,
    outcome: &Outcome,
    place: &str,
) {
    let page_size = job.page_size;
    let policy = LayoutPolicy::CPython { page_size };
    let symbols = Symbols::new(stencils, |name| addresses.get(name).copied());
    let linked = general::link(stencils, policy, &job.trace, job.base, &symbols);
    match (&linked, outcome) {
        (Ok(image), Outcome::Linked(expected)) => {
            let layout = Linker::new(stencils, policy);
            let bare: Vec<_> = job.trace.iter().map(|uop| bare(uop.opcode)).collect();
            let layout = layout.layout(&bare).unwrap();
            let arch = stencils.target().arch;
            let slots = layout.trampolines();
            let expected = with_own_trampolines(arch, slots, expected, place);
            assert!(*image == expected, "{place}: as instructions");
        }
        (Err(LinkError::TooBig { .. } | LinkError::TooLong { .. }), Outcome::Refused)
        | (Err(LinkError::OutOfRange { .. } | LinkError::Misaligned { .. }), Outcome::Asserted) => {
        }
        _ => panic!("{place}: as instructions, {linked:?}"),
    }
}

fn bare(opcode: u32) -> Instruction<'static> {
    Instruction {
        opcode,
        ..Instruction::default()
    }
}

/// The instructions of a trampoline on AArch64: ldr x16, .+8; br x16.
const TRAMPOLINE: [u8; 8] = [0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6];
/// CPython's trampoline: ldr x8, .+8; br x8. It destroys x8, in which a function gets the address for the structure
/// that it returns (<https://github.com/python/cpython/issues/157510>).
const CPYTHON_TRAMPOLINE: [u8; 8] = [0x48, 0, 0, 0x58, 0, 0x01, 0x1f, 0xd6];

/// Returns an image from C with CPython's instructions in AArch64's trampolines replaced by this project's. CPython's
/// are expected only if `JIT_IMAGES_HOST` names its `jit.c`. The addresses in trampolines stay.
fn with_own_trampolines(arch: Arch, slots: Range<usize>, image: &[u8], place: &str) -> Vec<u8> {
    let mut image = image.to_vec();
    if arch == Arch::Aarch64 {
        let theirs = match std::env::var_os("JIT_IMAGES_HOST") {
            Some(_) => &[CPYTHON_TRAMPOLINE, TRAMPOLINE][..],
            None => &[TRAMPOLINE],
        };
        for slot in image[slots].chunks_exact_mut(16) {
            if slot != [0; 16] {
                let (code, _address) = slot.split_first_chunk_mut().unwrap();
                assert!(theirs.contains(code), "{place}: trampoline {code:02x?}");
                *code = TRAMPOLINE;
            }
        }
    }
    image
}

/// Describes the first difference and its place.
fn difference(
    set: &StencilSet,
    job: &Job,
    layout: &Layout<'_>,
    image: &[u8],
    expected: &[u8],
) -> String {
    let base = job.base;
    if image.len() != expected.len() {
        return format!("{} bytes, and {} in C", image.len(), expected.len());
    }
    let Some(offset) = (0..image.len()).find(|at| image[*at] != expected[*at]) else {
        return "equal".to_owned();
    };
    let near = offset.saturating_sub(8)..(offset + 8).min(image.len());
    let what = if let Some(place) = places(set, job, layout).find(|place| place.contains(offset)) {
        let (name, _) = place.stencil;
        let (part, within) = place.within(offset);
        let uop = job.trace.get(place.index);
        format!(
            "{name} (uop {}) at {part}+{within:#x}: {uop:x?}",
            place.index
        )
    } else if layout.trampolines().contains(&offset) {
        format!("trampoline at {:#x}", offset - layout.trampolines().start)
    } else if layout.got().contains(&offset) {
        format!("GOT at {:#x}", offset - layout.got().start)
    } else {
        "padding".to_owned()
    };
    format!(
        "image at {base:#x}, offset {offset:#x}, {what}\n  bytes {near:#x?}\n  {:02x?}\n  {:02x?} in C",
        &image[near.clone()],
        &expected[near.clone()]
    )
}

/// Makes a test for each target.
macro_rules! targets {
    ($($name:ident = $triple:literal;)*) => {
        $(
            #[test]
            fn $name() {
                check_example($triple);
            }
        )*

        #[test]
        fn every_target_has_a_test() {
            assert_eq!([$($triple),*], fixtures::TRIPLES);
        }
    };
}

targets! {
    aarch64_darwin = "aarch64-apple-darwin";
    aarch64_windows = "aarch64-pc-windows-msvc";
    aarch64_linux = "aarch64-unknown-linux-gnu";
    i686_windows = "i686-pc-windows-msvc";
    x86_64_darwin = "x86_64-apple-darwin";
    x86_64_windows = "x86_64-pc-windows-msvc";
    x86_64_linux = "x86_64-unknown-linux-gnu";
}

/// Compares images of stencils and a header that are not the example's, such as CPython's.
#[test]
#[ignore = "needs JIT_IMAGES_STENCILS, a stencil file, and JIT_IMAGES_HEADER, the header of the same build"]
fn another_header() {
    let variable =
        |name| PathBuf::from(std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set")));
    let stencils = variable("JIT_IMAGES_STENCILS");
    let set = jit_stencils::file::decode(&fixtures::golden::read_bytes(&stencils)).unwrap();
    let header = Header {
        path: &variable("JIT_IMAGES_HEADER"),
        target: &set.target,
        prelude: Some(input::prelude(&set, Stencils::new(&set).unwrap().symbols())),
    };
    let seen = check(&set, &header);
    println!("{}: {seen}", set.target.triple);
    assert!(seen.linked > 0);
}

//! The linker in C that `jit_writer::host_header` writes makes the same images as this crate, and fails where
//! this crate does.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jit_runtime::{Element, Instruction, LayoutPolicy, LinkError, Linker, Stencils, Symbols, Uop};
use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::HoleValue as V;
use jit_stencils::{CodeEnd, GUARD, Interface, PatchKind, PatchValue, StencilSet};
use jit_writer::Preamble;

use crate::host_input::{General, start};
use crate::random::Random;
use crate::traces::{self, Job, Traces};

/// The number of traces for each target with `JIT_TEST_THOROUGH=1`, unless `JIT_HOST_TRACES` sets it. Without, a quarter of them:
/// a trace has dozens of micro-ops, of 71 that there are.
const TRACES: usize = 1_000;

fn count() -> usize {
    match std::env::var("JIT_HOST_TRACES") {
        Ok(text) => text.parse().expect("JIT_HOST_TRACES is a number"),
        Err(_) if fixtures::is_thorough() => TRACES,
        Err(_) => TRACES / 4,
    }
}

/// Compiles a program with the header of a set. The sanitizers stop it if it reads or writes what it must not.
fn program(directory: &Path, set: &StencilSet) -> PathBuf {
    let preamble = Preamble {
        digest: "a digest",
        comment: "",
    };
    let header = directory.join("host.h");
    let text = jit_writer::host_header(preamble, set).unwrap();
    std::fs::write(&header, text).unwrap();
    let program = directory.join("program");
    let compiler = fixtures::needs::c_compiler().unwrap();
    let output = Command::new(compiler)
        .args([
            "-std=c11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
        ])
        .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .arg(format!("-DJIT_HEADER={header:?}"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/c_host.c"))
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    program
}

/// Returns the names of the symbols in the order of the header.
fn symbols(program: &Path) -> Vec<String> {
    let output = Command::new(program).arg("symbols").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Makes an instruction one that the stencil may not fit.
fn spoil(instruction: &mut General, random: &mut Random) {
    match random.below(3) {
        0 => instruction.operands.truncate(random.below(4)),
        1 => instruction.targets.truncate(random.below(2)),
        _ => {
            let at = random.below(instruction.operands.len());
            instruction.operands[at] |= 1 << (12 + random.below(52));
        }
    }
}

/// Returns a set whose holes take the same values by numbers. Some of its data is aligned, and there is no
/// guard on some targets, where control may go on past the end of a stencil.
fn general(set: &StencilSet) -> StencilSet {
    let mut set = set.clone();
    for (_, group) in &mut set.groups {
        for hole in group.code.holes.iter_mut().chain(&mut group.data.holes) {
            if let PatchValue::Address { base, .. } | PatchValue::Scaled { base, .. } =
                &mut hole.value
            {
                *base = match *base {
                    V::Oparg | V::Oparg16 => V::Operand(0),
                    V::Operand0 | V::Operand0_16 | V::Operand0_32 => V::Operand(1),
                    V::Operand1 | V::Operand1_16 | V::Operand1_32 => V::Operand(2),
                    V::Operand0Hi => V::OperandHigh(1),
                    V::Operand0Lo => V::OperandLow(1),
                    V::Operand1Hi => V::OperandHigh(2),
                    V::Operand1Lo => V::OperandLow(2),
                    V::Target => V::Operand(3),
                    V::JumpTarget => V::Place(0),
                    V::ErrorTarget => V::Place(1),
                    other => other,
                };
            }
        }
        group.interface = Interface {
            operands: vec![16, 64, 64, 32],
            targets: 2,
        };
    }
    for (index, (_, group)) in set.groups.iter_mut().enumerate() {
        group.data_alignment = [8, 8, 16, 64][index % 4];
    }
    if set.target.format != ObjectFormat::Elf {
        for (name, _) in &mut set.groups {
            if name == GUARD {
                "no_guard".clone_into(name);
            }
        }
        set.groups[0].1.end = CodeEnd::FallsThrough;
    }
    set
}

/// Returns the status of the header that an error of this crate stands for.
/// Returns a set in which 64-bit numbers in code are multiples of them, in 32 bits. Some have a sign, and not all fit.
fn scaled(set: &StencilSet) -> StencilSet {
    let mut set = set.clone();
    let mut count = 0;
    for (_, group) in &mut set.groups {
        for hole in &mut group.code.holes {
            let PatchValue::Address {
                base, symbol: None, ..
            } = hole.value
            else {
                continue;
            };
            count += usize::from(base.is_number());
            // Few operands fit.
            if hole.patch == PatchKind::Patch64
                && base.is_number()
                && (base == V::Oparg || count % 8 == 0)
            {
                hole.patch = [PatchKind::Patch32s, PatchKind::Patch32][count % 2];
                hole.value = PatchValue::Scaled {
                    base,
                    scale: [8, 2, -8, -1, 40][count % 5],
                    addend: [80, 0, -8][count % 3],
                };
            }
        }
    }
    assert!(count >= 10, "{}: {count}", set.target);
    set
}

fn status(error: &LinkError) -> u32 {
    match error {
        LinkError::Empty => 1,
        LinkError::UnknownOpcode { .. } => 2,
        LinkError::RunsOffEnd { .. } => 3,
        LinkError::TooLong { .. } | LinkError::TooBig { .. } => 4,
        LinkError::MissingOperands { .. } => 5,
        LinkError::OperandBits { .. } => 6,
        LinkError::MissingTargets { .. } => 7,
        LinkError::JumpOutside { .. } => 8,
        LinkError::UnresolvedSymbol { .. } => 9,
        LinkError::WrongBase { .. } | LinkError::MisalignedBase { .. } => 10,
        LinkError::OutOfRange { .. } => 11,
        LinkError::Misaligned { .. } => 12,
        other => panic!("{other}"),
    }
}

/// Reads the program's next answer.
fn answer<'b>(bytes: &mut &'b [u8]) -> (u32, usize, &'b [u8]) {
    let mut number = || {
        let (word, rest) = bytes.split_first_chunk().expect("the output ends early");
        *bytes = rest;
        u32::from_ne_bytes(*word)
    };
    let (status, index, size) = (number(), number() as usize, number() as usize);
    let (image, rest) = bytes.split_at(size);
    *bytes = rest;
    (status, index, image)
}

/// Compares random traces of a set, and of one with general values.
pub(crate) fn check(set: &StencilSet) {
    compare(set, set, count(), |job, _| Trace::Uops(job.trace.clone()));
    if set.target.arch == Arch::X86_64 && set.target.format == ObjectFormat::Elf {
        let scaled = scaled(set);
        compare(&scaled, set, count() / 2, |job, _| {
            Trace::Uops(job.trace.clone())
        });
        compare(&general(&scaled), set, count() / 2, |job, _| {
            Trace::Instructions(job.trace.iter().map(General::of).collect())
        });
    }
    compare(&general(set), set, count() / 2, |job, random| {
        let mut trace: Vec<General> = job.trace.iter().map(General::of).collect();
        if !trace.is_empty() && random.once_in(3) {
            let at = random.below(trace.len());
            spoil(&mut trace[at], random);
        }
        Trace::Instructions(trace)
    });
}

/// A trace of either shape.
enum Trace {
    Uops(Vec<Uop>),
    Instructions(Vec<General>),
}

impl Trace {
    fn records(&self) -> Vec<u8> {
        match self {
            Trace::Uops(trace) => trace
                .iter()
                .flat_map(|uop| General::of(uop).record())
                .collect(),
            Trace::Instructions(trace) => trace.iter().flat_map(General::record).collect(),
        }
    }

    fn image(
        &self,
        stencils: &Stencils,
        base: u64,
        addresses: &HashMap<String, u64>,
    ) -> Result<Vec<u8>, LinkError> {
        match self {
            Trace::Uops(trace) => image(stencils, trace, base, addresses),
            Trace::Instructions(trace) => {
                let trace: Vec<Instruction<'_>> = trace
                    .iter()
                    .map(|general| Instruction {
                        opcode: general.opcode,
                        operands: &general.operands,
                        targets: &general.targets,
                    })
                    .collect();
                image(stencils, &trace, base, addresses)
            }
        }
    }
}

/// Compares traces of a set, which are made of those of another set with as many stencils.
fn compare(
    set: &StencilSet,
    source: &StencilSet,
    count: usize,
    trace: impl Fn(&Job, &mut Random) -> Trace,
) {
    let target: &Target = &set.target;
    let directory = tempfile::tempdir().unwrap();
    let program = program(directory.path(), set);
    let names = symbols(&program);
    let stencils = Stencils::new(set).unwrap();
    let mut sorted: [Vec<&str>; 2] =
        [&names, stencils.symbols()].map(|names| names.iter().map(String::as_str).collect());
    sorted.iter_mut().for_each(|names| names.sort_unstable());
    assert_eq!(sorted[0], sorted[1]);

    let source = Traces::new(source);
    let mut random = Random::new(7);
    let bases = traces::bases(target.arch);
    let input = directory.path().join("input");
    let mut file = BufWriter::new(File::create(&input).unwrap());
    let mut jobs = Vec::new();
    for number in 0..count {
        let mut job = source.job(&mut random, bases[number % bases.len()]);
        // Most images are aligned as some of the data needs.
        if !random.once_in(16) {
            job.base &= !63;
        }
        let references = traces::references(set, std::slice::from_ref(&job));
        let known = stencils.symbols();
        let mut addresses = traces::symbols(&mut random, target.arch, job.base, known, &references);
        // In C, a symbol without an address is not known.
        for address in addresses.values_mut() {
            *address = (*address).max(4);
        }
        let trace = trace(&job, &mut random);
        let addressed = names.iter().map(|name| addresses[name]);
        let start = start(job.base, job.trace.len(), addressed);
        file.write_all(&start).unwrap();
        file.write_all(&trace.records()).unwrap();
        jobs.push((job.base, trace, addresses));
    }
    drop(file);
    let output = Command::new(&program)
        .stdin(File::open(&input).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", target.triple);

    let mut answers = output.stdout.as_slice();
    let (mut linked, mut failed) = (0, [0; 16]);
    for (number, (base, trace, addresses)) in jobs.iter().enumerate() {
        let (status_in_c, index, image_in_c) = answer(&mut answers);
        let place = format!("{}, trace {number}", target.triple);
        match trace.image(&stencils, *base, addresses) {
            Ok(image) => {
                assert_eq!(status_in_c, 0, "{place}: instruction {index}");
                let first = image
                    .iter()
                    .zip(image_in_c)
                    .position(|(one, other)| one != other);
                assert_eq!(first, None, "{place}: {:#x} bytes of code", image.len());
                assert_eq!(image.len(), image_in_c.len(), "{place}");
                linked += 1;
            }
            Err(error) => {
                assert_eq!(
                    status_in_c,
                    status(&error),
                    "{place}: {error}, at {index} in C"
                );
                failed[status_in_c as usize] += 1;
            }
        }
    }
    assert!(answers.is_empty());
    println!("{}: {linked} images, errors {failed:?}", target.triple);
    // Enough of each.
    assert!(linked > jobs.len() / 4, "{linked}");
}

fn image<I: Element>(
    stencils: &Stencils,
    trace: &[I],
    base: u64,
    addresses: &HashMap<String, u64>,
) -> Result<Vec<u8>, LinkError> {
    let mut linker = Linker::new(stencils, LayoutPolicy::Tight);
    let layout = linker.layout(trace)?;
    let symbols = Symbols::new(stencils, |name| addresses.get(name).copied());
    let mut image = vec![0xaa; layout.size()];
    linker.link(&layout, base, &symbols, &mut image)?;
    Ok(image)
}

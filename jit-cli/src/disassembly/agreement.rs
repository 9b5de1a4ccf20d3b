//! The decoder's text is llvm-objdump's, and blocks are hot where CPython's optimizer says so.
//!
//! Builds with headers have llvm-objdump's text of each object. What it has besides the instructions is left out: comments
//! (`# imm = 0xFFFF`), the names of symbols after addresses (`0xa <_JIT_ENTRY+0xa>`), and white space.

use std::collections::BTreeMap;

use jit_schema::{CodeEnd, Codegen};
use jit_stencils::StencilSet;

use super::{Flow, Instruction, Listing};
use crate::{Build, Emit, build::outcome::Built};

/// The example's sources.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/example");

/// Returns the instructions in llvm-objdump's text of an object's code, by their offsets.
fn instructions(disassembly: &str) -> BTreeMap<usize, String> {
    let sections = disassembly.split("Disassembly of section ").skip(1);
    let is_code =
        |section: &&str| section.starts_with(".text") || section.starts_with("__TEXT,__text");
    let lines = sections.filter(is_code).flat_map(str::lines);
    let found = lines.filter_map(|line| {
        let (offset, rest) = line.trim_start().split_once(": ")?;
        let offset = usize::from_str_radix(offset, 16).ok()?;
        let (bytes, text) = rest.split_once('\t')?;
        // A relocation has its name there.
        let is_code = bytes
            .chars()
            .all(|one| one == ' ' || one.is_ascii_hexdigit());
        is_code.then(|| (offset, plain(text)))
    });
    found.collect()
}

/// Leaves out what is no part of an instruction.
fn plain(text: &str) -> String {
    let ends = [
        " # ", "\t# ", " ## ", "## ", " // ", "\t// ", " ; ", "\t; ", " <",
    ];
    let end = ends.iter().filter_map(|end| text.find(end)).min();
    let text = match text.trim() {
        "<unknown>" => text,
        _ => text.get(..end.unwrap_or(text.len())).unwrap_or(text),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Compares each instruction of a set, and returns the number of them and the differences.
fn compare(set: &StencilSet) -> (usize, Vec<String>) {
    let (mut count, mut differences) = (0, Vec::new());
    for (name, group) in &set.groups {
        let text = group.listing.disassembly.as_deref();
        let mut expected = instructions(text.expect("llvm-objdump's text"));
        for instruction in &Listing::of(set, group).instructions {
            let operands = instruction.encoded();
            let found = plain(&format!("{} {operands}", instruction.mnemonic));
            let wanted = expected.remove(&instruction.offset).unwrap_or_default();
            count += 1;
            if found != wanted {
                let (target, offset) = (set.target, instruction.offset);
                differences.push(format!("{target} {name}+{offset:#x}: {wanted} | {found}"));
            }
        }
        let left = expected
            .iter()
            .map(|(offset, text)| format!("{} {name}+{offset:#x}: {text} | nothing", set.target));
        differences.extend(left);
    }
    (count, differences)
}

#[track_caller]
fn check(built: &Built) -> usize {
    let mut all = 0;
    let mut differences = Vec::new();
    for target in &built.targets {
        let (count, different) = compare(&target.stencils);
        let number = different.len();
        println!(
            "{}: {count} instructions, {number} differences",
            target.target
        );
        assert!(count > 0);
        all += count;
        differences.extend(different);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    all
}

#[test]
fn for_the_example() {
    fixtures::needs!(clang_22, objdump_22);
    for codegen in [Codegen::Upstream, Codegen::Small] {
        let build = Build::from_checkout(EXAMPLE)
            .pyconfig_dir(EXAMPLE)
            .all_targets();
        let build = build.codegen(codegen).emit(Emit::Header).no_cache();
        let count = check(&build.run().unwrap());
        assert!(count > 4500, "{count}");
    }
}

/// Returns whether each instruction is hot in assembly that CPython's optimizer has written, in their order.
fn heat(assembly: &str) -> Vec<bool> {
    let mut heat = Vec::new();
    let (mut hot, mut is_code) = (true, true);
    for line in assembly.lines() {
        let text = line.trim_start();
        if let Some(marker) = line.strip_prefix("# JIT: ") {
            hot = marker.starts_with("HOT");
        } else if text == ".text" || text.starts_with(".section") {
            is_code = text.contains("text");
        } else if is_code && line.starts_with('\t') && text.starts_with(char::is_alphabetic) {
            heat.push(hot);
        }
    }
    heat
}

#[test]
fn hot_and_cold_code() {
    fixtures::needs!(clang_22, objdump_22);
    let build = Build::from_checkout(EXAMPLE).pyconfig_dir(EXAMPLE);
    let built = build.all_targets().emit(Emit::Stencils).no_cache().run();
    let (mut hot, mut cold) = (0, 0);
    for target in &built.unwrap().targets {
        let set = &target.stencils;
        for (name, group) in &set.groups {
            let path = fixtures::inputs::optimized(set.target.triple, name);
            let expected = heat(&fixtures::golden::read_text(&path));
            let listing = Listing::of(set, group);
            let blocks = listing.blocks.iter();
            let found: Vec<bool> = blocks
                .flat_map(|block| listing.of_block(block).iter().map(|_| block.hot))
                .collect();
            // The optimizer takes these, and calls that do not return, for instructions that control goes on after.
            let leaves = |one: &Instruction| matches!(one.flow, Flow::IndirectJump | Flow::Stop);
            let ends = group.end == CodeEnd::Leaves;
            // It does not know that a function of the stencil goes on to where it was called.
            let calls = |one: &Instruction| one.flow == Flow::Call && one.target.is_some();
            if listing.instructions.iter().any(calls) {
                assert!(name.starts_with("_FIBONACCI"), "{name}");
                continue;
            }
            let is_same = |(found, expected): (&bool, &bool)| found == expected;
            let is_less = |(found, expected): (&bool, &bool)| expected >= found;
            let pairs = || found.iter().zip(&expected);
            assert_eq!(found.len(), expected.len(), "{} {name}", set.target);
            assert!(
                match ends || listing.instructions.iter().any(leaves) {
                    true => pairs().all(is_less),
                    false => pairs().all(is_same),
                },
                "{} {name}: {found:?} {expected:?}",
                set.target
            );
            hot += found.iter().filter(|hot| **hot).count();
            cold += found.iter().filter(|hot| !**hot).count();
        }
    }
    assert!(hot > 1000 && cold > 500, "{hot} {cold}");
}

/// The same for a real checkout: JIT_TEST_CPYTHON names it.
#[test]
#[ignore = "needs a checkout of CPython"]
fn for_cpython() {
    let checkout = std::env::var("JIT_TEST_CPYTHON").expect("JIT_TEST_CPYTHON");
    for codegen in [Codegen::Upstream, Codegen::Tuned] {
        let build = Build::from_checkout(&checkout)
            .sysroot("builtin")
            .all_targets();
        let build = build.codegen(codegen).emit(Emit::Header).llvm_version(22);
        check(&build.run().unwrap());
    }
}

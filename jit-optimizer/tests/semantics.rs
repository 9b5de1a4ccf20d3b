//! Optimized code does what the code did before: an interpreter that shares nothing with the optimizer
//! runs random programs before and after.
//!
//! The test compares their traces: the markers (`mark N`) on the way, and the symbol where control flow
//! leaves the stencil. Upstream's optimizer would fail it, on calls to the block that follows.

mod common;

use std::collections::{HashMap, HashSet};

use common::Random;
use jit_optimizer::{Optimizer, Options};
use jit_schema::{CodeEnd, Target};

const BLOCKS: usize = 7;
const EXITS: [&str; 4] = [
    "_JIT_CONTINUE",
    "_JIT_CONTINUE",
    "_JIT_ERROR_TARGET",
    "_JIT_EXIT_TARGET",
];

/// The instructions of the programs, as one instruction set spells them.
struct Spelling {
    triple: &'static str,
    /// Mnemonics, each with the operands before the target. Every second one is the inverse of the one
    /// before it.
    branches: &'static [(&'static str, &'static str)],
    jump: &'static str,
    call: &'static str,
    leave: &'static str,
}

const SPELLINGS: [Spelling; 2] = [
    Spelling {
        triple: "x86_64-unknown-linux-gnu",
        branches: &[("je", ""), ("jne", ""), ("js", ""), ("jns", "")],
        jump: "jmp",
        call: "callq",
        leave: "retq",
    },
    Spelling {
        triple: "aarch64-unknown-linux-gnu",
        branches: &[
            ("b.eq", ""),
            ("b.ne", ""),
            ("cbz", "x0, "),
            ("cbnz", "x0, "),
            ("tbz", "w1, #3, "),
            ("tbnz", "w1, #3, "),
        ],
        jump: "b",
        call: "bl",
        leave: "ret",
    },
];

fn program(spelling: &Spelling, random: &mut Random) -> String {
    let mut text = String::from("\t.globl\t_JIT_ENTRY\n_JIT_ENTRY:\n");
    let mut mark = 0;
    for block in 0..BLOCKS {
        text.push_str(&format!(".LBB0_{block}:\n"));
        for _ in 0..random.below(4) {
            let target = match random.below(3) {
                0 => random.pick(&EXITS).to_owned(),
                _ => format!(".LBB0_{}", random.below(BLOCKS)),
            };
            let line = match random.below(10) {
                0..=2 => {
                    let at = random.below(spelling.branches.len());
                    let (mnemonic, operands) = spelling.branches[at];
                    format!("\t{mnemonic}\t{operands}{target}")
                }
                3..=5 => format!("\t{}\t{target}", spelling.jump),
                6 => format!("\t{}\t.LBB0_{}", spelling.call, random.below(BLOCKS)),
                7 => format!("\t{}", spelling.leave),
                8 => "\t// a line that starts a block".to_owned(),
                _ => {
                    mark += 1;
                    format!("\tmark\t{mark}")
                }
            };
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// Returns the labels and instructions, and the index of each label among them.
fn load(assembly: &str) -> (Vec<&str>, HashMap<&str, usize>) {
    let lines: Vec<&str> = assembly
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '/']))
        .collect();
    let labels = (0..)
        .zip(&lines)
        .filter_map(|(at, line)| Some((line.strip_suffix(':')?, at)))
        .collect();
    (lines, labels)
}

/// Runs until control flow leaves the stencil, or for 200 steps. `flags` are the conditions that hold,
/// one bit each.
fn trace(
    spelling: &Spelling,
    (lines, labels): &(Vec<&str>, HashMap<&str, usize>),
    flags: usize,
) -> Vec<String> {
    let mut events = Vec::new();
    let mut returns = Vec::new();
    let mut at = labels["_JIT_ENTRY"];
    for _ in 0..200 {
        let Some(&line) = lines.get(at).filter(|&&line| line != ".L_JIT_CONTINUE:") else {
            events.push("_JIT_CONTINUE".to_owned());
            return events;
        };
        at += 1;
        let (mnemonic, operands) = line.split_once('\t').unwrap_or((line, ""));
        let mut target = operands.rsplit(' ').next().unwrap();
        if target == "0" {
            // The label before the branch has the target.
            let mut parts = lines[at - 2].split("_JIT_RELOCATION_");
            target = parts.nth(1).unwrap();
        }
        let branch = spelling.branches.iter().position(|b| b.0 == mnemonic);
        let taken = match branch {
            Some(branch) => (flags >> (branch / 2)) & 1 == branch % 2,
            None => mnemonic == spelling.jump || mnemonic == spelling.call,
        };
        if mnemonic == "mark" {
            events.push(operands.to_owned());
        } else if mnemonic == spelling.leave {
            match returns.pop() {
                Some(place) => at = place,
                None => {
                    events.push("return".to_owned());
                    return events;
                }
            }
        } else if taken {
            if mnemonic == spelling.call {
                events.push("call".to_owned());
                returns.push(at);
            }
            match labels.get(target) {
                Some(&place) => at = place,
                None => {
                    events.push(target.trim_start_matches(".L").to_owned());
                    return events;
                }
            }
        }
    }
    // Optimized code has fewer jumps, so that it gets further in as many steps.
    events.push("...".to_owned());
    events
}

/// Returns whether two traces agree, as far as both go.
fn agree(before: &[String], after: &[String]) -> bool {
    let endless = |events: &[String]| events.last().is_some_and(|event| event == "...");
    match (endless(before), endless(after)) {
        (false, false) => before == after,
        (true, true) => before
            .iter()
            .zip(after)
            .all(|(b, a)| b == a || b == "..." || a == "..."),
        // Only one of them came to its end within the steps.
        (true, false) => after.starts_with(&before[..before.len() - 1]),
        (false, true) => before.starts_with(&after[..after.len() - 1]),
    }
}

#[test]
fn optimized_programs_do_the_same() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for spelling in &SPELLINGS {
        let target = Target::from_triple(spelling.triple).unwrap();
        let optimizer = Optimizer::new(target, Options::default());
        let mut optimized = 0;
        let mut ends = HashSet::new();
        let (mut going_on, mut taken, mut leaving) = (0, 0, 0);
        for _ in 0..400 {
            let before = program(spelling, &mut random);
            // The optimizer refuses some programs: a call right before a jump to cold code.
            let Ok(after) = optimizer.optimize(&before) else {
                continue;
            };
            optimized += 1;
            let (loaded_before, loaded_after) = (load(&before), load(&after.assembly));
            let mut goes_on = false;
            for flags in 0..8 {
                let expected = trace(spelling, &loaded_before, flags);
                let actual = trace(spelling, &loaded_after, flags);
                assert!(
                    agree(&expected, &actual),
                    "conditions {flags:#b}: {expected:?} became {actual:?}\n{}",
                    after.assembly
                );
                goes_on |= actual.last().is_some_and(|end| end == "_JIT_CONTINUE");
                ends.extend(expected.last().cloned());
            }
            // Conditions do not change while a program runs, so that some ways are never taken.
            match after.end {
                CodeEnd::FallsThrough => taken += usize::from(goes_on),
                CodeEnd::Leaves => assert!(!goes_on, "{before}"),
                // Random programs have labels after their last instruction, and end anywhere.
                CodeEnd::Unknown => {}
            }
            going_on += usize::from(after.end == CodeEnd::FallsThrough);
            leaving += usize::from(after.end == CodeEnd::Leaves);
        }
        assert!(optimized > 300, "only {optimized} programs");
        assert_eq!(ends.len(), 5, "{ends:?}");
        let counts = format!("{taken} of {going_on} went on, {leaving} do not");
        assert!(taken * 10 > going_on * 7 && leaving > 20, "{counts}");
    }
}

//! What CPython's own optimizer makes of small hand-made assembly.
//!
//! The expected files in `cases` were written by `_optimizers.py` of CPython 3.15's `Tools/jit`,
//! run by `upstream.py` in this directory, whose docstring says how to run it again.
//!
//! The cases in `cases/none` are for `src/optimizer.rs`.

mod common;

use std::path::PathBuf;

use fixtures::golden::{self, Golden};
use jit_optimizer::{FramePointer, OptimizeError, Optimizer, Options};
use jit_schema::{ObjectFormat, Target};

const LINUX: &str = "x86_64-unknown-linux-gnu";
const ARM_LINUX: &str = "aarch64-unknown-linux-gnu";

fn path(triple: &str, file: &str) -> PathBuf {
    let path = [env!("CARGO_MANIFEST_DIR"), "tests/cases", triple, file];
    path.iter().collect()
}

fn read(triple: &str, file: &str) -> String {
    golden::read_text(&path(triple, file))
}

fn run(triple: &str, assembly: &str) -> Result<String, OptimizeError> {
    let target = Target::from_triple(triple).unwrap();
    // As in upstream's `get_target`.
    let frame_pointer = match target.format {
        ObjectFormat::Elf => FramePointer::Reserved,
        ObjectFormat::Coff | ObjectFormat::MachO => FramePointer::Free,
    };
    let options = Options::default().frame_pointer(frame_pointer);
    let optimized = Optimizer::new(target, options).optimize(assembly)?;
    Ok(optimized.assembly)
}

/// Returns the code that upstream's optimizer makes of an input.
fn upstream_code(triple: &str, name: &str, input: &str) -> String {
    let output = read(triple, &format!("{name}.out"));
    let target = Target::from_triple(triple).unwrap();
    let (_, code) = common::split(target, input, &output);
    code.to_owned()
}

/// The command that writes the expected files.
const REGENERATE: &str = "python3 jit-optimizer/tests/upstream.py CPYTHON/Tools/jit";

fn assert_same(triple: &str, name: &str, expected: &str, actual: &str) {
    Golden::new(path(triple, &format!("{name}.out")))
        .made_by_upstream_with(REGENERATE)
        .check_derived(expected, actual);
}

fn check(triple: &str, name: &str) {
    let input = read(triple, &format!("{name}.s"));
    let expected = upstream_code(triple, name, &input);
    let actual = run(triple, &input).unwrap_or_else(|error| panic!("{triple}/{name}: {error}"));
    assert_same(triple, name, &expected, &actual);
    // Python reads text with universal newlines.
    let windows = input.replace('\n', "\r\n");
    assert_same(triple, name, &expected, &run(triple, &windows).unwrap());
}

macro_rules! same_as_upstream {
    ($($test:ident: $triple:expr, $name:expr;)+) => {
        $(#[test] fn $test() { check($triple, $name); })+
    };
}

same_as_upstream! {
    x86_hot_branch_is_inverted: LINUX, "invert_hot_branch";
    x86_only_hot_over_cold_is_inverted: LINUX, "temperatures";
    x86_every_condition_is_inverted: LINUX, "invert_every_condition";
    x86_branches_without_inverse_stay: LINUX, "not_invertible";
    x86_jumps_with_other_predecessors_stay: LINUX, "jump_with_other_predecessors";
    x86_redundant_jumps_are_removed: LINUX, "redundant_jumps";
    x86_jumps_to_jumps_replace_all_occurrences: LINUX, "jump_threading_replaces_all";
    x86_endless_loops_end_here: LINUX, "self_jump_and_cold_tail";
    x86_unreachable_blocks_are_removed: LINUX, "unreachable";
    x86_calls_are_edges: LINUX, "calls";
    x86_odd_lines: LINUX, "odd_lines";
    x86_empty: LINUX, "empty";
    x86_frame_pointer_may_be_read: LINUX, "frame_pointer_kept";
    x86_dead_code_may_modify_the_frame_pointer: LINUX, "frame_pointer_in_dead_code";
    x86_macho: "x86_64-apple-darwin", "mangled";
    x86_coff32: "i686-pc-windows-msvc", "mangled";
    x86_coff64: "x86_64-pc-windows-msvc", "static_functions_are_global";
    aarch64_elf_branches: ARM_LINUX, "branches";
    aarch64_macho_branches: "aarch64-apple-darwin", "branches";
    aarch64_coff_branches: "aarch64-pc-windows-msvc", "branches";
    aarch64_every_condition_is_inverted: ARM_LINUX, "invert_every_condition";
    aarch64_small_constants: ARM_LINUX, "small_constants";
    aarch64_small_constants_end_with_their_block: ARM_LINUX, "small_constant_across_blocks";
    aarch64_large_constants: ARM_LINUX, "large_constants";
    aarch64_macho_constants: "aarch64-apple-darwin", "constants_after_loh_labels";
}

/// The one deliberate difference: upstream deletes this call.
#[test]
fn a_call_to_the_next_block_is_kept() {
    let input = read(LINUX, "call_to_next_block.s");
    let upstream = upstream_code(LINUX, "call_to_next_block", &input);
    let call = "\tcallq\t.LBB0_1";
    assert!(input.lines().any(|line| line == call));
    assert!(!upstream.lines().any(|line| line == call));
    let before = "\tmovq\t%rax, %rbx\n.LBB0_1:";
    assert_eq!(upstream.matches(before).count(), 1);
    let expected = upstream.replace(before, &format!("\tmovq\t%rax, %rbx\n{call}\n.LBB0_1:"));
    let actual = run(LINUX, &input).unwrap();
    assert_same(LINUX, "call_to_next_block", &expected, &actual);
}

/// Upstream deletes the blocks that only a jump table leads to.
#[test]
fn jump_tables_are_followed() {
    let input = read(LINUX, "jump_table.s");
    let upstream = upstream_code(LINUX, "jump_table", &input);
    let output = run(LINUX, &input).unwrap();
    for block in 1..=3 {
        let label = format!("\n.LBB0_{block}:\n");
        assert!(
            input.contains(&label) && output.contains(&label),
            "{output}"
        );
        assert!(block == 1 || !upstream.contains(&label));
    }
}

/// Upstream looks for targets in comments, and gives conditional branches to functions a relocation
/// that may not reach them. See `isa/aarch64/branches.rs`.
#[test]
fn comments_are_no_operands() {
    let input = read(ARM_LINUX, "branch_operands.s");
    let upstream = upstream_code(ARM_LINUX, "branch_operands", &input);
    assert!(upstream.contains("BRANCH19_JIT_RELOCATION_baz_"));
    let output = run(ARM_LINUX, &input).unwrap();
    assert!(!output.contains("_RELOCATION_"), "{output}");
    let expected = "\tcbnz\tx0, .L_JIT_OVER_1\n\tb\tfoo\n.L_JIT_OVER_1:\n";
    assert!(output.contains(expected), "{output}");
    assert_eq!(output.matches("\tb\tfoo\n").count(), 6, "{output}");
}

/// Data in the section for code is not followed by the next micro-op by accident. Upstream puts the
/// label before it.
#[test]
fn the_next_micro_op_comes_after_data_in_the_code() {
    let input = read(LINUX, "no_instructions.s");
    let upstream = upstream_code(LINUX, "no_instructions", &input);
    assert!(upstream.ends_with(".L_JIT_CONTINUE:\nx:\n\t.quad\t0"));
    let output = run(LINUX, &input).unwrap();
    assert!(output.ends_with("x:\n\t.quad\t0\n.L_JIT_CONTINUE:"));
}

/// Where upstream raises an exception, the error names the line. `upstream` is the exception and where
/// it was raised.
fn check_error(triple: &str, name: &str, upstream: &str, expected: OptimizeError) {
    assert_eq!(read(triple, &format!("{name}.err")).trim(), upstream);
    let input = read(triple, &format!("{name}.s"));
    assert_eq!(run(triple, &input), Err(expected));
}

#[test]
fn frame_pointer_changes_are_refused() {
    let upstream = "AssertionError in _validate";
    let x86 = OptimizeError::FramePointerModified {
        line: 7,
        text: "movq\t%rsp, %rbp".into(),
    };
    check_error(LINUX, "frame_pointer_modified", upstream, x86);
    let aarch64 = OptimizeError::FramePointerModified {
        line: 5,
        text: "stp\tx29, x30, [sp, #-16]!".into(),
    };
    check_error(ARM_LINUX, "frame_pointer_modified", upstream, aarch64);
}

/// Upstream's optimizer asserts that there is no such call.
#[test]
fn calls_are_not_inverted() {
    let error = read(LINUX, "call_before_cold_jump.err");
    assert_eq!(error.trim(), "AssertionError in _invert_branch");
    let input = read(LINUX, "call_before_cold_jump.s");
    let output = run(LINUX, &input).unwrap();
    for line in ["\tcallq\t.LBB0_1", "\tjmp\t_JIT_ERROR_TARGET"] {
        let is = |text: &str| text.lines().any(|found| found == line);
        assert!(is(&input) && is(&output), "{output}");
    }
}

#[test]
fn mnemonics_must_be_unique_to_be_replaced() {
    let upstream = "ValueError in _fixup_small_constant_pair";
    let adrp = OptimizeError::AmbiguousMnemonic {
        mnemonic: "adrp",
        line: 5,
        text: "adrp\tx8, :got:_JIT_OPARG_16 // adrp".into(),
    };
    check_error(ARM_LINUX, "ambiguous_adrp", upstream, adrp);
    let ldr = OptimizeError::AmbiguousMnemonic {
        mnemonic: "ldr",
        line: 6,
        text: "ldr\tx8, [x8, :got_lo12:_JIT_OPARG_32] // ldr".into(),
    };
    check_error(ARM_LINUX, "ambiguous_ldr", upstream, ldr);
}

/// Upstream does not terminate on the first of these, and drops a block of the second.
#[test]
fn labels_must_be_unique() {
    for (assembly, line) in [("1:\n\tnop\n1:\n", 3), ("a:\nb:\n\tnop\na:\nc:\n", 4)] {
        let error = run(LINUX, assembly).unwrap_err();
        assert!(
            matches!(&error, OptimizeError::DuplicateLabel { line: found, .. } if *found == line),
            "{error:?}"
        );
    }
}

#[test]
fn output_is_no_input() {
    let input = read(LINUX, "invert_hot_branch.s");
    let output = run(LINUX, &input).unwrap();
    let position = output.lines().position(|line| line == ".L_JIT_CONTINUE:");
    let error = OptimizeError::ContinueLabelDefined {
        label: ".L_JIT_CONTINUE".into(),
        line: position.unwrap() + 1,
    };
    assert_eq!(run(LINUX, &output), Err(error));
}

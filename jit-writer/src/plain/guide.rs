//! The comment that says how to use a header, and what has to be declared before it is included.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::tables;
use jit_schema::PatchShape;
use jit_stencils::{Hole, PatchKind, PatchValue, StencilSet};

/// Writes the comment. Only what the stencils use is mentioned.
pub(super) fn write(out: &mut String, set: &StencilSet) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        out,
        "// Machine code of {} micro-ops for {}.\n\
         // Each has a function that copies it and fills in its holes. This file compiles as C11 and as\n\
         // C++17; include it in one source file.\n\
         //\n\
         // To compile a trace of micro-ops:\n\
         //\n\
         //  1. Add up code_size and data_size of jit_stencils[JIT_UOP_...] for its micro-ops, and get\n\
         //     memory. The code of each micro-op has to follow that of the one before it directly, since\n\
         //     that is where it continues. Data has to be aligned to 8 bytes{}.\n\
         //  2. For each micro-op, fill in a jit_instruction and call emit with where its code and data\n\
         //     go. They must run at that address.{}\n\
         //  3. Make the code executable (on AArch64, flush the instruction cache) and have the shim call\n\
         //     its start.\n",
        set.groups.len(),
        set.target,
        if tables::has_alignments(set) {
            ", or to what\n//     jit_data_alignments[JIT_UOP_...] says if that is more"
        } else {
            ""
        },
        if tables::has_interfaces(set) {
            " jit_operand_bits[JIT_UOP_...] says how many bits its\n//     operands have, and jit_target_counts[JIT_UOP_...] how many targets it has."
        } else {
            ""
        }
    );
    write_functions(out, set);
    write_symbols(out, &set.symbols, &referenced(set));
    out.push('\n');
}

fn holes(set: &StencilSet) -> impl Iterator<Item = &Hole> {
    let groups = set.groups.iter().map(|(_, group)| group);
    groups
        .flat_map(|group| [&group.data, &group.code])
        .flat_map(|stencil| &stencil.holes)
        .filter(|hole| !hole.void)
}

/// The functions that are called.
fn write_functions(out: &mut String, set: &StencilSet) {
    // Numbers with a sign are written by the same function.
    let function = |patch| match patch {
        PatchKind::Patch32s => PatchKind::Patch32,
        other => other,
    };
    let used = |kind: &PatchKind| holes(set).any(|hole| function(hole.patch) == *kind);
    let patches: Vec<PatchKind> = PatchKind::ALL.iter().copied().filter(used).collect();
    let got = holes(set).any(|hole| matches!(hole.value, PatchValue::GotSlot { .. }));
    if patches.is_empty() && !got {
        return;
    }
    out.push_str("//\n// Declare these functions before you include this file:\n");
    for patch in patches {
        let _ = write!(
            out,
            "//\n//  void {}({});\n",
            patch.c_name(),
            parameters(patch)
        );
        write_wrapped(out, meaning(patch));
    }
    if got {
        out.push_str("//\n//  uintptr_t got_symbol_address(int ordinal, jit_state *state);\n");
        write_wrapped(
            out,
            "Returns the address of the symbol's slot in the GOT: a pointer near the code, one for \
             each symbol in got_slots of the trace's micro-ops.",
        );
    }
}

/// The symbols whose addresses are taken by name.
fn referenced(set: &StencilSet) -> BTreeSet<&str> {
    let by_name = holes(set).filter_map(|hole| match &hole.value {
        PatchValue::Address { symbol, .. } => symbol.as_deref(),
        PatchValue::Scaled { .. } | PatchValue::GotSlot { .. } | PatchValue::Symbol { .. } => None,
    });
    by_name.collect()
}

fn write_symbols(out: &mut String, numbered: &[String], referenced: &BTreeSet<&str>) {
    let mut all: BTreeSet<&str> = numbered.iter().map(String::as_str).collect();
    all.extend(referenced);
    if all.is_empty() {
        return;
    }
    out.push_str("//\n// And the functions and variables that micro-ops use (for C++, as extern \"C\"):\n//\n");
    let all: Vec<&str> = all.into_iter().collect();
    write_wrapped(out, &all.join(", "));
}

/// Writes words as comment lines.
fn write_wrapped(out: &mut String, text: &str) {
    const INDENT: &str = "//     ";
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 && length + 1 + word.len() > 100 {
            out.push('\n');
            length = 0;
        }
        let before = if length == 0 { INDENT } else { " " };
        out.push_str(before);
        out.push_str(word);
        length += before.len() + word.len();
    }
    out.push('\n');
}

const fn parameters(patch: PatchKind) -> &'static str {
    match patch.row().shape {
        PatchShape::Field => "unsigned char *location, uint64_t value",
        PatchShape::Pair => "unsigned char *first, unsigned char *second, uint64_t value",
        PatchShape::Trampoline => "unsigned char *location, int ordinal, jit_state *state",
        PatchShape::Slot => "jit_state *state, int ordinal",
    }
}

/// What the function of the host does.
const fn meaning(patch: PatchKind) -> &'static str {
    match patch {
        PatchKind::Patch32 | PatchKind::Patch32s => "Stores the value in 32 bits. It has to fit.",
        PatchKind::Patch32r => {
            "Stores value - location in 32 bits, signed. It has to fit. (That the distance counts from \
             the end of the field is in the value.)"
        }
        PatchKind::Patch64 => "Stores the value in 64 bits.",
        PatchKind::Aarch64_12 => {
            "Stores the low 12 bits of the value in bits 10 to 21 of an add, sub, comparison, ldr or str; for ldr and \
             str, divided by the size of the access. That is 16 bytes if both of bits 23 and 26 of a \
             ldr or str are set, and 1 << (instruction >> 30) bytes otherwise."
        }
        PatchKind::Aarch64_12x => {
            "As patch_aarch64_12, in the ldr of a GOT slot at address value. With the adrp before it, \
             it may be rewritten to something that gives what the slot holds."
        }
        PatchKind::Aarch64_16a => "Stores bits 0 to 15 of the value in a movz or movk.",
        PatchKind::Aarch64_16b => "Stores bits 16 to 31 of the value in a movz or movk.",
        PatchKind::Aarch64_16c => "Stores bits 32 to 47 of the value in a movz or movk.",
        PatchKind::Aarch64_16d => "Stores bits 48 to 63 of the value in a movz or movk.",
        PatchKind::Aarch64_19r => {
            "Stores (value - location) / 4 in bits 5 to 23 of a conditional branch. It has to fit."
        }
        PatchKind::Aarch64_21r => {
            "Stores (value / 4096) - (location / 4096) in the 21 bits of an adrp. It has to fit."
        }
        PatchKind::Aarch64_21rx => {
            "As patch_aarch64_21r, in the adrp of a GOT slot at address value. With the ldr after it, \
             it may be rewritten to something that gives what the slot holds."
        }
        PatchKind::Aarch64_26r => {
            "Stores (value - location) / 4 in bits 0 to 25 of a b or bl. It has to fit."
        }
        PatchKind::Aarch64_33rx => {
            "As patch_aarch64_21rx of first, and patch_aarch64_12x of second: the adrp and the ldr of \
             one GOT slot."
        }
        PatchKind::Aarch64Trampoline => {
            "As patch_aarch64_26r, of jit_symbols[ordinal], or of a trampoline to it if that is too \
             far. A trampoline may only change x16 and x17."
        }
        PatchKind::X86_64_32rx => {
            "As patch_32r. An instruction that loads the pointer at value + 4, or jumps through it, may \
             be rewritten to use that pointer directly."
        }
        PatchKind::X86_64Trampoline => {
            "As patch_32r, of jit_symbols[ordinal] - 4, or of a trampoline to it if that is too far."
        }
        PatchKind::GotSymbol => "Stores jit_symbols[ordinal] in the symbol's slot in the GOT.",
    }
}

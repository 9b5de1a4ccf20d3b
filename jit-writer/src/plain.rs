//! Headers for any program, which contain nothing that is specific to CPython.
//!
//! A comment at the top of each header lists what the host program must declare. It depends on what
//! the stencils use ([`guide`]).

mod expression;
mod function;
mod guide;
mod tables;

use jit_schema::Target;
use jit_stencils::{StencilSet, UnwindInfo};

use crate::{
    c::{self, Included},
    comments::write_rest_of_line,
    error::HeaderError,
    format::HeaderFormat,
    preamble::Preamble,
};

/// The format with the name `plain`.
pub(crate) const FORMAT: HeaderFormat = HeaderFormat {
    name: "plain",
    locals: &[
        "code",
        "code_body",
        "data",
        "data_body",
        "instruction",
        "state",
    ],
    has_shim: false,
    base: expression::base,
    stencils: write_stencils,
    unwind: write_unwind,
    dispatcher: write_dispatcher,
    // The end of the include guard, or of the condition around the macros.
    is_whole: |text| text.ends_with("\n#endif\n"),
    table: tables::TABLE,
};

/// The types of the parameters of functions.
const TYPES: &str = "\
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The host's own, which is only passed on.
typedef struct jit_state jit_state;

// What goes into the holes of one micro-op.
typedef struct {
";

/// The fields of an instruction in the shape of CPython's.
const FIELDS: &str = "    \
    uint16_t oparg;         // _JIT_OPARG
    uint64_t operand0;      // _JIT_OPERAND0
    uint64_t operand1;      // _JIT_OPERAND1
    uint32_t target;        // _JIT_TARGET
    uintptr_t jump_target;  // the address of _JIT_JUMP_TARGET
    uintptr_t error_target; // the address of _JIT_ERROR_TARGET
";

/// The fields of an instruction whose values have numbers.
const ARRAYS: &str = "    \
    const uint64_t *operands; // _JIT_OPERAND_0, _JIT_OPERAND_1, and so on
    const uintptr_t *targets; // the addresses of _JIT_PLACE_0, _JIT_PLACE_1, and so on
";

fn write_stencils(preamble: Preamble<'_>, set: &StencilSet) -> Result<String, HeaderError> {
    let size: usize = set.groups.iter().map(|(_, group)| c::estimate(group)).sum();
    let mut out = String::with_capacity(size + 64 * set.symbols.len() + 8192);
    preamble.write(&mut out);
    guide::write(&mut out, set);
    guarded(&mut out, "JIT_STENCILS", &set.target, |out| {
        out.push_str(TYPES);
        let (numbered, of_cpython) = shapes(set);
        if numbered {
            out.push_str(ARRAYS);
        }
        if of_cpython || !numbered {
            out.push_str(FIELDS);
        }
        out.push_str("} jit_instruction;\n\n");
        for (name, group) in &set.groups {
            function::write(out, name, group);
        }
        tables::write(out, set);
    });
    Ok(out)
}

/// Returns whether any stencil takes values with numbers from its instruction, and whether any takes those of
/// CPython's instructions.
fn shapes(set: &StencilSet) -> (bool, bool) {
    let groups = set.groups.iter().map(|(_, group)| group);
    let holes = groups.flat_map(|group| group.code.holes.iter().chain(&group.data.holes));
    let (mut numbered, mut of_cpython) = (tables::has_interfaces(set), false);
    for hole in holes.filter(|hole| !hole.void) {
        if let Some(base) = hole.value.base() {
            numbered |= base.is_general();
            of_cpython |= base.is_of_cpython();
        }
    }
    (numbered, of_cpython)
}

const UNWIND_GUIDE: &str = "\
// How to unwind from compiled code: the DWARF call frame rules that hold while the shim calls it.
// Registers have their DWARF numbers. JIT_UNWIND_CFA_OFFSET is in bytes; the other two offsets say
// where a register is saved, counted from the CFA in units of JIT_UNWIND_DATA_ALIGNMENT_FACTOR.
";

/// Returns the header with the unwind rules. It is not given a target, so its include guard is the
/// macro `JIT_UNWIND_INFO_SUPPORTED`.
fn write_unwind(preamble: Preamble<'_>, info: Option<&UnwindInfo>) -> String {
    let mut out = String::new();
    preamble.write(&mut out);
    if info.is_some() {
        out.push_str(UNWIND_GUIDE);
    } else {
        out.push_str("// There are no unwind rules for this target.\n");
    }
    out.push_str("#ifndef JIT_UNWIND_INFO_SUPPORTED\n");
    c::write_unwind_macros(&mut out, info);
    out.push_str("#endif\n");
    out
}

fn write_dispatcher(comment: &str, prefix: &str, targets: &[Included<'_>]) -> String {
    let mut out = String::from("// ");
    write_rest_of_line(&mut out, comment);
    out.push_str("\n// Includes the header of the target that is compiled for.\n");
    let error = "no stencils were built for this target";
    c::write_choice(&mut out, prefix, targets, error);
    out
}

/// Writes a header with an include guard.
fn guarded(out: &mut String, prefix: &str, target: &Target, write: impl FnOnce(&mut String)) {
    let upper = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_uppercase(),
        false => '_',
    };
    let triple: String = target.triple.chars().map(upper).collect();
    let guard = format!("{prefix}_{triple}_H");
    out.push_str(&format!("#ifndef {guard}\n#define {guard}\n\n"));
    write(out);
    out.push_str("\n#endif\n");
}

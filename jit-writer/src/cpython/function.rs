//! The function that copies the stencils of a micro-op and patches them.

use jit_stencils::{Hole, Part, PatchValue, StencilGroup};

use crate::{
    c, comments,
    expression::{self, BaseExpression},
};

/// Writes the function of a micro-op (`_dump_stencil` in `Tools/jit/_writer.py`).
pub(super) fn write(out: &mut String, opname: &str, group: &StencilGroup, base: BaseExpression) {
    out.push_str("void\nemit_");
    out.push_str(opname);
    out.push_str(
        "(\n    unsigned char *code, unsigned char *data, _PyExecutorObject *executor,\n    \
         const _PyUOpInstruction *instruction, jit_state *state)\n{\n",
    );
    write_comments(out, comments::code(opname, group));
    c::write_body(out, Part::Code, &group.code.body);
    write_comments(out, comments::data(group));
    c::write_body(out, Part::Data, &group.data.body);
    // Data first, so that patches of code which relax can read it.
    for (part, stencil) in [(Part::Data, &group.data), (Part::Code, &group.code)] {
        c::write_copy(out, part, &stencil.body);
        for hole in &stencil.holes {
            // A void hole leaves a line of spaces.
            out.push_str("    ");
            let shift = match part {
                Part::Code => group.listing.literal_shifts.get(&hole.offset),
                Part::Data => None,
            };
            match shift {
                Some(shift) => expression::write_patch(out, part, &shifted(hole, *shift), base),
                None => expression::write_patch(out, part, hole, base),
            }
            out.push('\n');
        }
    }
    out.push_str("}\n\n");
}

/// Returns the hole with the address that CPython's tool writes for a literal.
fn shifted(hole: &Hole, shift: i64) -> Hole {
    let mut hole = hole.clone();
    if let PatchValue::Address { addend, .. } = &mut hole.value {
        *addend = addend.wrapping_add(shift);
    }
    hole
}

/// Writes comments, one per line.
fn write_comments(out: &mut String, lines: Vec<String>) {
    for line in lines {
        out.push_str("    // ");
        comments::write_rest_of_line(out, &line);
    }
}

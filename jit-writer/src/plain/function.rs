//! The function that copies the stencils of a micro-op and patches them.

use jit_stencils::{Part, StencilGroup};

use super::expression::base;
use crate::{c, comments, expression};

/// The parameters of all functions.
pub(super) const PARAMETERS: &str = "unsigned char *code, unsigned char *data, \
                                     const jit_instruction *instruction, jit_state *state";

/// Writes the function of a micro-op.
pub(super) fn write(out: &mut String, name: &str, group: &StencilGroup) {
    out.push_str(&format!("static void\nemit_{name}({PARAMETERS})\n{{\n"));
    write_comments(out, comments::code(name, group));
    c::write_body(out, Part::Code, &group.code.body);
    write_comments(out, comments::data(group));
    c::write_body(out, Part::Data, &group.data.body);
    // Not all are used by each.
    out.push_str("    (void)code; (void)data; (void)instruction; (void)state;\n");
    // Data first, so that patches of code which relax can read it.
    for (part, stencil) in [(Part::Data, &group.data), (Part::Code, &group.code)] {
        c::write_copy(out, part, &stencil.body);
        for hole in stencil.holes.iter().filter(|hole| !hole.void) {
            out.push_str("    ");
            expression::write_patch(out, part, hole, base);
            out.push('\n');
        }
    }
    out.push_str("}\n\n");
}

/// Writes comments, a line each, without blanks at their ends.
fn write_comments(out: &mut String, lines: Vec<String>) {
    for line in lines {
        let line = line.trim_end();
        out.push_str(if line.is_empty() { "    //" } else { "    // " });
        comments::write_rest_of_line(out, line);
    }
}

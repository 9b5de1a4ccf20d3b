//! One uop: the function that copies its stencils and patches them.

use std::fmt::Write as _;

use jit_stencils::{Part, StencilGroup};

use crate::expression;

pub(crate) fn write(out: &mut String, opname: &str, group: &StencilGroup) {
    out.push_str("void\nemit_");
    out.push_str(opname);
    out.push_str(
        "(\n    unsigned char *code, unsigned char *data, _PyExecutorObject *executor,\n    \
         const _PyUOpInstruction *instruction, jit_state *state)\n{\n",
    );
    for (part, stencil) in [(Part::Code, &group.code), (Part::Data, &group.data)] {
        for line in &stencil.disassembly {
            out.push_str("    // ");
            out.push_str(line);
            out.push('\n');
        }
        write_body(out, part, &stencil.body);
    }
    // Data first, so that patches of code which relax can read it.
    for (part, stencil) in [(Part::Data, &group.data), (Part::Code, &group.code)] {
        if !without_trailing_zeros(&stencil.body).is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "    memcpy({part}, {part}_body, sizeof({part}_body));");
        }
        for hole in &stencil.holes {
            out.push_str("    ");
            expression::write_patch(out, part, hole);
            out.push('\n');
        }
    }
    out.push_str("}\n\n");
}

/// The array of a stencil's bytes, 8 to a line. Zeros at its end count in its size but are left to
/// C to fill in; a stencil of zeros only has no array.
fn write_body(out: &mut String, part: Part, body: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let bytes = without_trailing_zeros(body);
    if bytes.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "    const unsigned char {part}_body[{}] = {{",
        body.len()
    );
    for row in bytes.chunks(8) {
        out.push_str("       ");
        for byte in row {
            let [high, low] = [byte >> 4, byte & 15].map(usize::from);
            let digit = |index| DIGITS.get(index).copied().unwrap_or_default();
            out.push_str(" 0x");
            out.push(digit(high));
            out.push(digit(low));
            out.push(',');
        }
        out.push('\n');
    }
    out.push_str("    };\n");
}

fn without_trailing_zeros(body: &[u8]) -> &[u8] {
    let end = body.iter().rposition(|byte| *byte != 0);
    end.and_then(|last| body.get(..=last)).unwrap_or_default()
}

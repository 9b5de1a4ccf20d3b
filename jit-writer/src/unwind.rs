//! The header that says how to unwind from JIT code.

use std::fmt::Write as _;

use jit_stencils::UnwindInfo;

use crate::Preamble;

/// The whole of `jit_unwind_info-<triple>.h`; `None` is for targets without unwind information
/// (`dump_unwind_info` in CPython's `Tools/jit/_writer.py`).
pub fn write_unwind_header(preamble: Preamble<'_>, info: Option<&UnwindInfo>) -> String {
    let mut out = String::new();
    preamble.write(&mut out);
    let Some(info) = info else {
        out.push_str("#define JIT_UNWIND_INFO_SUPPORTED 0\n");
        return out;
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "#define JIT_UNWIND_INFO_SUPPORTED 1\n\
         #define JIT_UNWIND_CODE_ALIGNMENT_FACTOR {}\n\
         #define JIT_UNWIND_DATA_ALIGNMENT_FACTOR {}\n\
         #define JIT_UNWIND_RA_REG {}\n\
         #define JIT_UNWIND_CFA_REG {}\n\
         #define JIT_UNWIND_CFA_OFFSET {}\n\
         #define JIT_UNWIND_FP_REG {}\n\
         #define JIT_UNWIND_FP_OFFSET {}\n\
         #define JIT_UNWIND_RA_OFFSET {}\n",
        info.code_alignment_factor,
        info.data_alignment_factor,
        info.return_address_register,
        info.cfa_register,
        info.cfa_offset,
        info.frame_pointer_register,
        info.frame_pointer_offset,
        info.return_address_offset,
    );
    out
}

//! The input of the example's `Programs/link.c`, for these tests and for the benchmark `link`.

use jit_runtime::Uop;
use jit_stencils::StencilSet;

/// Returns C declarations of micro-ops and symbols, in place of those in the example's headers.
pub(crate) fn prelude(set: &StencilSet, symbols: &[String]) -> String {
    let uops: Vec<_> = set.groups.iter().map(|(name, _)| name.as_str()).collect();
    let symbols: Vec<_> = symbols
        .iter()
        .map(|name| format!("extern char {name}[];\n"))
        .collect();
    format!(
        "#define TINYVM_UOPS_H\nenum {{ {} }};\n#define MAX_UOP_REGS_ID {}\n{}",
        uops.join(", "),
        uops.len() - 1,
        symbols.concat()
    )
}

/// Returns a micro-op in the format that `link.c` reads.
pub(crate) fn record(uop: &Uop) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[0..2].copy_from_slice(&(uop.opcode as u16).to_le_bytes());
    bytes[2..4].copy_from_slice(&uop.oparg.to_le_bytes());
    bytes[4..8].copy_from_slice(&uop.target.to_le_bytes());
    bytes[8..16].copy_from_slice(&uop.operand[0].to_le_bytes());
    bytes[16..24].copy_from_slice(&uop.operand[1].to_le_bytes());
    bytes
}

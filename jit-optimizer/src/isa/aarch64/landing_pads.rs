//! Branch target identification: `bti`, which older assemblers know as `hint`.

use crate::scan;

/// Returns the number of a hint: 32 for `bti`, 34 for `bti c`, 36 for `bti j` and 38 for `bti jc`.
fn hint(text: &str) -> Option<u8> {
    let (mnemonic, rest) = scan::split_run(text.trim(), |c| !scan::is_space(c));
    let operand = rest.trim();
    match (mnemonic, operand) {
        ("bti", "") => Some(32),
        ("bti", "c") => Some(34),
        ("bti", "j") => Some(36),
        ("bti", "jc") => Some(38),
        ("hint", number) => number.trim_start_matches('#').parse().ok(),
        _ => None,
    }
}

pub(super) fn is_landing_pad(text: &str) -> bool {
    hint(text).is_some_and(|hint| matches!(hint, 32 | 34 | 36 | 38))
}

/// Recognizes `bti c`, `bti jc`, and the instructions that sign the return address, which are landing pads for calls: `paciasp`
/// and `pacibsp`.
pub(super) fn accepts_calls(text: &str) -> bool {
    let signs = matches!(text.trim(), "paciasp" | "pacibsp");
    signs || hint(text).is_some_and(|hint| matches!(hint, 25 | 27 | 34 | 38))
}

//! Frames that a stencil has for itself.

use crate::scan;

/// Returns whether an instruction saves the frame pointer and the return address, and one that follows
/// in the same block makes the frame pointer the address of the two:
///
/// ```text
/// stp x29, x30, [sp, #-16]!      stp x29, x30, [sp, #48]
/// mov x29, sp                    add x29, sp, #48
/// ```
pub(super) fn links(block: &[&str], at: usize) -> bool {
    let mut following = block.iter().skip(at);
    let saved = following.next().and_then(|text| saved_at(text));
    let Some(offset) = saved else {
        return false;
    };
    for text in following {
        match scan::mnemonic(text).map(|(mnemonic, rest)| (mnemonic, words(rest))) {
            Some(("mov", operands)) if operands == ["x29", "sp"] => return offset == "0",
            Some(("add", operands)) if operands.first() == Some(&"x29") => {
                return operands == ["x29", "sp", offset];
            }
            // Anything else that writes one of the two registers, or may.
            Some((mnemonic, operands))
                if mnemonic.starts_with("bl")
                    || operands.contains(&"x29")
                    || operands.first() == Some(&"sp")
                    || text.contains("[sp") && (text.contains("]!") || text.contains("], ")) =>
            {
                return false;
            }
            _ => {}
        }
    }
    false
}

/// Returns the offset from the stack pointer at which an instruction saves the two registers.
fn saved_at(text: &str) -> Option<&str> {
    let ("stp", rest) = scan::mnemonic(text)? else {
        return None;
    };
    match words(rest).as_slice() {
        ["x29", "x30", "[sp]"] => Some("0"),
        // With the new value of the stack pointer, they are where it points to.
        ["x29", "x30", "[sp", offset] if offset.ends_with("]!") => Some("0"),
        ["x29", "x30", "[sp", offset] => offset.strip_suffix(']'),
        _ => None,
    }
}

/// Returns whether an instruction restores both registers.
pub(super) fn restores(text: &str) -> bool {
    matches!(
        scan::mnemonic(text),
        Some(("ldp", rest)) if words(rest).starts_with(&["x29", "x30"])
    )
}

fn words(operands: &str) -> Vec<&str> {
    operands.split(',').map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clang writes, and what differs from it in one place.
    #[test]
    fn only_linked_frames_count() {
        let push = "stp\tx29, x30, [sp, #-16]!";
        let store = "stp\tx29, x30, [sp, #48]";
        for (block, expected) in [
            (&[push, "mov\tx29, sp"][..], true),
            (&[push, "mov\tx9, sp", "mov\tx29, sp"], true),
            (&[push, "sub\tx9, sp, #48", "mov\tx29, sp"], true),
            (&[store, "add\tx29, sp, #48"], true),
            (&[store, "ldr\tx8, [x20]", "add\tx29, sp, #48"], true),
            (&[push], false),
            (&[push, "add\tx29, sp, #48"], false),
            (&[push, "sub\tsp, sp, #48", "mov\tx29, sp"], false),
            (&[push, "str\tx19, [sp, #-16]!", "mov\tx29, sp"], false),
            (&[push, "bl\tf", "mov\tx29, sp"], false),
            (&[push, "mov\tx29, x8", "mov\tx29, sp"], false),
            (&[store, "mov\tx29, sp"], false),
            (&[store, "add\tx29, sp, #32"], false),
            (&["stp\tx29, x28, [sp, #-16]!", "mov\tx29, sp"], false),
            (&["stp\tx29, x30, [x8]", "mov\tx29, sp"], false),
        ] {
            assert_eq!(links(block, 0), expected, "{block:?}");
        }
        assert!(restores("ldp\tx29, x30, [sp], #16"));
        assert!(!restores("ldp\tx29, x28, [sp], #16"));
        assert!(!restores("ldr\tx30, [sp], #16"));
    }
}

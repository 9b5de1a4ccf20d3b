//! Control-flow enforcement: `endbr64`, and jumps that are not checked.

use jit_schema::RETURN_TWICE;

use crate::scan;

pub(super) fn is_landing_pad(text: &str) -> bool {
    matches!(text.trim(), "endbr64" | "endbr32")
}

/// Returns an indirect jump without the prefix because of which processors do not check where it arrives.
pub(super) fn checked_jump(text: &str) -> Option<String> {
    let start = text.find("notrack")?;
    let (before, rest) = text.split_at(start);
    let rest = rest.strip_prefix("notrack")?;
    let is_prefix = before.chars().all(scan::is_space) && rest.starts_with(scan::is_space);
    is_prefix.then(|| format!("{before}{}", scan::skip_space(rest)))
}

/// Recognizes `callq setjmp`, `callq *setjmp@GOTPCREL(%rip)`, `callq *__imp_setjmp(%rip)` and the like.
pub(super) fn calls_twice(text: &str) -> bool {
    let Some(operand) = text.trim().strip_prefix("call") else {
        return false;
    };
    let is_of_names = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = operand.split(|c: char| !is_of_names(c));
    names.any(|name| {
        let name = name.strip_prefix("__imp_").unwrap_or(name);
        // Darwin and 32-bit Windows put another underscore before each name.
        let bare = name.strip_prefix('_').unwrap_or(name);
        RETURN_TWICE.contains(&name) || RETURN_TWICE.contains(&bare)
    })
}

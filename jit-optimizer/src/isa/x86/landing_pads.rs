//! Control-flow enforcement: `endbr64`, and jumps that are not checked.

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

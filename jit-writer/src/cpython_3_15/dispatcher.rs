//! The headers that include the one of the target that is being compiled for.

use jit_schema::Target;

use crate::c;

/// `_write_target_dispatcher` in `Tools/jit/build.py`.
pub(super) fn write(comment: &str, prefix: &str, targets: &[&Target]) -> String {
    let mut out = format!("// {comment}\n");
    c::write_choice(&mut out, prefix, targets, "unexpected target");
    out
}

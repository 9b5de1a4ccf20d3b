//! Dispatchers: headers that include the header for the target of the C compiler.

use crate::c::{self, Included};
use crate::comments::write_rest_of_line;

/// Returns a dispatcher (`_write_target_dispatcher` in `Tools/jit/build.py`).
pub(crate) fn write(comment: &str, prefix: &str, targets: &[Included<'_>]) -> String {
    let mut out = String::from("// ");
    write_rest_of_line(&mut out, comment);
    c::write_choice(&mut out, prefix, targets, "unexpected target");
    out
}

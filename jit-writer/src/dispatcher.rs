//! The headers that include the one of the target that is being compiled for.

use std::fmt::Write as _;

use jit_schema::Target;

/// The whole of `<prefix>.h`, which includes `<prefix>-<triple>.h` of the target that C is being
/// compiled for (`_write_target_dispatcher` in CPython's `Tools/jit/build.py`). The prefixes are
/// `jit_stencils` and `jit_unwind_info`; `comment` comes without the `//`.
///
/// An existing file of these contents is best left alone, or `make` builds what includes it anew.
pub fn write_dispatcher<'a>(
    comment: &str,
    prefix: &str,
    targets: impl IntoIterator<Item = &'a Target>,
) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "// {comment}");
    let mut guard = "#if";
    for target in targets {
        let _ = writeln!(
            out,
            "{guard} {}\n#include \"{prefix}-{}.h\"",
            target.condition, target.triple
        );
        guard = "#elif";
    }
    out.push_str("#else\n#error \"unexpected target\"\n#endif\n");
    out
}

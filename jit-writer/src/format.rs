//! What a header format is.

use std::fmt;

use jit_schema::Target;
use jit_stencils::{StencilSet, UnwindInfo};

use crate::preamble::Preamble;

/// A format of generated C headers: names, layout, and what the host program has to define.
///
/// The constants and [`HeaderFormat::from_name`] give one.
#[derive(Clone, Copy)]
pub struct HeaderFormat {
    /// The name in configuration files.
    pub(crate) name: &'static str,
    /// The stencils of a target.
    pub(crate) stencils: fn(Preamble<'_>, &StencilSet) -> String,
    /// How to unwind from JIT code.
    pub(crate) unwind: fn(Preamble<'_>, Option<&UnwindInfo>) -> String,
    /// The header that includes one target's: a comment, a prefix of file names and the targets.
    pub(crate) dispatcher: fn(&str, &str, &[&Target]) -> String,
}

impl HeaderFormat {
    /// The name, for example `plain`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the text of `jit_stencils-<triple>.h`: a function for each micro-op, in build order,
    /// and the tables of stencils and of external symbols.
    pub fn stencil_header(&self, preamble: Preamble<'_>, set: &StencilSet) -> String {
        (self.stencils)(preamble, set)
    }

    /// Returns the text of `jit_unwind_info-<triple>.h`. `info` is `None` for a target that has no
    /// unwind information.
    pub fn unwind_header(&self, preamble: Preamble<'_>, info: Option<&UnwindInfo>) -> String {
        (self.unwind)(preamble, info)
    }

    /// Returns the text of `<prefix>.h`, which includes `<prefix>-<triple>.h` of the target that C is
    /// being compiled for. The prefixes are `jit_stencils` and `jit_unwind_info`; `comment` comes
    /// without the `//`.
    ///
    /// Leave an existing file with the same contents alone, or `make` rebuilds what includes it.
    pub fn dispatcher<'a>(
        &self,
        comment: &str,
        prefix: &str,
        targets: impl IntoIterator<Item = &'a Target>,
    ) -> String {
        let targets: Vec<&Target> = targets.into_iter().collect();
        (self.dispatcher)(comment, prefix, &targets)
    }
}

impl PartialEq for HeaderFormat {
    fn eq(&self, other: &HeaderFormat) -> bool {
        self.name == other.name
    }
}

impl Eq for HeaderFormat {}

impl fmt::Debug for HeaderFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeaderFormat").field(&self.name).finish()
    }
}

impl fmt::Display for HeaderFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

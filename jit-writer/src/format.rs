//! The definition of a header format.

use std::fmt;

use jit_stencils::{StencilGroup, StencilSet, UnwindInfo};

use crate::c::Included;
use crate::error::HeaderError;
use crate::expression;
use crate::expression::BaseExpression;
use crate::names;
use crate::preamble::Preamble;

/// A format of generated C headers: names, layout, and what the host program has to define.
///
/// To get a format, use one of the constants or [`HeaderFormat::from_name`].
#[derive(Clone, Copy)]
pub struct HeaderFormat {
    /// The name in configuration files.
    pub(crate) name: &'static str,
    /// The parameters and variables of the functions of micro-ops.
    pub(crate) locals: &'static [&'static str],
    /// Whether headers have the shim, if it is a stencil.
    pub(crate) has_shim: bool,
    /// Returns the C expression for the base of a hole.
    pub(crate) base: BaseExpression,
    /// Returns the header with the stencils of a target.
    pub(crate) stencils: fn(Preamble<'_>, &StencilSet) -> Result<String, HeaderError>,
    /// Returns the header with the unwind rules for JIT code.
    pub(crate) unwind: fn(Preamble<'_>, Option<&UnwindInfo>) -> String,
    /// Returns a dispatcher, given a comment, the prefix of file names, and the targets.
    pub(crate) dispatcher: fn(&str, &str, &[Included<'_>]) -> String,
    /// Returns whether a header of a target has its end.
    pub(crate) is_whole: fn(&str) -> bool,
    /// The start of the first line of the table of stencils, by which a header of the format is known.
    pub(crate) table: &'static str,
}

impl HeaderFormat {
    /// Returns the name, for example `plain`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the text of `jit_stencils-<triple>.h`: a function for each micro-op, in build order,
    /// and the tables of stencils and of external symbols.
    ///
    /// # Errors
    ///
    /// A [`HeaderError`] if a stencil has something that the users of this format do not know of, or a name that is
    /// no C identifier.
    pub fn stencil_header(
        &self,
        preamble: Preamble<'_>,
        set: &StencilSet,
    ) -> Result<String, HeaderError> {
        let shim = set.shim.iter().filter(|_| self.has_shim);
        let shim = shim.map(|shim| (shim.name.as_str(), &shim.group));
        let groups = set
            .groups
            .iter()
            .map(|(name, group)| (name.as_str(), group));
        let groups: Vec<(&str, &StencilGroup)> = shim.chain(groups).collect();
        names::check(&groups, &set.symbols, (self.name, self.locals))?;
        expression::check(&groups, self.name, self.base)?;
        (self.stencils)(preamble, set)
    }

    /// Returns the text of `jit_unwind_info-<triple>.h`. `info` is `None` for a target that has no
    /// unwind information.
    pub fn unwind_header(&self, preamble: Preamble<'_>, info: Option<&UnwindInfo>) -> String {
        (self.unwind)(preamble, info)
    }

    /// Returns whether a text ends as [`stencil_header`](HeaderFormat::stencil_header) or
    /// [`unwind_header`](HeaderFormat::unwind_header) ends, and not in the middle.
    pub fn is_whole(&self, header: &[u8]) -> bool {
        str::from_utf8(header).is_ok_and(self.is_whole)
    }

    /// Returns whether a text has this format's table of stencils.
    pub(crate) fn has_table(&self, text: &str) -> bool {
        text.contains(&format!("\n{}", self.table))
    }

    /// Returns the text of `<prefix>.h`, which includes `<prefix>-<triple>.h` for the target of the
    /// C compiler. `targets` are targets, or [`Included`] if the triples in names are spelled in another way. The prefixes are `jit_stencils` and `jit_unwind_info`; `comment` does not
    /// include the `//`.
    ///
    /// Do not overwrite an existing file that has the same contents: `make` would rebuild
    /// everything that includes it.
    pub fn dispatcher<'a>(
        &self,
        comment: &str,
        prefix: &str,
        targets: impl IntoIterator<Item = impl Into<Included<'a>>>,
    ) -> String {
        let targets: Vec<Included<'a>> = targets.into_iter().map(Into::into).collect();
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

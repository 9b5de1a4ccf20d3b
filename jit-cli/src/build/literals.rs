//! The addresses of literals on x86_64 macOS, which CPython's `Tools/jit` gets wrong.

use jit_schema::Codegen;
use jit_stencils::StencilSet;
use jit_writer::HeaderFormat;

use crate::conventions::TargetFileNames;

/// Decides which addresses of literals a header of CPython's format has: those of CPython's `Tools/jit` with
/// upstream's code generation, the right ones with any other. Stencil files and other formats always have the
/// right ones. Returns what the user should know about the header.
pub(crate) fn decide(
    set: &mut StencilSet,
    codegen: Codegen,
    format: HeaderFormat,
    names: &TargetFileNames,
) -> Option<String> {
    match codegen {
        Codegen::Tuned | Codegen::Small => {
            for (_, group) in &mut set.groups {
                group.listing.literal_shifts.clear();
            }
            None
        }
        Codegen::Upstream => {
            let mut wrong = set
                .groups
                .iter()
                .filter(|(_, group)| !group.listing.literal_shifts.is_empty())
                .map(|(name, _)| name.as_str());
            // In 3.14, there is no other code generation.
            let advice = match format {
                format if format == HeaderFormat::CPYTHON_3_15 => {
                    ": such a micro-op reads its strings and constants from a wrong place. They are right with \
                     `--codegen tuned` or `small`, and in stencil files (`--emit stencils`): docs/parity.md"
                }
                format if format == HeaderFormat::CPYTHON_3_14 => {
                    ": such a micro-op reads its strings and constants from a wrong place (docs/parity.md)"
                }
                _ => return None,
            };
            let first = wrong.next()?;
            let more = match wrong.count() {
                0 => String::new(),
                1 => " and another micro-op".to_owned(),
                more => format!(" and {more} other micro-ops"),
            };
            Some(format!(
                "{} has wrong addresses of literals in {first}{more}, as CPython's Tools/jit writes \
                 them{advice}",
                names.header
            ))
        }
    }
}

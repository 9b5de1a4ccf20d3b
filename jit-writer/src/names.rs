//! The names of micro-ops and symbols in headers. They are parts of C expressions there, so that nothing but an
//! identifier may be one: `__asm__("a + b")` gives a symbol any name.

use jit_stencils::{Hole, Part, PatchValue, StencilGroup};

use crate::error::HeaderError;

/// Checks that C has the meaning that a header of a format needs for all names in it. `locals` are the parameters
/// and variables of the format's functions.
pub(crate) fn check(
    groups: &[(&str, &StencilGroup)],
    symbols: &[String],
    (format, locals): (&'static str, &[&str]),
) -> Result<(), HeaderError> {
    for (opname, group) in groups {
        let opname = (*opname).to_owned();
        if !is_identifier(&opname) {
            return Err(HeaderError::OpName { opname });
        }
        for (part, hole) in holes(group) {
            let symbol: &str = match &hole.value {
                PatchValue::Address { symbol: None, .. } | PatchValue::Scaled { .. } => continue,
                PatchValue::Address {
                    symbol: Some(symbol),
                    ..
                } => symbol,
                PatchValue::GotSlot { ordinal, .. } | PatchValue::Symbol { ordinal } => {
                    // Only its number is in the function; the table has the name.
                    match symbols.get(*ordinal) {
                        Some(symbol) if !is_identifier(symbol) => symbol,
                        _ => continue,
                    }
                }
            };
            if !is_identifier(symbol) {
                return Err(HeaderError::Symbol {
                    opname,
                    part,
                    offset: hole.offset,
                    symbol: symbol.to_owned(),
                });
            }
            if locals.contains(&symbol) {
                return Err(HeaderError::Local {
                    opname,
                    part,
                    offset: hole.offset,
                    symbol: symbol.to_owned(),
                    format,
                });
            }
        }
    }
    // All that a build has are those of holes.
    match symbols.iter().position(|symbol| !is_identifier(symbol)) {
        Some(ordinal) => Err(HeaderError::Unused {
            ordinal,
            symbol: symbols.get(ordinal).cloned().unwrap_or_default(),
        }),
        None => Ok(()),
    }
}

/// Returns all holes of a stencil, those of its code first.
pub(crate) fn holes(group: &StencilGroup) -> impl Iterator<Item = (Part, &Hole)> {
    let parts = [(Part::Code, &group.code), (Part::Data, &group.data)];
    parts
        .into_iter()
        .flat_map(|(part, stencil)| stencil.holes.iter().map(move |hole| (part, hole)))
}

/// Returns whether C compilers read a name as one identifier. Dollar signs are allowed, which clang, gcc and MSVC
/// support and some symbols of macOS have (`opendir$INODE64`), and so are letters of other alphabets.
pub(crate) fn is_identifier(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    !name.starts_with(char::is_numeric) && !name.is_empty() && name.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for name in ["a", "_", "_Z3foov", "x9", "opendir$INODE64", "größe"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in [
            "",
            "9a",
            "a b",
            "a+b",
            "x*/y",
            "a\n",
            "a\"",
            "a\\",
            "a.b",
            "??/",
            "a@plt",
            "a;b",
            "\u{202e}a",
        ] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}

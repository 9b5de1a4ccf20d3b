//! Opcodes as constants in Rust, for programs that link stencils with `jit-runtime`.

use std::{collections::HashMap, fmt::Write as _};

use jit_stencils::StencilSet;

use crate::{error::HeaderError, names::is_identifier, preamble::Preamble};

/// The last line.
const END: &str = "// The end of the opcodes.\n";

/// Returns a Rust text with a constant for each stencil, which is its index among those of the stencil file:
/// `pub const ADD: u32 = 0;`. The names are in upper case. If the set has a shim, it is one of them. `COUNT` is the number
/// of constants, and `NAMES` has the names of the stencils as the file has them, by index.
///
/// The text is to be included in a module: `mod op { include!(env!("JIT_OPCODES")); }`.
///
/// # Errors
///
/// [`HeaderError::OpName`], or [`HeaderError::Constant`] if a name in upper case is another's or one that the text
/// defines itself.
pub fn rust_opcodes(preamble: Preamble<'_>, set: &StencilSet) -> Result<String, HeaderError> {
    let uops = set.groups.iter().map(|(name, _)| name.as_str());
    let shim = set.shim.iter().map(|shim| shim.name.as_str());
    let names: Vec<&str> = uops.chain(shim).collect();
    let mut taken: HashMap<String, &str> = HashMap::new();
    let mut out = String::new();
    preamble.write(&mut out);
    for (index, opname) in names.iter().copied().enumerate() {
        if !is_identifier(opname) {
            return Err(HeaderError::OpName {
                opname: opname.to_owned(),
            });
        }
        let constant = opname.to_ascii_uppercase();
        let other = match constant.as_str() {
            // Not a name in Rust.
            "_" => Some("_"),
            "COUNT" | "NAMES" => Some("a constant of the file"),
            _ => taken.get(&constant).copied(),
        };
        if let Some(other) = other {
            return Err(HeaderError::Constant {
                opname: opname.to_owned(),
                constant,
                other: other.to_owned(),
            });
        }
        // Writing to a String cannot fail, here and below. Few programs use all of the constants.
        let _ = writeln!(
            out,
            "/// The opcode of `{opname}`.\n#[allow(dead_code)]\npub const {constant}: u32 = {index};"
        );
        taken.insert(constant, opname);
    }
    let _ = write!(
        out,
        "\n/// The number of stencils.\n#[allow(dead_code)]\npub const COUNT: usize = {0};\n\n\
         /// Their names, by opcode.\n#[allow(dead_code)]\npub static NAMES: [&str; {0}] = {names:?};\n{END}",
        names.len()
    );
    Ok(out)
}

/// Returns whether a text ends as [`rust_opcodes`] ends, and not in the middle.
#[must_use]
pub fn is_whole_opcodes(text: &[u8]) -> bool {
    text.ends_with(END.as_bytes())
}

//! LLVM modules made of assembly.

use std::fmt::Write as _;

use jit_schema::ObjectFormat;

/// Returns an LLVM module with a name that is nothing but the assembly. Object files say what the name is, and
/// not the names of temporary files, which are different in each build.
pub(crate) fn as_module(name: &str, assembly: &str, format: ObjectFormat, triple: &str) -> String {
    let mut text = String::with_capacity(assembly.len() + assembly.len() / 2);
    text.push_str("source_filename = \"");
    push_escaped(&mut text, name);
    text.push_str("\"\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "target triple = \"{triple}\"");
    let mut in_feature = false;
    for line in assembly.lines() {
        // LLVM defines this symbol of COFF files itself, in every module.
        if format == ObjectFormat::Coff && (in_feature || line.contains("@feat.00")) {
            let directive = line.trim_start();
            in_feature = (in_feature || directive.starts_with(".def")) && !ends_definition(line);
            continue;
        }
        if line.starts_with("\t.file\t\"") {
            continue;
        }
        text.push_str("module asm \"");
        push_escaped(&mut text, line);
        text.push_str("\"\n");
    }
    text
}

/// Adds what is between the quotes of a string.
fn push_escaped(text: &mut String, contents: &str) {
    for byte in contents.bytes() {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(text, "\\{byte:02X}");
            }
            _ => text.push(char::from(byte)),
        }
    }
}

/// Whether a `.def` ends on this line.
fn ends_definition(line: &str) -> bool {
    line.contains(".endef")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assembly_as_a_module() {
        let assembly = "\t.file\t\"1.c\"\n\t.asciz \"a\\né\"\nx:\n";
        let text = as_module("n", assembly, ObjectFormat::Elf, "t");
        assert_eq!(
            text,
            "source_filename = \"n\"\ntarget triple = \"t\"\nmodule asm \"\\09.asciz \\22a\\5Cn\\C3\\A9\\22\"\nmodule asm \"x:\"\n"
        );
    }

    #[test]
    fn coff_features_are_left_to_cc1() {
        let text = "\t.def\t@feat.00;\n\t.scl\t3;\n\t.type\t0;\n\t.endef\n\t.globl\t@feat.00\n\
                    @feat.00 = 0\n\t.def\tf;\n\t.endef\nf:\n";
        let module = as_module("n", text, ObjectFormat::Coff, "t");
        assert_eq!(
            module,
            "source_filename = \"n\"\ntarget triple = \"t\"\nmodule asm \"\\09.def\\09f;\"\nmodule asm \"\\09.endef\"\nmodule asm \"f:\"\n"
        );
        assert!(as_module("n", text, ObjectFormat::Elf, "t").contains("@feat.00"));
    }
}

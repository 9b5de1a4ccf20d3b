//! Assembly with IR in it: one process compiles sources, and tells what their IR was before optimization.
//!
//! clang's `-fembed-bitcode=all` writes the same bitcode as `-emit-llvm-bc -disable-llvm-passes`, as a string in a section of
//! its own. Without that section and the one with the command line after it, the assembly is the same as without the flag.

use super::{Ir, run};
use crate::{
    batch::Member, context::Context, error::LlvmError, files, plan::Plan, preamble::Preamble,
    source::Source, written,
};

/// Compiles to assembly and to IR. Returns `None` if clang prints something, and if the IR is not found: compiling the
/// sources without it shows what there is to show.
pub(crate) fn compile(
    context: &Context<'_>,
    plan: &Plan,
    preamble: &Preamble<'_>,
    sources: &[&Source],
) -> Result<Option<Vec<(String, Ir)>>, LlvmError> {
    let end = plan.last_directive(context.options.target.format);
    let mut embedding = plan.clone();
    embedding.arguments.push("-fembed-bitcode=all".into());
    let made = run(
        context,
        &embedding,
        preamble,
        (sources, "s"),
        |done, members| {
            let is_whole = members.iter().all(Member::is_done);
            if !done.status.success() || !done.stderr.is_empty() || !is_whole {
                return Ok(None);
            }
            let texts = members
                .iter()
                .map(|member| files::read_text(&member.output));
            let texts = texts.collect::<Result<Vec<_>, LlvmError>>()?;
            let split = texts.iter().map(|text| {
                let (assembly, bitcode) =
                    split(text).filter(|(text, _)| written::has_line(text, end))?;
                Some((assembly, Ir::new(bitcode)?))
            });
            Ok(split.collect::<Option<Vec<_>>>())
        },
    )?;
    Ok(made.flatten())
}

/// The sections of the bitcode and of the command line, as each object format spells them.
const SECTIONS: [[&str; 2]; 2] = [
    [".llvmbc", ".llvmcmd"],
    ["__LLVM,__bitcode", "__LLVM,__cmdline"],
];

/// Separates assembly from the bitcode in it. Returns `None` if the sections are not as clang writes them.
fn split(text: &str) -> Option<(String, Vec<u8>)> {
    let [bitcode, command] = SECTIONS
        .into_iter()
        .find(|[bitcode, _]| text.contains(&format!("\t.section\t{bitcode}")))?;
    let (before, string, rest) = cut(text, bitcode)?;
    let (between, _, after) = cut(rest, command)?;
    let has_both = after.contains(bitcode) || after.contains(command);
    if !between.trim().is_empty() || has_both {
        return None;
    }
    Some((format!("{before}{after}"), string))
}

/// Cuts a section with one string out of a text. Returns what is before it, the string, and what is after it.
fn cut<'t>(text: &'t str, section: &str) -> Option<(&'t str, Vec<u8>, &'t str)> {
    let directive = format!("\t.section\t{section}");
    let (before, mut rest) = text.split_at_checked(text.find(&directive)?)?;
    let mut next = || {
        let (line, after) = rest.split_once('\n')?;
        rest = after;
        Some(line)
    };
    let words = next()?.strip_prefix(&*directive)?;
    if !(words.is_empty() || words.starts_with(',')) {
        return None;
    }
    let label = next()?.split(':').next()?;
    let string = next()?.strip_prefix("\t.asciz\t\"")?.strip_suffix('"')?;
    // clang writes the 0 at the end of a string in this way.
    let mut bytes = unescaped(string)?;
    bytes.push(0);
    let mut line = next()?;
    if let Some(size) = line.strip_prefix(&*format!("\t.size\t{label}, ")) {
        if size.parse() != Ok(bytes.len()) {
            return None;
        }
        line = next()?;
    }
    // ELF has the type of each symbol in front of its section.
    let trimmed = before.trim_end_matches('\n');
    let start = trimmed.rfind('\n').map_or(0, |end| end + 1);
    let last = trimmed.get(start..)?;
    let before = match last.starts_with(&format!("\t.type\t{label},")) {
        true => text.get(..start)?,
        false => before,
    };
    line.is_empty().then_some((before, bytes, rest))
}

/// Returns the bytes of a string of the assembler.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 12,
            b'r' => b'\r',
            quoted @ (b'"' | b'\\') => quoted,
            first @ b'0'..=b'7' => {
                let mut value = u32::from(first - b'0');
                for _ in 0..2 {
                    let digit = rest.next_if(|byte| (b'0'..=b'7').contains(byte));
                    value = digit.map_or(value, |digit| 8 * value + u32::from(digit - b'0'));
                }
                u8::try_from(value).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As clang 22 writes it for Linux.
    const ELF: &str = "\t.text\n\tretq\n\n\t.type\t.Lllvm.embedded.module,@object  # @llvm.embedded.module\n\
                       \t.section\t.llvmbc,\"\",@progbits\n.Lllvm.embedded.module:\n\
                       \t.asciz\t\"BC\\300\\3365\\\"\\n\\0001\"\n\t.size\t.Lllvm.embedded.module, 10\n\n\
                       \t.type\t.Lllvm.cmdline,@object          # @llvm.cmdline\n\
                       \t.section\t.llvmcmd,\"\",@progbits\n.Lllvm.cmdline:\n\t.asciz\t\"-cc1\\000-S\"\n\
                       \t.size\t.Lllvm.cmdline, 8\n\n\t.section\t\".note.GNU-stack\",\"\",@progbits\n";

    #[test]
    fn elf() {
        let (assembly, bitcode) = split(ELF).unwrap();
        let expected = "\t.text\n\tretq\n\n\t.section\t\".note.GNU-stack\",\"\",@progbits\n";
        assert_eq!(assembly, expected);
        assert_eq!(bitcode, b"BC\xc0\xde5\"\n\x001\0");
    }

    #[test]
    fn mach_o() {
        let text = "\tretq\n\n\t.section\t__LLVM,__bitcode\nl_llvm.embedded.module:\n\t.asciz\t\"\\336\"\n\n\
                    \t.section\t__LLVM,__cmdline\nl_llvm.cmdline:\n\t.asciz\t\"-cc1\"\n\n.subsections_via_symbols\n";
        let expected = "\tretq\n\n.subsections_via_symbols\n";
        assert_eq!(split(text), Some((expected.to_owned(), vec![0xde, 0])));
    }

    #[test]
    fn anything_else_is_not_taken_apart() {
        assert_eq!(split("\t.text\n"), None);
        for (old, new) in [
            (
                ".size\t.Lllvm.embedded.module, 10",
                ".size\t.Lllvm.embedded.module, 11",
            ),
            ("\t.asciz\t\"BC", "\t.ascii\t\"BC"),
            ("\\300", "\\400"),
            ("\\n", "\\q"),
            ("\t.section\t.llvmcmd", "\t.long\t1\n\t.section\t.llvmcmd"),
            ("\t.section\t.llvmbc,", "\t.section\t.llvmbcx,"),
            (".note.GNU-stack", ".llvmbc"),
        ] {
            assert!(ELF.contains(old), "{old}");
            assert_eq!(split(&ELF.replacen(old, new, 1)), None, "{new}");
        }
        for end in 1..ELF.find("\t.section\t\".note").unwrap() {
            assert_eq!(split(&ELF[..end]), None, "{end}");
        }
    }
}

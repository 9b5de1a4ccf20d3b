//! A header with everything that a C or C++ program needs to link traces: opcodes, the stencils as tables, and
//! a linker, which makes the same images as `jit-runtime` with its tight layout.
//!
//! The linker is C text in `c_host/`. It is the same for all sets of stencils; the tables come in the middle.

mod families;
mod quick;
mod rows;
mod tables;

use std::fmt::Write as _;

use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::StencilSet;

use crate::{error::HeaderError, preamble::Preamble};

use tables::Tables;

/// Types and declarations.
const API: &str = include_str!("c_host/api.h");
/// The linker, with a place for the tables.
const LINKER: &str = include_str!("c_host/linker.c");
/// Memory for code.
const MEMORY: &str = include_str!("c_host/memory.c");
/// What is written over by the tables.
const PLACE: &str = "// @TABLES@\n";

const GUIDE: &str = "\
// Links traces of stencils to code, in C11 or C++17: jit_compile, or jit_layout_make and jit_link for an image that
// is to run elsewhere. One file of a program can include it as it is; all functions are static. A program with several
// such files defines JIT_HOST_EXTERNAL before all of them include it, and one file JIT_HOST_IMPLEMENTATION as well.
";

/// Returns the text of a self-contained C header for programs that link a target's stencils at run time.
///
/// It compiles as C11 and as C++17. The images are bit for bit those that `jit-runtime` makes with its tight
/// layout, on any host. If the set has a shim, `JIT_SHIM` is its opcode.
///
/// Where the stencils take the values of CPython's instructions, these have numbers: operand 0 is `_JIT_OPARG`,
/// 1 and 2 are `_JIT_OPERAND0` and `_JIT_OPERAND1`, and 3 is `_JIT_TARGET`; target 0 is `_JIT_JUMP_TARGET`, and
/// target 1 is `_JIT_ERROR_TARGET`.
///
/// For each [family](jit_stencils::Family), there is a function `jit_family_<name>` that returns the opcode of a member.
///
/// # Errors
///
/// [`HeaderError::OpName`], also for the name of a family, [`HeaderError::Family`] for one without all of its members, or
/// [`HeaderError::Host`] with the first hole that the linker could not fill.
pub fn host_header(preamble: Preamble<'_>, set: &StencilSet) -> Result<String, HeaderError> {
    let tables = Tables::new(set)?;
    let mut out = String::new();
    preamble.write(&mut out);
    out.push_str(GUIDE);
    if tables.has_fixed_values {
        out.push_str(tables::FIXED_VALUES);
    }
    out.push_str(
        "#ifdef JIT_HOST_H\n#error \"two headers with a linker in one file\"\n#endif\n#define JIT_HOST_H\n\n",
    );
    out.push_str(
        "#if !defined(JIT_HOST_EXTERNAL) || defined(JIT_HOST_IMPLEMENTATION)\n#define JIT_HOST_BODY\n#endif\n\n",
    );
    write_target(&mut out, &set.target);
    tables.write_opcodes(&mut out);
    out.push_str(API);
    families::write(&mut out, set)?;
    out.push_str("#ifdef JIT_HOST_BODY\n\n");
    let (before, after) = LINKER.split_once(PLACE).unwrap_or((LINKER, ""));
    out.push_str(before);
    tables.write(&mut out);
    out.push_str(after);
    out.push_str(MEMORY);
    out.push_str("\n#endif\n\n#ifdef __cplusplus\n}\n#endif\n");
    Ok(guarded(&out, &set.target))
}

/// Returns whether a text ends as [`host_header`] ends, and not in the middle.
#[must_use]
pub fn is_whole_host_header(header: &[u8]) -> bool {
    header.ends_with(END.as_bytes())
}

/// The end of the include guard.
const END: &str = "\n#endif // the end of the header\n";

/// Puts an include guard around all but the first lines, which are comments.
fn guarded(text: &str, target: &Target) -> String {
    let upper = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_uppercase(),
        false => '_',
    };
    let triple: String = target.triple.chars().map(upper).collect();
    let guard = format!("JIT_HOST_{triple}_H");
    let start = text.find("#ifdef JIT_HOST_H\n").unwrap_or(text.len());
    let (comments, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    format!("{comments}#ifndef {guard}\n#define {guard}\n\n{rest}{END}")
}

/// Writes the macros that say what the stencils run on.
fn write_target(out: &mut String, target: &Target) {
    out.push_str(
        "#define JIT_ARCH_X86_64 1\n#define JIT_ARCH_I686 2\n#define JIT_ARCH_AARCH64 3\n",
    );
    let (arch, macros) = match target.arch {
        Arch::X86_64 => ("X86_64", "(defined(__x86_64__) || defined(_M_X64))"),
        Arch::I686 => ("I686", "(defined(__i386__) || defined(_M_IX86))"),
        Arch::Aarch64 => ("AARCH64", "(defined(__aarch64__) || defined(_M_ARM64))"),
    };
    let system = match target.format {
        ObjectFormat::Coff => "_WIN32",
        ObjectFormat::Elf => "__linux__",
        ObjectFormat::MachO => "__APPLE__",
    };
    let trampolines = match (target.arch, target.format) {
        (Arch::Aarch64, _) | (Arch::X86_64, ObjectFormat::MachO) => 1,
        (Arch::X86_64 | Arch::I686, _) => 0,
    };
    let _ = write!(
        out,
        "#define JIT_ARCH JIT_ARCH_{arch}\n#define JIT_TARGET \"{}\"\n#define JIT_TRAMPOLINES {trampolines}\n\n\
         // Whether the program runs on what the stencils are for.\n\
         #if {macros} && defined({system})\n#define JIT_FOR_THIS_HOST 1\n#else\n#define JIT_FOR_THIS_HOST 0\n#endif\n\n",
        target.triple
    );
}

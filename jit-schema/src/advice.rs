//! What to try about an object that cannot be used: the ends of error messages.

const UNWIND: &str = "unwind information cannot be in a stencil: compile with \
                      -fno-asynchronous-unwind-tables -fno-unwind-tables";
const THREAD_LOCAL: &str =
    "thread-local variables cannot be in a stencil: reach them through a function";
const ZEROS: &str = "static writable data cannot be in a stencil, whose copies would not share \
                     it: make it const, or keep it outside";
const MODEL: &str = "compile with -fno-pic -mcmodel=medium -mlarge-data-threshold=0 -fno-plt, so \
                     that addresses are loaded whole or through the GOT";
const LOW_BITS: &str = "only an add can have the low 12 bits of an address: keep static variables, \
                        and constants for float or vector registers, outside of the stencil";
const CONSTANT: &str = "constants for float or vector registers cannot be in a stencil here: keep \
                        them outside";
const DIFFERENCE: &str = "differences of symbols cannot be in a stencil: compile with \
                          -fno-jump-tables -fno-asynchronous-unwind-tables -fno-unwind-tables";

/// What to try about a relocation of that name, with the `; ` before it, or nothing.
pub(crate) fn relocation(kind: &str, symbol: &str) -> String {
    let advice = match kind {
        "ARM64_RELOC_ADDEND" => "it is a symbol plus an offset: add the offset in code",
        _ if kind.starts_with("of scattered type") => return String::new(),
        _ if symbol.is_empty() => {
            "it names no symbol: call or load fixed addresses through a constant instead"
        }
        "R_X86_64_GOTPCREL" => {
            "it says that the GOT load cannot be relaxed: assemble with clang, and without \
             -Wa,-mrelax-relocations=no"
        }
        _ if symbol.contains("LCPI") => CONSTANT,
        "R_X86_64_PC32" | "R_X86_64_32" | "R_X86_64_32S" => MODEL,
        "IMAGE_REL_AMD64_ADDR32NB" | "IMAGE_REL_ARM64_ADDR32NB" | "IMAGE_REL_I386_DIR32NB" => {
            UNWIND
        }
        "IMAGE_REL_AMD64_ADDR64" | "IMAGE_REL_ARM64_ADDR64" => {
            "static data cannot hold addresses on Windows: compute the address in code"
        }
        "X86_64_RELOC_SIGNED_1" | "X86_64_RELOC_SIGNED_2" | "X86_64_RELOC_SIGNED_4" => {
            "an immediate operand follows the address: load into a register first"
        }
        _ if kind.ends_with("_SUBTRACTOR") || kind.contains("_PREL") || kind.contains("_PC64") => {
            DIFFERENCE
        }
        _ if kind.contains("LDST") && kind.contains("_ABS_LO12") => LOW_BITS,
        _ if ["TPOFF", "DTPOFF", "TLS", "TLV", "SECREL"]
            .iter()
            .any(|part| kind.contains(part)) =>
        {
            THREAD_LOCAL
        }
        _ => return String::new(),
    };
    format!("; {advice}")
}

/// What to try about a section of that type, with the `; ` before it, or nothing.
pub(crate) fn section(kind: &str) -> String {
    let advice = match kind {
        "SHT_NOBITS" | "S_ZEROFILL" | "S_GB_ZEROFILL" => ZEROS,
        "S_THREAD_LOCAL_ZEROFILL" => THREAD_LOCAL,
        "SHT_X86_64_UNWIND" => UNWIND,
        "SHT_REL" | "SHT_CREL" | "SHT_RELR" => {
            "only relocations of type SHT_RELA are read: assemble with clang, without \
             -Wa,--crel"
        }
        "SHT_INIT_ARRAY" | "SHT_FINI_ARRAY" | "SHT_PREINIT_ARRAY" => {
            "nothing runs a stencil's constructors or destructors: remove them"
        }
        "SHT_SYMTAB_SHNDX" => "it is for more than 65,000 sections: drop -ffunction-sections",
        _ => return String::new(),
    };
    format!("; {advice}")
}

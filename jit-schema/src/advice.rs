//! Advice about objects that cannot be used, for the ends of error messages.

/// The type of sections with the addresses of constructors or destructors in COFF, which has no name for it.
pub(crate) const CONSTRUCTORS: &str = "constructors";

const UNWIND: &str = "unwind information cannot be in a stencil: compile with \
                      -fno-asynchronous-unwind-tables -fno-unwind-tables";
const THREAD_LOCAL: &str =
    "thread-local variables cannot be in a stencil: reach them through a function";
const ZEROS: &str = "static writable data cannot be in a stencil, whose copies would not share \
                     it: make it const, or keep it outside";
const MODEL: &str = "compile with -fno-pic -mcmodel=medium -mlarge-data-threshold=0 -fno-plt, so \
                     that addresses are loaded whole or through the GOT";
const CONSTANT: &str = "constants for float or vector registers cannot be in a stencil here: keep \
                        them outside";
const DIFFERENCE: &str = "differences of symbols cannot be in a stencil: compile with \
                          -fno-jump-tables -fno-asynchronous-unwind-tables -fno-unwind-tables";

/// Returns whether advice is about a relocation of this name that refers to this symbol.
type Test = fn(&str, &str) -> bool;

/// Advice about relocations. The first entry that fits is used.
const RELOCATIONS: &[(Test, &str)] = &[
    (
        |kind, symbol| symbol.is_empty() && !kind.starts_with("of scattered type"),
        "it names no symbol: call or load fixed addresses through a constant instead",
    ),
    (|_, symbol| symbol.contains("LCPI"), CONSTANT),
    (
        |kind, _| ["R_X86_64_32", "R_X86_64_32S"].contains(&kind),
        MODEL,
    ),
    (
        |kind, _| {
            [
                "IMAGE_REL_AMD64_ADDR32NB",
                "IMAGE_REL_ARM64_ADDR32NB",
                "IMAGE_REL_I386_DIR32NB",
            ]
            .contains(&kind)
        },
        UNWIND,
    ),
    (
        |kind, _| kind.ends_with("_SUBTRACTOR") || kind.contains("_PREL") || kind.contains("_PC64"),
        DIFFERENCE,
    ),
    (
        |kind, _| {
            ["TPOFF", "DTPOFF", "TLS", "TLV", "SECREL"]
                .iter()
                .any(|part| kind.contains(part))
        },
        THREAD_LOCAL,
    ),
];

/// Advice about sections of these types.
const SECTIONS: &[(&[&str], &str)] = &[
    (&["SHT_NOBITS", "S_ZEROFILL", "S_GB_ZEROFILL"], ZEROS),
    (&["S_THREAD_LOCAL_ZEROFILL"], THREAD_LOCAL),
    (&["SHT_X86_64_UNWIND"], UNWIND),
    (
        &["SHT_REL", "SHT_CREL", "SHT_RELR"],
        "only relocations of type SHT_RELA are read: assemble with clang, without -Wa,--crel",
    ),
    (
        &[
            "SHT_INIT_ARRAY",
            "SHT_FINI_ARRAY",
            "SHT_PREINIT_ARRAY",
            CONSTRUCTORS,
        ],
        "nothing runs a stencil's constructors or destructors: remove them",
    ),
    (
        &["SHT_SYMTAB_SHNDX"],
        "it is for more than 65,000 sections: drop -ffunction-sections",
    ),
];

/// Returns advice about a relocation of that name, with `; ` before it, or nothing.
pub(crate) fn relocation(kind: &str, symbol: &str) -> String {
    let advice = RELOCATIONS.iter().find(|(test, _)| test(kind, symbol));
    clause(advice.map(|(_, text)| *text))
}

/// Returns advice about a section of that type, with `; ` before it, or nothing.
pub(crate) fn section(kind: &str) -> String {
    let advice = SECTIONS.iter().find(|(kinds, _)| kinds.contains(&kind));
    clause(advice.map(|(_, text)| *text))
}

fn clause(text: Option<&str>) -> String {
    text.map(|text| format!("; {text}")).unwrap_or_default()
}

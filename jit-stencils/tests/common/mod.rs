//! Objects made by hand.

use jit_schema::{
    ObjectFile, ObjectFormat, Relocation, RelocationKind, Section, SectionKind, Symbol, Target,
};

pub(crate) fn target(triple: &str) -> &'static Target {
    Target::from_triple(triple).unwrap()
}

/// `(offset, kind, symbol, addend)`
pub(crate) type Entry<'a> = (u64, RelocationKind, &'a str, i64);

pub(crate) fn section(
    kind: SectionKind,
    name: &str,
    data: &[u8],
    symbols: &[(&str, u64)],
    relocations: &[Entry<'_>],
) -> Section {
    Section {
        index: 0,
        name: name.to_owned(),
        kind,
        address: 0,
        writable: false,
        alignment: 1,
        data: data.to_vec(),
        symbols: symbols
            .iter()
            .map(|(name, value)| Symbol {
                name: (*name).to_owned(),
                value: *value,
            })
            .collect(),
        relocations: relocations
            .iter()
            .map(|(offset, kind, symbol, addend)| Relocation {
                offset: *offset,
                kind: *kind,
                symbol: (*symbol).to_owned(),
                addend: *addend,
            })
            .collect(),
    }
}

pub(crate) fn object(format: ObjectFormat, sections: Vec<Section>) -> ObjectFile {
    ObjectFile { format, sections }
}

/// An ELF object of code only, the entry at its start.
pub(crate) fn code(data: &[u8], symbols: &[(&str, u64)], relocations: &[Entry<'_>]) -> ObjectFile {
    let mut all = vec![("_JIT_ENTRY", 0)];
    all.extend_from_slice(symbols);
    object(
        ObjectFormat::Elf,
        vec![section(SectionKind::Code, ".text", data, &all, relocations)],
    )
}

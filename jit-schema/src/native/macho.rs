//! Reads 64-bit little-endian Mach-O objects.

use object::LittleEndian as LE;
use object::macho::{
    self, MH_OBJECT, MachHeader64, N_SECT, S_ATTR_DEBUG, S_ATTR_PURE_INSTRUCTIONS, Section64,
};
use object::read::SymbolIndex;
use object::read::macho::{MachHeader as _, Nlist as _, Section as _, Segment as _, SymbolTable};

use super::allowance::Allowance;
use super::number::{kind_or_name, machine};
use crate::entry::{self, Form, Patched, addend_before, malformed, section_symbol, signed_addend};
use crate::section_kind;
use crate::{
    Machine, ObjectError, ObjectFile, ObjectFormat, Relocation, RelocationKind, Section,
    SectionKind, Symbol,
};

const FILE: &str = "Mach-O object";
type Header = MachHeader64<LE>;

fn bad(detail: impl ToString) -> ObjectError {
    malformed(FILE.to_owned(), detail)
}

pub(super) fn read(bytes: &[u8], ignored: &[&str]) -> Result<ObjectFile, ObjectError> {
    let header = Header::parse(bytes, 0).map_err(bad)?;
    header.endian().map_err(bad)?;
    if header.filetype(LE) != MH_OBJECT {
        return Err(bad("it is linked: compile with -c"));
    }
    let cpu = header.cputype(LE);
    let machine = machine(ObjectFormat::MachO, cpu.0).map_err(bad)?;
    let mut headers: Vec<&Section64<LE>> = Vec::new();
    let mut symbols = None;
    let mut commands = header.load_commands(LE, bytes, 0).map_err(bad)?;
    while let Some(command) = commands.next().map_err(bad)? {
        if let Some((segment, data)) = command.segment_64().map_err(bad)? {
            headers.extend(segment.sections(LE, data).map_err(bad)?);
        } else if let Some(table) = command.symtab().map_err(bad)? {
            let table = table.symbols::<Header, _>(LE, bytes).map_err(bad)?;
            if symbols.replace(table).is_some() {
                return Err(bad("it has two symbol tables"));
            }
        }
    }
    let mut reader = Reader {
        bytes,
        cpu,
        machine,
        headers,
        symbols: symbols.unwrap_or_default(),
        allowance: Allowance::new(bytes.len(), FILE),
        read: Vec::new(),
    };
    reader.sections(ignored)?;
    reader.symbols()?;
    reader.relocations()?;
    Ok(ObjectFile {
        format: ObjectFormat::MachO,
        sections: reader.read,
    })
}

struct Reader<'a> {
    bytes: &'a [u8],
    cpu: macho::CpuType,
    machine: Machine,
    headers: Vec<&'a Section64<LE>>,
    symbols: SymbolTable<'a, Header>,
    allowance: Allowance,
    /// What was read of each of `headers`.
    read: Vec<Section>,
}

impl Reader<'_> {
    fn sections(&mut self, ignored: &[&str]) -> Result<(), ObjectError> {
        for (index, header) in self.headers.iter().enumerate() {
            let name = self.allowance.name("section name", header.name())?;
            let data = header
                .data(LE, self.bytes, header.offset.get(LE).into())
                .map_err(|error| malformed(format!("section {name}"), error))?;
            let flags = header.flags(LE);
            let kind = if ignored.contains(&name.as_str()) {
                SectionKind::Metadata
            } else {
                section_kind::macho(
                    flags.contains(S_ATTR_DEBUG),
                    flags.contains(S_ATTR_PURE_INSTRUCTIONS),
                    header.section_type(LE).0,
                    header.size(LE),
                )
                .map_err(|kind| ObjectError::UnsupportedSection {
                    section: name.clone(),
                    index,
                    kind: kind.to_owned(),
                })?
            };
            let segment = header.segname.split(|byte| *byte == 0).next();
            let writable = section_kind::macho_is_writable(segment.unwrap_or_default(), &name);
            let (alignment, data) = if kind == SectionKind::Metadata {
                (1, Vec::new())
            } else {
                let alignment = entry::alignment_of_exponent(&name, header.align.get(LE))?;
                (alignment, self.allowance.copy(data)?)
            };
            self.read.push(Section {
                index,
                name,
                kind,
                address: header.addr(LE),
                writable: writable && kind != SectionKind::Metadata,
                alignment,
                data,
                symbols: Vec::new(),
                relocations: Vec::new(),
            });
        }
        Ok(())
    }

    fn symbols(&mut self) -> Result<(), ObjectError> {
        for (index, symbol) in self.symbols.enumerate() {
            // Symbols for debuggers (stabs) define nothing.
            if symbol.is_stab() || symbol.n_type().typ() != N_SECT {
                continue;
            }
            let section = usize::from(symbol.n_sect())
                .checked_sub(1)
                .and_then(|section| self.read.get_mut(section))
                .ok_or_else(|| {
                    bad(format!(
                        "symbol {} is in section {}, which does not exist",
                        index.0,
                        symbol.n_sect()
                    ))
                })?;
            if section.kind == SectionKind::Metadata {
                continue;
            }
            let name = self.symbols.symbol_name(LE, symbol).map_err(bad)?;
            section.symbols.push(Symbol {
                name: self.allowance.name("symbol name", name)?,
                value: symbol.n_value(LE),
            });
        }
        Ok(())
    }

    fn relocations(&mut self) -> Result<(), ObjectError> {
        for index in 0..self.read.len() {
            let relocations = self.relocations_of(index)?;
            if let Some(section) = self.read.get_mut(index) {
                section.relocations = relocations;
            }
        }
        Ok(())
    }

    fn relocations_of(&mut self, index: usize) -> Result<Vec<Relocation>, ObjectError> {
        let (Some(header), Some(section)) = (self.headers.get(index), self.read.get(index)) else {
            return Ok(Vec::new());
        };
        if section.kind == SectionKind::Metadata {
            return Ok(Vec::new());
        }
        let patched = Patched {
            name: &section.name,
            data: &section.data,
        };
        let entries = header
            .relocations(LE, self.bytes)
            .map_err(|error| malformed(format!("section {}", section.name), error))?;
        let mut relocations = self.allowance.relocations(entries.len())?;
        let mut before = None;
        for entry in entries {
            if entry.r_scattered(LE, self.cpu) {
                let entry = entry.scattered_info(LE);
                let kind = format!("of scattered type {}", entry.r_type.0);
                return Err(patched.unsupported(kind, "", entry.r_address.into()));
            }
            let entry = entry.info(LE);
            let offset = u64::from(entry.r_address);
            let code = u32::from(entry.r_type.0);
            if self.machine == Machine::MachOArm64 && entry.r_type == macho::ARM64_RELOC_ADDEND {
                let addend = signed_addend(entry.r_symbolnum);
                if before.replace((offset, addend)).is_some() {
                    return Err(bad("an ARM64_RELOC_ADDEND follows another one"));
                }
                continue;
            }
            let kind = kind_or_name(
                RelocationKind::from_number(self.machine, code),
                macho::machine_names(self.cpu).reloc.name(entry.r_type),
                code,
            );
            let target = entry.r_symbolnum as usize;
            let mut of_section = None;
            let symbol = if entry.r_extern {
                let symbol = self
                    .symbols
                    .symbol(SymbolIndex(target))
                    .map_err(|error| bad(format!("{error}: {target}")))?;
                let name = self.symbols.symbol_name(LE, symbol).map_err(bad)?;
                self.allowance.name("symbol name", name)?
            } else {
                // The number may mean something else in relocations that are not supported.
                let section = target.checked_sub(1).and_then(|i| self.headers.get(i));
                match section {
                    Some(section) => {
                        of_section = Some(section.addr(LE));
                        let name = self.allowance.name("section name", section.name())?;
                        section_symbol(&name, target)
                    }
                    None if kind.is_err() => String::new(),
                    None => return Err(bad(format!("there is no section {target}"))),
                }
            };
            let kind = kind.map_err(|name| patched.unsupported(name, &symbol, offset))?;
            patched.macho_width(kind, entry.r_length, &symbol, offset)?;
            let form = Form::WithoutAddend {
                before: addend_before(before.take(), offset)?,
            };
            let mut relocation = patched.relocation(offset, kind, symbol, form)?;
            if let Some(address) = of_section {
                patched.count_from_section(&mut relocation, header.addr(LE), address);
            }
            relocations.push(relocation);
        }
        if before.is_some() {
            return Err(bad("the last relocation is an ARM64_RELOC_ADDEND"));
        }
        Ok(relocations)
    }
}

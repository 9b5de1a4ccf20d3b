//! Reads a file.

use std::collections::HashSet;
use std::sync::Arc;

use jit_schema::{PatchShape, Target};

use super::error::FileError;
use super::format::{DETAILED_VERSION, HEADER_SIZE, MAGIC, VERSION};
use super::numbers::{base_of, end_of, patch_of};
use super::reader::{Fault, Reader, fault};
use crate::{
    CodeEnd, Hole, HoleValue, Listing, MAX_ALIGNMENT, Part, PatchKind, PatchValue, SLOT_SIZE, Shim,
    Stencil, StencilGroup, StencilSet, SymbolMask, UnwindInfo,
};

// The smallest numbers of bytes that a name, a hole and a micro-op take.
const NAME_SIZE: usize = 1;
const HOLE_SIZE: usize = 3;
const GROUP_SIZE: usize = 5;

/// Reads a stencil file.
///
/// It does not panic on any input, and takes memory in proportion to the input's size. The result is
/// well formed: holes are sorted and within their bodies, and ordinals are those of symbols. The
/// linker checks that patches suit their values and instructions.
///
/// # Errors
///
/// A [`FileError`] if the bytes are not a stencil file of the supported version, or are damaged.
pub fn decode(bytes: &[u8]) -> Result<StencilSet, FileError> {
    let mut decoder = Decoder {
        version: check_header(bytes)?,
        detailed: false,
        reader: Reader::new(bytes, HEADER_SIZE),
        names: Vec::new(),
        ordinals: 0,
        used: 0,
    };
    let set = decoder.set()?;
    let left = decoder.reader.len();
    if left > 0 {
        let problem = format!("{left} bytes are left over");
        return Err(malformed(decoder.reader.fault(problem), "the end"));
    }
    if decoder.version == DETAILED_VERSION && !decoder.detailed {
        let problem = format!(
            "no data has an alignment of more than {SLOT_SIZE}, and no code has a known end: the \
             file's version must be 1"
        );
        return Err(malformed(decoder.reader.fault(problem), "the end"));
    }
    Ok(set)
}

/// Returns the file's version.
fn check_header(bytes: &[u8]) -> Result<u32, FileError> {
    let (header, contents) = bytes
        .split_first_chunk::<HEADER_SIZE>()
        .ok_or(FileError::NotStencils)?;
    let (magic, numbers) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(FileError::NotStencils);
    }
    let (words, _) = numbers.as_chunks::<4>();
    let &[version, stored] = words else {
        return Err(FileError::NotStencils);
    };
    let version = u32::from_le_bytes(version);
    if !(1..=VERSION).contains(&version) {
        return Err(FileError::Version {
            version,
            supported: VERSION,
        });
    }
    let (stored, computed) = (u32::from_le_bytes(stored), crc32fast::hash(contents));
    if stored != computed {
        return Err(FileError::Checksum { stored, computed });
    }
    Ok(version)
}

fn malformed(fault: Fault, place: impl Into<String>) -> FileError {
    FileError::Malformed {
        offset: fault.offset,
        place: place.into(),
        problem: fault.problem,
    }
}

struct Decoder<'a> {
    version: u32,
    /// Whether anything was read that a file of version 1 does not have.
    detailed: bool,
    reader: Reader<'a>,
    /// The symbols: first those with ordinals, then the others.
    names: Vec<Name<'a>>,
    ordinals: usize,
    /// The number of the others that were used so far. They are used in their order.
    used: usize,
}

/// The name of a symbol.
struct Name<'a> {
    name: &'a str,
    /// The name as holes have it, if any hole refers to it by name.
    shared: Option<Arc<str>>,
}

impl<'a> Decoder<'a> {
    fn set(&mut self) -> Result<StencilSet, FileError> {
        let target = self
            .target()
            .map_err(|fault| malformed(fault, "the target"))?;
        let symbols = self
            .symbols()
            .map_err(|fault| malformed(fault, "the symbols"))?;
        let mut taken = HashSet::new();
        let count = self
            .reader
            .count(GROUP_SIZE)
            .map_err(|fault| malformed(fault, "the number of micro-ops"))?;
        let mut groups = Vec::with_capacity(count);
        taken.reserve(count);
        for index in 0..count {
            let name = self
                .new_name(&mut taken)
                .map_err(|fault| malformed(fault, format!("the name of micro-op {index}")))?;
            groups.push((name.to_owned(), self.group(name)?));
        }
        let shim = self.shim(&mut taken)?;
        let others = self.names.len() - self.ordinals;
        if self.used != others {
            let problem = format!("only {} of {others} other symbols are used", self.used);
            return Err(malformed(self.reader.fault(problem), "the symbols"));
        }
        Ok(StencilSet {
            target,
            groups,
            symbols,
            shim,
        })
    }

    fn target(&mut self) -> Result<Target, Fault> {
        let start = self.reader.offset();
        let triple = self.reader.text()?;
        match Target::from_triple(triple) {
            Ok(target) if target.triple == triple => Ok(*target),
            Ok(target) => Err(fault(
                start,
                format!("{triple:?} must be spelled {target} here"),
            )),
            Err(error) => Err(fault(start, error.to_string())),
        }
    }

    /// Reads all names, and returns those that have ordinals.
    fn symbols(&mut self) -> Result<Vec<String>, Fault> {
        let mut taken = HashSet::new();
        self.ordinals = self.some_names(&mut taken)?;
        self.some_names(&mut taken)?;
        let with_ordinals = self.names.iter().take(self.ordinals);
        Ok(with_ordinals.map(|name| name.name.to_owned()).collect())
    }

    fn some_names(&mut self, taken: &mut HashSet<&'a str>) -> Result<usize, Fault> {
        let count = self.reader.count(NAME_SIZE)?;
        self.names.reserve_exact(count);
        taken.reserve(count);
        for _ in 0..count {
            let name = self.new_name(taken)?;
            self.names.push(Name { name, shared: None });
        }
        Ok(count)
    }

    /// Reads a name that must not be in `taken` yet.
    fn new_name(&mut self, taken: &mut HashSet<&'a str>) -> Result<&'a str, Fault> {
        let start = self.reader.offset();
        let name = self.reader.text()?;
        if taken.insert(name) {
            return Ok(name);
        }
        Err(fault(start, format!("there are two of {name}")))
    }

    fn shim(&mut self, taken: &mut HashSet<&'a str>) -> Result<Option<Shim>, FileError> {
        let in_shim = |fault| malformed(fault, "the shim");
        if !self.reader.flag().map_err(in_shim)? {
            return Ok(None);
        }
        let name = self.new_name(taken).map_err(in_shim)?;
        let group = self.group(name)?;
        let unwind = self
            .unwind()
            .map_err(|fault| malformed(fault, "the shim's unwind information"))?;
        Ok(Some(Shim {
            name: name.to_owned(),
            group,
            unwind,
        }))
    }

    fn unwind(&mut self) -> Result<Option<UnwindInfo>, Fault> {
        let reader = &mut self.reader;
        if !reader.flag()? {
            return Ok(None);
        }
        Ok(Some(UnwindInfo {
            code_alignment_factor: reader.unsigned()?,
            data_alignment_factor: reader.signed()?,
            return_address_register: reader.register()?,
            cfa_register: reader.register()?,
            cfa_offset: reader.signed()?,
            frame_pointer_register: reader.register()?,
            frame_pointer_offset: reader.signed()?,
            return_address_offset: reader.signed()?,
        }))
    }

    fn group(&mut self, name: &str) -> Result<StencilGroup, FileError> {
        let code = self.stencil(name, Part::Code)?;
        let data = self.stencil(name, Part::Data)?;
        let (mut data_alignment, mut end) = (SLOT_SIZE, CodeEnd::Unknown);
        if self.version >= DETAILED_VERSION {
            data_alignment = self
                .alignment()
                .map_err(|fault| malformed(fault, format!("the alignment of {name}'s data")))?;
            end = self
                .end()
                .map_err(|fault| malformed(fault, format!("the end of {name}'s code")))?;
        }
        let values = || code.holes.iter().map(|hole| &hole.value);
        let trampolines = values().filter_map(|value| match value {
            PatchValue::Symbol { ordinal } => Some(*ordinal),
            PatchValue::GotSlot { .. } | PatchValue::Address { .. } => None,
        });
        let got_entries = values().filter_map(|value| match value {
            PatchValue::GotSlot { ordinal, .. } => Some(*ordinal),
            PatchValue::Symbol { .. } | PatchValue::Address { .. } => None,
        });
        let trampolines: SymbolMask = trampolines.collect();
        let got_entries: SymbolMask = got_entries.collect();
        Ok(StencilGroup {
            code,
            data,
            data_alignment,
            end,
            trampolines,
            got_entries,
            listing: Listing::default(),
        })
    }

    fn alignment(&mut self) -> Result<usize, Fault> {
        let start = self.reader.offset();
        let alignment = self.reader.unsigned()?;
        let known = usize::try_from(alignment).ok().filter(|alignment| {
            alignment.is_power_of_two() && (SLOT_SIZE..=MAX_ALIGNMENT).contains(alignment)
        });
        self.detailed |= known.is_some_and(|alignment| alignment > SLOT_SIZE);
        known.ok_or_else(|| {
            let problem = format!(
                "{alignment} is not a power of two between {SLOT_SIZE} and {MAX_ALIGNMENT}"
            );
            fault(start, problem)
        })
    }

    fn end(&mut self) -> Result<CodeEnd, Fault> {
        let start = self.reader.offset();
        let number = self.reader.byte()?;
        let end = end_of(number).ok_or_else(|| {
            let problem = format!("there is no way {number} in which code ends");
            fault(start, problem)
        })?;
        self.detailed |= end != CodeEnd::Unknown;
        Ok(end)
    }

    fn stencil(&mut self, name: &str, part: Part) -> Result<Stencil, FileError> {
        let in_part = |fault| malformed(fault, format!("{name}'s {part}"));
        let start = self.reader.offset();
        let body = self.reader.bytes().map_err(in_part)?;
        if part == Part::Data && !body.len().is_multiple_of(SLOT_SIZE) {
            let problem = format!("{} bytes are not a multiple of {SLOT_SIZE}", body.len());
            return Err(in_part(fault(start, problem)));
        }
        let count = self.reader.count(HOLE_SIZE).map_err(in_part)?;
        let mut holes = Vec::with_capacity(count);
        let mut last = 0;
        for index in 0..count {
            let hole = self
                .hole(last, body.len())
                .map_err(|fault| malformed(fault, format!("hole {index} of {name}'s {part}")))?;
            last = hole.offset;
            holes.push(hole);
        }
        Ok(Stencil {
            body: body.to_vec(),
            holes,
        })
    }

    /// Reads a hole, which is at `last` or after it in a body of `size` bytes.
    fn hole(&mut self, last: usize, size: usize) -> Result<Hole, Fault> {
        let start = self.reader.offset();
        let distance = self.reader.unsigned()?;
        let kind_at = self.reader.offset();
        let kind = self.reader.byte()?;
        let patch = patch_of(kind & 0x3f)
            .ok_or_else(|| fault(kind_at, format!("there is no patch {}", kind & 0x3f)))?;
        let width = patch.width();
        let offset = usize::try_from(distance)
            .ok()
            .and_then(|distance| last.checked_add(distance))
            .filter(|offset| fits(*offset, width, size))
            .ok_or_else(|| {
                let problem = format!(
                    "{width} bytes, {distance} after offset {last}, are not within the {size} \
                     bytes of the body"
                );
                fault(start, problem)
            })?;
        if patch.row().shape == PatchShape::Slot && offset != 0 {
            let problem = format!("a hole that fills a GOT slot is at offset 0, not {offset}");
            return Err(fault(start, problem));
        }
        let first = self.first(kind & 0x40 != 0, patch, offset, size)?;
        let value = self.value()?;
        Ok(Hole {
            offset,
            patch,
            value,
            first,
            void: kind & 0x80 != 0,
        })
    }

    /// Reads the offset of the `adrp` of a pair; `given` is whether the file has one.
    fn first(
        &mut self,
        given: bool,
        patch: PatchKind,
        offset: usize,
        size: usize,
    ) -> Result<Option<usize>, Fault> {
        let start = self.reader.offset();
        match (given, patch.row().shape == PatchShape::Pair) {
            (true, true) => {}
            (false, false) => return Ok(None),
            (false, true) => {
                let problem = format!("{} needs the offset of an adrp", patch.c_name());
                return Err(fault(start, problem));
            }
            (true, false) => {
                let problem = format!("{} has no use for the offset of an adrp", patch.c_name());
                return Err(fault(start, problem));
            }
        }
        let distance = self.reader.signed()?;
        i64::try_from(offset)
            .ok()
            .and_then(|offset| usize::try_from(offset.checked_sub(distance)?).ok())
            .filter(|first| fits(*first, patch.width(), size))
            .map(Some)
            .ok_or_else(|| {
                let problem = format!(
                    "an adrp {distance} bytes before offset {offset} is not within the {size} bytes \
                     of the body"
                );
                fault(start, problem)
            })
    }

    fn value(&mut self) -> Result<PatchValue, Fault> {
        let start = self.reader.offset();
        let kind = self.reader.byte()?;
        let (has_symbol, has_addend) = (kind & 0x20 != 0, kind & 0x40 != 0);
        match kind {
            0x80 | 0xc0 => Ok(PatchValue::GotSlot {
                ordinal: self.ordinal()?,
                addend: self.addend(has_addend)?,
            }),
            0x81 => Ok(PatchValue::Symbol {
                ordinal: self.ordinal()?,
            }),
            0..0x80 => {
                let base = base_of(kind & 0x1f)
                    .filter(|base| *base != HoleValue::Got)
                    .ok_or_else(|| fault(start, format!("there is no value {}", kind & 0x1f)))?;
                let symbol = match has_symbol {
                    true => Some(self.symbol()?),
                    false => None,
                };
                Ok(PatchValue::Address {
                    base,
                    symbol,
                    addend: self.addend(has_addend)?,
                })
            }
            _ => Err(fault(start, format!("there is no value {kind:#x}"))),
        }
    }

    fn ordinal(&mut self) -> Result<usize, Fault> {
        let start = self.reader.offset();
        let ordinal = self.reader.unsigned()?;
        usize::try_from(ordinal)
            .ok()
            .filter(|ordinal| *ordinal < self.ordinals)
            .ok_or_else(|| {
                let problem = format!("there are {} symbols, but no {ordinal}", self.ordinals);
                fault(start, problem)
            })
    }

    /// Reads the index of any symbol, and returns its name. Symbols without an ordinal are in the
    /// order of their first use.
    fn symbol(&mut self) -> Result<Arc<str>, Fault> {
        let start = self.reader.offset();
        let number = self.reader.unsigned()?;
        let next = self.ordinals + self.used;
        let index = usize::try_from(number).ok().filter(|index| *index <= next);
        let name = index.and_then(|index| self.names.get_mut(index));
        let Some(name) = name else {
            let problem = format!("symbol {number} is not there, or used before {next} is");
            return Err(fault(start, problem));
        };
        if index == Some(next) {
            self.used += 1;
        }
        let shared = name.shared.get_or_insert_with(|| Arc::from(name.name));
        Ok(shared.clone())
    }

    fn addend(&mut self, given: bool) -> Result<i64, Fault> {
        if !given {
            return Ok(0);
        }
        let start = self.reader.offset();
        match self.reader.signed()? {
            0 => Err(fault(start, "an addend of 0 is left out")),
            addend => Ok(addend),
        }
    }
}

fn fits(offset: usize, width: usize, size: usize) -> bool {
    offset.checked_add(width).is_some_and(|end| end <= size)
}

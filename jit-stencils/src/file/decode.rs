//! Reads a file.

mod family;
mod hole;

use std::collections::HashSet;
use std::sync::Arc;

use jit_schema::Target;

use super::error::FileError;
use super::format::{
    DETAILED_VERSION, FAMILY_VERSION, GENERAL_VERSION, HEADER_SIZE, MAGIC, VERSION,
};
use super::numbers::end_of;
use super::reader::{Fault, Reader, fault};
use crate::{
    CodeEnd, Interface, Listing, MAX_ALIGNMENT, Part, PatchValue, SLOT_SIZE, Shim, Stencil,
    StencilGroup, StencilSet, SymbolMask, UnwindInfo,
};

// The smallest numbers of bytes that a name, a hole and a micro-op take.
const NAME_SIZE: usize = 1;
const HOLE_SIZE: usize = 3;
const GROUP_SIZE: usize = 5;

/// The most operands that a stencil can have: their numbers have 16 bits.
const MAX_OPERANDS: usize = 1 << 16;

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
        needed: 1,
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
    if decoder.needed < decoder.version {
        let problem = format!(
            "{}: the file's version must be {}",
            left_out(&decoder),
            decoder.needed
        );
        return Err(malformed(decoder.reader.fault(problem), "the end"));
    }
    Ok(set)
}

/// Returns what nothing in a file needs, though files of its version are for that.
fn left_out(decoder: &Decoder<'_>) -> String {
    match decoder.version {
        FAMILY_VERSION.. => "there is no family".to_owned(),
        GENERAL_VERSION..FAMILY_VERSION => {
            "no stencil has a general value or an interface".to_owned()
        }
        ..GENERAL_VERSION => {
            format!(
                "no data has an alignment of more than {SLOT_SIZE}, and no code has a known end"
            )
        }
    }
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
    /// The oldest version that has all that was read.
    needed: u32,
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
        let families = match self.version {
            ..FAMILY_VERSION => Vec::new(),
            FAMILY_VERSION.. => self.families(groups.len())?,
        };
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
            families,
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
        let mut interface = Interface::default();
        if self.version >= GENERAL_VERSION {
            interface = self
                .interface()
                .map_err(|fault| malformed(fault, format!("the interface of {name}")))?;
        }
        let values = || code.holes.iter().map(|hole| &hole.value);
        let trampolines = values().filter_map(|value| match value {
            PatchValue::Symbol { ordinal } => Some(*ordinal),
            PatchValue::GotSlot { .. } | PatchValue::Address { .. } | PatchValue::Scaled { .. } => {
                None
            }
        });
        let got_entries = values().filter_map(|value| match value {
            PatchValue::GotSlot { ordinal, .. } => Some(*ordinal),
            PatchValue::Symbol { .. } | PatchValue::Address { .. } | PatchValue::Scaled { .. } => {
                None
            }
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
            interface,
            listing: Listing::default(),
        })
    }

    fn alignment(&mut self) -> Result<usize, Fault> {
        let start = self.reader.offset();
        let alignment = self.reader.unsigned()?;
        let known = usize::try_from(alignment).ok().filter(|alignment| {
            alignment.is_power_of_two() && (SLOT_SIZE..=MAX_ALIGNMENT).contains(alignment)
        });
        if known.is_some_and(|alignment| alignment > SLOT_SIZE) {
            self.needed = self.needed.max(DETAILED_VERSION);
        }
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
        if end != CodeEnd::Unknown {
            self.needed = self.needed.max(DETAILED_VERSION);
        }
        Ok(end)
    }

    fn interface(&mut self) -> Result<Interface, Fault> {
        let start = self.reader.offset();
        let operands = self.reader.bytes()?.to_vec();
        if operands.len() > MAX_OPERANDS {
            let problem = format!("{} operands are more than {MAX_OPERANDS}", operands.len());
            return Err(fault(start, problem));
        }
        if let Some((number, bits)) = operands.iter().enumerate().find(|(_, bits)| **bits > 64) {
            let problem = format!("operand {number} has {bits} bits, more than 64");
            return Err(fault(start, problem));
        }
        let targets = self.index("targets")?;
        let interface = Interface { operands, targets };
        if interface != Interface::default() {
            self.needed = self.needed.max(GENERAL_VERSION);
        }
        Ok(interface)
    }

    /// Reads a number of 16 bits.
    fn index(&mut self, what: &str) -> Result<u16, Fault> {
        let start = self.reader.offset();
        let number = self.reader.unsigned()?;
        u16::try_from(number)
            .map_err(|_| fault(start, format!("{what}: {number} is more than {}", u16::MAX)))
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
}

//! Bitcode in a form that can be compared.
//!
//! clang compiles many sources in one process, which share the names of types: a structure is called
//! `struct.x` in the first module and `struct.x.17` in a later one. These names mean nothing to code
//! generation, but they change the bits and the places of all that follows. So the records of a module are
//! written out one by one, without those names and without places.
//!
//! <https://llvm.org/docs/BitCodeFormat.html> describes the format.

mod bits;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, rc::Rc};

use self::bits::Bits;

/// The numbers of blocks and records, from LLVM's `LLVMBitCodes.h`.
mod number {
    pub(super) const BLOCKINFO: u64 = 0;
    pub(super) const MODULE: u64 = 8;
    pub(super) const VALUE_SYMTAB: u64 = 14;
    pub(super) const TYPES: u64 = 17;
    /// In `BLOCKINFO`: the block that the following abbreviations are for.
    pub(super) const SETBID: u64 = 1;
    /// In `MODULE`: the triple, one character for each operand.
    pub(super) const TRIPLE: u64 = 2;
    /// In `MODULE`: the place of the module's symbol table.
    pub(super) const VSTOFFSET: u64 = 13;
    /// In the module's `VALUE_SYMTAB`: a function's number and the place of its body.
    pub(super) const FNENTRY: u64 = 3;
    /// In `TYPES`.
    pub(super) const OPAQUE: u64 = 6;
    pub(super) const STRUCT_NAME: u64 = 19;
    pub(super) const STRUCT_NAMED: u64 = 20;
}

/// The start of a wrapper around bitcode, which Apple's targets have.
const WRAPPER: u32 = 0x0b17_c0de;
const MAGIC: [u8; 4] = *b"BC\xc0\xde";
/// Nobody nests blocks as deeply.
const DEEPEST: usize = 16;

/// Returns everything that bitcode says apart from names of structures and places in the file: equal results
/// mean equal modules. Returns `None` if it is not bitcode as LLVM writes it.
pub(crate) fn contents(bitcode: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(bitcode)?;
    reader.blocks()?;
    Some(reader.out)
}

/// Returns the triple of the target that bitcode is for. Returns `None` if it has none, or is not bitcode as LLVM writes it.
pub(crate) fn triple(bitcode: &[u8]) -> Option<String> {
    let mut reader = Reader::new(bitcode)?;
    // The triple is one of the first records.
    let _ = reader.blocks();
    reader.triple
}

/// Returns the bitcode in a wrapper, or all if there is none.
fn unwrapped(bytes: &[u8]) -> Option<&[u8]> {
    let field = |index: usize| -> Option<u32> {
        let bytes = bytes.get(4 * index..4 * index + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    if field(0)? != WRAPPER {
        return Some(bytes);
    }
    let start = usize::try_from(field(2)?).ok()?;
    let length = usize::try_from(field(3)?).ok()?;
    bytes.get(start..start.checked_add(length)?)
}

/// Abbreviations with a fixed meaning.
const END: u64 = 0;
const ENTER: u64 = 1;
const DEFINE: u64 = 2;
const UNABBREVIATED: u64 = 3;

/// How one operand of an abbreviated record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    Literal(u64),
    Fixed(u32),
    Vbr(u32),
    Array,
    Char6,
    Blob,
}

type Abbreviation = Rc<[Operand]>;

/// A record: its number and its operands, of which a blob is the last.
#[derive(Debug)]
struct Record<'a> {
    code: u64,
    operands: Vec<u64>,
    blob: &'a [u8],
}

struct Reader<'a> {
    bits: Bits<'a>,
    /// Abbreviations by the block that they are for, from `BLOCKINFO`.
    known: HashMap<u64, Vec<Abbreviation>>,
    out: Vec<u8>,
    triple: Option<String>,
    /// The memory of the last record's operands, for those of the next one.
    spare: Vec<u64>,
}

impl<'a> Reader<'a> {
    fn new(bitcode: &'a [u8]) -> Option<Reader<'a>> {
        let stream = unwrapped(bitcode)?.strip_prefix(&MAGIC)?;
        Some(Reader {
            bits: Bits::new(stream),
            known: HashMap::new(),
            out: Vec::with_capacity(bitcode.len()),
            triple: None,
            spare: Vec::new(),
        })
    }

    /// Reads all blocks.
    fn blocks(&mut self) -> Option<()> {
        while !self.bits.is_at_end() {
            // Only blocks are outside of blocks.
            if self.bits.fixed(2)? != ENTER {
                return None;
            }
            self.block(None, DEEPEST)?;
        }
        Some(())
    }

    /// Reads a block after the abbreviation that starts it.
    fn block(&mut self, parent: Option<u64>, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let block = self.bits.vbr(8)?;
        let width = u32::try_from(self.bits.vbr(4)?).ok()?;
        self.bits.align()?;
        let words = self.bits.fixed(32)?;
        let end = self.bits.after_words(words)?;
        let mut abbreviations = self.known.get(&block).cloned().unwrap_or_default();
        let mut about = None;
        let mut name = Vec::new();
        self.put(&[0, block]);
        loop {
            let mut record = match self.bits.fixed(width)? {
                END => break,
                ENTER => {
                    self.block(Some(block), depth)?;
                    continue;
                }
                DEFINE => {
                    let new = self.abbreviation()?;
                    match block {
                        number::BLOCKINFO => self.known.entry(about?).or_default().push(new),
                        _ => abbreviations.push(new),
                    }
                    continue;
                }
                UNABBREVIATED => self.unabbreviated()?,
                id => {
                    let index = usize::try_from(id - (UNABBREVIATED + 1)).ok()?;
                    self.abbreviated(&Rc::clone(abbreviations.get(index)?))?
                }
            };
            if (parent, block, record.code) == (None, number::MODULE, number::TRIPLE) {
                let bytes = record.operands.iter().map(|code| u8::try_from(*code).ok());
                let bytes: Option<Vec<u8>> = bytes.collect();
                self.triple = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            }
            match (parent, block, record.code) {
                (_, number::BLOCKINFO, number::SETBID) => {
                    about = Some(*record.operands.first()?);
                }
                (_, number::MODULE, number::VSTOFFSET) => {}
                (Some(number::MODULE), number::VALUE_SYMTAB, number::FNENTRY) => {
                    let function = *record.operands.first()?;
                    self.put(&[2, record.code, function]);
                }
                // The name of the type in the next record.
                (_, number::TYPES, number::STRUCT_NAME) => {
                    name = std::mem::take(&mut record.operands);
                }
                (_, number::TYPES, number::STRUCT_NAMED | number::OPAQUE) => {
                    name.clear();
                    self.record(&record);
                }
                _ => {
                    self.named(&std::mem::take(&mut name));
                    self.record(&record);
                }
            }
            self.spare = record.operands;
        }
        self.named(&name);
        self.put(&[1]);
        self.bits.align()?;
        (self.bits.position() == end).then_some(())
    }

    /// Writes out a name that counts, if there is one.
    fn named(&mut self, name: &[u64]) {
        if !name.is_empty() {
            self.put(&[2, number::STRUCT_NAME, name.len() as u64]);
            self.put(name);
        }
    }

    /// Writes out a record.
    fn record(&mut self, record: &Record<'_>) {
        self.put(&[2, record.code, record.operands.len() as u64]);
        self.put(&record.operands);
        self.put(&[record.blob.len() as u64]);
        self.out.extend_from_slice(record.blob);
    }

    /// Writes out numbers so that no sequence of them is the start of another.
    fn put(&mut self, numbers: &[u64]) {
        for &number in numbers {
            let mut rest = number;
            while rest >= 0x80 {
                self.out.push(rest.to_le_bytes()[0] | 0x80);
                rest >>= 7;
            }
            self.out.push(rest.to_le_bytes()[0]);
        }
    }

    fn abbreviation(&mut self) -> Option<Abbreviation> {
        let count = self.bits.vbr(5)?;
        let mut operands = Vec::new();
        for _ in 0..count {
            operands.push(match self.bits.fixed(1)? {
                1 => Operand::Literal(self.bits.vbr(8)?),
                _ => match self.bits.fixed(3)? {
                    1 => Operand::Fixed(self.width()?),
                    2 => Operand::Vbr(self.width()?),
                    3 => Operand::Array,
                    4 => Operand::Char6,
                    5 => Operand::Blob,
                    _ => return None,
                },
            });
        }
        Some(operands.into())
    }

    fn width(&mut self) -> Option<u32> {
        let width = u32::try_from(self.bits.vbr(5)?).ok()?;
        (width <= u64::BITS).then_some(width)
    }

    fn unabbreviated(&mut self) -> Option<Record<'a>> {
        let code = self.bits.vbr(6)?;
        let count = self.bits.vbr(6)?;
        let mut operands = self.empty();
        for _ in 0..count {
            operands.push(self.bits.vbr(6)?);
        }
        Some(Record {
            code,
            operands,
            blob: &[],
        })
    }

    fn abbreviated(&mut self, abbreviation: &[Operand]) -> Option<Record<'a>> {
        let (code, mut rest) = abbreviation.split_first()?;
        let mut record = Record {
            code: self.scalar(*code)?,
            operands: self.empty(),
            blob: &[],
        };
        while let Some((operand, after)) = rest.split_first() {
            rest = after;
            match operand {
                Operand::Array => {
                    let (element, after) = rest.split_first()?;
                    rest = after;
                    // Elements without bits could be any number.
                    if matches!(
                        element,
                        Operand::Literal(_) | Operand::Fixed(0) | Operand::Vbr(0)
                    ) {
                        return None;
                    }
                    for _ in 0..self.bits.vbr(6)? {
                        record.operands.push(self.scalar(*element)?);
                    }
                }
                Operand::Blob => {
                    let length = self.bits.vbr(6)?;
                    record.blob = self.bits.blob(length)?;
                }
                scalar => record.operands.push(self.scalar(*scalar)?),
            }
        }
        Some(record)
    }

    /// Returns an empty list, with memory if there is some to spare.
    fn empty(&mut self) -> Vec<u64> {
        let mut operands = std::mem::take(&mut self.spare);
        operands.clear();
        operands
    }

    /// Reads an operand that is a number.
    fn scalar(&mut self, operand: Operand) -> Option<u64> {
        const CHARACTERS: &[u8; 64] =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
        match operand {
            Operand::Literal(value) => Some(value),
            Operand::Fixed(0) | Operand::Vbr(0) => Some(0),
            Operand::Fixed(width) => self.bits.fixed(width),
            Operand::Vbr(width) => self.bits.vbr(width),
            Operand::Char6 => {
                let index = usize::try_from(self.bits.fixed(6)?).ok()?;
                CHARACTERS.get(index).copied().map(u64::from)
            }
            Operand::Array | Operand::Blob => None,
        }
    }
}

//! Stencils in the form that the linker reads: everything that can be decided once has been decided,
//! so that linking is copying and adding.

use jit_stencils::SLOT_SIZE;

use crate::{
    form::FormIndex,
    mask::{self, Low, Mask, Words},
    values::{CODE, DATA, Values},
};

/// A hole that a [`Form`](crate::form::Form) fills. The holes of a stencil are sorted by offset, those
/// of its data first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) addend: i64,
    /// The eight bytes from its offset on, with zeros in the field itself. Those after the field are
    /// written again if they belong to another hole, which is filled later.
    pub(crate) around: u64,
    pub(crate) offset: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
    pub(crate) form: FormIndex,
    /// [`CODE_PART`] or [`DATA_PART`].
    pub(crate) part: u8,
}

/// A field in code. The number is the index of the code's address in the table of values.
pub(crate) const CODE_PART: u8 = CODE as u8;
/// A field in data. The number is the index of the data's address in the table of values.
pub(crate) const DATA_PART: u8 = DATA as u8;

/// An x86_64 instruction that loads from a slot, or calls or jumps through one. It has a shorter form
/// for the case that the content of the slot is near.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relax {
    pub(crate) addend: i64,
    /// Offset of the displacement; the opcode is in the two bytes before it.
    pub(crate) offset: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
    /// The opcode that uses the slot, and that of the shorter form.
    pub(crate) opcodes: [u16; 2],
}

/// A hole that is filled in one of several ways.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Special {
    Branch(Branch),
    Pair(Pair),
    Product(Product),
}

/// A multiple of a value, plus a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product {
    pub(crate) addend: i64,
    pub(crate) scale: i32,
    pub(crate) offset: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
    pub(crate) form: FormIndex,
}

/// A branch or call that goes through a trampoline if it does not reach its symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    /// Offset of the field.
    pub(crate) offset: u32,
    /// Ordinal of the symbol.
    pub(crate) ordinal: u16,
    /// Index of the symbol's address in the table of values.
    pub(crate) value: u16,
    /// The form of the distance.
    pub(crate) form: FormIndex,
    /// Added to the target's address: what a distance is counted from differs.
    pub(crate) addend: i64,
}

/// An AArch64 adrp and a load of the same slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) addend: i64,
    /// Offset of the adrp.
    pub(crate) first: u32,
    /// Offset of the load.
    pub(crate) second: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
    /// log2 of the load's width in bytes.
    pub(crate) scale: u8,
    /// The register, if its value can be had without the slot.
    pub(crate) register: Option<u8>,
}

/// A hole in x86 code that takes one 64-bit value, or one displacement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simple {
    pub(crate) addend: i64,
    pub(crate) offset: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
}

/// A range of one of the tables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// Returns the rows in the range, or none if the table is shorter.
    #[inline(always)]
    pub(crate) fn of<T>(self, table: &[T]) -> Option<&[T]> {
        table.get(self.start as usize..self.end as usize)
    }
}

/// One stencil.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry {
    /// Offset of its code in the bodies.
    pub(crate) body: u32,
    /// Offset of its data in the bodies, right after the code.
    pub(crate) data_body: u32,
    /// Bytes of code.
    pub(crate) code: u32,
    /// Bytes of data.
    pub(crate) data: u32,
    pub(crate) wide: Span,
    pub(crate) near: Span,
    pub(crate) relaxes: Span,
    /// The number of its [`shape`](crate::shape), if the linker has code for that one: how many there
    /// are of the three kinds above.
    pub(crate) shape: Option<u8>,
    pub(crate) fields: Span,
    pub(crate) specials: Span,
    /// Whether it needs a jump target.
    pub(crate) jumps: bool,
    /// Whether it needs an error target.
    pub(crate) errs: bool,
}

/// What a stencil takes from an [`Instruction`](crate::Instruction): ranges of tables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Takes {
    /// The operands: rows of [`Table::operands`].
    pub(crate) operands: Span,
    /// The targets: rows of [`Table::targets`].
    pub(crate) targets: Span,
}

/// An operand that a stencil takes from an [`Instruction`](crate::Instruction).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) number: u16,
    /// The bits that it cannot have.
    pub(crate) excess: u64,
}

/// What a stencil adds to the size of an image.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// Bytes of code.
    pub(crate) code: u64,
    /// Bytes of data.
    pub(crate) data: u64,
    /// Symbols with a GOT slot, as far as they have low ordinals.
    pub(crate) got: Low,
    /// Symbols with a trampoline, as far as they have low ordinals.
    pub(crate) trampolines: Low,
}

/// The symbols that a trace refers to by ordinal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks {
    /// Symbols with a GOT slot.
    pub(crate) got: Mask,
    /// Symbols with a trampoline.
    pub(crate) trampolines: Mask,
}

impl Masks {
    /// Adds the ordinals of a stencil that are past the low ones.
    pub(crate) fn add_high(&mut self, other: &HighMasks) {
        self.got.add_words(&other.got);
        self.trampolines.add_words(&other.trampolines);
    }
}

/// The symbols that a stencil refers to by ordinals which are past the low ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct HighMasks {
    /// Symbols with a GOT slot.
    pub(crate) got: Words,
    /// Symbols with a trampoline.
    pub(crate) trampolines: Words,
}

impl Sizes {
    /// Adds another stencil's. Sums have room for any trace: 2^32 micro-ops of 2^20 bytes.
    #[inline(always)]
    pub(crate) fn add(&mut self, other: &Sizes) {
        self.code = self.code.wrapping_add(other.code);
        self.data = self.data.wrapping_add(other.data);
        for (all, own) in self.got.iter_mut().zip(&other.got) {
            *all |= own;
        }
        for (all, own) in self.trampolines.iter_mut().zip(&other.trampolines) {
            *all |= own;
        }
    }
}

/// All stencils.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
    pub(crate) bodies: Vec<u8>,
    /// 64-bit values in x86 code.
    pub(crate) wide: Vec<Simple>,
    /// 32-bit displacements in x86_64 code.
    pub(crate) near: Vec<Simple>,
    /// All other holes that a form fills.
    pub(crate) fields: Vec<Field>,
    pub(crate) relaxes: Vec<Relax>,
    pub(crate) specials: Vec<Special>,
    /// By opcode, as are the entries.
    pub(crate) sizes: Vec<Sizes>,
    /// By opcode: what the address of the data must be a multiple of, in bytes.
    pub(crate) alignments: Vec<usize>,
    /// By opcode: whether control can go on past the end of the code.
    pub(crate) falls_through: Vec<bool>,
    /// Whether any data needs more alignment than all data has.
    pub(crate) aligned: bool,
    /// By opcode: the ordinals that the sizes do not have, if there are any.
    pub(crate) high: Vec<Option<Box<HighMasks>>>,
    /// Whether any stencil has such ordinals.
    pub(crate) many_symbols: bool,
    /// Where values are in the table of values.
    pub(crate) values: Values,
    /// Whether any stencil needs half of an operand.
    pub(crate) halves: bool,
    /// By opcode: what it takes from an [`Instruction`](crate::Instruction).
    pub(crate) takes: Vec<Takes>,
    /// The operands that stencils take.
    pub(crate) operands: Vec<Taken>,
    /// The targets that stencils take, by number.
    pub(crate) targets: Vec<u16>,
    /// Symbols whose addresses are written as they are, by index.
    pub(crate) direct: Vec<usize>,
    /// By opcode: the range of those symbols.
    pub(crate) direct_spans: Vec<Span>,
}

impl Table {
    /// Returns an empty table, with room for what there is of each of `count` stencils.
    pub(crate) fn with_capacity(count: usize) -> Table {
        Table {
            entries: Vec::with_capacity(count),
            sizes: Vec::with_capacity(count),
            alignments: Vec::with_capacity(count),
            falls_through: Vec::with_capacity(count),
            high: Vec::with_capacity(count),
            direct_spans: Vec::with_capacity(count),
            takes: Vec::with_capacity(count),
            ..Table::default()
        }
    }

    /// Returns what the address of a stencil's data must be a multiple of, in bytes.
    pub(crate) fn data_alignment(&self, opcode: u32) -> usize {
        let alignment = self.alignments.get(opcode as usize).copied();
        // Without such a stencil there is no data.
        alignment.unwrap_or(SLOT_SIZE)
    }

    /// Returns where a stencil's data goes, after other data that ends at `end`: offsets in bytes. It is
    /// a function of its own, because in most tables no data needs that.
    #[cold]
    #[inline(never)]
    pub(crate) fn aligned_data(&self, opcode: u32, end: usize) -> usize {
        end.next_multiple_of(self.data_alignment(opcode))
    }

    /// Returns the indices of all symbols that a stencil needs, or none if there is no such stencil.
    pub(crate) fn symbols_of(&self, opcode: usize) -> Option<Vec<usize>> {
        let low = self.sizes.get(opcode)?;
        let high = self.high.get(opcode)?.as_deref();
        let (got, trampolines) = match high {
            Some(high) => (high.got.as_slice(), high.trampolines.as_slice()),
            None => (&[][..], &[][..]),
        };
        let direct = self.direct_spans.get(opcode)?.of(&self.direct)?;
        let slots = mask::ordinals(&low.got, got);
        let both = slots.chain(mask::ordinals(&low.trampolines, trampolines));
        Some(both.chain(direct.iter().copied()).collect())
    }
}

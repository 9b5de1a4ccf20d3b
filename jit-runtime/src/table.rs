//! Stencils as the linker wants them: everything that can be decided once is decided here, so that
//! linking is copying and adding.

use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::{HoleValue, StencilGroup};

use crate::form::{self, FormIndex, Formed};

/// The values that a uop has: their indices in the table of values.
pub(crate) const fn value_of(base: HoleValue) -> usize {
    match base {
        HoleValue::Code => CODE,
        HoleValue::Data => DATA,
        HoleValue::Oparg | HoleValue::Oparg16 => 2,
        HoleValue::Operand0 | HoleValue::Operand0_16 | HoleValue::Operand0_32 => 3,
        HoleValue::Operand1 | HoleValue::Operand1_16 | HoleValue::Operand1_32 => 4,
        HoleValue::Target => 5,
        HoleValue::JumpTarget => 6,
        HoleValue::ErrorTarget => 7,
        // Halves: what 32-bit targets have.
        HoleValue::Operand0Hi => 8,
        HoleValue::Operand0Lo => 9,
        HoleValue::Operand1Hi => 10,
        HoleValue::Operand1Lo => 11,
        // GOT stands for slots, which have indices of their own.
        HoleValue::Zero | HoleValue::Got => 12,
    }
}

/// Where the halves are.
pub(crate) const HALVES: std::ops::Range<usize> = 8..12;
/// Address of the uop's code.
pub(crate) const CODE: usize = 0;
/// Address of the uop's data.
pub(crate) const DATA: usize = 1;
/// How many values a uop may have; behind them are the addresses of GOT slots by ordinal, and behind
/// those the addresses of symbols.
pub(crate) const UOP_VALUES: usize = 16;
/// How many symbols can have an ordinal (`SYMBOL_MASK_WORDS` in CPython's `Python/jit.c`).
pub(crate) const ORDINALS: usize = 256;
/// The index of the first symbol's address.
pub(crate) const SYMBOL_VALUES: usize = UOP_VALUES + ORDINALS;

/// A set of ordinals.
pub(crate) type Mask = [u64; ORDINALS / 64];

/// The ordinals in a mask, in order.
pub(crate) fn ordinals(mask: &Mask) -> impl Iterator<Item = usize> + '_ {
    mask.iter().enumerate().flat_map(|(index, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                index * 64 + bit
            })
        })
    })
}

/// Whether an ordinal is in a mask.
pub(crate) fn contains(mask: &Mask, ordinal: usize) -> bool {
    mask.get(ordinal / 64)
        .is_some_and(|word| word >> (ordinal % 64) & 1 != 0)
}

/// How many ordinals of a mask are below one: the index of its slot.
pub(crate) fn slot_index(mask: &Mask, ordinal: usize) -> usize {
    mask.iter()
        .enumerate()
        .map(|(index, word)| {
            let below = (ordinal.saturating_sub(index * 64)).min(64);
            let bits = if below == 64 {
                *word
            } else {
                word & ((1 << below) - 1)
            };
            bits.count_ones() as usize
        })
        .sum()
}

/// A hole that a [`Form`](crate::form::Form) fills. A stencil's are in the order of their offsets, the
/// data's first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) addend: i64,
    /// The eight bytes from its offset on, the field itself 0. Behind the field they may be anything
    /// that is filled later.
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
/// A field in data, likewise.
pub(crate) const DATA_PART: u8 = DATA as u8;

/// An x86 instruction that loads from a slot, or calls or jumps through one, and has a shorter way
/// if what is in the slot is near.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relax {
    pub(crate) addend: i64,
    /// Of the displacement; the opcode is in the two bytes before it.
    pub(crate) offset: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
    /// The opcode for the slot, and that of the shorter way.
    pub(crate) opcodes: [u16; 2],
}

impl Relax {
    /// `patch_x86_64_32rx`: straight to what is in the slot if that is near enough, which the
    /// comparison with 2^31 - 1 instead of 2^31 is a part of. `value` is the slot's address minus 4.
    /// Returns what becomes of the displacement and of the opcode.
    #[inline(always)]
    pub(crate) fn relaxed(&self, value: u64, location: u64, content: u64) -> (Formed, u16) {
        let relaxed = content.wrapping_sub(4);
        let distance = relaxed.wrapping_sub(location);
        let near = distance.wrapping_add(1 << 31) < (1 << 32) - 1;
        let value = if near { relaxed } else { value };
        let [slot, shorter] = self.opcodes;
        let formed = form::RELATIVE.apply::<true>(value, location);
        (formed, if near { shorter } else { slot })
    }
}

/// What needs branches.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Special {
    /// A branch or call that goes through a trampoline if it does not reach.
    Trampoline {
        /// Of the field.
        offset: u32,
        /// The symbol.
        ordinal: u16,
        /// How the branch has its target.
        form: FormIndex,
    },
    /// An adrp and a load of the same slot.
    Pair {
        /// Of the adrp.
        first: u32,
        /// Of the load.
        second: u32,
        /// Index into the table of values.
        value: u16,
        /// log2 of the load's width.
        scale: u8,
        /// The register, if the value may be had without the slot.
        register: Option<u8>,
        addend: i64,
    },
}

/// A hole that is one value, or one displacement, of x86 code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simple {
    pub(crate) addend: i64,
    pub(crate) offset: u32,
    /// Index into the table of values.
    pub(crate) value: u16,
}

/// A range of a table.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span(pub(crate) u32, pub(crate) u32);

impl Span {
    /// What is in the range.
    #[inline(always)]
    pub(crate) fn of<T>(self, table: &[T]) -> &[T] {
        table
            .get(self.0 as usize..self.1 as usize)
            .unwrap_or_default()
    }
}

/// One stencil.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// Where its code is among the bodies; its data is right behind, at `data_body`.
    pub(crate) body: u32,
    pub(crate) data_body: u32,
    /// Lengths in bytes.
    pub(crate) code: u32,
    pub(crate) data: u32,
    pub(crate) wide: Span,
    pub(crate) near: Span,
    pub(crate) relaxes: Span,
    /// How many there are of these three, if there is code for that many: see
    /// [`quick`](crate::quick).
    pub(crate) shape: Option<u8>,
    pub(crate) fields: Span,
    pub(crate) specials: Span,
    /// Whether it needs a jump target, and an error target.
    pub(crate) jumps: bool,
    pub(crate) errs: bool,
}

/// What a stencil adds to an image.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// Bytes of code.
    pub(crate) code: u64,
    /// Bytes of data.
    pub(crate) data: u64,
    /// Symbols with a GOT slot.
    pub(crate) got: Mask,
    /// Symbols with a trampoline.
    pub(crate) trampolines: Mask,
}

impl Sizes {
    /// Another stencil's added. Sums have room for any trace: 2^16 uops of 2^20 bytes.
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
    /// All others of the kind.
    pub(crate) fields: Vec<Field>,
    pub(crate) relaxes: Vec<Relax>,
    pub(crate) specials: Vec<Special>,
    /// By opcode, as are the entries.
    pub(crate) sizes: Vec<Sizes>,
    /// Whether any stencil needs half of an operand.
    pub(crate) halves: bool,
    /// By opcode: symbols whose address is written as it is, by index.
    pub(crate) direct: Vec<Vec<usize>>,
}

impl Table {
    /// All symbols that a stencil needs.
    pub(crate) fn symbols_of(&self, opcode: usize) -> impl Iterator<Item = usize> + '_ {
        let sizes = self.sizes.get(opcode).copied().unwrap_or_default();
        let both: Vec<usize> = ordinals(&sizes.got)
            .chain(ordinals(&sizes.trampolines))
            .collect();
        let direct = self.direct.get(opcode).into_iter().flatten().copied();
        both.into_iter().chain(direct)
    }
}

/// What depends on the target alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Bytes of a trampoline, 0 where there are none (`TRAMPOLINE_SIZE`).
    pub(crate) trampoline: usize,
    /// What the data's offset is a multiple of (`DATA_ALIGN`).
    pub(crate) data_align: usize,
    /// Whether the forms need shifts.
    pub(crate) plain: bool,
    /// Whether addresses have 32 bits.
    pub(crate) narrow: bool,
}

impl Rules {
    /// Of a target.
    pub(crate) fn of(target: &Target) -> Rules {
        let far = target.arch == Arch::Aarch64
            || (target.arch == Arch::X86_64 && target.format == ObjectFormat::MachO);
        Rules {
            trampoline: if far { 16 } else { 0 },
            data_align: if far { 8 } else { 1 },
            plain: target.arch != Arch::Aarch64,
            narrow: target.arch.pointer_size() == 4,
        }
    }
}

/// A group's masks in the width used here, or the first ordinal that is too large.
pub(crate) fn masks(group: &StencilGroup) -> Result<(Mask, Mask), usize> {
    let convert = |mask: &jit_stencils::SymbolMask| -> Result<Mask, usize> {
        let mut converted = Mask::default();
        for (index, word) in mask.words().iter().enumerate() {
            match converted.get_mut(index / 2) {
                Some(place) => *place |= u64::from(*word) << (index % 2 * 32),
                None if *word == 0 => {}
                None => return Err(index * 32 + word.trailing_zeros() as usize),
            }
        }
        Ok(converted)
    };
    Ok((convert(&group.got_entries)?, convert(&group.trampolines)?))
}

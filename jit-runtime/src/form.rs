//! One formula for most patches, so that the same few instructions fill all of these holes, without a
//! branch.
//!
//! For a hole at address `loc`, the difference `d = (value >> pre) - ((loc & pc) >> pre)` must satisfy
//! `(d + bias) & range == 0` and `d & align == 0`. What is written is `((d >> right) << left) & mask`,
//! over bits that are 0. The numbers below come from the functions `patch_*` in CPython's
//! `Python/jit.c` and their assertions.

/// The numbers that the formula has for one patch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// All ones if the value is relative to the hole's address.
    pc: u64,
    /// Half of a signed range, 0 for an unsigned one.
    bias: u64,
    /// The bits of `d + bias` that are 0 if the value is in range.
    range: u64,
    /// The bits of `d` that are 0 if the value is aligned.
    align: u64,
    /// The bits of the field.
    pub(crate) mask: u64,
    pre: u32,
    right: u32,
    left: u32,
}

/// The result of the formula.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Formed {
    /// What is written, over zeros.
    pub(crate) field: u64,
    /// Nonzero if the value is out of range.
    pub(crate) range: u64,
    /// Nonzero if the value is misaligned.
    pub(crate) align: u64,
}

impl Form {
    /// Applies the formula to a value. `PLAIN` forms are those of x86: they have no shifts and no
    /// alignment.
    #[inline(always)]
    pub(crate) fn apply<const PLAIN: bool>(&self, value: u64, loc: u64) -> Formed {
        if PLAIN {
            let d = value.wrapping_sub(loc & self.pc);
            return Formed {
                field: d & self.mask,
                range: d.wrapping_add(self.bias) & self.range,
                align: 0,
            };
        }
        let d = (value >> self.pre).wrapping_sub((loc & self.pc) >> self.pre);
        Formed {
            field: ((d >> self.right) << self.left) & self.mask,
            range: d.wrapping_add(self.bias) & self.range,
            align: d & self.align,
        }
    }
}

const fn signed(bits: u32) -> Form {
    Form {
        pc: !0,
        bias: 1 << (bits - 1),
        range: !((1 << bits) - 1),
        align: 0,
        mask: 0xffff_ffff,
        pre: 0,
        right: 0,
        left: 0,
    }
}

const fn absolute(mask: u64) -> Form {
    Form {
        pc: 0,
        bias: 0,
        range: 0,
        align: 0,
        mask,
        pre: 0,
        right: 0,
        left: 0,
    }
}

const fn low12(scale: u32) -> Form {
    Form {
        align: (1 << scale) - 1,
        right: scale,
        left: 10,
        ..absolute((0xfff >> scale) << 10)
    }
}

const fn move16(part: u32) -> Form {
    Form {
        right: 16 * part,
        left: 5,
        ..absolute(0xffff << 5)
    }
}

const fn branch(bits: u32, left: u32) -> Form {
    Form {
        align: 3,
        right: 2,
        left,
        mask: ((1 << (bits - 2)) - 1) << left,
        ..signed(bits)
    }
}

const fn page(right: u32, left: u32, mask: u64) -> Form {
    Form {
        pre: 12,
        right,
        left,
        mask,
        ..signed(21)
    }
}

/// An index into [`FORMS`].
pub(crate) type FormIndex = u8;

pub(crate) const ABSOLUTE_32: FormIndex = 0;
pub(crate) const ABSOLUTE_32_WRAPPING: FormIndex = 1;
pub(crate) const RELATIVE_32: FormIndex = 2;
pub(crate) const RELATIVE_32_WRAPPING: FormIndex = 3;
pub(crate) const ABSOLUTE_64: FormIndex = 4;
/// The first of five; the scale of the load or store (0 to 4) is added.
pub(crate) const LOW_12: FormIndex = 5;
/// The first of four; the number of the 16-bit part (0 to 3) is added.
pub(crate) const MOVE_16: FormIndex = 10;
pub(crate) const BRANCH_19: FormIndex = 14;
pub(crate) const BRANCH_26: FormIndex = 15;
/// Bits 0 and 1 of a distance in pages: an adrp has them in another place than the others.
pub(crate) const PAGE_LOW: FormIndex = 16;
/// Bits 2 to 20 of a distance in pages.
pub(crate) const PAGE_HIGH: FormIndex = 17;

/// Writes nothing, and checks that a value has at most 32 bits.
pub(crate) const CHECK_32: FormIndex = 18;

/// A number with a sign.
pub(crate) const SIGNED_32: FormIndex = 19;

/// The first of five, as [`LOW_12`], for a number that has 12 bits at most.
pub(crate) const FIELD_12: FormIndex = 20;
/// The last form.
const LAST: FormIndex = FIELD_12 + 4;

/// The form with the index [`RELATIVE_32`].
pub(crate) const RELATIVE: Form = signed(32);

/// All forms. The length is a power of two, so that no index needs a check.
const FORMS: [Form; 32] = {
    let mut forms = [absolute(0); 32];
    forms[ABSOLUTE_32 as usize] = Form {
        range: !0xffff_ffff,
        ..absolute(0xffff_ffff)
    };
    forms[ABSOLUTE_32_WRAPPING as usize] = absolute(0xffff_ffff);
    forms[RELATIVE_32 as usize] = signed(32);
    forms[RELATIVE_32_WRAPPING as usize] = Form {
        bias: 0,
        range: 0,
        ..signed(32)
    };
    forms[ABSOLUTE_64 as usize] = absolute(!0);
    let mut scale = 0;
    while scale <= 4 {
        forms[LOW_12 as usize + scale] = low12(scale as u32);
        forms[FIELD_12 as usize + scale] = Form {
            range: !0xfff,
            ..low12(scale as u32)
        };
        scale += 1;
    }
    forms[MOVE_16 as usize] = move16(0);
    forms[MOVE_16 as usize + 1] = move16(1);
    forms[MOVE_16 as usize + 2] = move16(2);
    forms[MOVE_16 as usize + 3] = move16(3);
    forms[BRANCH_19 as usize] = branch(21, 5);
    forms[BRANCH_26 as usize] = branch(28, 0);
    forms[PAGE_LOW as usize] = page(0, 29, 3 << 29);
    forms[PAGE_HIGH as usize] = page(2, 5, 0x7ffff << 5);
    forms[SIGNED_32 as usize] = Form {
        pc: 0,
        ..signed(32)
    };
    forms[CHECK_32 as usize] = Form {
        range: !0xffff_ffff,
        ..absolute(0)
    };
    forms
};

/// Returns the form with an index.
#[inline(always)]
pub(crate) fn form(index: FormIndex) -> &'static Form {
    static TABLE: [Form; 32] = FORMS;
    debug_assert!(index <= LAST, "there is no form {index}");
    &TABLE[usize::from(index) % 32]
}

/// Returns the bits of the instruction that are the field of a form. The form's mask may have fewer, as
/// a load's offset counts in multiples of its width.
pub(crate) fn field(index: FormIndex) -> u64 {
    if (LOW_12..MOVE_16).contains(&index) || index >= FIELD_12 {
        return 0xfff << 10;
    }
    form(index).mask
}

//! The labels that stand for relocations.
//!
//! Where the assembler has no relocation for a field, the assembly optimizer defines a symbol at the
//! field, and the symbol's name has what a relocation entry would have:
//!
//! - `<relocation>_JIT_RELOCATION_<target>_JIT_RELOCATION_<number>` is a relocation. Its target is a
//!   symbol, or `CONST_JIT_` and the name of a constant, or
//!   `<symbol>_JIT_TIMES_<scale>_JIT_PLUS_<addend>` for a value of the instruction of which a multiple is used;
//!   numbers below 0 have an `m` in the place of the sign. CPython's own tool has no labels of the last kind.
//! - `<pair>a_JIT_PAIR_<symbol>_JIT_PAIR_<number>` and the same with `b` mark the two instructions
//!   that load from one GOT slot, so that they can be patched together.
//!
//! The numbers keep the names of one object apart; they also say which halves of pairs belong
//! together. The grammar is that of CPython's `Tools/jit/_optimizers.py`, which writes such labels,
//! and `convert_labels_to_relocations` in `_stencils.py`, which reads them.

use std::fmt;

use crate::rows::rows;
use crate::{PatchKind, RelocationKind};

/// Separates the parts of a label that is a relocation.
const RELOCATION: &str = "_JIT_RELOCATION_";
/// Separates the parts of a label that is half of a pair.
const PAIR: &str = "_JIT_PAIR_";
/// Starts a target that is a constant.
const CONSTANT: &str = "CONST_JIT_";
/// Comes between a symbol and what its value is multiplied by.
const TIMES: &str = "_JIT_TIMES_";
/// Comes between that and what is added to the product.
const PLUS: &str = "_JIT_PLUS_";
/// Comes before the digits of a negative number.
const MINUS: char = 'm';

/// What is in a field with a label [near](crate::relocation::Side::Near) it, as a little-endian number, so that
/// the field can be found. It fits a signed number of 32 bits, and none of eight. All its bytes are different, so that
/// it is in one place only.
pub const FIELD_MARK: u32 = 0x4d3c_2b1a;

/// A label that stands for a relocation, or for half of a pair of them.
///
/// `Display` writes the label's name, without the platform's symbol prefix and the colon, and
/// [`parse`](Label::parse) reads it:
///
/// ```
/// use jit_schema::label::{Constant, Label, LabelTarget};
/// use jit_schema::RelocationKind;
///
/// let label = Label::Relocation {
///     kind: RelocationKind::CustomAarch64Const16a,
///     target: LabelTarget::Constant(Constant::Operand0),
///     number: 3,
/// };
/// let name = "CUSTOM_AARCH64_CONST16a_JIT_RELOCATION_CONST_JIT_OPERAND0_JIT_RELOCATION_3";
/// assert_eq!(label.to_string(), name);
/// assert_eq!(Label::parse(name), Ok(Some(label)));
/// assert_eq!(Label::parse("PyNumber_Add"), Ok(None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label<'a> {
    /// A relocation.
    Relocation {
        /// The relocation, one that is made from labels.
        kind: RelocationKind,
        /// What it refers to.
        target: LabelTarget<'a>,
        /// Different for each label of an object.
        number: usize,
    },
    /// Half of a pair.
    Pair {
        /// The pair.
        kind: PairKind,
        /// Which half.
        half: Half,
        /// The symbol whose GOT slot both halves refer to.
        symbol: &'a str,
        /// The same for both halves.
        number: usize,
    },
}

/// What a label's relocation refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LabelTarget<'a> {
    /// A symbol, without the platform's prefix.
    Symbol(&'a str),
    /// A symbol that stands for a value of the instruction, `symbol * scale + addend`.
    Scaled {
        /// The symbol, without the platform's prefix.
        symbol: &'a str,
        /// What the value is multiplied by.
        scale: i32,
        /// What is added to the product.
        addend: i32,
    },
    /// A part of the constant that a whole field of the instruction is.
    Constant(Constant),
}

/// What is known of a [`Constant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConstantRow {
    /// The name in a label, e.g. `OPARG`.
    pub name: &'static str,
    /// The symbol that stands for the whole field in C, e.g. `_JIT_OPARG`.
    pub symbol: &'static str,
}

rows! {
    /// A field of the instruction whose bits can be constants in the code.
    pub enum Constant: ConstantRow

    /// The oparg.
    Oparg {
        name: "OPARG",
        symbol: "_JIT_OPARG",
    }
    /// The first operand.
    Operand0 {
        name: "OPERAND0",
        symbol: "_JIT_OPERAND0",
    }
    /// The second operand.
    Operand1 {
        name: "OPERAND1",
        symbol: "_JIT_OPERAND1",
    }
}

impl Constant {
    /// Returns the symbol that stands for the whole field in C, e.g. `_JIT_OPARG`.
    pub const fn symbol(self) -> &'static str {
        self.row().symbol
    }
}

/// What is known of a [`PairKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairRow {
    /// The name that both halves start with.
    pub name: &'static str,
    /// How to write the value into both instructions.
    pub patch: PatchKind,
    /// The patches that the relocations of the two instructions must have.
    pub halves: [PatchKind; 2],
}

rows! {
    /// Two instructions that are patched together.
    pub enum PairKind: PairRow

    /// An `adrp` and an `ldr` that load from one GOT slot.
    CustomAarch64Const33 {
        name: "CUSTOM_AARCH64_CONST33",
        patch: PatchKind::Aarch64_33rx,
        halves: [PatchKind::Aarch64_21rx, PatchKind::Aarch64_12x],
    }
}

impl PairKind {
    /// Returns the name that both halves start with.
    pub const fn name(self) -> &'static str {
        self.row().name
    }
}

/// One of the instructions of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// The first instruction, e.g. the `adrp`.
    First,
    /// The second instruction, e.g. the `ldr`.
    Second,
}

impl Half {
    /// Both halves.
    pub const ALL: [Half; 2] = [Half::First, Half::Second];

    /// What the pair's name ends in.
    const fn suffix(self) -> &'static str {
        match self {
            Half::First => "a",
            Half::Second => "b",
        }
    }
}

impl<'a> Label<'a> {
    /// Reads the name of a symbol, without the platform's prefix. Returns `None` for a symbol that
    /// is no label of this kind.
    ///
    /// # Errors
    ///
    /// [`LabelError`] if the name has a separator of such labels in it, but is not one.
    pub fn parse(name: &'a str) -> Result<Option<Label<'a>>, LabelError> {
        if name.contains(RELOCATION) {
            relocation(name).map(Some)
        } else if name.contains(PAIR) {
            pair(name).map(Some)
        } else {
            Ok(None)
        }
    }
}

fn relocation(name: &str) -> Result<Label<'_>, LabelError> {
    let [kind, target, number] = split(name, RELOCATION)?;
    let kind = RelocationKind::from_name(kind)
        .filter(|kind| kind.label_side().is_some())
        .ok_or_else(|| LabelError::Relocation(kind.to_owned()))?;
    let target = match target.strip_prefix(CONSTANT) {
        Some(constant) => Constant::ALL
            .iter()
            .copied()
            .find(|known| known.row().name == constant)
            .map(LabelTarget::Constant)
            .ok_or_else(|| LabelError::Constant(constant.to_owned()))?,
        None => scaled(target)?.unwrap_or(LabelTarget::Symbol(target)),
    };
    Ok(Label::Relocation {
        kind,
        target,
        number: parse_number(number)?,
    })
}

fn scaled(target: &str) -> Result<Option<LabelTarget<'_>>, LabelError> {
    let Some((symbol, rest)) = target.split_once(TIMES) else {
        return Ok(None);
    };
    let (scale, addend) = rest
        .split_once(PLUS)
        .ok_or(LabelError::Parts { separator: PLUS })?;
    Ok(Some(LabelTarget::Scaled {
        symbol,
        scale: parse_signed(scale)?,
        addend: parse_signed(addend)?,
    }))
}

fn parse_signed(text: &str) -> Result<i32, LabelError> {
    let (negative, digits) = match text.strip_prefix(MINUS) {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let size = i64::try_from(parse_number(digits)?).ok();
    size.map(|size| if negative { -size } else { size })
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| LabelError::Number(text.to_owned()))
}

fn pair(name: &str) -> Result<Label<'_>, LabelError> {
    let [pair, symbol, number] = split(name, PAIR)?;
    let (kind, half) = PairKind::ALL
        .iter()
        .flat_map(|kind| Half::ALL.map(|half| (*kind, half)))
        .find(|(kind, half)| pair.strip_prefix(kind.name()) == Some(half.suffix()))
        .ok_or_else(|| LabelError::Pair(pair.to_owned()))?;
    Ok(Label::Pair {
        kind,
        half,
        symbol,
        number: parse_number(number)?,
    })
}

fn split<'a>(name: &'a str, separator: &'static str) -> Result<[&'a str; 3], LabelError> {
    let mut parts = name.split(separator);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(kind), Some(target), Some(number), None) => Ok([kind, target, number]),
        _ => Err(LabelError::Parts { separator }),
    }
}

fn parse_number(number: &str) -> Result<usize, LabelError> {
    number
        .parse()
        .map_err(|_| LabelError::Number(number.to_owned()))
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Relocation {
                kind,
                target,
                number,
            } => write!(f, "{kind}{RELOCATION}{target}{RELOCATION}{number}"),
            Label::Pair {
                kind,
                half,
                symbol,
                number,
            } => {
                let (kind, half) = (kind.name(), half.suffix());
                write!(f, "{kind}{half}{PAIR}{symbol}{PAIR}{number}")
            }
        }
    }
}

impl fmt::Display for LabelTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelTarget::Symbol(symbol) => f.write_str(symbol),
            LabelTarget::Scaled {
                symbol,
                scale,
                addend,
            } => {
                let (scale, addend) = (Signed(*scale), Signed(*addend));
                write!(f, "{symbol}{TIMES}{scale}{PLUS}{addend}")
            }
            LabelTarget::Constant(constant) => write!(f, "{CONSTANT}{}", constant.row().name),
        }
    }
}

/// A number as symbols can have it.
struct Signed(i32);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            write!(f, "{MINUS}")?;
        }
        write!(f, "{}", self.0.unsigned_abs())
    }
}

/// Why a symbol's name looks like a label that stands for a relocation, but is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The name does not have three parts.
    #[error("expected a kind, a symbol and a number with {separator} between them")]
    Parts {
        /// What separates the parts.
        separator: &'static str,
    },
    /// There is no relocation of that name that is made from labels.
    #[error("unknown relocation {0}")]
    Relocation(String),
    /// There is no pair of that name.
    #[error("unknown pair {0}")]
    Pair(String),
    /// There is no constant of that name.
    #[error("{0} is not OPARG, OPERAND0 or OPERAND1")]
    Constant(String),
    /// The last part is not a number.
    #[error("{0} is not a number")]
    Number(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let targets = [
            LabelTarget::Symbol("PyNumber_Add"),
            LabelTarget::Symbol("_JIT_OPARG"),
            LabelTarget::Scaled {
                symbol: "_JIT_OPARG",
                scale: 8,
                addend: -80,
            },
            LabelTarget::Scaled {
                symbol: "_JIT_OPERAND_12_LO",
                scale: i32::MIN,
                addend: i32::MAX,
            },
        ];
        let constants = Constant::ALL.iter().copied().map(LabelTarget::Constant);
        let mut labels = Vec::new();
        for kind in RelocationKind::ALL
            .iter()
            .filter(|kind| kind.label_side().is_some())
        {
            for target in targets.into_iter().chain(constants.clone()) {
                labels.push(Label::Relocation {
                    kind: *kind,
                    target,
                    number: labels.len(),
                });
            }
        }
        for &kind in PairKind::ALL {
            for half in Half::ALL {
                labels.push(Label::Pair {
                    kind,
                    half,
                    symbol: "PyNumber_Add",
                    number: labels.len(),
                });
            }
        }
        assert!(labels.len() > 20);
        for label in labels {
            assert_eq!(Label::parse(&label.to_string()), Ok(Some(label)));
        }
    }

    #[test]
    fn constants_have_symbols() {
        for constant in Constant::ALL {
            let row = constant.row();
            assert_eq!(row.symbol.strip_prefix("_JIT_"), Some(row.name));
        }
    }

    #[test]
    fn names_that_are_nearly_labels_are_refused() {
        for (name, message) in [
            (
                "R_X86_64_64_JIT_RELOCATION_a_JIT_RELOCATION_1",
                "unknown relocation R_X86_64_64",
            ),
            (
                "CUSTOM_AARCH64_BRANCH19_JIT_RELOCATION_a_JIT_RELOCATION_x",
                "x is not a number",
            ),
            (
                "CUSTOM_AARCH64_CONST33c_JIT_PAIR_a_JIT_PAIR_1",
                "unknown pair CUSTOM_AARCH64_CONST33c",
            ),
        ] {
            assert_eq!(Label::parse(name).unwrap_err().to_string(), message);
        }
    }
}

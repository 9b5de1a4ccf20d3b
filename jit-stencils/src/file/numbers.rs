//! The numbers that stand for patches, bases and ends of code in a file. They never change: a new variant gets a
//! new number, and the number of a removed one is not used again.

use crate::{CodeEnd, HoleValue, Location, PatchKind};

macro_rules! numbers {
    ($type:ident, $to:ident, $from:ident: $($number:literal $variant:ident,)*) => {
        pub(super) const fn $to(value: $type) -> u8 {
            match value {
                $($type::$variant => $number,)*
            }
        }

        pub(super) const fn $from(number: u8) -> Option<$type> {
            match number {
                $($number => Some($type::$variant),)*
                _ => None,
            }
        }
    };
}

/// The base of a value, as far as one byte can say it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Base {
    /// The base itself.
    Fixed(HoleValue),
    /// A general base, whose number comes after the byte. Only files of version 3 and later have them.
    General(fn(u16) -> HoleValue),
}

// Numbers are at most 63, as two bits of the byte are flags.
numbers! { PatchKind, patch_number, patch_of:
    0 Patch32,
    1 Patch32r,
    2 Patch64,
    3 Aarch64_12,
    4 Aarch64_12x,
    5 Aarch64_16a,
    6 Aarch64_16b,
    7 Aarch64_16c,
    8 Aarch64_16d,
    9 Aarch64_19r,
    10 Aarch64_21r,
    11 Aarch64_21rx,
    12 Aarch64_26r,
    13 Aarch64_33rx,
    14 Aarch64Trampoline,
    15 X86_64_32rx,
    16 X86_64Trampoline,
    17 GotSymbol,
    18 Patch32s,
}

macro_rules! bases {
    ($($number:literal $variant:ident,)* general: $($general_number:literal $general:ident,)*) => {
        /// Returns the number of a base, and what comes after it in a file.
        pub(super) const fn base_number(value: HoleValue) -> (u8, Option<u16>) {
            match value {
                $(HoleValue::$variant => ($number, None),)*
                $(HoleValue::$general(number) => ($general_number, Some(number)),)*
            }
        }

        pub(super) fn base_of(number: u8) -> Option<Base> {
            match number {
                $($number => Some(Base::Fixed(HoleValue::$variant)),)*
                $($general_number => Some(Base::General(HoleValue::$general)),)*
                _ => None,
            }
        }
    };
}

// Numbers are at most 31, as three bits of the byte are flags.
bases! {
    0 Code,
    1 Data,
    // No file has this one: it does not occur in resolved stencils.
    2 Got,
    3 Oparg,
    4 Oparg16,
    5 Operand0,
    6 Operand0Hi,
    7 Operand0Lo,
    8 Operand0_16,
    9 Operand0_32,
    10 Operand1,
    11 Operand1Hi,
    12 Operand1Lo,
    13 Operand1_16,
    14 Operand1_32,
    15 Target,
    16 JumpTarget,
    17 ErrorTarget,
    18 Zero,
    23 Continue,
    24 Executor,
    general:
    19 Operand,
    20 OperandHigh,
    21 OperandLow,
    22 Place,
}

numbers! { CodeEnd, end_number, end_of:
    0 Unknown,
    1 FallsThrough,
    2 Leaves,
}

/// Returns the number of a location. None has number 255, which stands for those that have no number.
pub(super) fn location_number(location: Location) -> u8 {
    match location {
        Location::Reg(number) if number < LOCATIONS => number,
        Location::Vec(number) if number < LOCATIONS => LOCATIONS + number,
        Location::Imm => 2 * LOCATIONS,
        Location::Mem => 2 * LOCATIONS + 1,
        Location::Reg(_) | Location::Vec(_) => u8::MAX,
    }
}

/// Returns the location with a number.
pub(super) fn location_of(number: u8) -> Option<Location> {
    const IMM: u8 = 2 * LOCATIONS;
    const MEM: u8 = IMM + 1;
    match number {
        ..LOCATIONS => Some(Location::Reg(number)),
        LOCATIONS..IMM => Some(Location::Vec(number - LOCATIONS)),
        IMM => Some(Location::Imm),
        MEM => Some(Location::Mem),
        _ => None,
    }
}

/// The number of registers of each kind that have a number.
const LOCATIONS: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::LazyLock;

    /// The tables in the specification of the format, which existing files follow.
    static SPECIFICATION: LazyLock<String> = LazyLock::new(|| {
        let path = fixtures::workspace().join("docs/stencil-files.md");
        fixtures::golden::read_text(&path)
    });

    /// Rows of the form `| number | name | ...`.
    fn specified(name: &str) -> u8 {
        let mut numbers = SPECIFICATION.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number = cells.next()?.parse().ok()?;
            (cells.next()?.trim_end_matches([' ', '|']).trim_matches('`') == name).then_some(number)
        });
        let number = numbers.next();
        assert_eq!(numbers.next(), None, "{name} is there twice");
        number.unwrap_or_else(|| panic!("{name} is not in docs/stencil-files.md"))
    }

    #[test]
    fn every_patch_has_its_number() {
        let mut seen = std::collections::BTreeSet::new();
        for patch in PatchKind::ALL {
            let number = patch_number(*patch);
            assert_eq!(number, specified(patch.c_name()));
            assert_eq!(patch_of(number), Some(*patch));
            assert!(seen.insert(number) && number < 64);
        }
        assert_eq!(seen.len(), (0..=255).filter_map(patch_of).count());
    }

    #[test]
    fn every_end_has_its_number() {
        for (name, end) in [
            ("unknown", CodeEnd::Unknown),
            ("falls through", CodeEnd::FallsThrough),
            ("leaves", CodeEnd::Leaves),
        ] {
            let number = end_number(end);
            assert_eq!(number, specified(name));
            assert_eq!(end_of(number), Some(end));
        }
        assert_eq!((0..=255).filter_map(end_of).count(), 3);
    }

    #[test]
    fn every_value_has_its_number() {
        let mut seen = std::collections::BTreeSet::new();
        let mut check = |base: HoleValue, name: &str, after| {
            let (number, index) = base_number(base);
            assert_eq!(number, specified(name));
            assert_eq!(index, after);
            let back = match (base_of(number), index) {
                (Some(Base::Fixed(base)), None) => base,
                (Some(Base::General(base)), Some(index)) => base(index),
                other => panic!("{base}: {other:?}"),
            };
            assert_eq!(back, base);
            assert!(seen.insert(number) && number < 32);
        };
        for base in HoleValue::FIXED {
            check(*base, &base.to_string(), None);
        }
        for (base, name) in [
            (HoleValue::Operand(7), "OPERAND_N"),
            (HoleValue::OperandHigh(0), "OPERAND_N_HI"),
            (HoleValue::OperandLow(65535), "OPERAND_N_LO"),
            (HoleValue::Place(3), "PLACE_N"),
        ] {
            assert_eq!(
                base.to_string().replace(|c: char| c.is_ascii_digit(), ""),
                name.replace("_N", "_")
            );
            let (_, index) = base_number(base);
            check(base, name, index);
        }
        assert_eq!(
            seen.len(),
            (0..=255)
                .filter(|number| base_of(*number).is_some())
                .count()
        );
    }

    #[test]
    fn every_location_has_its_number() {
        for (name, location) in [
            ("reg 0", Location::Reg(0)),
            ("vec 0", Location::Vec(0)),
            ("imm", Location::Imm),
            ("mem", Location::Mem),
        ] {
            assert_eq!(location_number(location), specified(name));
        }
        let known = (0..=255).filter_map(|number| Some((number, location_of(number)?)));
        let known: Vec<_> = known.collect();
        assert_eq!(known.len(), 130);
        for (number, location) in known {
            assert_eq!(location_number(location), number);
        }
        for location in [Location::Reg(64), Location::Vec(64)] {
            assert_eq!(location_of(location_number(location)), None);
        }
    }
}

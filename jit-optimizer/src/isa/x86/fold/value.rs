//! Values that the optimizer knows as far as it can: a value of the instruction that a stencil is for, times
//! a number, plus a number.

use crate::symbol::Symbol;

/// What a register holds: `symbol * scale + addend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    /// None for a number, whose scale is 0.
    pub(super) symbol: Option<Symbol>,
    pub(super) scale: i64,
    pub(super) addend: i64,
    /// Whether that is what all 64 bits are, modulo 2^64. Otherwise it is what the lowest 32 are, modulo
    /// 2^32, and the others are 0.
    pub(super) wide: bool,
}

/// How 32 bits of an instruction become a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    /// Only the 32 bits count.
    None,
    /// The upper bits are 0.
    Zero,
    /// The upper bits are the sign.
    Sign,
}

/// What a field of 32 bits gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) symbol: String,
    pub(super) scale: i32,
    pub(super) addend: i32,
    /// Whether the value may be negative, and not 2^31 or more.
    pub(super) signed: bool,
}

impl Value {
    pub(super) fn number(number: i64) -> Value {
        Value {
            symbol: None,
            scale: 0,
            addend: number,
            wide: true,
        }
    }

    pub(super) fn of(symbol: Symbol, addend: i64) -> Value {
        Value {
            symbol: Some(symbol),
            scale: 1,
            addend,
            wide: true,
        }
    }

    /// Returns whether the instruction that a stencil is for makes a difference to it.
    pub(super) fn varies(self) -> bool {
        self.symbol.is_some()
    }

    /// Returns the least and the greatest number that it can be, not modulo anything.
    fn range(self) -> (i128, i128) {
        let most = self.symbol.map_or(0, Symbol::most);
        let end = i128::from(self.scale) * i128::from(most);
        let addend = i128::from(self.addend);
        (end.min(0) + addend, end.max(0) + addend)
    }

    fn is_within(self, least: i64, most: i64) -> bool {
        let (from, to) = self.range();
        from >= least.into() && to <= most.into()
    }

    fn is_signed_32(self) -> bool {
        self.is_within(i32::MIN.into(), i32::MAX.into())
    }

    fn is_unsigned_32(self) -> bool {
        self.is_within(0, u32::MAX.into())
    }

    /// Returns what a register holds whose lowest 32 bits are those of this value, and whose others are 0.
    pub(super) fn low(self) -> Value {
        Value {
            wide: self.is_unsigned_32(),
            ..self
        }
    }

    /// Returns the result of an operation with so many bits whose result is a value modulo 2^64 if its
    /// operands are.
    fn result(self, bits: u32, wide: bool) -> Option<Value> {
        match bits {
            32 => Some(self.low()),
            64 => wide.then_some(Value { wide, ..self }),
            _ => None,
        }
    }

    /// Returns this value, with the sign of its lowest 32 bits in the others.
    pub(super) fn sign_extended(self) -> Option<Value> {
        self.is_signed_32().then_some(Value { wide: true, ..self })
    }

    /// Returns the lowest 16 bits, if the others are 0.
    pub(super) fn low_16(self) -> Option<Value> {
        self.is_within(0, u16::MAX.into())
            .then_some(Value { wide: true, ..self })
    }

    pub(super) fn plus(self, other: Value, bits: u32) -> Option<Value> {
        let symbol = match (self.symbol, other.symbol) {
            (Some(one), Some(two)) if one != two => return None,
            (one, two) => one.or(two),
        };
        let sum = Value {
            symbol,
            scale: self.scale.checked_add(other.scale)?,
            addend: self.addend.checked_add(other.addend)?,
            wide: true,
        };
        let sum = match sum.scale {
            0 => Value::number(sum.addend),
            _ => sum,
        };
        sum.result(bits, self.wide && other.wide)
    }

    pub(super) fn times(self, factor: i64, bits: u32) -> Option<Value> {
        let product = Value {
            scale: self.scale.checked_mul(factor)?,
            addend: self.addend.checked_mul(factor)?,
            ..self
        };
        let product = match product.scale {
            0 => Value::number(product.addend),
            _ => product,
        };
        product.result(bits, self.wide)
    }

    /// Returns what a field of an instruction with 32 bits must get for the instruction to have this value,
    /// or `None` if no field will do.
    pub(super) fn field(self, extension: Extension) -> Option<Field> {
        let symbol = self.symbol?;
        let unsigned = self.is_unsigned_32();
        let fits = match extension {
            Extension::None => unsigned || self.is_signed_32(),
            // A value of which only the lowest bits are known is the same as one with zeros above.
            Extension::Zero => unsigned || !self.wide && self.is_signed_32(),
            Extension::Sign => self.wide && self.is_signed_32(),
        };
        if fits {
            return Some(Field {
                symbol: symbol.to_string(),
                scale: i32::try_from(self.scale).ok()?,
                addend: i32::try_from(self.addend).ok()?,
                signed: extension == Extension::Sign || !unsigned,
            });
        }
        let is_low = extension == Extension::None || extension == Extension::Zero && !self.wide;
        let low = symbol
            .low()
            .filter(|_| is_low && (self.scale, self.addend) == (1, 0));
        Some(Field {
            symbol: low?,
            scale: 1,
            addend: 0,
            signed: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(symbol: Symbol, scale: i64, addend: i64, wide: bool) -> Value {
        Value {
            symbol: Some(symbol),
            scale,
            addend,
            wide,
        }
    }

    /// What a processor has in a register that holds a value.
    fn bits(value: Value, x: u64) -> u64 {
        let sum = i128::from(x) * i128::from(value.scale) + i128::from(value.addend);
        let sum = sum as u64;
        if value.wide { sum } else { sum & 0xffff_ffff }
    }

    /// Operations on values give what a processor's give.
    #[test]
    fn operations_are_those_of_a_processor() {
        let symbols = [
            (Symbol::Oparg, &[0, 1, 7, 0x7fff, 0xffff][..]),
            (
                Symbol::Target,
                &[0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff],
            ),
            (Symbol::Operand0, &[0, 5, 0xffff_ffff, 1 << 40, u64::MAX]),
        ];
        let mut checked = 0;
        for (symbol, inputs) in symbols {
            let mut values = vec![
                Value::of(symbol, 0),
                Value::number(-3),
                Value::number(1 << 33),
            ];
            for round in 0..3 {
                let before = values.clone();
                for &one in before.iter().take(40) {
                    let mut add = |new: Option<Value>, expected: &dyn Fn(u64) -> u64| {
                        let Some(new) = new else { return };
                        for &x in inputs {
                            assert_eq!(bits(new, x), expected(x), "{one:?} -> {new:?} for {x:#x}");
                            checked += 1;
                        }
                        if !values.contains(&new) {
                            values.push(new);
                        }
                    };
                    let low = |number: u64| u64::from(number as u32);
                    for factor in [-1, 2, 8, 40] {
                        let product = |x| bits(one, x).wrapping_mul(factor as u64);
                        add(one.times(factor, 64), &product);
                        add(one.times(factor, 32), &|x| low(product(x)));
                    }
                    for &other in before.iter().take(10) {
                        let sum = |x| bits(one, x).wrapping_add(bits(other, x));
                        add(one.plus(other, 64), &sum);
                        add(one.plus(other, 32), &|x| low(sum(x)));
                    }
                    add(Some(one.low()), &|x| low(bits(one, x)));
                    add(one.sign_extended(), &|x| {
                        i64::from(bits(one, x) as u32 as i32).cast_unsigned()
                    });
                    add(one.low_16(), &|x| bits(one, x) & 0xffff);
                }
                assert!(values.len() > 5 * (round + 1));
            }
            // What a field gets makes the value that the instruction had.
            for one in values {
                for extension in [Extension::None, Extension::Zero, Extension::Sign] {
                    let Some(field) = one.field(extension) else {
                        continue;
                    };
                    for &x in inputs {
                        let base = match field.symbol.strip_suffix("_LO") {
                            Some(_) => x & 0xffff_ffff,
                            None => x,
                        };
                        let content =
                            i128::from(base) * i128::from(field.scale) + i128::from(field.addend);
                        let range = match field.signed {
                            true => i128::from(i32::MIN)..=i32::MAX.into(),
                            false => 0..=u32::MAX.into(),
                        };
                        assert!(range.contains(&content), "{one:?} {field:?} {x:#x}");
                        let content = content as u32;
                        let (expected, actual) = match extension {
                            Extension::None => (low_of(bits(one, x)), content.into()),
                            Extension::Zero => (bits(one, x), content.into()),
                            Extension::Sign => {
                                (bits(one, x), i64::from(content as i32).cast_unsigned())
                            }
                        };
                        assert_eq!(actual, expected, "{one:?} {extension:?} {x:#x}");
                        checked += 1;
                    }
                }
            }
        }
        assert!(checked > 5000, "{checked}");
    }

    fn low_of(number: u64) -> u64 {
        number & 0xffff_ffff
    }

    #[test]
    fn ranges_at_their_ends() {
        let oparg = |scale, addend, wide| value(Symbol::Oparg, scale, addend, wide);
        // 65,535 * 32,768 = 2^31 - 2^15.
        let most = i64::from(i32::MAX) - 65_535 * 32_768;
        assert!(oparg(32_768, most, true).field(Extension::Sign).is_some());
        assert!(
            oparg(32_768, most + 1, true)
                .field(Extension::Sign)
                .is_none()
        );
        let least = i64::from(i32::MIN) + 65_535 * 32_768;
        assert!(oparg(-32_768, least, true).field(Extension::Sign).is_some());
        assert!(
            oparg(-32_768, least - 1, true)
                .field(Extension::Sign)
                .is_none()
        );
        let target = value(Symbol::Target, 1, 0, true);
        assert!(
            target
                .field(Extension::Zero)
                .is_some_and(|field| !field.signed)
        );
        assert!(target.field(Extension::Sign).is_none());
        let symbol = |bits| Symbol::Operand { number: 3, bits };
        let operand = value(symbol(64), 1, 0, true);
        assert!(operand.field(Extension::Zero).is_none());
        assert_eq!(
            operand
                .field(Extension::None)
                .map(|field| field.symbol)
                .as_deref(),
            Some("_JIT_OPERAND_3_LO")
        );
        // One of fewer bits.
        for (bits, scale, signed) in [
            (16, 8, true),
            (31, 1, true),
            (32, 1, false),
            (1, 1 << 30, true),
        ] {
            let value = value(symbol(bits), scale, 0, true);
            assert_eq!(value.field(Extension::Sign).is_some(), signed, "{bits}");
            assert!(value.field(Extension::Zero).is_some(), "{bits}");
        }
        assert!(
            value(Symbol::Operand0, 1, 8, true)
                .field(Extension::None)
                .is_none()
        );
    }
}

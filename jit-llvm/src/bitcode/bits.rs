//! A stream of bits, as LLVM's bitcode is one.

/// Reads numbers from bytes, whose lowest bits come first. Nothing is read past the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The number of bits that were read.
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    /// Returns the number of bits that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len().saturating_mul(8)
    }

    /// Returns the position after so many words of 32 bits.
    pub(super) fn after_words(&self, words: u64) -> Option<usize> {
        usize::try_from(words)
            .ok()?
            .checked_mul(32)?
            .checked_add(self.at)
    }

    /// Reads a number of 1 to 64 bits.
    pub(super) fn fixed(&mut self, width: u32) -> Option<u64> {
        if !(1..=u64::BITS).contains(&width) {
            return None;
        }
        let end = self.at.checked_add(usize::try_from(width).ok()?)?;
        let start = self.at / 8;
        let word = self.bytes.get(start..).and_then(<[u8]>::first_chunk);
        if let (Some(word), 1..=56) = (word, width) {
            let value = u64::from_le_bytes(*word) >> (self.at % 8);
            self.at = end;
            return Some(value & (u64::MAX >> (u64::BITS - width)));
        }
        let bytes = self.bytes.get(start..end.div_ceil(8))?;
        let mut value = 0_u128;
        for byte in bytes.iter().rev() {
            value = value << 8 | u128::from(*byte);
        }
        value >>= self.at % 8;
        self.at = end;
        u64::try_from(value & (u128::MAX >> (u128::BITS - width))).ok()
    }

    /// Reads a number in parts of so many bits, the highest of which says whether there are more.
    pub(super) fn vbr(&mut self, width: u32) -> Option<u64> {
        let more = 1_u64.checked_shl(width.checked_sub(1)?)?;
        let mut value = 0_u64;
        let mut shift = 0_u32;
        loop {
            let part = self.fixed(width)?;
            let low = part & (more - 1);
            let moved = low.checked_shl(shift)?;
            // What is shifted out would be lost.
            if moved >> shift != low {
                return None;
            }
            value |= moved;
            if part & more == 0 {
                return Some(value);
            }
            shift = shift.checked_add(width - 1)?;
        }
    }

    /// Skips to the next multiple of 32 bits.
    pub(super) fn align(&mut self) -> Option<()> {
        self.at = self.at.checked_next_multiple_of(32)?;
        (self.at / 8 <= self.bytes.len()).then_some(())
    }

    /// Reads so many bytes between two multiples of 32 bits.
    pub(super) fn blob(&mut self, length: u64) -> Option<&'a [u8]> {
        self.align()?;
        let start = self.at / 8;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let bytes = self.bytes.get(start..end)?;
        self.at = end.checked_mul(8)?;
        self.align()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_limits() {
        let mut bits = Bits::new(&[0b1010_0110, 0xff, 0, 0, 1, 2, 3, 4]);
        assert_eq!(bits.fixed(3), Some(0b110));
        assert_eq!(bits.vbr(4), Some(0b100));
        assert_eq!(bits.fixed(9), Some(0b1_1111_1111));
        assert_eq!(bits.blob(2), Some(&[1, 2][..]));
        let mut bits = Bits::new(&[0xff; 9]);
        assert_eq!(bits.fixed(0), None);
        assert_eq!(bits.fixed(65), None);
        assert_eq!(bits.fixed(1), Some(1));
        assert_eq!(bits.fixed(64), Some(u64::MAX));
        assert_eq!(bits.fixed(8), None);
        // It never ends, and would have more than 64 bits.
        assert_eq!(Bits::new(&[0xff; 100]).vbr(6), None);
        assert_eq!(Bits::new(&[0xff; 4]).vbr(1), None);
        assert_eq!(Bits::new(&[0xff; 4]).vbr(0), None);
        assert_eq!(Bits::new(&[0; 3]).blob(4), None);
    }

    #[test]
    fn every_width_at_every_place() {
        let bytes: Vec<u8> = (0..20_u8)
            .map(|index| index.wrapping_mul(151) ^ 0x5a)
            .collect();
        let all: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1))
            .collect();
        for start in 0..all.len() {
            for width in 1..=64 {
                let mut bits = Bits {
                    bytes: &bytes,
                    at: start,
                };
                let expected = all.get(start..start + width).map(|bits| {
                    bits.iter()
                        .rev()
                        .fold(0, |value, bit| value << 1 | u64::from(*bit))
                });
                assert_eq!(
                    bits.fixed(width as u32),
                    expected,
                    "{width} bits at {start}"
                );
            }
        }
    }
}

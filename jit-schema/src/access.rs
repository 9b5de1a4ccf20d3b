//! The sizes of what AArch64 instructions load and store.

/// Returns log2 of how many bytes an AArch64 instruction loads or stores at an unsigned offset, and none
/// for other instructions. The 12 bits of the offset count in units of that size.
pub const fn aarch64_access_scale(instruction: u32) -> Option<u8> {
    if instruction & 0x3b00_0000 != 0x3900_0000 {
        return None;
    }
    let size = (instruction >> 30) as u8;
    // With both of these bits, it is a vector register of 128 bits, and the size has to be 0.
    let whole_vector = instruction & 0x0480_0000 == 0x0480_0000;
    match (whole_vector, size) {
        (false, size) => Some(size),
        (true, 0) => Some(4),
        (true, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings from clang's assembler. The last ones are not allocated, as llvm-objdump says.
    #[test]
    fn accesses_have_sizes() {
        for (text, word, scale) in [
            ("ldr q0, [x8]", 0x3dc0_0100, Some(4)),
            ("str q0, [x8]", 0x3d80_0100, Some(4)),
            ("ldr d0, [x8]", 0xfd40_0100, Some(3)),
            ("ldr w0, [x8]", 0xb940_0100, Some(2)),
            ("ldr b0, [x8]", 0x3d40_0100, Some(0)),
            ("ldrsh x0, [x8]", 0x7980_0100, Some(1)),
            ("add x0, x8, #0", 0x9100_0100, None),
            ("ldur q0, [x8, #1]", 0x3cc0_1100, None),
            ("<unknown>", 0x7dc0_0100, None),
            ("<unknown>", 0xbd80_0100, None),
            ("<unknown>", 0xfdc0_0100, None),
        ] {
            assert_eq!(aarch64_access_scale(word), scale, "{text}");
        }
    }
}

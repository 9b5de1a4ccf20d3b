//! Decides whether the alignment of data matters to an object's code.

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use jit_schema::relocation::Reach;
use jit_schema::{Arch, PatchKind, Section, SectionKind, aarch64_access_scale};

use super::coff::DLLIMPORT;

/// How much the data of a stencil is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Alignment {
    /// As much as the object says.
    Full,
    /// As much as the code is known to rely on, and otherwise not at all, as with CPython's `Tools/jit`.
    /// Code that looks at the address of an array that was declared to be aligned to up to 16 bytes may
    /// find that it is not.
    Reduced,
}

impl Alignment {
    /// Returns the largest alignment in bytes that data does not get only because the object says so.
    pub(super) const fn ignored(self) -> u64 {
        match self {
            Alignment::Full => 0,
            Alignment::Reduced => USUAL,
        }
    }
}

/// The size of the smallest access that x86 checks the alignment of, in bytes.
const VECTOR: usize = 16;

/// Returns the alignment in bytes up to which an object's code relies on data being as aligned as its
/// sections ask for.
///
/// AArch64 code relies on the size of its accesses: the relocation of a load or store can have only
/// multiples of it. x86 code relies on any alignment if it has an instruction that faults on an
/// unaligned operand, and otherwise on none. Compilers and assembly ask for more, 16 bytes for any array
/// of that size for example, which most code does not need, and which CPython's tool does not give it.
pub(super) fn relied_on(arch: Arch, sections: &[Section]) -> u64 {
    let mut code = sections
        .iter()
        .filter(|section| section.kind == SectionKind::Code);
    let mut any_aligned =
        |bits| code.any(|section: &Section| has_aligned_access(bits, &section.data));
    match arch {
        Arch::I686 if any_aligned(32) => u64::MAX,
        Arch::X86_64 if any_aligned(64) => u64::MAX,
        Arch::I686 | Arch::X86_64 => 1,
        Arch::Aarch64 => code.map(largest_access).max().unwrap_or(1),
    }
}

/// The largest alignment in bytes that compilers give data of their own accord: to arrays of 16 bytes or
/// more on x86, and of 64 bytes or more on AArch64 Windows. Data with a greater one was declared with it,
/// and gets it.
const USUAL: u64 = 16;

/// Returns the size in bytes of the largest access of AArch64 code whose offset is relocated.
fn largest_access(code: &Section) -> u64 {
    let sizes = code.relocations.iter().filter_map(|relocation| {
        let row = relocation.kind.row();
        // A load from the GOT reads a slot, and not the stencil's data. On Windows, that is a load of an
        // import's address.
        let is_slot = row.reach == Reach::Got || relocation.symbol.starts_with(DLLIMPORT);
        match row.patch {
            PatchKind::Aarch64_12 | PatchKind::Aarch64_12x if !is_slot => {
                let start = usize::try_from(relocation.offset).ok()?;
                let word = code.data.get(start..)?.first_chunk()?;
                let scale = aarch64_access_scale(u32::from_le_bytes(*word))?;
                Some(1 << scale)
            }
            _ => None,
        }
    });
    sizes.max().unwrap_or(1)
}

fn has_aligned_access(bits: u32, code: &[u8]) -> bool {
    let mut decoder = Decoder::new(bits, code, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let start = decoder.position();
        decoder.decode_out(&mut instruction);
        let encoding = code.get(start..decoder.position()).unwrap_or_default();
        if is_aligned_access(&instruction, encoding) {
            return true;
        }
    }
    false
}

/// Returns whether an instruction, encoded in those bytes, faults if its operand in memory is not
/// aligned to the operand's size. The stack is left out, as the compiler aligns it itself.
fn is_aligned_access(instruction: &Instruction, encoding: &[u8]) -> bool {
    let in_memory =
        (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
    if !in_memory
        || instruction.memory_size().size() < VECTOR
        || matches!(instruction.memory_base(), Register::RSP | Register::ESP)
    {
        return false;
    }
    match encoding {
        // VEX and EVEX: only moves that are called aligned check it.
        [0xc4 | 0xc5 | 0x62, ..] => matches!(
            instruction.mnemonic(),
            Mnemonic::Vmovaps
                | Mnemonic::Vmovapd
                | Mnemonic::Vmovdqa
                | Mnemonic::Vmovdqa32
                | Mnemonic::Vmovdqa64
                | Mnemonic::Vmovntdq
                | Mnemonic::Vmovntdqa
                | Mnemonic::Vmovntpd
                | Mnemonic::Vmovntps
        ),
        _ => !matches!(
            instruction.mnemonic(),
            Mnemonic::Lddqu
                | Mnemonic::Movdqu
                | Mnemonic::Movupd
                | Mnemonic::Movups
                | Mnemonic::Pcmpestri
                | Mnemonic::Pcmpestrm
                | Mnemonic::Pcmpistri
                | Mnemonic::Pcmpistrm
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodings from clang's assembler.
    #[test]
    fn only_aligned_accesses_count() {
        let cases: [(&str, &[u8], bool); 10] = [
            ("movaps (%rax), %xmm0", b"\x0f\x28\x00", true),
            ("movaps 8(%rsp), %xmm0", b"\x0f\x28\x44\x24\x08", false),
            ("movups (%rax), %xmm0", b"\x0f\x10\x00", false),
            ("movaps %xmm1, %xmm0", b"\x0f\x28\xc1", false),
            ("andps (%rax), %xmm0", b"\x0f\x54\x00", true),
            ("pand (%rip), %xmm0", b"\x66\x0f\xdb\x05\0\0\0\0", true),
            ("addsd (%rax), %xmm0", b"\xf2\x0f\x58\x00", false),
            ("vandps (%rax), %xmm0, %xmm0", b"\xc5\xf8\x54\x00", false),
            ("vmovaps (%rax), %ymm0", b"\xc5\xfc\x28\x00", true),
            ("vmovups (%rax), %ymm0", b"\xc5\xfc\x10\x00", false),
        ];
        for (text, code, expected) in cases {
            assert_eq!(has_aligned_access(64, code), expected, "{text}");
        }
        assert!(has_aligned_access(64, b"\x90\x90\x0f\x28\x00\xc3"));
    }
}

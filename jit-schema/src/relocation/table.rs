//! The rows, sorted by name. Numbers are from the ELF, Mach-O and PE/COFF specifications, as in
//! LLVM's BinaryFormat headers.

use super::row::{AddendBits, AddendPlace, Origin, Reach, RelocationRow, Side};
use crate::rows::rows;
use crate::{Machine, PatchKind};

rows! {
    /// A kind of relocation, named as llvm-readobj names it.
    pub enum RelocationKind: RelocationRow

    /// Mach-O AArch64: 26-bit branch.
    Arm64RelocBranch26 {
        name: "ARM64_RELOC_BRANCH26",
        origin: Origin::Entry { machine: Machine::MachOArm64, number: 2 },
        width: 4,
        addend: AddendPlace::EntryBefore,
        patch: PatchKind::Aarch64_26r,
        reach: Reach::Branch { trampoline: PatchKind::Aarch64Trampoline },
    }
    /// Mach-O AArch64: page of a GOT slot.
    Arm64RelocGotLoadPage21 {
        name: "ARM64_RELOC_GOT_LOAD_PAGE21",
        origin: Origin::Entry { machine: Machine::MachOArm64, number: 5 },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Aarch64_21rx,
        reach: Reach::Got,
    }
    /// Mach-O AArch64: offset of a GOT slot in its page.
    Arm64RelocGotLoadPageoff12 {
        name: "ARM64_RELOC_GOT_LOAD_PAGEOFF12",
        origin: Origin::Entry { machine: Machine::MachOArm64, number: 6 },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Aarch64_12x,
        reach: Reach::Got,
    }
    /// Mach-O AArch64: page.
    Arm64RelocPage21 {
        name: "ARM64_RELOC_PAGE21",
        origin: Origin::Entry { machine: Machine::MachOArm64, number: 3 },
        width: 4,
        addend: AddendPlace::EntryBefore,
        patch: PatchKind::Aarch64_21r,
        reach: Reach::Direct,
    }
    /// Mach-O AArch64: offset in the page.
    Arm64RelocPageoff12 {
        name: "ARM64_RELOC_PAGEOFF12",
        origin: Origin::Entry { machine: Machine::MachOArm64, number: 4 },
        width: 4,
        addend: AddendPlace::EntryBefore,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// Mach-O AArch64: absolute address.
    Arm64RelocUnsigned {
        name: "ARM64_RELOC_UNSIGNED",
        origin: Origin::Entry { machine: Machine::MachOArm64, number: 0 },
        width: 8,
        addend: AddendPlace::Field { bits: AddendBits::Signed64, bias: 0 },
        patch: PatchKind::Patch64,
        reach: Reach::Direct,
    }
    /// The optimizer's: 19-bit conditional branch.
    CustomAarch64Branch19 {
        name: "CUSTOM_AARCH64_BRANCH19",
        origin: Origin::Label { field: Side::After },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Aarch64_19r,
        reach: Reach::Direct,
    }
    /// The optimizer's: bits 0 to 15 of a constant.
    CustomAarch64Const16a {
        name: "CUSTOM_AARCH64_CONST16a",
        origin: Origin::Label { field: Side::After },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Aarch64_16a,
        reach: Reach::Direct,
    }
    /// The optimizer's: bits 16 to 31 of a constant.
    CustomAarch64Const16b {
        name: "CUSTOM_AARCH64_CONST16b",
        origin: Origin::Label { field: Side::After },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Aarch64_16b,
        reach: Reach::Direct,
    }
    /// The optimizer's: 12 bits of AArch64 code, for a number of bytes. CPython's own tool has none.
    CustomAarch64Field12 {
        name: "CUSTOM_AARCH64_FIELD12",
        origin: Origin::Label { field: Side::After },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// The optimizer's: 32 bits of x86_64 code, for a number without a sign.
    /// CPython's own tool has none.
    CustomX86_64Field32 {
        name: "CUSTOM_X86_64_FIELD32",
        origin: Origin::Label { field: Side::Near },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Patch32,
        reach: Reach::Direct,
    }
    /// The optimizer's: 32 bits of x86_64 code, for a number with a sign.
    /// CPython's own tool has none.
    CustomX86_64Field32s {
        name: "CUSTOM_X86_64_FIELD32S",
        origin: Origin::Label { field: Side::Near },
        width: 4,
        addend: AddendPlace::Nowhere,
        patch: PatchKind::Patch32s,
        reach: Reach::Direct,
    }
    /// COFF x86_64: absolute address.
    ImageRelAmd64Addr64 {
        name: "IMAGE_REL_AMD64_ADDR64",
        origin: Origin::Entry { machine: Machine::CoffAmd64, number: 1 },
        width: 8,
        addend: AddendPlace::Field { bits: AddendBits::Signed64, bias: 0 },
        patch: PatchKind::Patch64,
        reach: Reach::Direct,
    }
    /// COFF x86_64: 32-bit PC-relative.
    ImageRelAmd64Rel32 {
        name: "IMAGE_REL_AMD64_REL32",
        origin: Origin::Entry { machine: Machine::CoffAmd64, number: 4 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::X86_64_32rx,
        reach: Reach::Import { required: true },
    }
    /// COFF AArch64: absolute address.
    ImageRelArm64Addr64 {
        name: "IMAGE_REL_ARM64_ADDR64",
        origin: Origin::Entry { machine: Machine::CoffArm64, number: 14 },
        width: 8,
        addend: AddendPlace::Field { bits: AddendBits::Signed64, bias: 0 },
        patch: PatchKind::Patch64,
        reach: Reach::Direct,
    }
    /// COFF AArch64: 19-bit conditional branch.
    ImageRelArm64Branch19 {
        name: "IMAGE_REL_ARM64_BRANCH19",
        origin: Origin::Entry { machine: Machine::CoffArm64, number: 15 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Aarch64Branch19, bias: 0 },
        patch: PatchKind::Aarch64_19r,
        reach: Reach::Direct,
    }
    /// COFF AArch64: 26-bit branch.
    ImageRelArm64Branch26 {
        name: "IMAGE_REL_ARM64_BRANCH26",
        origin: Origin::Entry { machine: Machine::CoffArm64, number: 3 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Aarch64Branch26, bias: 0 },
        patch: PatchKind::Aarch64_26r,
        reach: Reach::Branch { trampoline: PatchKind::Aarch64Trampoline },
    }
    /// COFF AArch64: page.
    ImageRelArm64PagebaseRel21 {
        name: "IMAGE_REL_ARM64_PAGEBASE_REL21",
        origin: Origin::Entry { machine: Machine::CoffArm64, number: 4 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Aarch64Adr, bias: 0 },
        patch: PatchKind::Aarch64_21rx,
        reach: Reach::Import { required: true },
    }
    /// COFF AArch64: offset in the page, of an add.
    ImageRelArm64Pageoffset12a {
        name: "IMAGE_REL_ARM64_PAGEOFFSET_12A",
        origin: Origin::Entry { machine: Machine::CoffArm64, number: 6 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Aarch64Low12, bias: 0 },
        patch: PatchKind::Aarch64_12,
        reach: Reach::Import { required: true },
    }
    /// COFF AArch64: offset in the page, of a load or store.
    ImageRelArm64Pageoffset12l {
        name: "IMAGE_REL_ARM64_PAGEOFFSET_12L",
        origin: Origin::Entry { machine: Machine::CoffArm64, number: 7 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Aarch64Low12Scaled, bias: 0 },
        patch: PatchKind::Aarch64_12x,
        reach: Reach::Import { required: true },
    }
    /// COFF x86: absolute 32-bit address.
    ImageRelI386Dir32 {
        name: "IMAGE_REL_I386_DIR32",
        origin: Origin::Entry { machine: Machine::CoffI386, number: 6 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Unsigned32, bias: 0 },
        patch: PatchKind::Patch32,
        reach: Reach::Direct,
    }
    /// COFF x86: 32-bit PC-relative.
    ImageRelI386Rel32 {
        name: "IMAGE_REL_I386_REL32",
        origin: Origin::Entry { machine: Machine::CoffI386, number: 20 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::X86_64_32rx,
        reach: Reach::Direct,
    }
    /// ELF AArch64: absolute address.
    RAarch64Abs64 {
        name: "R_AARCH64_ABS64",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 257 },
        width: 8,
        addend: AddendPlace::Entry,
        patch: PatchKind::Patch64,
        reach: Reach::Direct,
    }
    /// ELF AArch64: offset in the page, of an add.
    RAarch64AddAbsLo12Nc {
        name: "R_AARCH64_ADD_ABS_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 277 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// ELF AArch64: page of a GOT slot.
    RAarch64AdrGotPage {
        name: "R_AARCH64_ADR_GOT_PAGE",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 311 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_21rx,
        reach: Reach::Got,
    }
    /// ELF AArch64: page.
    RAarch64AdrPrelPgHi21 {
        name: "R_AARCH64_ADR_PREL_PG_HI21",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 275 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_21r,
        reach: Reach::Direct,
    }
    /// ELF AArch64: 26-bit call.
    RAarch64Call26 {
        name: "R_AARCH64_CALL26",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 283 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_26r,
        reach: Reach::Branch { trampoline: PatchKind::Aarch64Trampoline },
    }
    /// ELF AArch64: 19-bit conditional branch.
    RAarch64Condbr19 {
        name: "R_AARCH64_CONDBR19",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 280 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_19r,
        reach: Reach::Direct,
    }
    /// ELF AArch64: 26-bit jump.
    RAarch64Jump26 {
        name: "R_AARCH64_JUMP26",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 282 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_26r,
        reach: Reach::Branch { trampoline: PatchKind::Aarch64Trampoline },
    }
    /// ELF AArch64: offset of a GOT slot in its page.
    RAarch64Ld64GotLo12Nc {
        name: "R_AARCH64_LD64_GOT_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 312 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12x,
        reach: Reach::Got,
    }
    /// ELF AArch64: offset in the page, of a load or store of 16 bytes.
    RAarch64Ldst128AbsLo12Nc {
        name: "R_AARCH64_LDST128_ABS_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 299 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// ELF AArch64: offset in the page, of a load or store of 2 bytes.
    RAarch64Ldst16AbsLo12Nc {
        name: "R_AARCH64_LDST16_ABS_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 284 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// ELF AArch64: offset in the page, of a load or store of 4 bytes.
    RAarch64Ldst32AbsLo12Nc {
        name: "R_AARCH64_LDST32_ABS_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 285 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// ELF AArch64: offset in the page, of a load or store of 8 bytes.
    RAarch64Ldst64AbsLo12Nc {
        name: "R_AARCH64_LDST64_ABS_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 286 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// ELF AArch64: offset in the page, of a load or store of 1 byte.
    RAarch64Ldst8AbsLo12Nc {
        name: "R_AARCH64_LDST8_ABS_LO12_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 278 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_12,
        reach: Reach::Direct,
    }
    /// ELF AArch64: bits 0 to 15 of an address.
    RAarch64MovwUabsG0Nc {
        name: "R_AARCH64_MOVW_UABS_G0_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 264 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_16a,
        reach: Reach::Direct,
    }
    /// ELF AArch64: bits 16 to 31 of an address.
    RAarch64MovwUabsG1Nc {
        name: "R_AARCH64_MOVW_UABS_G1_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 266 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_16b,
        reach: Reach::Direct,
    }
    /// ELF AArch64: bits 32 to 47 of an address.
    RAarch64MovwUabsG2Nc {
        name: "R_AARCH64_MOVW_UABS_G2_NC",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 268 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_16c,
        reach: Reach::Direct,
    }
    /// ELF AArch64: bits 48 to 63 of an address.
    RAarch64MovwUabsG3 {
        name: "R_AARCH64_MOVW_UABS_G3",
        origin: Origin::Entry { machine: Machine::ElfAarch64, number: 269 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Aarch64_16d,
        reach: Reach::Direct,
    }
    /// ELF x86_64: absolute address.
    RX86_64_64 {
        name: "R_X86_64_64",
        origin: Origin::Entry { machine: Machine::ElfX86_64, number: 1 },
        width: 8,
        addend: AddendPlace::Entry,
        patch: PatchKind::Patch64,
        reach: Reach::Direct,
    }
    /// ELF x86_64: GOT slot, by an instruction that cannot be relaxed.
    RX86_64Gotpcrel {
        name: "R_X86_64_GOTPCREL",
        origin: Origin::Entry { machine: Machine::ElfX86_64, number: 9 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Patch32r,
        reach: Reach::Got,
    }
    /// ELF x86_64: GOT slot, by a load or a call that may be relaxed.
    RX86_64Gotpcrelx {
        name: "R_X86_64_GOTPCRELX",
        origin: Origin::Entry { machine: Machine::ElfX86_64, number: 41 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::X86_64_32rx,
        reach: Reach::Got,
    }
    /// ELF x86_64: 32-bit PC-relative.
    RX86_64Pc32 {
        name: "R_X86_64_PC32",
        origin: Origin::Entry { machine: Machine::ElfX86_64, number: 2 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Patch32r,
        reach: Reach::Near,
    }
    /// ELF x86_64: 32-bit PC-relative, of a call or jump.
    RX86_64Plt32 {
        name: "R_X86_64_PLT32",
        origin: Origin::Entry { machine: Machine::ElfX86_64, number: 4 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::Patch32r,
        reach: Reach::Direct,
    }
    /// ELF x86_64: GOT slot, by a load with a REX prefix that may be relaxed.
    RX86_64RexGotpcrelx {
        name: "R_X86_64_REX_GOTPCRELX",
        origin: Origin::Entry { machine: Machine::ElfX86_64, number: 42 },
        width: 4,
        addend: AddendPlace::Entry,
        patch: PatchKind::X86_64_32rx,
        reach: Reach::Got,
    }
    /// Mach-O x86_64: 32-bit branch.
    X86_64RelocBranch {
        name: "X86_64_RELOC_BRANCH",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 2 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::Patch32r,
        reach: Reach::Branch { trampoline: PatchKind::X86_64Trampoline },
    }
    /// Mach-O x86_64: GOT slot.
    X86_64RelocGot {
        name: "X86_64_RELOC_GOT",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 4 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::X86_64_32rx,
        reach: Reach::Got,
    }
    /// Mach-O x86_64: GOT slot, by a load that may be relaxed.
    X86_64RelocGotLoad {
        name: "X86_64_RELOC_GOT_LOAD",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 3 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::X86_64_32rx,
        reach: Reach::Got,
    }
    /// Mach-O x86_64: 32-bit PC-relative.
    X86_64RelocSigned {
        name: "X86_64_RELOC_SIGNED",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 1 },
        width: 4,
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::Patch32r,
        reach: Reach::Direct,
    }
    /// Mach-O x86_64: 32-bit PC-relative, with 1 byte of the instruction after the field.
    X86_64RelocSigned1 {
        name: "X86_64_RELOC_SIGNED_1",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 6 },
        width: 4,
        // The number in the field counts the bytes after it already.
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::Patch32r,
        reach: Reach::Direct,
    }
    /// Mach-O x86_64: 32-bit PC-relative, with 2 bytes of the instruction after the field.
    X86_64RelocSigned2 {
        name: "X86_64_RELOC_SIGNED_2",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 7 },
        width: 4,
        // The number in the field counts the bytes after it already.
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::Patch32r,
        reach: Reach::Direct,
    }
    /// Mach-O x86_64: 32-bit PC-relative, with 4 bytes of the instruction after the field.
    X86_64RelocSigned4 {
        name: "X86_64_RELOC_SIGNED_4",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 8 },
        width: 4,
        // The number in the field counts the bytes after it already.
        addend: AddendPlace::Field { bits: AddendBits::Signed32, bias: -4 },
        patch: PatchKind::Patch32r,
        reach: Reach::Direct,
    }
    /// Mach-O x86_64: absolute address.
    X86_64RelocUnsigned {
        name: "X86_64_RELOC_UNSIGNED",
        origin: Origin::Entry { machine: Machine::MachOX86_64, number: 0 },
        width: 8,
        addend: AddendPlace::Field { bits: AddendBits::Signed64, bias: 0 },
        patch: PatchKind::Patch64,
        reach: Reach::Direct,
    }
}

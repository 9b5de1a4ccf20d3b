//! The relocations that stencils may have: the keys of `_PATCH_FUNCS` in CPython's
//! `Tools/jit/_stencils.py`, and the ones its schema lists beside them.

use std::fmt;

use crate::ObjectFormat;

macro_rules! relocation_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $format:expr, $code:expr;)*) => {
        /// A kind of relocation, named as llvm-readobj names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RelocationKind {
            $($(#[$doc])* $variant,)*
        }

        impl RelocationKind {
            /// All kinds.
            pub const ALL: &'static [RelocationKind] = &[$(RelocationKind::$variant,)*];

            /// The name, e.g. `R_X86_64_PLT32`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(RelocationKind::$variant => $name,)*
                }
            }

            /// The kind of that name.
            pub fn from_name(name: &str) -> Option<RelocationKind> {
                match name {
                    $($name => Some(RelocationKind::$variant),)*
                    _ => None,
                }
            }

            const fn code(self) -> Option<(Machine, u32)> {
                match self {
                    $(RelocationKind::$variant => match $format {
                        Some(machine) => Some((machine, $code)),
                        None => None,
                    },)*
                }
            }
        }
    };
}

/// The name space a relocation number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// ELF, EM_AARCH64.
    ElfAarch64,
    /// ELF, EM_X86_64.
    ElfX86_64,
    /// Mach-O, CPU_TYPE_ARM64.
    MachOArm64,
    /// Mach-O, CPU_TYPE_X86_64.
    MachOX86_64,
    /// COFF, IMAGE_FILE_MACHINE_AMD64.
    CoffAmd64,
    /// COFF, IMAGE_FILE_MACHINE_ARM64.
    CoffArm64,
    /// COFF, IMAGE_FILE_MACHINE_I386.
    CoffI386,
}

impl Machine {
    /// The object format of the name space.
    pub const fn format(self) -> ObjectFormat {
        match self {
            Machine::ElfAarch64 | Machine::ElfX86_64 => ObjectFormat::Elf,
            Machine::MachOArm64 | Machine::MachOX86_64 => ObjectFormat::MachO,
            Machine::CoffAmd64 | Machine::CoffArm64 | Machine::CoffI386 => ObjectFormat::Coff,
        }
    }
}

const ELF_ARM: Option<Machine> = Some(Machine::ElfAarch64);
const ELF_X86: Option<Machine> = Some(Machine::ElfX86_64);
const MACH_ARM: Option<Machine> = Some(Machine::MachOArm64);
const MACH_X86: Option<Machine> = Some(Machine::MachOX86_64);
const AMD64: Option<Machine> = Some(Machine::CoffAmd64);
const ARM64: Option<Machine> = Some(Machine::CoffArm64);
const I386: Option<Machine> = Some(Machine::CoffI386);

// Numbers from the ELF, Mach-O and PE/COFF specifications, as in LLVM's BinaryFormat headers.
relocation_kinds! {
    /// Mach-O AArch64: 26-bit branch.
    Arm64RelocBranch26 = "ARM64_RELOC_BRANCH26", MACH_ARM, 2;
    /// Mach-O AArch64: page of a GOT slot.
    Arm64RelocGotLoadPage21 = "ARM64_RELOC_GOT_LOAD_PAGE21", MACH_ARM, 5;
    /// Mach-O AArch64: offset of a GOT slot in its page.
    Arm64RelocGotLoadPageoff12 = "ARM64_RELOC_GOT_LOAD_PAGEOFF12", MACH_ARM, 6;
    /// Mach-O AArch64: page.
    Arm64RelocPage21 = "ARM64_RELOC_PAGE21", MACH_ARM, 3;
    /// Mach-O AArch64: offset in the page.
    Arm64RelocPageoff12 = "ARM64_RELOC_PAGEOFF12", MACH_ARM, 4;
    /// Mach-O AArch64: absolute address.
    Arm64RelocUnsigned = "ARM64_RELOC_UNSIGNED", MACH_ARM, 0;
    /// Made from the optimizer's labels: 19-bit conditional branch.
    CustomAarch64Branch19 = "CUSTOM_AARCH64_BRANCH19", None, 0;
    /// Made from the optimizer's labels: bits 0 to 15 of a constant.
    CustomAarch64Const16a = "CUSTOM_AARCH64_CONST16a", None, 0;
    /// Made from the optimizer's labels: bits 16 to 31 of a constant.
    CustomAarch64Const16b = "CUSTOM_AARCH64_CONST16b", None, 0;
    /// Made from the optimizer's labels: a 32-bit constant in x86_64 code, which ends at its label.
    /// CPython's own tool has none.
    CustomX86_64Const32 = "CUSTOM_X86_64_CONST32", None, 0;
    /// COFF x86_64: 32-bit PC-relative.
    ImageRelAmd64Rel32 = "IMAGE_REL_AMD64_REL32", AMD64, 4;
    /// COFF AArch64: 19-bit conditional branch.
    ImageRelArm64Branch19 = "IMAGE_REL_ARM64_BRANCH19", ARM64, 15;
    /// COFF AArch64: 26-bit branch.
    ImageRelArm64Branch26 = "IMAGE_REL_ARM64_BRANCH26", ARM64, 3;
    /// COFF AArch64: page.
    ImageRelArm64PagebaseRel21 = "IMAGE_REL_ARM64_PAGEBASE_REL21", ARM64, 4;
    /// COFF AArch64: offset in the page, of an add.
    ImageRelArm64Pageoffset12a = "IMAGE_REL_ARM64_PAGEOFFSET_12A", ARM64, 6;
    /// COFF AArch64: offset in the page, of a load or store.
    ImageRelArm64Pageoffset12l = "IMAGE_REL_ARM64_PAGEOFFSET_12L", ARM64, 7;
    /// COFF x86: absolute 32-bit address.
    ImageRelI386Dir32 = "IMAGE_REL_I386_DIR32", I386, 6;
    /// COFF x86: 32-bit PC-relative.
    ImageRelI386Rel32 = "IMAGE_REL_I386_REL32", I386, 20;
    /// ELF AArch64: absolute address.
    RAarch64Abs64 = "R_AARCH64_ABS64", ELF_ARM, 257;
    /// ELF AArch64: offset in the page, of an add.
    RAarch64AddAbsLo12Nc = "R_AARCH64_ADD_ABS_LO12_NC", ELF_ARM, 277;
    /// ELF AArch64: page of a GOT slot.
    RAarch64AdrGotPage = "R_AARCH64_ADR_GOT_PAGE", ELF_ARM, 311;
    /// ELF AArch64: page.
    RAarch64AdrPrelPgHi21 = "R_AARCH64_ADR_PREL_PG_HI21", ELF_ARM, 275;
    /// ELF AArch64: 26-bit call.
    RAarch64Call26 = "R_AARCH64_CALL26", ELF_ARM, 283;
    /// ELF AArch64: 19-bit conditional branch.
    RAarch64Condbr19 = "R_AARCH64_CONDBR19", ELF_ARM, 280;
    /// ELF AArch64: 26-bit jump.
    RAarch64Jump26 = "R_AARCH64_JUMP26", ELF_ARM, 282;
    /// ELF AArch64: offset of a GOT slot in its page.
    RAarch64Ld64GotLo12Nc = "R_AARCH64_LD64_GOT_LO12_NC", ELF_ARM, 312;
    /// ELF AArch64: bits 0 to 15 of an address.
    RAarch64MovwUabsG0Nc = "R_AARCH64_MOVW_UABS_G0_NC", ELF_ARM, 264;
    /// ELF AArch64: bits 16 to 31 of an address.
    RAarch64MovwUabsG1Nc = "R_AARCH64_MOVW_UABS_G1_NC", ELF_ARM, 266;
    /// ELF AArch64: bits 32 to 47 of an address.
    RAarch64MovwUabsG2Nc = "R_AARCH64_MOVW_UABS_G2_NC", ELF_ARM, 268;
    /// ELF AArch64: bits 48 to 63 of an address.
    RAarch64MovwUabsG3 = "R_AARCH64_MOVW_UABS_G3", ELF_ARM, 269;
    /// ELF x86_64: absolute address.
    RX86_64_64 = "R_X86_64_64", ELF_X86, 1;
    /// ELF x86_64: GOT slot, by a load or a call that may be relaxed.
    RX86_64Gotpcrelx = "R_X86_64_GOTPCRELX", ELF_X86, 41;
    /// ELF x86_64: 32-bit PC-relative, of a call or jump.
    RX86_64Plt32 = "R_X86_64_PLT32", ELF_X86, 4;
    /// ELF x86_64: GOT slot, by a load with a REX prefix that may be relaxed.
    RX86_64RexGotpcrelx = "R_X86_64_REX_GOTPCRELX", ELF_X86, 42;
    /// Mach-O x86_64: 32-bit branch.
    X86_64RelocBranch = "X86_64_RELOC_BRANCH", MACH_X86, 2;
    /// Mach-O x86_64: GOT slot.
    X86_64RelocGot = "X86_64_RELOC_GOT", MACH_X86, 4;
    /// Mach-O x86_64: GOT slot, by a load that may be relaxed.
    X86_64RelocGotLoad = "X86_64_RELOC_GOT_LOAD", MACH_X86, 3;
    /// Mach-O x86_64: 32-bit PC-relative.
    X86_64RelocSigned = "X86_64_RELOC_SIGNED", MACH_X86, 1;
    /// Mach-O x86_64: absolute address.
    X86_64RelocUnsigned = "X86_64_RELOC_UNSIGNED", MACH_X86, 0;
}

impl RelocationKind {
    /// The kind with that number in that machine's name space.
    pub fn from_code(machine: Machine, code: u32) -> Option<RelocationKind> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.code() == Some((machine, code)))
    }

    /// Whether the kind is made from labels of the assembly optimizer: no object file has such an
    /// entry.
    pub fn is_from_label(self) -> bool {
        self.code().is_none()
    }

    /// Size of the field to be patched, in bytes: an instruction, or a word.
    #[cfg(any(feature = "native", feature = "readobj"))]
    pub(crate) fn field_size(self) -> usize {
        match self {
            RelocationKind::Arm64RelocUnsigned
            | RelocationKind::RAarch64Abs64
            | RelocationKind::RX86_64_64
            | RelocationKind::X86_64RelocUnsigned => 8,
            _ => 4,
        }
    }

    /// The addend that is stored in the bytes to be patched, for the formats that have no explicit
    /// one; `None` for ELF. x86's PC-relative ones count from the end of the 4-byte field, hence
    /// the 4 that is taken off, as `_handle_relocation` in `_targets.py` does.
    ///
    /// `field` starts at the relocation's offset; an `Err` is one that ends within the field.
    pub fn implicit_addend(self, field: &[u8]) -> Option<Result<i64, FieldTruncated>> {
        let word = || field.first_chunk::<4>().copied().ok_or(FieldTruncated);
        match self {
            RelocationKind::X86_64RelocBranch
            | RelocationKind::X86_64RelocGot
            | RelocationKind::X86_64RelocGotLoad
            | RelocationKind::X86_64RelocSigned
            | RelocationKind::ImageRelAmd64Rel32
            | RelocationKind::ImageRelI386Rel32 => {
                Some(word().map(|bytes| i64::from(i32::from_le_bytes(bytes)) - 4))
            }
            RelocationKind::ImageRelI386Dir32 => {
                Some(word().map(|bytes| i64::from(u32::from_le_bytes(bytes))))
            }
            _ => match self.code() {
                Some((machine, _)) if machine.format() == ObjectFormat::Elf => None,
                _ => Some(Ok(0)),
            },
        }
    }
}

/// A relocation's field reaches past the end of its section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldTruncated;

impl fmt::Display for RelocationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! The machines that object files are for.

use crate::{Arch, ObjectFormat};

/// An instruction set in an object format: the name space that a relocation's number belongs to.
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

/// What is known of a [`Machine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MachineRow {
    /// The object format.
    pub format: ObjectFormat,
    /// The instruction set.
    pub arch: Arch,
    /// The number that stands for the instruction set in the headers of the format's objects.
    pub number: u32,
}

impl Machine {
    /// All machines.
    pub const ALL: [Machine; 7] = [
        Machine::ElfAarch64,
        Machine::ElfX86_64,
        Machine::MachOArm64,
        Machine::MachOX86_64,
        Machine::CoffAmd64,
        Machine::CoffArm64,
        Machine::CoffI386,
    ];

    /// Returns what is known of the machine. The numbers are from the specifications of ELF, Mach-O
    /// and PE/COFF.
    pub const fn row(self) -> MachineRow {
        let (format, arch, number) = match self {
            Machine::ElfAarch64 => (ObjectFormat::Elf, Arch::Aarch64, 183),
            Machine::ElfX86_64 => (ObjectFormat::Elf, Arch::X86_64, 62),
            Machine::MachOArm64 => (ObjectFormat::MachO, Arch::Aarch64, 0x0100_000c),
            Machine::MachOX86_64 => (ObjectFormat::MachO, Arch::X86_64, 0x0100_0007),
            Machine::CoffAmd64 => (ObjectFormat::Coff, Arch::X86_64, 0x8664),
            Machine::CoffArm64 => (ObjectFormat::Coff, Arch::Aarch64, 0xaa64),
            Machine::CoffI386 => (ObjectFormat::Coff, Arch::I686, 0x14c),
        };
        MachineRow {
            format,
            arch,
            number,
        }
    }

    /// Returns the object format.
    pub const fn format(self) -> ObjectFormat {
        self.row().format
    }

    /// Returns the instruction set.
    pub const fn arch(self) -> Arch {
        self.row().arch
    }

    /// Finds the machine that has this number in the headers of that format's objects.
    pub fn from_number(format: ObjectFormat, number: u32) -> Option<Machine> {
        Machine::ALL.into_iter().find(|machine| {
            let row = machine.row();
            row.format == format && row.number == number
        })
    }
}

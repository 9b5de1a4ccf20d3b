//! The machines that object files are for.

use crate::rows::rows;
use crate::{Arch, ObjectFormat};

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

// The numbers are from the specifications of ELF, Mach-O and PE/COFF.
rows! {
    /// An instruction set in an object format. Each has relocation numbers of its own.
    pub enum Machine: MachineRow

    /// ELF, EM_AARCH64.
    ElfAarch64 {
        format: ObjectFormat::Elf,
        arch: Arch::Aarch64,
        number: 183,
    }
    /// ELF, EM_X86_64.
    ElfX86_64 {
        format: ObjectFormat::Elf,
        arch: Arch::X86_64,
        number: 62,
    }
    /// Mach-O, CPU_TYPE_ARM64.
    MachOArm64 {
        format: ObjectFormat::MachO,
        arch: Arch::Aarch64,
        number: 0x0100_000c,
    }
    /// Mach-O, CPU_TYPE_X86_64.
    MachOX86_64 {
        format: ObjectFormat::MachO,
        arch: Arch::X86_64,
        number: 0x0100_0007,
    }
    /// COFF, IMAGE_FILE_MACHINE_AMD64.
    CoffAmd64 {
        format: ObjectFormat::Coff,
        arch: Arch::X86_64,
        number: 0x8664,
    }
    /// COFF, IMAGE_FILE_MACHINE_ARM64.
    CoffArm64 {
        format: ObjectFormat::Coff,
        arch: Arch::Aarch64,
        number: 0xaa64,
    }
    /// COFF, IMAGE_FILE_MACHINE_I386.
    CoffI386 {
        format: ObjectFormat::Coff,
        arch: Arch::I686,
        number: 0x14c,
    }
}

impl Machine {
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
        Machine::ALL.iter().copied().find(|machine| {
            let row = machine.row();
            row.format == format && row.number == number
        })
    }
}

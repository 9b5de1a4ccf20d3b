//! Whether control goes on after the code of a stencil.

use crate::{ObjectFile, ObjectFormat};

/// Whether control can go on from the code of a stencil to what comes after it: the next micro-op of the
/// trace.
///
/// The optimizer knows it, and the machine code alone does not say it: a call at its end may return or
/// not. Object files have it as an empty section of metadata, whose name is what matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CodeEnd {
    /// It is not known.
    #[default]
    Unknown,
    /// Control can go on past the end of the code.
    FallsThrough,
    /// All ways through the code return, jump somewhere else, or stop.
    Leaves,
}

/// The names of the sections, without the prefix of the format. Names in Mach-O have 16 bytes at most.
const NAMES: [(CodeEnd, &str); 2] = [
    (CodeEnd::FallsThrough, "jit_falls_thru"),
    (CodeEnd::Leaves, "jit_leaves"),
];

impl CodeEnd {
    /// Returns the directive that adds the section, to be put after all other assembly, or nothing if
    /// nothing is known. Nothing else in the object changes.
    pub fn directive(self, format: ObjectFormat) -> String {
        let Some((_, name)) = NAMES.iter().find(|(end, _)| *end == self) else {
            return String::new();
        };
        match format {
            ObjectFormat::Elf => format!("\t.section\t.{name},\"\",@progbits\n"),
            ObjectFormat::MachO => format!("\t.section\t__DWARF,__{name},regular,debug\n"),
            ObjectFormat::Coff => format!("\t.section\t.{name},\"yn\"\n"),
        }
    }

    /// Returns what an object file says about its code.
    pub fn of(object: &ObjectFile) -> CodeEnd {
        let prefix = match object.format {
            ObjectFormat::Elf | ObjectFormat::Coff => ".",
            ObjectFormat::MachO => "__",
        };
        let named = |name| {
            let names = object.sections.iter().map(|section| &section.name);
            names
                .into_iter()
                .any(|of| of.strip_prefix(prefix) == Some(name))
        };
        let mut ends = NAMES.iter().filter(|(_, name)| named(*name));
        match (ends.next(), ends.next()) {
            (Some((end, _)), None) => *end,
            // Two of them contradict each other.
            (None, _) | (Some(_), Some(_)) => CodeEnd::Unknown,
        }
    }
}

//! The relocations that stencils may have: one row for each, with every fact about it.
//!
//! They are the keys of `_PATCH_FUNCS` in CPython's `Tools/jit/_stencils.py` and the ones that the
//! optimizer adds. The rows are in `table.rs`.

mod row;
mod table;

use std::fmt;

pub use row::{AddendBits, AddendPlace, Origin, Reach, RelocationRow, Side};
pub use table::RelocationKind;

use crate::Machine;

impl RelocationKind {
    /// Returns the name, e.g. `R_X86_64_PLT32`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the side of the label that the field is on, for a kind that is made from labels of the
    /// assembly optimizer, and `None` for the others.
    pub const fn label_side(self) -> Option<Side> {
        match self.row().origin {
            Origin::Entry { .. } => None,
            Origin::Label { field } => Some(field),
        }
    }

    /// Finds the kind of that name.
    pub fn from_name(name: &str) -> Option<RelocationKind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Finds the kind of that number for that machine.
    pub fn from_number(machine: Machine, number: u32) -> Option<RelocationKind> {
        let origin = Origin::Entry { machine, number };
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.row().origin == origin)
    }
}

impl fmt::Display for RelocationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

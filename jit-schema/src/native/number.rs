//! The meaning of numbers in object files.

use crate::{Machine, ObjectFormat, RelocationKind};

/// Returns the machine that has this number in the header of an object, or what is wrong with it.
pub(super) fn machine(format: ObjectFormat, number: u32) -> Result<Machine, String> {
    Machine::from_number(format, number).ok_or_else(|| {
        let known: Vec<&str> = Machine::ALL
            .iter()
            .filter(|machine| machine.format() == format)
            .map(|machine| machine.arch().name())
            .collect();
        format!(
            "it is for machine {number} ({number:#x}), not for {}: compile it for the target",
            known.join(" or ")
        )
    })
}

/// Returns the kind of a relocation if there is one, and otherwise its name in the `object` crate or
/// else its number.
pub(super) fn kind_or_name(
    kind: Option<RelocationKind>,
    name: Option<&'static str>,
    code: u32,
) -> Result<RelocationKind, String> {
    kind.ok_or_else(|| match name {
        Some(name) => name.to_owned(),
        None => format!("type {code}"),
    })
}

//! What the numbers in object files stand for.

use crate::{Machine, ObjectFormat, RelocationKind};

/// Returns the machine that has this number in the header of an object, or what is wrong with it.
pub(super) fn machine(format: ObjectFormat, number: u32) -> Result<Machine, String> {
    Machine::from_number(format, number).ok_or_else(|| {
        let known: Vec<&str> = Machine::ALL
            .into_iter()
            .filter(|machine| machine.format() == format)
            .map(|machine| machine.arch().name())
            .collect();
        format!(
            "it is for machine {number} ({number:#x}), not for {}: compile it for the target",
            known.join(" or ")
        )
    })
}

/// The kind of a relocation, or else its name where the `object` crate knows one.
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

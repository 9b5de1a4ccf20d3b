//! What the holes of a stencil are the addresses of.

use jit_stencils::{Hole, HoleValue, PatchValue, StencilGroup};

use super::value::{Callee, Places, Value};
use crate::project::hardening::HardeningRules;

/// The functions and objects of the host, by the names in holes.
pub(super) struct Hosts<'a> {
    pub(super) symbols: &'a [String],
    pub(super) rules: &'a HardeningRules,
}

impl Hosts<'_> {
    fn callee(&self, name: &str) -> Callee {
        match self.rules.returns_twice(name) {
            true => Callee::ReturnsTwice,
            false if name.trim_start_matches('_') == "chkstk" => Callee::ProbesStack,
            false => popped(name).map_or(Callee::Usual, Callee::Pops),
        }
    }

    fn by_number(&self, ordinal: usize) -> Callee {
        let name = self.symbols.get(ordinal);
        name.map_or(Callee::Usual, |name| self.callee(name))
    }
}

/// Returns how many bytes of arguments a function of 32-bit Windows removes from the stack, by its name: `_name@8`. The helper
/// functions for arithmetic of 64 bits take two numbers.
fn popped(name: &str) -> Option<u16> {
    let helpers = ["alldiv", "allmul", "allrem", "aulldiv", "aullrem"];
    if helpers.contains(&name.trim_start_matches('_')) {
        return Some(16);
    }
    let (start, bytes) = name.rsplit_once('@')?;
    let bytes: u16 = bytes.parse().ok()?;
    // The first two arguments of `fastcall` are in registers.
    Some(match start.starts_with('@') {
        true => bytes.saturating_sub(8),
        false => bytes,
    })
}

/// Returns the holes of the code with a byte in a range.
pub(super) fn in_range(
    group: &StencilGroup,
    offset: usize,
    end: usize,
) -> impl Iterator<Item = &Hole> + Clone {
    let holes = group.code.holes.iter();
    holes.filter(move |hole| {
        hole.offset < end && offset < hole.offset + hole.patch.width() && hole.patch.width() > 0
    })
}

/// Returns the address that a hole's value is, or of which it is a part. `bias` is what the instruction adds to the addend.
pub(super) fn address(hole: &Hole, bias: i64, hosts: &Hosts<'_>) -> Value {
    match &hole.value {
        PatchValue::GotSlot { ordinal, .. } => Value::Slot(hosts.by_number(*ordinal)),
        PatchValue::Symbol { ordinal } => Value::Host(hosts.by_number(*ordinal)),
        PatchValue::Address {
            base: HoleValue::Zero,
            symbol: Some(name),
            ..
        } => Value::Host(hosts.callee(name)),
        PatchValue::Address {
            base: HoleValue::Code,
            symbol: None,
            addend,
        } => Value::Own(Places::One(addend + bias)),
        PatchValue::Address {
            base: HoleValue::Data,
            symbol: None,
            addend,
        } => Value::Data(addend + bias),
        PatchValue::Address { .. } | PatchValue::Scaled { .. } => Value::Unknown,
    }
}

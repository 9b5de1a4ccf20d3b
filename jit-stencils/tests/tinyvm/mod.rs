//! The example's stencils, from its objects.

use fixtures::generated::{Build, opnames, shim_object};
use fixtures::{golden, inputs};
use jit_schema::Target;
use jit_stencils::{Listing, StencilGroup, StencilSet, attach_shim, lower, resolve};

/// Without listings, and without the shim.
pub(crate) fn stencils(triple: &str) -> StencilSet {
    let target = Target::from_triple(triple).unwrap();
    let groups = opnames(triple).into_iter().map(|opname| {
        let bytes = golden::read_bytes(&inputs::object(triple, &opname));
        let object = jit_schema::native::read(&bytes).unwrap();
        (opname, lower(target, &object).unwrap())
    });
    let mut set = resolve(target, groups).unwrap();
    for (_, group) in &mut set.groups {
        clear(group);
    }
    set
}

/// The same with the shim.
#[allow(dead_code, reason = "not every test looks at it")]
pub(crate) fn with_shim(triple: &str) -> StencilSet {
    let mut set = stencils(triple);
    attach_shim(&mut set, &shim(triple)).unwrap();
    if let Some(shim) = &mut set.shim {
        clear(&mut shim.group);
    }
    set
}

pub(crate) fn shim(triple: &str) -> Vec<u8> {
    golden::read_bytes(&shim_object(Build::Release, triple))
}

fn clear(group: &mut StencilGroup) {
    group.listing = Listing::default();
}

//! A trace of one stencil, which returns a number.

use jit_runtime::memory::Arena;
use jit_runtime::{CompileError, LayoutPolicy, Linker, Stencils, Symbols};
use jit_schema::Target;
use jit_stencils::{Stencil, StencilGroup, StencilSet};

use crate::machine::{call, code};

/// What the trace returns.
pub(crate) const VALUE: u32 = 77;

/// Compiles the trace into an arena, and runs it.
pub(crate) fn compile(arena: &Arena) -> Result<u32, CompileError> {
    let group = StencilGroup {
        code: Stencil {
            body: code(VALUE).to_vec(),
            holes: Vec::new(),
        },
        ..StencilGroup::default()
    };
    let stencils = Stencils::new(&StencilSet {
        target: *Target::host().unwrap(),
        groups: vec![("_RETURN".to_owned(), group)],
        symbols: Vec::new(),
        shim: None,
        families: vec![],
    })
    .unwrap();
    let symbols = Symbols::new(&stencils, |_| None);
    let trace = stencils.uops(["_RETURN"]).unwrap();
    let mut linker = Linker::new(&stencils, LayoutPolicy::Tight);
    Ok(call(&linker.compile(&trace, &symbols, arena)?))
}

//! The addresses of external symbols.

use crate::load::Stencils;

/// The addresses that the external symbols of some stencils have at run time. They are looked up once,
/// then used for every trace.
#[derive(Debug, Clone)]
pub struct Symbols {
    /// The stencils that these are for.
    pub(super) identity: u64,
    /// By the index in [`Stencils::symbols`]; 0 for symbols that were not found.
    pub(super) addresses: Vec<u64>,
    missing: Vec<String>,
    /// By opcode: whether a symbol that the stencil needs is missing.
    unusable: Vec<bool>,
}

impl Symbols {
    /// Looks up each symbol of the stencils by its name in C, without what the platform puts in front
    /// of it (`_` on macOS and 32-bit Windows, `__imp_` on Windows).
    ///
    /// A symbol that `lookup` does not know is an error only when a trace needs it:
    /// [`LinkError::UnresolvedSymbol`](crate::LinkError::UnresolvedSymbol).
    pub fn new(stencils: &Stencils, mut lookup: impl FnMut(&str) -> Option<u64>) -> Symbols {
        let mut missing = Vec::new();
        let mut known = Vec::new();
        let mut addresses = Vec::new();
        for name in stencils.symbols() {
            let address = lookup(name);
            if address.is_none() {
                missing.push(name.clone());
            }
            known.push(address.is_some());
            addresses.push(address.unwrap_or(0));
        }
        let is_known = |symbol: usize| known.get(symbol).copied() == Some(true);
        let unusable = (0..stencils.table.entries.len())
            .map(|opcode| match stencils.table.symbols_of(opcode) {
                Some(symbols) => !symbols.into_iter().all(is_known),
                None => true,
            })
            .collect();
        Symbols {
            identity: stencils.identity,
            addresses,
            missing,
            unusable,
        }
    }

    /// Returns the symbols that were not found.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Returns whether a symbol that the stencil needs was not found.
    pub(super) fn is_unusable(&self, opcode: u32) -> bool {
        !self.missing.is_empty() && self.unusable.get(opcode as usize) != Some(&false)
    }
}

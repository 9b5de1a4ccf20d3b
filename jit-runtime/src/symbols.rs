//! The addresses of external symbols.

use crate::Stencils;

/// Where the external symbols of some stencils are at run time. Made once, then used for every trace.
#[derive(Debug, Clone)]
pub struct Symbols {
    /// Of which stencils.
    pub(crate) identity: u64,
    /// By the index in [`Stencils::symbols`]; 0 where there is none.
    pub(crate) addresses: Vec<u64>,
    missing: Vec<String>,
    /// By opcode: whether a symbol that the stencil needs is missing.
    unusable: Vec<bool>,
}

impl Symbols {
    /// Look up each symbol of the stencils by its name in C, without what the platform puts in front
    /// of it (`_` on macOS and 32-bit Windows, `__imp_` on Windows).
    ///
    /// Symbols that `lookup` does not know are an error only when a trace needs them:
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
        let is_known = |symbol: usize| known.get(symbol).copied().unwrap_or(false);
        let unusable = (0..stencils.table.entries.len())
            .map(|opcode| !stencils.table.symbols_of(opcode).all(is_known))
            .collect();
        Symbols {
            identity: stencils.identity,
            addresses,
            missing,
            unusable,
        }
    }

    /// The symbols that were not found.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Whether a symbol that the stencil needs was not found.
    pub(crate) fn is_unusable(&self, opcode: u16) -> bool {
        !self.missing.is_empty()
            && self
                .unusable
                .get(usize::from(opcode))
                .copied()
                .unwrap_or(true)
    }
}

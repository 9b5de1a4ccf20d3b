//! Links with checks that apply to every trace: a buffer is written completely or not at all, and the
//! result does not depend on what the linker did before.

use jit_runtime::{Layout, LayoutPolicy, LinkError, Linker, Stencils, Symbols, Uop};

/// An image and its layout.
#[derive(Debug)]
pub(crate) struct Linked<'t> {
    pub(crate) layout: Layout<'t>,
    pub(crate) base: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Returns the address to link for, given the layout.
pub(crate) type Base<'a> = &'a dyn Fn(&Layout<'_>) -> u64;

pub(crate) fn link_at<'t>(
    stencils: &Stencils,
    policy: LayoutPolicy,
    trace: &'t [Uop],
    base: Base<'_>,
    symbols: &[(&str, u64)],
) -> Result<Linked<'t>, LinkError> {
    let mut linker = Linker::new(stencils, policy);
    let layout = linker.layout(trace)?;
    let base = base(&layout);
    let lookup = |symbols: &[(&str, u64)], name: &str| {
        let known = symbols.iter().find(|(known, _)| *known == name);
        known.map(|(_, address)| *address)
    };
    // Link something else first, whether that succeeds or not.
    let others = Symbols::new(stencils, |_| Some(0x1234_5678));
    let _ = linker.link(&layout, 0x2345_6000, &others, &mut pattern(layout.size()));

    let symbols = Symbols::new(stencils, |name| lookup(symbols, name));
    let mut bytes = pattern(layout.size());
    match linker.link(&layout, base, &symbols, &mut bytes) {
        Ok(()) => {
            // The buffer's previous contents do not affect the image.
            let mut again = vec![0; layout.size()];
            let mut fresh = Linker::new(stencils, policy);
            fresh.link(&layout, base, &symbols, &mut again).unwrap();
            assert!(bytes == again, "the image depends on what was there before");
            Ok(Linked {
                layout,
                base,
                bytes,
            })
        }
        Err(error) => {
            assert!(
                bytes == pattern(layout.size()),
                "{error}, and the buffer was written to"
            );
            Err(error)
        }
    }
}

pub(crate) fn link<'t>(
    stencils: &Stencils,
    policy: LayoutPolicy,
    trace: &'t [Uop],
    base: u64,
    symbols: &[(&str, u64)],
) -> Result<Linked<'t>, LinkError> {
    link_at(stencils, policy, trace, &|_| base, symbols)
}

/// The contents of a buffer that has not been written to.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index as u8).wrapping_mul(37) | 1)
        .collect()
}

impl Linked<'_> {
    /// Returns how often there are direct calls, indirect calls, computed addresses and loaded addresses.
    pub(crate) fn references(&self, stencils: &Stencils) -> [usize; 4] {
        let linker = Linker::new(stencils, LayoutPolicy::Tight);
        let found = linker.references(&self.layout, &self.bytes).unwrap();
        [found.direct, found.indirect, found.computed, found.loaded]
    }

    pub(crate) fn address(&self, offset: usize) -> u64 {
        self.base.wrapping_add(offset as u64)
    }

    /// Returns the offset of a micro-op's code.
    pub(crate) fn start(&self, index: usize) -> usize {
        self.layout.start(index).unwrap()
    }

    pub(crate) fn word(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.bytes[offset..offset + 4].try_into().unwrap())
    }

    /// Returns the 64 bits at an address of the image.
    pub(crate) fn load(&self, address: u64) -> u64 {
        let offset = usize::try_from(address.wrapping_sub(self.base)).unwrap();
        u64::from_le_bytes(self.bytes[offset..offset + 8].try_into().unwrap())
    }
}

//! A stencil with one hole, linked so that the hole has a given address and value.

use jit_runtime::{LayoutPolicy, LinkError, Stencils, Uop};
use jit_schema::Target;
use jit_stencils::{HoleValue, Part, PatchKind, PatchValue, StencilGroup};
use proptest::prelude::*;

use crate::{
    linked::link_at,
    make::{based, code, hole, set, stencil, symbol, uop},
};

/// The source of the hole's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Operand0,
    Operand1,
    Symbol,
    /// The first operand, which is the second number, times the first one.
    Multiple(i32, u64),
}

impl Source {
    pub(crate) fn any() -> impl Strategy<Value = Source> {
        proptest::sample::select(&[Source::Operand0, Source::Operand1, Source::Symbol][..])
    }
}

/// The hole.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) target: &'static Target,
    pub(crate) kind: PatchKind,
    pub(crate) part: Part,
    /// The stencil's code or data, with the hole.
    pub(crate) body: Vec<u8>,
    pub(crate) offset: usize,
    pub(crate) first: Option<usize>,
    pub(crate) source: Source,
    pub(crate) addend: i64,
    /// The number of micro-ops before it.
    pub(crate) before: usize,
    /// The hole's address.
    pub(crate) location: u64,
    /// The hole's value.
    pub(crate) value: u64,
}

/// The result of linking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The bytes of the stencil's code or data.
    Written(Vec<u8>),
    OutOfRange,
    Misaligned,
}

impl Spot {
    /// Returns a hole in code that is `instruction`, with other bytes before and after it.
    pub(crate) fn new(
        target: &'static Target,
        kind: PatchKind,
        instruction: &[u8],
        offset: usize,
    ) -> Spot {
        let mut body = vec![0x21, 0x43, 0x65, 0x87];
        body.extend_from_slice(instruction);
        body.extend_from_slice(&[0xff; 12]);
        Spot {
            target,
            kind,
            part: Part::Code,
            body,
            offset: 4 + offset,
            first: None,
            source: Source::Operand0,
            addend: 0,
            before: 1,
            location: 0x7000_0000_0000,
            value: 0,
        }
    }

    /// Links the stencil, and checks that an error names the hole.
    pub(crate) fn link(&self) -> Outcome {
        let own = match self.source {
            Source::Multiple(_, own) => own,
            _ => self.value.wrapping_sub(self.addend as u64),
        };
        let value = match self.source {
            Source::Operand0 => based(HoleValue::Operand0, self.addend),
            Source::Operand1 => based(HoleValue::Operand1, self.addend),
            Source::Symbol => symbol("there", self.addend),
            Source::Multiple(scale, _) => PatchValue::Scaled {
                base: HoleValue::Operand0,
                scale,
                addend: self.addend,
            },
        };
        let stencils = self.stencils(value);
        let other = uop(&stencils, "_OTHER");
        let mut trace = vec![other; self.before];
        trace.push(Uop {
            operand: match self.source {
                Source::Operand0 | Source::Multiple(..) => [own, !own],
                Source::Operand1 => [!own, own],
                Source::Symbol => [!own, !own],
            },
            ..uop(&stencils, "_SPOT")
        });
        trace.extend([other; 2]);
        // The base follows from the stencil's offset in the layout.
        let data = OTHER_DATA * self.before;
        let place = |layout: &jit_runtime::Layout<'_>| {
            let start = match self.part {
                Part::Code => layout.start(self.before).unwrap(),
                Part::Data => layout.data().start + data,
            };
            start + self.offset
        };
        let linked = link_at(
            &stencils,
            LayoutPolicy::Tight,
            &trace,
            &|layout| self.location - place(layout) as u64,
            &[("there", own)],
        );
        match linked {
            Ok(linked) => {
                let start = place(&linked.layout) - self.offset;
                let bytes = &linked.bytes[start..start + self.body.len()];
                Outcome::Written(bytes.to_vec())
            }
            Err(error) => self.check_error(&error),
        }
    }

    fn stencils(&self, value: PatchValue) -> Stencils {
        let mut hole = hole(self.offset, self.kind, value);
        hole.first = self.first;
        let body = stencil(self.body.clone(), vec![hole]);
        let spot = match self.part {
            Part::Code => StencilGroup {
                code: body,
                ..StencilGroup::default()
            },
            Part::Data => StencilGroup {
                code: stencil(vec![0x11; 8], vec![]),
                data: body,
                ..StencilGroup::default()
            },
        };
        let mut other = code(vec![0xee; 12], vec![]);
        other.data.body = vec![0xdd; OTHER_DATA];
        let groups = vec![("_OTHER", other), ("_SPOT", spot)];
        Stencils::new(&set(self.target, groups, &[])).unwrap()
    }

    fn check_error(&self, error: &LinkError) -> Outcome {
        let expected = (
            Some(self.before),
            "_SPOT",
            self.part,
            self.offset,
            self.kind,
            self.value,
            self.location,
        );
        match error {
            LinkError::OutOfRange {
                index,
                uop,
                part,
                offset,
                kind,
                value,
                location,
                ..
            } => {
                let named = (*index, &**uop, *part, *offset, *kind, *value, *location);
                assert_eq!(named, expected, "{error}");
                Outcome::OutOfRange
            }
            LinkError::Misaligned {
                index,
                uop,
                part,
                offset,
                kind,
                value,
                location,
            } => {
                let named = (*index, &**uop, *part, *offset, *kind, *value, *location);
                assert_eq!(named, expected, "{error}");
                Outcome::Misaligned
            }
            error => panic!("{error}"),
        }
    }

    /// Returns the bytes that were written. Only the bits of `mask`, from the hole's offset on, may have
    /// changed.
    pub(crate) fn written(&self, mask: u64) -> Vec<u8> {
        match self.link() {
            Outcome::Written(bytes) => {
                self.check_untouched(&bytes, mask);
                bytes
            }
            outcome => panic!("{outcome:?}: {self:x?}"),
        }
    }

    pub(crate) fn check_untouched(&self, bytes: &[u8], mask: u64) {
        let mut allowed = vec![0; bytes.len() + 8];
        allowed[self.offset..self.offset + 8].copy_from_slice(&mask.to_le_bytes());
        for (index, (after, before)) in bytes.iter().zip(&self.body).enumerate() {
            assert_eq!(
                (after ^ before) & !allowed[index],
                0,
                "byte {index} of {bytes:02x?}: {self:x?}"
            );
        }
    }
}

/// Bytes of data of each of the other micro-ops.
const OTHER_DATA: usize = 16;

//! Jumps in the data, through which code reaches functions that may be far.

use std::sync::Arc;

use jit_schema::Arch;
use jit_schema::relocation::{Origin, Reach};

use super::{ResolveError, Resolver};
use crate::unresolved::UnresolvedHole;
use crate::{Hole, HoleValue, Part, PatchKind, PatchValue, SLOT_SIZE};

/// `jmp *2(%rip)`, and padding up to the address that it jumps to. Data is executable, as code and data
/// are in the same pages.
const THUNK: [u8; 8] = [0xff, 0x25, 2, 0, 0, 0, 0xcc, 0xcc];

/// The same on AArch64, through x16, which the procedure call standard reserves for code between a call and
/// the function: `ldr x16, .+8`, `br x16`.
const AARCH64_THUNK: [u8; 8] = [0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6];

impl Resolver<'_> {
    /// Returns whether a hole is the target of a call or jump to a function that may be out of its reach: one
    /// that was not declared as an import, to which the compiler makes such calls itself, or one whose address
    /// is an operand.
    pub(super) fn needs_thunk(&self, hole: &UnresolvedHole, body: &[u8]) -> bool {
        let external = |symbol: &String| !self.symbols.contains_key(symbol);
        let Origin::Entry { machine, .. } = hole.kind.row().origin else {
            return false;
        };
        let is_far = match hole.kind.row().reach {
            Reach::Import { required } => required,
            Reach::Branch { .. } => (self.rules.trampoline)(hole.kind).is_none(),
            Reach::Direct | Reach::Near | Reach::Got => false,
        };
        match hole.base {
            HoleValue::Zero => {
                is_far && hole.symbol.as_ref().is_some_and(external) && is_x86_branch(hole, body)
            }
            HoleValue::Operand(_) => match machine.row().arch {
                Arch::Aarch64 => hole.patch == PatchKind::Aarch64_26r,
                Arch::X86_64 => hole.patch.width() == 4 && is_x86_branch(hole, body),
                // Branches reach everything.
                Arch::I686 => false,
            },
            _ => false,
        }
    }

    /// Returns the patch and the value of a branch to a jump in the data. `index` is the hole's number in the
    /// code. The value is not known before the offset of the jump is: `emit_thunks` sets it.
    pub(super) fn thunk_use(
        &mut self,
        hole: &UnresolvedHole,
        index: usize,
    ) -> Result<(PatchKind, PatchValue), ResolveError> {
        let addend = self.check_addend(Part::Code, hole)?;
        let target = (hole.base, hole.symbol.as_deref().map(Arc::from));
        self.through
            .push((index, self.thunks.insert_full(target).0));
        let value = PatchValue::Address {
            base: HoleValue::Data,
            symbol: None,
            addend,
        };
        let patch = match hole.patch {
            PatchKind::Aarch64_26r => PatchKind::Aarch64_26r,
            // No slot can be read instead.
            _ => PatchKind::Patch32r,
        };
        Ok((patch, value))
    }

    /// Appends the jumps to such functions to the data, and makes branches lead there.
    pub(super) fn emit_thunks(&self, body: &mut Vec<u8>, holes: &mut Vec<Hole>, code: &mut [Hole]) {
        let start = body.len();
        let is_arm = |hole: &Hole| hole.patch == PatchKind::Aarch64_26r;
        let mut through = self.through.iter();
        let arm = through.any(|(hole, _)| code.get(*hole).is_some_and(is_arm));
        for (base, symbol) in &self.thunks {
            body.extend_from_slice(if arm { &AARCH64_THUNK } else { &THUNK });
            holes.push(Hole {
                offset: body.len(),
                patch: PatchKind::Patch64,
                value: PatchValue::Address {
                    base: *base,
                    symbol: symbol.clone(),
                    addend: 0,
                },
                first: None,
                void: false,
            });
            body.resize(body.len() + SLOT_SIZE, 0);
        }
        for (hole, thunk) in &self.through {
            let offset = start + thunk * (THUNK.len() + SLOT_SIZE);
            if let Some(hole) = code.get_mut(*hole)
                && let PatchValue::Address { addend, .. } = &mut hole.value
            {
                *addend = addend.wrapping_add(offset as i64);
            }
        }
    }
}

/// Returns whether a hole is the displacement of an x86 call, jump or conditional jump.
fn is_x86_branch(hole: &UnresolvedHole, body: &[u8]) -> bool {
    match body.get(..hole.offset) {
        // No other instruction has these before a displacement: they would be operands in registers.
        Some([.., 0xe8 | 0xe9]) | Some([.., 0x0f, 0x80..=0x8f]) => true,
        _ => false,
    }
}

//! The patch functions of CPython's `Python/jit.c`, and which relocation asks for which.

use jit_schema::RelocationKind;

macro_rules! patch_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $width:literal;)*) => {
        /// A way to write a value into a field of a stencil: one patch function of CPython's
        /// `Python/jit.c`. A name that ends in `r` is relative to the field's own address; in `x`,
        /// relaxing: the instruction may be rewritten to a shorter way to the same value.
        ///
        /// The one table that both the C writer ([`c_name`](PatchKind::c_name)) and a run-time
        /// linker go by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum PatchKind {
            $($(#[$doc])* $variant,)*
        }

        impl PatchKind {
            /// All kinds.
            pub const ALL: &'static [PatchKind] = &[$(PatchKind::$variant,)*];

            /// The C function's name, e.g. `patch_32r`.
            pub const fn c_name(self) -> &'static str {
                match self {
                    $(PatchKind::$variant => $name,)*
                }
            }

            /// Bytes of the stencil's body that the field takes, from the hole's offset: 4 or 8,
            /// and 0 for [`PatchKind::GotSymbol`], which writes no body.
            pub const fn width(self) -> usize {
                match self {
                    $(PatchKind::$variant => $width,)*
                }
            }
        }
    };
}

patch_kinds! {
    /// A 32-bit absolute address.
    Patch32 = "patch_32", 4;
    /// A 32-bit PC-relative displacement.
    Patch32r = "patch_32r", 4;
    /// A 64-bit absolute address.
    Patch64 = "patch_64", 8;
    /// AArch64: the low 12 bits of an address, in an add, load or store.
    Aarch64_12 = "patch_aarch64_12", 4;
    /// AArch64: as [`PatchKind::Aarch64_12`], of a GOT slot.
    Aarch64_12x = "patch_aarch64_12x", 4;
    /// AArch64: bits 0 to 15, in a movz or movk.
    Aarch64_16a = "patch_aarch64_16a", 4;
    /// AArch64: bits 16 to 31.
    Aarch64_16b = "patch_aarch64_16b", 4;
    /// AArch64: bits 32 to 47.
    Aarch64_16c = "patch_aarch64_16c", 4;
    /// AArch64: bits 48 to 63.
    Aarch64_16d = "patch_aarch64_16d", 4;
    /// AArch64: a conditional branch, 19 bits of words.
    Aarch64_19r = "patch_aarch64_19r", 4;
    /// AArch64: an adrp, 21 bits of pages.
    Aarch64_21r = "patch_aarch64_21r", 4;
    /// AArch64: as [`PatchKind::Aarch64_21r`], of a GOT slot.
    Aarch64_21rx = "patch_aarch64_21rx", 4;
    /// AArch64: a branch or call, 26 bits of words.
    Aarch64_26r = "patch_aarch64_26r", 4;
    /// AArch64: an adrp and an ldr of the same GOT slot, as one (see
    /// [`Hole::first`](crate::Hole::first)).
    Aarch64_33rx = "patch_aarch64_33rx", 4;
    /// AArch64: a branch or call that goes through a trampoline if it does not reach.
    Aarch64Trampoline = "patch_aarch64_trampoline", 4;
    /// x86_64: as [`PatchKind::Patch32r`], of a GOT slot.
    X86_64_32rx = "patch_x86_64_32rx", 4;
    /// x86_64: a branch or call that goes through a trampoline if it does not reach.
    X86_64Trampoline = "patch_x86_64_trampoline", 4;
    /// Fill the trace's GOT slot of an external symbol with its address.
    GotSymbol = "patch_got_symbol", 0;
}

impl From<RelocationKind> for PatchKind {
    /// `_PATCH_FUNCS` in CPython's `Tools/jit/_stencils.py`, and `patch_32` for the kind that is not in
    /// there. References that need a trampoline, and
    /// pairs that are folded, are told apart later.
    fn from(kind: RelocationKind) -> PatchKind {
        use RelocationKind as R;
        match kind {
            R::Arm64RelocBranch26
            | R::ImageRelArm64Branch26
            | R::RAarch64Call26
            | R::RAarch64Jump26 => PatchKind::Aarch64_26r,
            R::Arm64RelocGotLoadPage21 | R::ImageRelArm64PagebaseRel21 | R::RAarch64AdrGotPage => {
                PatchKind::Aarch64_21rx
            }
            R::Arm64RelocGotLoadPageoff12
            | R::ImageRelArm64Pageoffset12l
            | R::RAarch64Ld64GotLo12Nc => PatchKind::Aarch64_12x,
            R::Arm64RelocPage21 | R::RAarch64AdrPrelPgHi21 => PatchKind::Aarch64_21r,
            R::Arm64RelocPageoff12 | R::ImageRelArm64Pageoffset12a | R::RAarch64AddAbsLo12Nc => {
                PatchKind::Aarch64_12
            }
            R::CustomAarch64Branch19 | R::ImageRelArm64Branch19 | R::RAarch64Condbr19 => {
                PatchKind::Aarch64_19r
            }
            R::CustomAarch64Const16a | R::RAarch64MovwUabsG0Nc => PatchKind::Aarch64_16a,
            R::CustomAarch64Const16b | R::RAarch64MovwUabsG1Nc => PatchKind::Aarch64_16b,
            R::RAarch64MovwUabsG2Nc => PatchKind::Aarch64_16c,
            R::RAarch64MovwUabsG3 => PatchKind::Aarch64_16d,
            R::Arm64RelocUnsigned | R::RAarch64Abs64 | R::RX86_64_64 | R::X86_64RelocUnsigned => {
                PatchKind::Patch64
            }
            R::CustomX86_64Const32 | R::ImageRelI386Dir32 => PatchKind::Patch32,
            R::RX86_64Plt32 | R::X86_64RelocBranch | R::X86_64RelocSigned => PatchKind::Patch32r,
            R::ImageRelAmd64Rel32
            | R::ImageRelI386Rel32
            | R::RX86_64Gotpcrelx
            | R::RX86_64RexGotpcrelx
            | R::X86_64RelocGot
            | R::X86_64RelocGotLoad => PatchKind::X86_64_32rx,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by upstream's Python: `for k, f in _stencils._PATCH_FUNCS.items(): print(k, f)`.
    const UPSTREAM: &str = include_str!("../tests/fixtures/patch_funcs.txt");

    #[test]
    fn the_table_is_upstreams() {
        let mut seen = Vec::new();
        for line in UPSTREAM.lines() {
            let (name, function) = line.split_once(' ').unwrap();
            let kind = RelocationKind::from_name(name).unwrap();
            assert_eq!(PatchKind::from(kind).c_name(), function, "{name}");
            seen.push(kind);
        }
        let ours = [RelocationKind::CustomX86_64Const32];
        for kind in RelocationKind::ALL
            .iter()
            .filter(|kind| !ours.contains(kind))
        {
            assert!(seen.contains(kind), "{kind} has no patch function upstream");
        }
    }
}

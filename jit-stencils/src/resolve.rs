//! Gives numbers to external symbols, in one pass over all micro-ops of a target in build order
//! (`process_relocations` in CPython's `Tools/jit/_stencils.py`).

mod error;
mod thunks;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use indexmap::IndexSet;
use jit_schema::Target;
use jit_schema::relocation::Reach;

use crate::rules::{Rules, Slots};
use crate::unresolved::{Place, UnresolvedGroup, UnresolvedHole, symbol_to_value};
use crate::{
    Hole, HoleValue, Part, PatchKind, PatchValue, SLOT_SIZE, Stencil, StencilGroup, StencilSet,
};

pub use error::{ResolveError, ResolveErrors};

/// Makes the finished stencils of a target. External symbols that are reached through trampolines or
/// the GOT get numbers, and references to a micro-op's own symbols become offsets. The data gets a
/// table of pointers for `_JIT_` symbols, and holes that fill the GOT slots that the code uses.
///
/// `groups` are the names and stencils of the micro-ops. The numbers, and so the bytes of generated
/// headers, depend on their order.
///
/// # Errors
///
/// The [`ResolveError`] of each micro-op that has one, in the order of `groups`.
pub fn resolve(
    target: &Target,
    groups: impl IntoIterator<Item = (String, UnresolvedGroup)>,
) -> Result<StencilSet, ResolveErrors> {
    resolve_all(target, groups, &Rules::USUAL)
}

/// Does what [`resolve`] does, by the rules of a release.
pub(crate) fn resolve_all(
    target: &Target,
    groups: impl IntoIterator<Item = (String, UnresolvedGroup)>,
    rules: &'static Rules,
) -> Result<StencilSet, ResolveErrors> {
    let mut known = IndexSet::new();
    let mut names = HashSet::new();
    let mut resolved = Vec::new();
    let mut errors = Vec::new();
    for (opname, group) in groups {
        if !names.insert(opname.clone()) {
            errors.push(ResolveError::DuplicateUop { opname });
            continue;
        }
        match resolve_group(&opname, group, &mut known, (target, rules)) {
            Ok(group) => resolved.push((opname, group)),
            Err(error) => errors.push(error),
        }
    }
    let mut errors = errors.into_iter();
    if let Some(first) = errors.next() {
        let others = errors.collect();
        return Err(ResolveErrors { first, others });
    }
    Ok(StencilSet {
        target: *target,
        groups: resolved,
        symbols: known.into_iter().collect(),
        shim: None,
        families: vec![],
    })
}

/// Resolves one micro-op. New external symbols are appended to `known`.
pub(crate) fn resolve_group(
    opname: &str,
    group: UnresolvedGroup,
    known: &mut IndexSet<String>,
    (target, rules): (&Target, &'static Rules),
) -> Result<StencilGroup, ResolveError> {
    let UnresolvedGroup {
        mut code,
        mut data,
        data_alignment,
        end,
        symbols,
        listing,
    } = group;
    let mut resolver = Resolver {
        opname,
        rules,
        known,
        symbols,
        table: IndexSet::new(),
        table_start: 0,
        thunks: IndexSet::new(),
        through: Vec::new(),
        done: StencilGroup::default(),
    };
    for (part, stencil) in [(Part::Code, &code), (Part::Data, &data)] {
        for hole in &stencil.holes {
            resolver.check_place(part, hole, &stencil.body)?;
        }
    }
    (rules.prepare)(target, opname, &mut code)?;
    // The order of the numbers is that of the code's holes, so these come before everything else.
    let external_uses = code
        .holes
        .iter()
        .map(|hole| resolver.external_use(hole))
        .collect::<Result<Vec<_>, _>>()?;
    data.body
        .resize(data.body.len().next_multiple_of(SLOT_SIZE), 0);
    resolver.table_start = data.body.len();
    let mut code_holes = Vec::with_capacity(code.holes.len());
    for (hole, external) in code.holes.iter().zip(external_uses) {
        let (patch, value) = match external {
            Some(patch_and_value) => patch_and_value,
            None if resolver.needs_thunk(hole, &code.body) => {
                resolver.thunk_use(hole, code_holes.len())?
            }
            None => (hole.patch, resolver.local_use(Part::Code, hole)?),
        };
        code_holes.push(finished(hole, patch, value));
    }
    let mut data_holes = Vec::with_capacity(data.holes.len());
    for hole in &data.holes {
        let value = resolver.local_use(Part::Data, hole)?;
        data_holes.push(finished(hole, hole.patch, value));
    }
    resolver.emit_table(&mut data.body, &mut data_holes);
    resolver.emit_thunks(&mut data.body, &mut data_holes, &mut code_holes);
    fill_got(&code_holes, &mut data_holes);
    code_holes.sort_by_key(|hole| hole.offset);
    data_holes.sort_by_key(|hole| hole.offset);
    let mut done = resolver.done;
    done.code = Stencil {
        body: code.body,
        holes: code_holes,
    };
    done.data = Stencil {
        body: data.body,
        holes: data_holes,
    };
    done.data_alignment = data_alignment;
    done.end = end;
    done.listing = listing;
    Ok(done)
}

fn finished(hole: &UnresolvedHole, patch: PatchKind, value: PatchValue) -> Hole {
    Hole {
        offset: hole.offset,
        patch,
        value,
        first: hole.first,
        void: hole.void,
    }
}

struct Resolver<'a> {
    opname: &'a str,
    rules: &'static Rules,
    /// The external symbols of all micro-ops so far, by ordinal.
    known: &'a mut IndexSet<String>,
    /// The micro-op's own symbols.
    symbols: BTreeMap<String, Place>,
    /// The `_JIT_` symbols, and the micro-op's own, that are loaded as if from a GOT. The index is that
    /// of the slot.
    table: IndexSet<String>,
    /// The offset of the table in the data, in bytes.
    table_start: usize,
    /// The functions that are called through a jump in the data: external ones, and those whose address is
    /// an operand.
    thunks: IndexSet<(HoleValue, Option<Arc<str>>)>,
    /// The holes of the code that refer to those jumps, each with the number of its jump.
    through: Vec<(usize, usize)>,
    /// The group, of which only the masks are filled in so far.
    done: StencilGroup,
}

impl Resolver<'_> {
    /// Returns the patch and value of a hole in code that refers to an external symbol by its
    /// ordinal, and `None` for other holes.
    fn external_use(
        &mut self,
        hole: &UnresolvedHole,
    ) -> Result<Option<(PatchKind, PatchValue)>, ResolveError> {
        let reach = hole.kind.row().reach;
        let is_local = |symbol: &String| self.symbols.contains_key(symbol);
        if let Some(trampoline) = (self.rules.trampoline)(hole.kind)
            && hole.base == HoleValue::Zero
            && !hole.symbol.as_ref().is_some_and(is_local)
        {
            let Some(symbol) = &hole.symbol else {
                return Err(self.unsupported(Part::Code, hole, "a branch needs a symbol"));
            };
            self.check_addend(Part::Code, hole)?;
            let ordinal = self.known.insert_full(symbol.clone()).0;
            self.done.trampolines.insert(ordinal);
            return Ok(Some((trampoline, PatchValue::Symbol { ordinal })));
        }
        let Some(symbol) = hole
            .symbol
            .as_ref()
            .filter(|symbol| hole.base == HoleValue::Got && !self.has_own_slot(symbol))
        else {
            return Ok(None);
        };
        if !reach.takes_slot() {
            return Ok(None);
        }
        let addend = self.check_addend(Part::Code, hole)?;
        let ordinal = self.known.insert_full(symbol.clone()).0;
        self.done.got_entries.insert(ordinal);
        Ok(Some((hole.patch, PatchValue::GotSlot { ordinal, addend })))
    }

    /// Returns whether a symbol has its slot in the micro-op's own data. The host does not know of what
    /// the object defines, whatever the relocation; CPython's tool takes it for the host's.
    fn has_own_slot(&self, symbol: &str) -> bool {
        match self.rules.slots {
            Slots::Own => true,
            Slots::Shared => symbol.contains("_JIT_") || self.symbols.contains_key(symbol),
        }
    }

    /// Checks that a `_JIT_` symbol is one that has a meaning, and that code calls it only if something may
    /// return from there.
    fn check_place(
        &self,
        part: Part,
        hole: &UnresolvedHole,
        body: &[u8],
    ) -> Result<(), ResolveError> {
        let symbol = match (hole.base, &hole.symbol) {
            (HoleValue::Zero | HoleValue::Got, None) => return Ok(()),
            (HoleValue::Zero | HoleValue::Got, Some(symbol)) => symbol.clone(),
            (base, _) => format!("_JIT_{base}"),
        };
        let Some(name) = symbol.strip_prefix("_JIT_") else {
            return Ok(());
        };
        // The micro-op may call itself: that returns when the trace does.
        if self.symbols.contains_key(&symbol) {
            return Ok(());
        }
        let value = HoleValue::from_name(name).filter(|value| (self.rules.has_value)(*value));
        let is_known = value.is_some();
        let place = (self.opname.to_owned(), symbol, part, hole.offset);
        if !is_known {
            let (opname, symbol, part, offset) = place;
            return Err(ResolveError::UnknownPlace {
                opname,
                symbol,
                part,
                offset,
                values: self.rules.values(),
            });
        }
        let returns = value.is_some_and(HoleValue::may_return);
        if part == Part::Code && is_call(hole, body) && !returns {
            let (opname, symbol, part, offset) = place;
            return Err(ResolveError::CalledPlace {
                opname,
                symbol,
                part,
                offset,
            });
        }
        Ok(())
    }

    /// Returns the hole's addend, which must be the one that leads to the symbol itself: the hole gets
    /// the address of a trampoline or GOT slot, to which nothing else can be added. CPython's tool
    /// ignores the addend.
    fn check_addend(&self, part: Part, hole: &UnresolvedHole) -> Result<i64, ResolveError> {
        let usual = hole.kind.row().patch.row().base_addend;
        if hole.addend == usual {
            return Ok(usual);
        }
        let advice = match hole.base == HoleValue::Got && hole.addend < usual {
            true => {
                "; the instruction has a number after the slot, such as a comparison of the symbol's \
                 address with 0: do not compare it, as a symbol always has an address here, even a weak \
                 one"
            }
            false => "",
        };
        let problem = format!("its addend must be {usual}, not {}{advice}", hole.addend);
        Err(self.unsupported(part, hole, &problem))
    }

    /// Returns the value of a hole that is not an external use.
    fn local_use(&mut self, part: Part, hole: &UnresolvedHole) -> Result<PatchValue, ResolveError> {
        if hole.base == HoleValue::Got {
            return self.got_use(part, hole);
        }
        let place = hole
            .symbol
            .as_ref()
            .and_then(|symbol| self.symbols.get(symbol));
        match place {
            Some(place) => Ok(PatchValue::Address {
                base: part_base(place.part),
                symbol: None,
                addend: hole.addend.wrapping_add(place.offset),
            }),
            None if hole.kind.row().reach == (Reach::Import { required: true })
                && hole.base == HoleValue::Zero =>
            {
                Err(ResolveError::MissingDllImport {
                    opname: self.opname.to_owned(),
                    symbol: hole.symbol.clone().unwrap_or_default(),
                    part,
                    offset: hole.offset,
                })
            }
            None if hole.kind.row().reach == Reach::Near && !hole.base.is_near() => Err(self
                .unsupported(
                    part,
                    hole,
                    "what it refers to may be out of its reach: compile with -fno-pic \
                     -mcmodel=medium -mlarge-data-threshold=0 -fno-plt, so that addresses are loaded \
                     whole or through the GOT",
                )),
            None if hole.scale != 1 => Ok(PatchValue::Scaled {
                base: hole.base,
                scale: hole.scale,
                addend: hole.addend,
            }),
            None => Ok(PatchValue::Address {
                base: hole.base,
                symbol: hole.symbol.as_deref().map(Arc::from),
                addend: hole.addend,
            }),
        }
    }

    /// Returns the address of a symbol's slot. The slots of `_JIT_` symbols are in the micro-op's own
    /// data. Other slots are reserved only if the code uses them, too.
    fn got_use(&mut self, part: Part, hole: &UnresolvedHole) -> Result<PatchValue, ResolveError> {
        let Some(symbol) = &hole.symbol else {
            return Err(self.unsupported(part, hole, "a GOT slot needs a symbol"));
        };
        if self.has_own_slot(symbol) {
            // A displacement on x86 also counts the bytes of the instruction after it, so that slots of one's own,
            // which are never read instead of the symbol, may have any addend.
            let is_exact = self.rules.slots == Slots::Own && hole.patch.row().base_addend != 0;
            if !symbol.contains("_JIT_") && !is_exact {
                self.check_addend(part, hole)?;
            }
            let slot = self.table.insert_full(symbol.clone()).0;
            let offset = (self.table_start + slot * SLOT_SIZE) as i64;
            return Ok(PatchValue::Address {
                base: HoleValue::Data,
                symbol: None,
                addend: hole.addend.wrapping_add(offset),
            });
        }
        if !hole.kind.row().reach.takes_slot() {
            return Err(self.unsupported(part, hole, "it cannot refer to a GOT slot"));
        }
        let addend = self.check_addend(part, hole)?;
        match self.known.get_index_of(symbol) {
            Some(ordinal) if self.done.got_entries.contains(ordinal) => {
                Ok(PatchValue::GotSlot { ordinal, addend })
            }
            _ => Err(self.unsupported(part, hole, "its GOT slot is not used by the code")),
        }
    }

    /// Appends the slots of `_JIT_` symbols to the data.
    fn emit_table(&self, body: &mut Vec<u8>, holes: &mut Vec<Hole>) {
        for name in &self.table {
            let (base, symbol, addend) = match self.symbols.get(name) {
                Some(place) => (part_base(place.part), None, place.offset),
                None => {
                    let (base, symbol) = symbol_to_value(name);
                    (base, symbol, 0)
                }
            };
            let offset = body.len();
            holes.push(Hole {
                offset,
                patch: PatchKind::Patch64,
                value: PatchValue::Address {
                    base,
                    symbol: symbol.map(Arc::from),
                    addend,
                },
                first: None,
                void: false,
            });
            body.resize(offset + SLOT_SIZE, 0);
        }
    }

    fn unsupported(&self, part: Part, hole: &UnresolvedHole, problem: &str) -> ResolveError {
        ResolveError::Unsupported {
            opname: self.opname.to_owned(),
            kind: hole.kind,
            symbol: hole.symbol.clone(),
            part,
            offset: hole.offset,
            problem: problem.to_owned(),
        }
    }
}

/// Returns whether a hole is where a call leads to.
fn is_call(hole: &UnresolvedHole, body: &[u8]) -> bool {
    match hole.patch {
        PatchKind::Patch32r | PatchKind::X86_64_32rx => {
            // A call, or a call through a slot.
            matches!(body.get(..hole.offset), Some([.., 0xe8] | [.., 0xff, 0x15]))
        }
        PatchKind::Aarch64_26r => {
            let word = body.get(hole.offset..).and_then(|rest| rest.first_chunk());
            word.is_some_and(|word| u32::from_le_bytes(*word) & 0xfc00_0000 == 0x9400_0000)
        }
        _ => false,
    }
}

const fn part_base(part: Part) -> HoleValue {
    match part {
        Part::Code => HoleValue::Code,
        Part::Data => HoleValue::Data,
    }
}

/// Adds the holes that fill the GOT slots that the code refers to, one for each slot.
fn fill_got(code: &[Hole], data: &mut Vec<Hole>) {
    let mut filled = HashSet::new();
    for hole in code {
        if let PatchValue::GotSlot { ordinal, .. } = hole.value
            && filled.insert(ordinal)
        {
            data.push(Hole {
                offset: 0,
                patch: PatchKind::GotSymbol,
                value: PatchValue::Symbol { ordinal },
                first: None,
                void: false,
            });
        }
    }
}

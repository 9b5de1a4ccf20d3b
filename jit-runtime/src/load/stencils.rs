//! Stencils that have been checked and can be linked.

use std::sync::atomic::{AtomicU64, Ordering};

use jit_schema::Target;
use jit_stencils::{GUARD, HoleValue, Interface, StencilGroup, StencilSet, UnwindInfo, file};

use super::{builder::TableBuilder, interfaces, opcodes::Opcodes};
use crate::{
    arch::Rules,
    error::{LoadError, StencilError},
    family::{Family, Members},
    table::Table,
    trace::Uop,
};

/// Returns a number that no other stencils have.
fn new_identity() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// The stencils of one target, each hole checked.
///
/// Opcodes are indices: first those of [`StencilSet::groups`], then that of the shim, if there is one.
#[derive(Debug, Clone)]
pub struct Stencils {
    /// Differs from that of all other stencils, so that nothing made for those is used with these.
    pub(crate) identity: u64,
    pub(crate) target: Target,
    pub(crate) rules: Rules,
    pub(crate) table: Table,
    /// The stencils as they were given: for messages, and for choosing a guard.
    pub(crate) groups: Vec<(String, StencilGroup)>,
    opcodes: Opcodes,
    pub(crate) symbols: Vec<String>,
    /// The first stencil that takes something from its instruction, by opcode, and a value that it takes.
    pub(crate) takes: Option<(usize, HoleValue)>,
    guard: Option<u32>,
    shim: Option<u32>,
    unwind: Option<UnwindInfo>,
    families: Vec<Members>,
}

impl Stencils {
    /// Checks stencils and prepares them for linking. If there is a micro-op `_FATAL_ERROR_r00`, it is
    /// put at the end of each trace, as in CPython; see [`with_guard`](Stencils::with_guard).
    ///
    /// # Errors
    ///
    /// [`StencilError`]: the first hole that cannot be filled as its patch demands.
    pub fn new(set: &StencilSet) -> Result<Stencils, StencilError> {
        Stencils::of(set.clone())
    }

    fn of(set: StencilSet) -> Result<Stencils, StencilError> {
        let StencilSet {
            target,
            mut groups,
            mut symbols,
            shim,
            families,
        } = set;
        let count = groups.len();
        let families = families
            .into_iter()
            .map(|family| Members::new(family, count));
        let families = families.collect::<Result<_, _>>()?;
        let has_shim = shim.is_some();
        let unwind = shim.as_ref().and_then(|shim| shim.unwind);
        groups.extend(shim.map(|shim| (shim.name, shim.group)));
        if u32::try_from(groups.len()).is_err() {
            return Err(StencilError::TooMany {
                count: groups.len(),
            });
        }
        let opcodes = Opcodes::new(&groups).map_err(|opcode| StencilError::Duplicate {
            uop: groups
                .get(opcode as usize)
                .map(|(name, _)| name.clone())
                .unwrap_or_default(),
        })?;
        let interfaces = interfaces::interfaces(&groups)?;
        let mut builder = TableBuilder::new(&target, &symbols, groups.len(), &interfaces);
        let mut shim = None;
        for (opcode, (name, group)) in (0..=u32::MAX).zip(&groups) {
            builder.add(name, group)?;
            // The shim is the last one.
            shim = has_shim.then_some(opcode);
        }
        let (table, others, rules) = builder.finish();
        symbols.extend(others);
        let mut stencils = Stencils {
            identity: new_identity(),
            target,
            rules,
            table,
            groups,
            opcodes,
            symbols,
            takes: interfaces.first,
            guard: None,
            shim,
            unwind,
            families,
        };
        if stencils.opcode(GUARD).is_some() {
            stencils = stencils.with_guard(Some(GUARD))?;
        }
        Ok(stencils)
    }

    /// Reads a stencil file, as `jit-cli build --emit stencils` writes it, and prepares its stencils as
    /// [`new`](Stencils::new) does.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: the file is damaged or of another version, or its stencils cannot be linked. No
    /// file causes anything worse.
    pub fn load(bytes: &[u8]) -> Result<Stencils, LoadError> {
        Ok(Stencils::of(file::decode(bytes)?)?)
    }

    /// Sets the stencil that is put at the end of each trace, or none.
    ///
    /// # Errors
    ///
    /// [`StencilError::NoGuard`] if there is no such stencil, [`StencilError::Guard`] if it needs the
    /// operands or targets of a micro-op.
    pub fn with_guard(mut self, name: Option<&str>) -> Result<Stencils, StencilError> {
        self.guard = match name {
            None => None,
            Some(name) => Some(self.checked_guard(name)?),
        };
        // Layouts that were made before would be wrong now.
        self.identity = new_identity();
        Ok(self)
    }

    fn checked_guard(&self, name: &str) -> Result<u32, StencilError> {
        let missing = || StencilError::NoGuard {
            uop: name.to_owned(),
        };
        let opcode = self.opcode(name).ok_or_else(missing)?;
        let (_, group) = self.groups.get(opcode as usize).ok_or_else(missing)?;
        let mut values = interfaces::values(group);
        match values.next() {
            Some(value) => Err(StencilError::Guard {
                uop: name.to_owned(),
                value,
            }),
            None => Ok(opcode),
        }
    }

    /// Returns the target that the stencils run on.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the number of stencils.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Returns whether there are no stencils.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Returns the opcode of a micro-op.
    pub fn opcode(&self, name: &str) -> Option<u32> {
        self.opcodes.get(name, &self.groups)
    }

    /// Returns the stencils of an operation: one for each choice of where its operands are.
    pub fn family(&self, name: &str) -> Option<Family<'_>> {
        Family::named(&self.families, name)
    }

    /// Returns a trace of the micro-ops with these names in the shape of CPython's, whose operands and targets
    /// are all 0.
    ///
    /// # Errors
    ///
    /// [`StencilError::Unknown`] with the first name that no stencil has.
    pub fn uops<const N: usize>(&self, names: [&str; N]) -> Result<[Uop; N], StencilError> {
        let mut uops = [Uop::default(); N];
        for (uop, name) in uops.iter_mut().zip(names) {
            uop.opcode = self.opcode(name).ok_or_else(|| StencilError::Unknown {
                uop: name.to_owned(),
            })?;
        }
        Ok(uops)
    }

    /// Returns the name of a micro-op.
    pub fn name(&self, opcode: u32) -> Option<&str> {
        let (name, _) = self.groups.get(opcode as usize)?;
        Some(name)
    }

    /// Returns what a micro-op takes from an [`Instruction`](crate::Instruction).
    pub fn interface(&self, opcode: u32) -> Option<&Interface> {
        let (_, group) = self.groups.get(opcode as usize)?;
        Some(&group.interface)
    }

    /// Returns the opcode of what is put at the end of each trace.
    pub fn guard(&self) -> Option<u32> {
        self.guard
    }

    /// Returns the opcode of the function through which C enters a trace, with C's calling convention:
    /// link it as a trace of one micro-op. [`name`](Stencils::name) returns its name.
    pub fn shim(&self) -> Option<u32> {
        self.shim
    }

    /// Returns how to unwind from any trace to the shim's caller, for targets with frame pointers.
    pub fn unwind(&self) -> Option<&UnwindInfo> {
        self.unwind.as_ref()
    }

    /// Returns all external symbols: first those with ordinals, in their order, then those whose
    /// addresses are written as they are.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }
}

//! Stencils that have been checked, ready to be linked.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use jit_schema::Target;
use jit_stencils::{HoleValue, PatchValue, StencilGroup, StencilSet, UnwindInfo, file};

use crate::{
    compile::Compiler,
    error::{LoadError, StencilError},
    table::{Rules, Table},
};

/// CPython's guard: what a trace that runs past its end runs into.
const GUARD: &str = "_FATAL_ERROR_r00";

fn new_identity() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// The stencils of one target, each hole checked.
///
/// Opcodes are indices: those of [`StencilSet::groups`], and behind them the shim, if there is one.
#[derive(Debug, Clone)]
pub struct Stencils {
    /// What tells these stencils from others.
    pub(crate) identity: u64,
    pub(crate) target: Target,
    pub(crate) rules: Rules,
    pub(crate) table: Table,
    /// For messages, and for choosing a guard.
    pub(crate) groups: Vec<(String, StencilGroup)>,
    opcodes: HashMap<String, u16>,
    pub(crate) symbols: Vec<String>,
    guard: Option<u16>,
    shim: Option<u16>,
    unwind: Option<UnwindInfo>,
}

impl Stencils {
    /// Check stencils and make them ready. If there is a uop `_FATAL_ERROR_r00`, it is put at the end
    /// of each trace, as in CPython; see [`with_guard`](Stencils::with_guard).
    ///
    /// # Errors
    ///
    /// [`StencilError`]: the first hole that cannot be filled as its patch says.
    pub fn new(set: &StencilSet) -> Result<Stencils, StencilError> {
        let mut groups: Vec<(String, StencilGroup)> = set.groups.to_vec();
        let mut shim = None;
        if let Some(own) = &set.shim {
            shim = u16::try_from(groups.len()).ok();
            groups.push((own.name.clone(), own.group.clone()));
        }
        if groups.len() > usize::from(u16::MAX) {
            return Err(StencilError::TooMany {
                count: groups.len(),
            });
        }
        let mut compiler = Compiler {
            target: &set.target,
            symbols: set.symbols.clone(),
            ordinals: set.symbols.len(),
            table: Table::default(),
        };
        let mut opcodes = HashMap::new();
        for (opcode, (name, group)) in (0..=u16::MAX).zip(&groups) {
            if opcodes.insert(name.clone(), opcode).is_some() {
                return Err(StencilError::Duplicate { uop: name.clone() });
            }
            compiler.add(name, group)?;
        }
        let Compiler { symbols, table, .. } = compiler;
        let mut stencils = Stencils {
            identity: new_identity(),
            target: set.target,
            rules: Rules::of(&set.target),
            table,
            groups,
            opcodes,
            symbols,
            guard: None,
            shim,
            unwind: set.shim.as_ref().and_then(|shim| shim.unwind),
        };
        if stencils.opcode(GUARD).is_some() {
            stencils = stencils.with_guard(Some(GUARD))?;
        }
        Ok(stencils)
    }

    /// Read a stencil file, as `jit-cli build --emit stencils` writes them, and make its stencils
    /// ready as [`new`](Stencils::new) does.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: the file is damaged, of another version, or its stencils cannot be linked. No
    /// file leads to anything worse.
    pub fn load(bytes: &[u8]) -> Result<Stencils, LoadError> {
        Ok(Stencils::new(&file::decode(bytes)?)?)
    }

    /// Put another stencil, or none, at the end of each trace.
    ///
    /// # Errors
    ///
    /// [`StencilError::NoGuard`] if there is no such stencil, [`StencilError::Guard`] if it needs a
    /// uop's operands or targets.
    pub fn with_guard(mut self, name: Option<&str>) -> Result<Stencils, StencilError> {
        self.guard = match name {
            None => None,
            Some(name) => Some(self.checked_guard(name)?),
        };
        // Layouts made before would be wrong now.
        self.identity = new_identity();
        Ok(self)
    }

    fn checked_guard(&self, name: &str) -> Result<u16, StencilError> {
        let missing = || StencilError::NoGuard {
            uop: name.to_owned(),
        };
        let opcode = self.opcode(name).ok_or_else(missing)?;
        let (_, group) = self.groups.get(usize::from(opcode)).ok_or_else(missing)?;
        for hole in group.code.holes.iter().chain(&group.data.holes) {
            if let PatchValue::Address { base, .. } = hole.value
                && !hole.void
                && !matches!(base, HoleValue::Code | HoleValue::Data | HoleValue::Zero)
            {
                return Err(StencilError::Guard {
                    uop: name.to_owned(),
                    value: base,
                });
            }
        }
        Ok(opcode)
    }

    /// What they run on.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The opcode of a uop.
    pub fn opcode(&self, name: &str) -> Option<u16> {
        self.opcodes.get(name).copied()
    }

    /// The name of a uop.
    pub fn name(&self, opcode: u16) -> Option<&str> {
        let (name, _) = self.groups.get(usize::from(opcode))?;
        Some(name)
    }

    /// What is put at the end of each trace.
    pub fn guard(&self) -> Option<u16> {
        self.guard
    }

    /// The function through which C enters a trace, with C's calling convention: link it as a trace of
    /// one uop. Its name is [`name`](Stencils::name)'s.
    pub fn shim(&self) -> Option<u16> {
        self.shim
    }

    /// How to unwind from any trace to the shim's caller, where the target has frame pointers.
    pub fn unwind(&self) -> Option<&UnwindInfo> {
        self.unwind.as_ref()
    }

    /// All external symbols: first those with ordinals, in their order, then those whose addresses
    /// are written as they are.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Bytes of a GOT slot.
    pub(crate) fn slot_size(&self) -> usize {
        usize::from(self.target.arch.pointer_size())
    }
}

//! Checks that hardened code is what processors with control-flow checks want, with decoders that had no part in making it.
//!
//! For each stencil, this proves:
//!
//! - Where control can arrive through a pointer, there is a landing pad, and nowhere else: at the start of a stencil that the
//!   [rules](HardeningRules) name, and at each place of its own code whose address it takes.
//! - Each indirect branch is of a kind that processors check, and one that the rules allow.
//! - Where control leaves, by a return or to another micro-op, the stack and the return address are as they were at the start:
//!   a second stack of return addresses would have the same.
//!
//! What cannot be proved is a finding. `docs/hardening.md` lists what is taken for granted.

mod aarch64;
mod addresses;
mod data;
mod holes;
pub(crate) mod note;
mod paths;
mod step;
mod value;
mod x86;

use std::{collections::BTreeSet, fmt};

use jit_schema::{Arch, Target};
use jit_stencils::{StencilGroup, StencilSet};

use self::{
    addresses::Addresses,
    data::Data,
    holes::Hosts,
    paths::Walked,
    step::{Flow, Machine, Pointer, Step},
};
use crate::{error::HardeningError, project::hardening::HardeningRules};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HardeningReport {
    /// The target.
    pub target: Target,
    /// The number of stencils, with the shim if the set has one.
    pub stencils: usize,
    /// The number of those that control enters through pointers.
    pub entered: usize,
    /// The number of landing pads, with the instructions that sign a return address: they are landing pads, too.
    pub landing_pads: usize,
    /// The number of jumps through pointers. Those through a symbol's slot in the global offset table count.
    pub indirect_jumps: usize,
    /// The number of calls through pointers.
    pub indirect_calls: usize,
    /// The number of returns.
    pub returns: usize,
    /// What is not hardened, in the order of the stencils and the offsets.
    pub findings: Vec<HardeningFinding>,
}

/// A place that is not hardened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HardeningFinding {
    /// The stencil, or the function that is the shim.
    pub stencil: String,
    /// The offset in its code, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub problem: HardeningProblem,
}

impl fmt::Display for HardeningFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}: {}", self.stencil, self.offset, self.problem)
    }
}

/// What is wrong with a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HardeningProblem {
    /// Control enters the stencil through a pointer.
    #[error(
        "control enters this stencil through a pointer, but there is no landing pad for that at its start"
    )]
    NoPadAtStart,
    /// The stencil takes the address of a place without a landing pad.
    #[error("the stencil takes the address of this place, which has no landing pad")]
    NoPadAtAddress,
    /// No pointer leads to a landing pad.
    #[error("no pointer leads to this landing pad, so it only helps an attacker")]
    SparePad,
    /// A landing pad after a call of a function that only returns once, as far as is known.
    #[error(
        "a landing pad after the call of a function that is not known to return twice: if it does, as setjmp, name it in \
         `returns-twice`"
    )]
    PadAfterCall,
    /// There is no landing pad after the call of a function that returns twice.
    #[error(
        "there is no landing pad after the call of a function that returns twice: clang leaves it out on x86 if the call goes through \
         a slot, so call the function in the host instead"
    )]
    NoPadAfterCall,
    /// The data, which is executable in CPython's memory, has the bytes of a landing pad.
    #[error("the stencil's data has the bytes of a landing pad at {0:#x}")]
    PadInData(usize),
    /// The bytes of a landing pad are a part of other instructions.
    #[error("the bytes of a landing pad are hidden in other instructions")]
    HiddenPad,
    /// The bytes are no instruction that the decoder knows.
    #[error("the decoder knows no such instruction")]
    Unknown,
    /// A branch, or an address, leads to the middle of an instruction, or out of the code.
    #[error("this leads to {0:#x}, which is not the start of an instruction")]
    NoInstruction(i64),
    /// A jump through a pointer, which no rule allows.
    #[error(
        "a jump through a pointer, in a stencil that is not one of the `jumps` of hardened code"
    )]
    Jump,
    /// A jump through a register after which processors accept no landing pad of a function.
    #[error(
        "a jump through a register other than x16 and x17: landing pads of functions do not accept it"
    )]
    Register,
    /// A branch that the processor does not check.
    #[error("the prefix notrack: processors do not check where this branch arrives")]
    Unchecked,
    /// The stencil takes the address of another micro-op, which has no landing pad.
    #[error(
        "the stencil takes the address of another micro-op, and not all of them have landing pads"
    )]
    AddressOfPlace,
    /// The targets of a table are not known.
    #[error(
        "a table of distances, or an address within the code, whose places can't be told from here"
    )]
    Table,
    /// A branch leads to the data, and not to one of the jumps that are put there.
    #[error("a branch to the data, which has no jump to a function there")]
    Data,
    /// The return address is not that of the caller.
    #[error("control leaves here, but it is not certain that {0}")]
    Return(&'static str),
    /// An instruction that changes the flow of control in an unusual way.
    #[error("{0}")]
    Forbidden(&'static str),
}

/// Checks the stencils of a target, and their shim.
///
/// ```
/// use jit_cli::{HardeningRules, StencilSet, check_hardening};
///
/// fn print(set: &StencilSet) -> Result<(), jit_cli::HardeningError> {
///     let rules = HardeningRules::default().entries(["start"])?.jumps(["leave"])?;
///     for finding in check_hardening(set, &rules).findings {
///         println!("{finding}");
///     }
///     Ok(())
/// }
/// ```
#[must_use]
pub fn check_hardening(set: &StencilSet, rules: &HardeningRules) -> HardeningReport {
    let mut report = HardeningReport {
        target: set.target,
        stencils: 0,
        entered: 0,
        landing_pads: 0,
        indirect_jumps: 0,
        indirect_calls: 0,
        returns: 0,
        findings: Vec::new(),
    };
    let all_entered = set.groups.iter().all(|(name, _)| rules.is_entered(name));
    let stencils = set.groups.iter().map(|(name, group)| Subject {
        name,
        group,
        entered: rules.is_entered(name),
        may_jump: rules.may_jump(name),
        all_entered,
    });
    let shim = set.shim.iter().map(|shim| Subject {
        name: &shim.name,
        group: &shim.group,
        entered: true,
        may_jump: false,
        all_entered,
    });
    for subject in stencils.chain(shim) {
        report.stencils += 1;
        report.entered += usize::from(subject.entered);
        let hosts = || Hosts {
            symbols: &set.symbols,
            rules,
        };
        let mut findings = match set.target.arch {
            Arch::Aarch64 => {
                let machine = aarch64::Decoder { hosts: hosts() };
                check(&machine, &hosts(), set, &subject, &mut report)
            }
            Arch::I686 | Arch::X86_64 => {
                let machine = x86::Decoder {
                    target: set.target,
                    hosts: hosts(),
                };
                check(&machine, &hosts(), set, &subject, &mut report)
            }
        };
        findings.sort_by_key(|finding| finding.offset);
        findings.dedup();
        report.findings.extend(findings);
    }
    report
}

/// Returns the error that says what was found, if something was.
pub(crate) fn error(report: &HardeningReport) -> Option<HardeningError> {
    let findings = report.findings.iter().map(ToString::to_string);
    (!report.findings.is_empty()).then(|| HardeningError::NotHardened {
        target: report.target.triple,
        findings: findings.collect(),
    })
}

/// Refuses what a build has made if it is not hardened. `shim` is the shim's object.
pub(crate) fn verify(
    rules: &HardeningRules,
    set: &StencilSet,
    shim: Option<&[u8]>,
) -> Result<(), HardeningError> {
    if shim.is_some_and(|object| !note::says_hardened(&set.target, object)) {
        return Err(HardeningError::NoNote {
            target: set.target.triple,
        });
    }
    error(&check_hardening(set, rules)).map_or(Ok(()), Err)
}

/// A stencil to check.
struct Subject<'a> {
    name: &'a str,
    group: &'a StencilGroup,
    /// Whether control enters it through pointers.
    entered: bool,
    /// Whether it may jump through pointers.
    may_jump: bool,
    /// Whether control enters all stencils through pointers.
    all_entered: bool,
}

fn check<M: Machine>(
    machine: &M,
    hosts: &Hosts<'_>,
    set: &StencilSet,
    subject: &Subject<'_>,
    report: &mut HardeningReport,
) -> Vec<HardeningFinding> {
    let (arch, group) = (set.target.arch, subject.group);
    let steps = step::decode(machine, group);
    let objects = addresses::data_places(arch, group, &steps);
    let addresses = Addresses::of(arch, group, &steps, &objects);
    let data = Data::of(group, objects, hosts);
    let mut found = addresses.problems(subject.all_entered);
    for step in &steps {
        let problems = step.problems.iter();
        found.extend(problems.map(|problem| (step.offset, problem.clone())));
        match step.flow {
            Flow::IndirectJump => report.indirect_jumps += 1,
            Flow::IndirectCall => report.indirect_calls += 1,
            Flow::Return => report.returns += 1,
            Flow::Next | Flow::Stop | Flow::Branch(_) | Flow::Jump(_) | Flow::Call(..) => {}
        }
        report.landing_pads += usize::from(step.pad.is_some_and(|pad| pad.calls || pad.jumps));
    }
    let has_blocks = steps.iter().any(|step| {
        addresses.taken.contains(&step.offset) && step.pad.is_some_and(|pad| pad.jumps)
    });
    let jump = |pointer| match pointer {
        Pointer::Host | Pointer::Own => None,
        Pointer::Any if subject.may_jump => None,
        Pointer::Any => Some(HardeningProblem::Jump),
        Pointer::OwnBlock if has_blocks => None,
        Pointer::OwnBlock | Pointer::Register => Some(HardeningProblem::Register),
    };
    let walked = paths::walk(machine, group, &steps, (&addresses.taken, &data), jump);
    found.extend(pads(arch, subject, &steps, &addresses, &walked));
    found.extend(pads_in_data(machine, arch, group));
    found.extend(walked.found);
    let findings = found.into_iter();
    findings
        .map(|(offset, problem)| HardeningFinding {
            stencil: subject.name.to_owned(),
            offset,
            problem,
        })
        .collect()
}

/// A problem, and its offset in the code.
type Found = (usize, HardeningProblem);

/// Returns what is wrong with the landing pads: those that are missing, those too many, and those that are hidden.
fn pads<C>(
    arch: Arch,
    subject: &Subject<'_>,
    steps: &[Step<C>],
    addresses: &Addresses,
    walked: &Walked,
) -> Vec<Found> {
    let mut found = Vec::new();
    let at = |offset: usize| steps.iter().find(|step| step.offset == offset);
    let pad_at = |offset| at(offset).and_then(|step| step.pad);
    if subject.entered && !pad_at(0).is_some_and(|pad| pad.calls) {
        found.push((0, HardeningProblem::NoPadAtStart));
    }
    for &place in &addresses.taken {
        if at(place).is_some() && pad_at(place).is_none() {
            found.push((place, HardeningProblem::NoPadAtAddress));
        }
    }
    for &place in &walked.twice {
        if at(place).is_some() && !pad_at(place).is_some_and(|pad| pad.jumps) {
            found.push((place, HardeningProblem::NoPadAfterCall));
        }
    }
    let mut after_call = false;
    let mut starts = BTreeSet::new();
    for step in steps {
        starts.insert(step.offset);
        let is_entered = subject.entered && step.offset == 0;
        let is_taken = addresses.taken.contains(&step.offset);
        // A function such as setjmp returns again, by a jump.
        let is_needed = is_entered || is_taken || walked.twice.contains(&step.offset);
        if !is_needed && step.pad.is_some_and(|pad| pad.only) {
            found.push(match after_call {
                true => (step.offset, HardeningProblem::PadAfterCall),
                false => (step.offset, HardeningProblem::SparePad),
            });
        }
        after_call = matches!(step.flow, Flow::Call(..) | Flow::IndirectCall);
    }
    if arch == Arch::Aarch64 {
        // Instructions are at multiples of their size, so that no other bytes are executed.
        return found;
    }
    let pad = arch.landing_pad();
    let code = subject.group.code.body.windows(pad.len()).enumerate();
    let hidden = code.filter(|(offset, bytes)| *bytes == pad && !starts.contains(offset));
    found.extend(hidden.map(|(offset, _)| (offset, HardeningProblem::HiddenPad)));
    found
}

/// Returns where the data has the bytes of a landing pad: `jit.c` makes it executable, as it is in the same pages as code.
fn pads_in_data<M: Machine>(machine: &M, arch: Arch, group: &StencilGroup) -> Vec<Found> {
    let step = match arch {
        Arch::Aarch64 => 4,
        Arch::I686 | Arch::X86_64 => 1,
    };
    let words = group.data.body.windows(4).enumerate().step_by(step);
    let pads = words.filter(|(_, bytes)| machine.is_pad(bytes));
    pads.map(|(offset, _)| (0, HardeningProblem::PadInData(offset)))
        .collect()
}

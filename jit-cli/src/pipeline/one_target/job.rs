//! The inputs and results of a build.

use std::path::{Path, PathBuf};

use jit_llvm::{CompileOptions, Interrupt, Mode, Toolchain};
use jit_optimizer::FramePointer;
use jit_stencils::{StencilSet, UnwindInfo};

use crate::{
    cache::store::Cache,
    conventions::{Lower, ReadObject, Resolve, ShimForm},
    events::Listener,
    pipeline::{flags::Facts, tuner::Tuner, units::Input, workdir::Place},
    project::hardening::HardeningRules,
    reads::Reads,
    statistics::StageTimes,
};

/// The build of one target.
pub(crate) struct Job<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) options: CompileOptions,
    /// The options of the optimizer.
    pub(crate) optimizer: jit_optimizer::Options,
    /// Which stencils control enters and leaves through pointers, if the code is hardened.
    pub(crate) hardening: Option<&'a HardeningRules>,
    /// Whether flags were to decide about that, and the user's do not ask for it.
    pub(crate) is_unhardened_by_flags: bool,
    /// What stencils do with the frame pointer.
    pub(crate) frame_pointer: FramePointer,
    /// Reads object files.
    pub(crate) read_object: ReadObject,
    /// Makes stencils of object files.
    pub(crate) lower: Lower,
    /// Combines stencils to a set.
    pub(crate) resolve: Resolve,
    /// What the shim becomes.
    pub(crate) shim_form: ShimForm,
    /// What the micro-ops are made of.
    pub(crate) input: Input<'a>,
    pub(crate) shim: Option<ShimSource<'a>>,
    /// The cache, and the name of the project's record in it.
    pub(crate) cache: Option<(&'a Cache, String)>,
    /// Whether to leave a record for the next build.
    pub(crate) remember: bool,
    pub(crate) keep_temps: Option<PathBuf>,
    /// Where intermediate files go.
    pub(crate) place: Place,
    /// Whether to find out which headers are read, even if that takes another process.
    pub(crate) headers: bool,
    pub(crate) mode: Mode,
    /// Whether many micro-ops may be translated as one file.
    pub(crate) joins: bool,
    pub(crate) interrupt: Interrupt,
    pub(crate) listener: &'a Listener,
    /// Gets what the user should know about the flags.
    pub(crate) remark: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Job<'a> {
    /// Returns what decides about flags besides the options.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            has_shim: self.shim.is_some(),
            is_unhardened_by_flags: self.is_unhardened_by_flags,
        }
    }

    /// Returns the optimizer of the target.
    pub(crate) fn tuner(&self) -> Tuner<'a> {
        let modules = matches!(self.input, Input::Functions(_));
        let declared = (self.input.without_case(), modules);
        Tuner::new(
            self.options.target,
            (self.optimizer, self.hardening),
            declared,
        )
    }
}

/// The source of the shim.
pub(crate) struct ShimSource<'a> {
    pub(crate) path: &'a Path,
    /// Its name in messages.
    pub(crate) name: PathBuf,
}

/// The result of a build.
pub(crate) struct Built {
    /// The stencils, and the shim if it is one.
    pub(crate) set: StencilSet,
    /// The shim, if it is an object file.
    pub(crate) shim: Option<Shim>,
    /// The number of micro-ops that came from the cache.
    pub(crate) cached: usize,
    pub(crate) stages: StageTimes,
    /// What was read, if that was asked for. `None` if it is not known.
    pub(crate) reads: Option<Reads>,
    /// The arguments of cc1: to compile, to assemble, and to compile the shim. They are not known if the driver's answers
    /// are not understood.
    pub(crate) arguments: Option<[Vec<String>; 3]>,
}

/// The object file of the function that enters compiled code.
pub(crate) struct Shim {
    pub(crate) object: Vec<u8>,
    pub(crate) unwind: Option<UnwindInfo>,
}

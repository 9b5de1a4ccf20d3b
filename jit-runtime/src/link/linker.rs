//! The linker: bodies are copied one after the other, and their holes filled.
//!
//! The image is made in a buffer of the linker's own, and all of it is copied to its place, or nothing.
//! A usual hole takes a handful of instructions and no branch. Whether any value of a micro-op did not
//! fit is one number for all of them; if it is nonzero, `diagnose.rs` finds out which.

use std::borrow::Borrow;

use jit_schema::{LANDING_PAD_SIZE, ObjectFormat, Target};
use jit_stencils::SLOT_SIZE;

use super::{
    diagnose::{self, Failure},
    holes::{self, PlacedHole},
    image::{Bug, Image, Place, put},
    layout::{self, Layout, LayoutPolicy},
    plan::Plan,
    references::{self, References},
    source::Source,
    symbols::Symbols,
};
use crate::{
    arch,
    error::{CompileError, LinkError},
    load::Stencils,
    memory::{Arena, Executable},
    trace::{Instruction, Uop},
};

/// What traces are made of: [`Uop`]s or [`Instruction`]s. All elements of a trace are of one type. There can be
/// no other implementations.
pub trait Element: Link {}

impl Element for Uop {}

impl Element for Instruction<'_> {}

/// The two ways through the linker. Each is compiled in this crate, with its optimizations.
pub trait Link: Source {
    /// Lays out a trace, with so many bytes before its code.
    fn layout<'t>(
        stencils: &Stencils,
        shape: (LayoutPolicy, usize),
        trace: &'t [Self],
    ) -> Result<Layout<'t, Self>, LinkError>;

    /// Copies all stencils and fills their holes, up to the first one where something does not fit.
    fn copy(
        image: &mut Image,
        stencils: &Stencils,
        layout: &Layout<'_, Self>,
        base: u64,
    ) -> Result<(), Failure>;
}

macro_rules! ways {
    ($($element:ty)*) => {
        $(impl Link for $element {
            fn layout<'t>(
                stencils: &Stencils,
                shape: (LayoutPolicy, usize),
                trace: &'t [Self],
            ) -> Result<Layout<'t, Self>, LinkError> {
                layout::layout(stencils, shape, trace)
            }

            fn copy(
                image: &mut Image,
                stencils: &Stencils,
                layout: &Layout<'_, Self>,
                base: u64,
            ) -> Result<(), Failure> {
                if stencils.rules.plain {
                    copy::<true, Self>(image, stencils, layout, base)
                } else {
                    copy::<false, Self>(image, stencils, layout, base)
                }
            }
        })*
    };
}

ways! { Uop Instruction<'_> }

/// Links traces of one target's stencils, on any host. It can be used again and keeps its buffers.
///
/// `S` is how it has the stencils: a reference, an [`Arc`](std::sync::Arc) that threads share, or the stencils
/// themselves. With an `Arc`, it can be in a structure together with the stencils.
///
/// ```
/// use std::sync::Arc;
/// use jit_runtime::{LayoutPolicy, Linker, Stencils};
///
/// struct Compiler {
///     stencils: Arc<Stencils>,
///     linker: Linker<Arc<Stencils>>,
/// }
///
/// impl Compiler {
///     fn new(stencils: Arc<Stencils>) -> Compiler {
///         let linker = Linker::new(stencils.clone(), LayoutPolicy::Tight);
///         Compiler { stencils, linker }
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Linker<S> {
    stencils: S,
    policy: LayoutPolicy,
    landing_pads: bool,
    image: Image,
}

impl<S: Borrow<Stencils>> Linker<S> {
    /// Returns a linker for these stencils.
    pub fn new(stencils: S, policy: LayoutPolicy) -> Linker<S> {
        Linker {
            stencils,
            policy,
            landing_pads: false,
            image: Image::default(),
        }
    }

    /// Sets whether each trace begins with a landing pad: the instruction at which processors that check indirect branches let
    /// the caller, and other traces, arrive. Stencils that control enters through no other pointer then need none of their own.
    ///
    /// Micro-ops start after it, and [`Layout::start`] says where. CPython's `jit.c` has no such thing.
    #[must_use]
    pub fn landing_pads(mut self, landing_pads: bool) -> Linker<S> {
        self.landing_pads = landing_pads;
        self
    }

    /// Returns the stencils that it links.
    pub fn stencils(&self) -> &Stencils {
        self.stencils.borrow()
    }

    /// Lays out a trace. The size of its image does not depend on its address.
    ///
    /// # Errors
    ///
    /// [`LinkError::UnknownOpcode`], [`LinkError::Empty`], [`LinkError::TooLong`],
    /// [`LinkError::RunsOffEnd`], [`LinkError::TooBig`], [`LinkError::OtherShape`], and
    /// [`LinkError::PageSize`].
    pub fn layout<'t, E: Element>(&self, trace: &'t [E]) -> Result<Layout<'t, E>, LinkError> {
        let lead = if self.landing_pads {
            LANDING_PAD_SIZE
        } else {
            0
        };
        E::layout(self.stencils(), (self.policy, lead), trace)
    }

    /// Returns where the holes of a trace are in its image, for a program that reads or changes some of them on its
    /// own. The guard's come last.
    ///
    /// # Errors
    ///
    /// [`LinkError::Mixed`] if the layout was made for other stencils.
    pub fn holes<'a, E: Element>(
        &'a self,
        layout: &'a Layout<'_, E>,
    ) -> Result<impl Iterator<Item = PlacedHole<'a>> + 'a, LinkError> {
        self.check_layout(layout)?;
        Ok(holes::holes(self.stencils(), layout))
    }

    /// Counts how the code of an image gets to external symbols, such as the host's functions. `image` must be what
    /// [`link`](Linker::link) has written for that layout, or [`Executable::bytes`]: what is counted of other bytes means
    /// nothing.
    ///
    /// How many references are direct depends on where the image is:
    /// [`ArenaOptions::near`](crate::memory::ArenaOptions::near).
    ///
    /// # Errors
    ///
    /// [`LinkError::Mixed`] if the layout was made for other stencils, and [`LinkError::WrongBuffer`] if the image does not
    /// have its size.
    pub fn references<E: Element>(
        &self,
        layout: &Layout<'_, E>,
        image: &[u8],
    ) -> Result<References, LinkError> {
        self.check_layout(layout)?;
        check_length(layout, image.len())?;
        references::references(self.stencils(), layout, image)
            .map_err(|Bug| LinkError::bug(None, None, "the layout does not fit the stencils"))
    }

    /// Writes the image of a trace that is to run at the address `base`. The trace's entry is at its
    /// start; `out` must have [`Layout::size`] bytes.
    ///
    /// With [`LayoutPolicy::CPython`], the bytes are those that `_PyJIT_Compile` in CPython's
    /// `Python/jit.c` makes of the same stencils.
    ///
    /// # Errors
    ///
    /// A [`LinkError`] with the first hole whose value does not fit or is not known. Nothing has been
    /// written to `out` then.
    pub fn link<E: Element>(
        &mut self,
        layout: &Layout<'_, E>,
        base: u64,
        symbols: &Symbols,
        out: &mut [u8],
    ) -> Result<(), LinkError> {
        self.check(layout, base, symbols, out.len())?;
        let Linker {
            stencils, image, ..
        } = self;
        let stencils: &Stencils = (*stencils).borrow();
        let linked = image
            .start(stencils, &layout.plan, base, symbols)
            .map_err(Failure::from);
        linked
            .and_then(|()| E::copy(image, stencils, layout, base))
            .and_then(|()| Ok(finish(image, stencils, &layout.plan, symbols, out)?))
            .map_err(|failure| diagnose::diagnose(stencils, image, layout, base, failure))
    }

    /// Lays out a trace, takes memory for it, links it for that place and makes it executable. The
    /// trace's entry is at the start.
    ///
    /// # Errors
    ///
    /// [`CompileError`]: that of [`layout`](Linker::layout), of [`link`](Linker::link), or of the memory;
    /// [`CompileError::Foreign`] if the stencils are for another architecture than that of this process.
    pub fn compile<E: Element>(
        &mut self,
        trace: &[E],
        symbols: &Symbols,
        arena: &Arena,
    ) -> Result<Executable, CompileError> {
        let target = &self.stencils().target;
        // Windows has its own calling convention; that of macOS and Linux is the same but for details.
        let has_convention = (target.format == ObjectFormat::Coff) == cfg!(windows);
        if arch::host() != Some(target.arch) || !has_convention {
            return Err(CompileError::Foreign {
                target: target.triple,
                host: Target::host().map_or(std::env::consts::ARCH, |host| host.triple),
            });
        }
        let layout = self.layout(trace)?;
        loop {
            let mut memory = arena.alloc_aligned(layout.size(), layout.alignment())?;
            let base = memory.base();
            self.link(&layout, base, symbols, &mut memory)?;
            let in_chunk = memory.is_in_chunk();
            match memory.publish() {
                // The arena gives no more parts of chunks then, so that this happens once.
                Err(error) if in_chunk && error.is_of_chunks() => {}
                published => return Ok(published?),
            }
        }
    }

    fn check_layout<E: Element>(&self, layout: &Layout<'_, E>) -> Result<(), LinkError> {
        match layout.plan.identity == self.stencils().identity {
            true => Ok(()),
            false => Err(LinkError::Mixed { what: "layout" }),
        }
    }

    fn check<E: Element>(
        &self,
        layout: &Layout<'_, E>,
        base: u64,
        symbols: &Symbols,
        length: usize,
    ) -> Result<(), LinkError> {
        self.check_layout(layout)?;
        let stencils = self.stencils();
        if symbols.identity != stencils.identity {
            return Err(LinkError::Mixed { what: "symbols" });
        }
        check_length(layout, length)?;
        let alignment = layout.alignment();
        if alignment > SLOT_SIZE && !base.is_multiple_of(alignment as u64) {
            return Err(LinkError::MisalignedBase { base, alignment });
        }
        match base.checked_add(layout.size() as u64) {
            Some(end) if end <= stencils.rules.end => {
                diagnose::check_symbols(stencils, layout, symbols)
            }
            _ => Err(LinkError::WrongBase {
                base,
                size: layout.size(),
            }),
        }
    }
}

fn check_length<E>(layout: &Layout<'_, E>, length: usize) -> Result<(), LinkError> {
    let size = layout.size();
    match length == size {
        true => Ok(()),
        false => Err(LinkError::WrongBuffer { length, size }),
    }
}

/// Copies all stencils and fills their holes, up to the first one where something does not fit.
fn copy<const PLAIN: bool, E: Source>(
    image: &mut Image,
    stencils: &Stencils,
    layout: &Layout<'_, E>,
    base: u64,
) -> Result<(), Failure> {
    let plan = &layout.plan;
    let guard = stencils.guard().map(E::bare);
    let aligned = stencils.table.aligned;
    let mut at = Place {
        code: plan.lead,
        data: 0,
    };
    if plan.lead > 0 {
        put(&mut image.code, 0, stencils.target.arch.landing_pad())?;
    }
    let mut index = 0;
    loop {
        let uop = match (layout.trace.get(index), &guard) {
            (Some(uop), _) => uop,
            (None, Some(guard)) if index == layout.trace.len() => guard,
            (None, _) => break,
        };
        let Some(entry) = stencils.table.entries.get(uop.opcode() as usize) else {
            return Err(Failure::Uop(index));
        };
        if aligned {
            at.data = stencils.table.aligned_data(uop.opcode(), at.data);
        }
        let outside = uop.set(image, stencils, plan, entry, at);
        let bad = image.emit::<PLAIN>(stencils, plan, base, entry, at);
        match (outside, bad) {
            (Ok(outside), Ok(bad)) if outside | bad == 0 => {}
            _ => return Err(Failure::Uop(index)),
        }
        at.code += entry.code as usize;
        at.data += entry.data as usize;
        index += 1;
    }
    // The layout has been made of other numbers, which must add up to the same.
    if (at.code, at.data) == (plan.code, plan.data.len()) {
        Ok(())
    } else {
        Err(Failure::Image)
    }
}

/// Completes the image, and copies it to its place.
fn finish(
    image: &mut Image,
    stencils: &Stencils,
    plan: &Plan,
    symbols: &Symbols,
    out: &mut [u8],
) -> Result<(), Bug> {
    image.write_trampolines(stencils.rules.trampoline, plan, symbols)?;
    let code = image.code.get(..plan.trampolines.end).ok_or(Bug)?;
    let data = image.data.get(..plan.got.end - plan.data.start);
    let data = data.ok_or(Bug)?;
    let (before, rest) = out.split_at_mut_checked(plan.data.start).ok_or(Bug)?;
    let (code_place, pad) = before.split_at_mut_checked(code.len()).ok_or(Bug)?;
    let (data_place, end) = rest.split_at_mut_checked(data.len()).ok_or(Bug)?;
    code_place.copy_from_slice(code);
    pad.fill(0);
    data_place.copy_from_slice(data);
    end.fill(0);
    Ok(())
}

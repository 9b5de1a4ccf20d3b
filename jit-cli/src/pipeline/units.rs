//! What a target's stencils are made of: the only place that knows which kind of project it is.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

use jit_llvm::{Ir, Source};
use jit_stencils::{HoleValue, Interface, PatchValue, StencilSet};

use crate::{
    error::{Error, FunctionError},
    pipeline::functions::{Files, Split},
    project::{
        cases::Case,
        definition::{self, Project},
        functions::{Functions, demangle},
        places::Places,
        template,
    },
    reads::Reads,
};

/// What the micro-ops of a target are made of.
#[derive(Clone)]
pub(crate) enum Input<'a> {
    /// A template, with its preamble and body, and cases.
    Cases {
        template: (&'a str, &'a str),
        cases: Vec<Case<'a>>,
        /// Where the cases are, for messages.
        places: &'a Places,
    },
    /// Files with functions.
    Functions(&'a Functions),
}

/// A template, with its preamble and body, cases, and where they are.
type OfCases<'a> = ((&'a str, &'a str), Vec<Case<'a>>, Places);

impl<'a> Input<'a> {
    /// Returns the input of a project, which has cases or functions.
    pub(crate) fn of(project: &'a Project, cases: Option<&'a OfCases<'a>>) -> Result<Self, Error> {
        match (&project.input, cases) {
            (definition::Input::Functions(functions), _) => Ok(Input::Functions(functions)),
            (definition::Input::Cases { .. }, Some((template, cases, places))) => {
                Ok(Input::Cases {
                    template: *template,
                    cases: cases.clone(),
                    places,
                })
            }
            (definition::Input::Cases { cases, .. }, None) => Err(Error::NoCase {
                path: cases.clone(),
            }),
        }
    }

    /// Returns what is compiled before each source.
    pub(crate) fn preamble(&self) -> &'a str {
        match self {
            Input::Cases { template, .. } => template.0,
            Input::Functions(_) => "",
        }
    }

    /// Returns a source with the declarations that all sources have, and no micro-op.
    pub(crate) fn without_case(&self) -> Option<Source> {
        match self {
            Input::Cases {
                template, cases, ..
            } => template::without_case(template.1, cases),
            Input::Functions(_) => None,
        }
    }

    /// Returns the places of cases, if the input has some.
    pub(crate) fn places(&self) -> Option<&'a Places> {
        match self {
            Input::Cases { places, .. } => Some(places),
            Input::Functions(_) => None,
        }
    }
}

/// The units that stencils are made of.
pub(crate) enum Units<'f, 'a> {
    /// Sources in C, and where they come from.
    Sources(Vec<Source>, &'a Places),
    /// Modules of LLVM IR.
    Modules(Box<Split>, &'f Files<'a>),
}

impl<'f, 'a> Units<'f, 'a> {
    /// Makes the units of an input. `files` are its functions, if it has some. `remark` gets what the user should know.
    pub(crate) fn of(
        input: &Input<'a>,
        files: Option<&'f Files<'a>>,
        remark: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        Ok(match (input, files) {
            (
                Input::Cases {
                    template,
                    cases,
                    places,
                },
                _,
            ) => Units::Sources(template::sources(template.1, cases), places),
            (Input::Functions(_), Some(files)) => {
                Units::Modules(Box::new(files.split(remark)?), files)
            }
            (Input::Functions(functions), None) => {
                return Err(functions.config.error("no functions".to_owned()));
            }
        })
    }

    /// Returns their names, and their texts.
    pub(crate) fn sources(&self) -> &[Source] {
        match self {
            Units::Sources(sources, _) => sources,
            Units::Modules(split, _) => &split.sources,
        }
    }

    /// Returns the modules in the order of the sources, if they are modules.
    pub(crate) fn modules(&self) -> Option<(&[Ir], Option<&Reads>)> {
        match self {
            Units::Sources(..) => None,
            Units::Modules(split, _) => Some((&split.irs, split.reads.as_ref())),
        }
    }

    /// Returns the file and line on which a micro-op starts.
    pub(crate) fn place(&self, uop: &str) -> Option<(PathBuf, usize)> {
        match self {
            Units::Sources(_, places) => places.start(uop),
            Units::Modules(split, files) => files.place(split, uop),
        }
    }

    /// Returns what the author calls the symbols that the module of a micro-op has.
    pub(crate) fn names(&self, uop: &str) -> BTreeMap<String, String> {
        match self {
            Units::Sources(..) => BTreeMap::new(),
            Units::Modules(split, _) => split.names.get(uop).cloned().unwrap_or_default(),
        }
    }

    /// Returns what clang says about the sources, with the places that they come from.
    pub(crate) fn translate(&self, text: &str) -> String {
        match self {
            Units::Sources(_, places) => places.translate(text),
            Units::Modules(..) => text.to_owned(),
        }
    }

    /// Refuses stencils of functions that use other values than `[holes]` gives them, as [`finish`](Units::finish) has noted.
    /// Names in assembly are not replaced.
    pub(crate) fn check(&self, set: &StencilSet) -> Result<(), Error> {
        if matches!(self, Units::Sources(..)) {
            return Ok(());
        }
        for (uop, group) in &set.groups {
            let Interface { operands, targets } = &group.interface;
            let is_given = |base: HoleValue| match base {
                HoleValue::Operand(index)
                | HoleValue::OperandHigh(index)
                | HoleValue::OperandLow(index) => operands
                    .get(usize::from(index))
                    .is_some_and(|bits| *bits > 0),
                HoleValue::Place(index) => index < *targets,
                base => !base.is_of_cpython(),
            };
            let mut holes = group.code.holes.iter().chain(&group.data.holes);
            let other = holes.find_map(|hole| hole.value.base().filter(|base| !is_given(*base)));
            if let Some(base) = other {
                let message = format!(
                    "it refers to _JIT_{base}, which no hole of it is: assembly can have a hole as an operand of the asm \
                     statement, but not by a name"
                );
                let uop = uop.clone();
                return Err(FunctionError::Function { uop, message }.into());
            }
        }
        Ok(())
    }

    /// Adds to each stencil of functions what instructions for it have, and combines members of families. Returns the symbols that the host has to define,
    /// with the names that the author gave them.
    pub(crate) fn finish(&self, set: &mut StencilSet) -> Result<Option<Vec<String>>, Error> {
        let Units::Modules(split, files) = self else {
            return Ok(None);
        };
        let interfaces = split.sources.iter().zip(&split.interfaces);
        let interfaces: HashMap<&str, &Interface> = interfaces
            .map(|(source, interface)| (source.name.as_str(), interface))
            .collect();
        let mut symbols: BTreeSet<String> = set.symbols.iter().cloned().collect();
        for (name, group) in &mut set.groups {
            if let Some(interface) = interfaces.get(name.as_str()) {
                group.interface = Interface::clone(interface);
            }
            for hole in group.code.holes.iter().chain(&group.data.holes) {
                if let PatchValue::Address {
                    symbol: Some(symbol),
                    ..
                } = &hole.value
                {
                    symbols.insert(symbol.to_string());
                }
            }
        }
        let families = files.families(set)?;
        set.add_families(families);
        let symbols = symbols.iter().map(|symbol| demangle::demangled(symbol));
        Ok(Some(symbols.collect()))
    }
}

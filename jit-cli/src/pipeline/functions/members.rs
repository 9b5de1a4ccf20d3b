//! The members of families: functions that are added to the modules of the files, and become stencils as others do.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use jit_llvm::modules::{
    MEMBER_NEXT, Module, Part, Role, Roles, Shape, member_operand, member_target,
};
use jit_stencils::{FamilyOperand, Location, StencilSet};

use super::{
    Files, Fronts,
    origins::{MEMBER, Member, Origin},
};
use crate::{
    error::{Error, FunctionError},
    project::functions::{
        demangle,
        families::{Families, Family},
    },
};

/// The members, and the modules that define them.
#[derive(Default)]
pub(super) struct Members<'f> {
    /// The IR of the files, in the order of the results of the front end.
    pub(super) texts: Vec<Cow<'f, str>>,
    /// Where each comes from, by the name of the stencil.
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Files<'_> {
    /// Adds the members of all families to the modules of the files that define their functions.
    pub(super) fn with_members<'f>(&self, fronts: &'f Fronts) -> Result<Members<'f>, Error> {
        let families = &self.functions.families;
        let mut members = Members {
            texts: fronts
                .iter()
                .map(|(_, front)| front.ir.as_str().into())
                .collect(),
            origins: BTreeMap::new(),
        };
        if families.list.is_empty() {
            return Ok(members);
        }
        let shapes: Vec<Shape> = families
            .list
            .iter()
            .map(|family| shape(families, family))
            .collect();
        let mut found: BTreeMap<(&str, usize), String> = BTreeMap::new();
        for ((place, front), text) in fronts.iter().zip(&mut members.texts) {
            let module =
                Module::parse(&front.ir).map_err(|source| self.unreadable(*place, source))?;
            let mut added = String::new();
            for symbol in module.functions() {
                let base = demangle::base(&symbol);
                let Some(family) = families.named(&base) else {
                    continue;
                };
                let shown = format!("{base} in {}", self.path(place.1).display());
                if let Some(first) = found.insert((&family.name, place.0), shown.clone()) {
                    return Err(FunctionError::DuplicateFunction {
                        name: family.name.clone(),
                        first,
                        second: shown,
                    }
                    .into());
                }
                self.add(
                    family,
                    (*place, &module, &symbol),
                    &mut added,
                    &mut members.origins,
                )?;
            }
            if !added.is_empty() {
                added.push_str(&module.member_declarations(&shapes));
                text.to_mut().push_str(&added);
            }
        }
        let variants = 0..self.functions.variants.len();
        let missing = families.list.iter().find(|family| {
            let mut variants = variants.clone();
            !variants.all(|variant| found.contains_key(&(family.name.as_str(), variant)))
        });
        match missing {
            None => Ok(members),
            Some(family) => Err(self.config.error_at(
                family.at.0,
                format!(
                    "[family.{0}]: the files define no function {0}, with which its stencils are made",
                    family.name
                ),
            )),
        }
    }

    /// Adds the members of a family to the text of a module, and where they come from to the others.
    fn add(
        &self,
        family: &Family,
        (place, module, symbol): ((usize, usize), &Module<'_>, &str),
        added: &mut String,
        origins: &mut BTreeMap<String, Origin>,
    ) -> Result<(), Error> {
        let shape = shape(&self.functions.families, family);
        let wrong = |message: String| {
            let uop = family.name.clone();
            let defined =
                |_: &str| self.place_in(place, |text| Module::parse(text).ok()?.place(symbol));
            Error::from(FunctionError::Function { uop, message }).at(&defined, &str::to_owned)
        };
        let operation = module
            .operation(symbol)
            .map_err(|error| wrong(super::message(error, symbol)))?;
        let kinds: Vec<(&str, Location)> = family
            .all()
            .filter_map(|operand| {
                // Memory and immediates have numbers of both kinds.
                let mut choices = operand.choices.iter();
                let register = choices.find(|location| !location.is_given());
                let location = register.or(operand.choices.first());
                Some((operand.name.as_str(), *location?))
            })
            .collect();
        operation.check(&shape, &kinds).map_err(wrong)?;
        for locations in family.members() {
            let name = family.member_name(&locations);
            let member = format!("{MEMBER}{name}");
            added.push_str(&operation.member(&member, &shape, &locations));
            let origin = Origin {
                variant: place.0,
                file: place.1,
                symbol: member,
                member: Some(Member {
                    operation: symbol.to_owned(),
                    targets: family.targets,
                    operand_bits: family.operand_bits(&locations),
                }),
            };
            origins.insert(self.in_variant(name, place.0), origin);
        }
        Ok(())
    }

    /// Returns the families of a set, with its stencils as they are built.
    pub(crate) fn families(&self, set: &StencilSet) -> Result<Vec<jit_stencils::Family>, Error> {
        let names = set.groups.iter().map(|(name, _)| name.as_str());
        let indices: HashMap<&str, u32> = names.zip(0..).collect();
        let mut families = Vec::new();
        for variant in 0..self.functions.variants.len() {
            for family in &self.functions.families.list {
                let members = family.members().into_iter().map(|locations| {
                    let name = self.in_variant(family.member_name(&locations), variant);
                    let index = indices.get(name.as_str()).copied();
                    index.ok_or(Error::Missing { uop: name })
                });
                let operands = family.all().map(|operand| FamilyOperand {
                    name: operand.name.clone(),
                    choices: operand.choices.clone(),
                });
                families.push(jit_stencils::Family {
                    name: self.in_variant(family.name.clone(), variant),
                    operands: operands.collect(),
                    members: members.collect::<Result<_, _>>()?,
                });
            }
        }
        Ok(families)
    }
}

impl Member {
    /// Returns the roles of the symbols that it refers to.
    pub(super) fn roles(&self) -> Roles {
        let next = (MEMBER_NEXT.to_owned(), Role::Continue);
        let targets = (0..self.targets).map(|index| (member_target(index), Role::Place(index)));
        let operands = (0..=u16::MAX).zip(&self.operand_bits);
        let taken = operands.filter(|(_, bits)| **bits > 0);
        let operands = taken.map(|(index, bits)| {
            let role = Role::Operand {
                index,
                bits: *bits,
                part: Part::Whole,
            };
            (member_operand(index.into()), role)
        });
        [next].into_iter().chain(targets).chain(operands).collect()
    }
}

impl Families {
    /// Returns the symbols of the operands of instructions for members, by number.
    pub(super) fn operand_symbols(&self) -> Vec<String> {
        let counts = self.list.iter().map(|family| family.all().count());
        (0..counts.max().unwrap_or(0)).map(member_operand).collect()
    }
}

/// Returns what the members of a family have in common.
fn shape(families: &Families, family: &Family) -> Shape {
    let mut shape = Shape::new(families.reg, families.vec);
    shape.units = family.all().map(|operand| operand.unit).collect();
    shape.results = family.results.len();
    shape.operands = family.operands.len();
    shape.targets = family.targets;
    shape.leaves = family.leaves;
    shape.keeps = family.keeps;
    shape
}

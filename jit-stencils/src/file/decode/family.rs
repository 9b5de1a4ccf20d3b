//! Reads families.

use std::collections::HashSet;

use super::{Decoder, FAMILY_VERSION, malformed};
use crate::{
    Family, FamilyOperand,
    file::{
        error::FileError,
        numbers::location_of,
        reader::{Fault, fault},
    },
};

// The smallest numbers of bytes that a family and an operand take.
const FAMILY_SIZE: usize = 3;
const OPERAND_SIZE: usize = 3;

impl<'a> Decoder<'a> {
    /// Reads all families, whose members are some of so many stencils.
    pub(super) fn families(&mut self, groups: usize) -> Result<Vec<Family>, FileError> {
        let count = self
            .reader
            .count(FAMILY_SIZE)
            .map_err(|fault| malformed(fault, "the number of families"))?;
        let mut families = Vec::with_capacity(count);
        let mut taken = HashSet::new();
        for index in 0..count {
            self.needed = FAMILY_VERSION;
            let name = self
                .new_name(&mut taken)
                .map_err(|fault| malformed(fault, format!("the name of family {index}")))?;
            let family = self
                .family(name, groups)
                .map_err(|fault| malformed(fault, format!("the family {name}")))?;
            families.push(family);
        }
        Ok(families)
    }

    fn family(&mut self, name: &str, groups: usize) -> Result<Family, Fault> {
        let count = self.reader.count(OPERAND_SIZE)?;
        let mut family = Family {
            name: name.to_owned(),
            operands: Vec::with_capacity(count),
            members: Vec::new(),
        };
        let mut taken = HashSet::new();
        for _ in 0..count {
            let operand = self.operand(&mut taken)?;
            family.operands.push(operand);
        }
        let left = self.reader.len();
        // Each member takes at least one byte.
        let size = family.size().filter(|size| *size <= left);
        let size = size.ok_or_else(|| {
            let problem = format!("its members do not fit into the {left} bytes left");
            self.reader.fault(problem)
        })?;
        family.members.reserve_exact(size);
        for _ in 0..size {
            let start = self.reader.offset();
            let member = self.reader.unsigned()?;
            let index = u32::try_from(member).ok();
            let index = index.filter(|index| (*index as usize) < groups);
            family
                .members
                .push(index.ok_or_else(|| fault(start, format!("there is no micro-op {member}")))?);
        }
        Ok(family)
    }

    fn operand(&mut self, taken: &mut HashSet<&'a str>) -> Result<FamilyOperand, Fault> {
        let name = self.new_name(taken)?.to_owned();
        let start = self.reader.offset();
        let numbers = self.reader.bytes()?;
        let mut choices = Vec::with_capacity(numbers.len());
        let mut known = [false; 256];
        for number in numbers {
            let location = location_of(*number)
                .ok_or_else(|| fault(start, format!("{name}: there is no location {number}")))?;
            let known = known.get_mut(usize::from(*number));
            if known.is_some_and(|known| std::mem::replace(known, true)) {
                return Err(fault(
                    start,
                    format!("{name}: there are two of location {number}"),
                ));
            }
            choices.push(location);
        }
        match choices.is_empty() {
            true => Err(fault(start, format!("{name} is in no location"))),
            false => Ok(FamilyOperand { name, choices }),
        }
    }
}

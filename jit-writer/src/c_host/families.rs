//! The functions that find the members of families.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jit_stencils::{Family, StencilSet};

use crate::{error::HeaderError, names};

const GUIDE: &str = "\
// Families: each is an operation that has a stencil for each choice of where its results and operands are. A function
// returns the opcode of a member for choices, which are numbers from 0, or UINT32_MAX if there is no such member. r0 and v0
// are registers. An operand in memory (m) or in the instruction (i) is the operand of the instruction that has its number,
// in the order of the parameters: the offset in bytes from the frame pointer, or the value.

";

/// Writes a function for each family, and names for the choices.
pub(super) fn write(out: &mut String, set: &StencilSet) -> Result<(), HeaderError> {
    if set.families.is_empty() {
        return Ok(());
    }
    out.push_str(GUIDE);
    let mut taken = BTreeSet::new();
    for family in &set.families {
        check(family, set)?;
        write_family(out, family, &mut taken);
    }
    Ok(())
}

/// Checks that C can have the name of a family, and that its members are there.
fn check(family: &Family, set: &StencilSet) -> Result<(), HeaderError> {
    let name = family.name.clone();
    if !names::is_identifier(&name) {
        return Err(HeaderError::OpName { opname: name });
    }
    let mut members = family.members.iter();
    let are_there = members.all(|member| set.groups.get(*member as usize).is_some());
    match are_there && family.size() == Some(family.members.len()) {
        true => Ok(()),
        false => Err(HeaderError::Family { name }),
    }
}

fn write_family(out: &mut String, family: &Family, taken: &mut BTreeSet<String>) {
    let name = &family.name;
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "// {name}:");
    let mut choices = Vec::new();
    for operand in &family.operands {
        let locations = operand.choices.iter().enumerate();
        let numbered: Vec<String> = locations
            .clone()
            .map(|(choice, location)| format!("{location} ({choice})"))
            .collect();
        let _ = writeln!(out, "//     {} is in {}", operand.name, numbered.join(", "));
        choices.extend(locations.map(|(choice, location)| {
            (format!("JIT_IN_{name}_{}_{location}", operand.name), choice)
        }));
    }
    // With underscores in names, two of them can be equal. Numbers always work.
    choices.retain(|(name, _)| names::is_identifier(name) && taken.insert(name.clone()));
    if !choices.is_empty() {
        out.push_str("enum {\n");
        for (name, choice) in choices {
            let _ = writeln!(out, "    {name} = {choice},");
        }
        out.push_str("};\n");
    }
    let operands = family.operands.iter().enumerate();
    // No keyword of C or C++ ends like this.
    let parameter = |(number, name): (usize, &str)| match names::is_identifier(name) {
        true => format!("{name}_in"),
        false => format!("operand{number}_in"),
    };
    let parameters: Vec<(String, usize)> = operands
        .map(|(number, operand)| (parameter((number, &operand.name)), operand.choices.len()))
        .collect();
    let declared: Vec<String> = parameters
        .iter()
        .map(|(name, _)| format!("uint32_t {name}"))
        .collect();
    let declared = match declared.is_empty() {
        true => "void".to_owned(),
        false => declared.join(", "),
    };
    let checks: Vec<String> = parameters
        .iter()
        .map(|(name, count)| format!("{name} >= {count}"))
        .collect();
    let index = parameters
        .iter()
        .fold(String::new(), |index, (name, count)| match index.as_str() {
            "" => name.clone(),
            _ => format!("({index}) * {count} + {name}"),
        });
    let members: Vec<String> = family.members.iter().map(u32::to_string).collect();
    let lines: Vec<String> = members.chunks(16).map(|line| line.join(", ")).collect();
    let _ = write!(
        out,
        "static inline uint32_t\njit_family_{name}({declared})\n{{\n    static const uint32_t members[{}] = {{\n        {},\n    }};\n",
        members.len(),
        lines.join(",\n        ")
    );
    if !checks.is_empty() {
        let _ = write!(
            out,
            "    if ({}) {{\n        return UINT32_MAX;\n    }}\n",
            checks.join(" || ")
        );
    }
    let index = if index.is_empty() { "0" } else { &index };
    let _ = write!(out, "    return members[{index}];\n}}\n\n");
}

//! `[registers]` and `[family.NAME]`: operations that become a stencil for each choice of where their operands are.

use std::{collections::BTreeSet, fmt};

use jit_schema::{Arch, Target};
use jit_stencils::Location;
use toml::{Spanned, Value};

use super::{holes::operand_bits, names::is_identifier};
use crate::{
    error::Error,
    project::{
        config::{Config, FamilyTable, LocationsTable},
        emit::Emits,
    },
};

/// The operations, and the registers that their operands can be in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Families {
    /// The number of registers for integers and pointers.
    pub(crate) reg: u8,
    /// The number of registers for doubles.
    pub(crate) vec: u8,
    pub(crate) list: Vec<Family>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family {
    /// The name, which is that of the function as well.
    pub(crate) name: String,
    pub(crate) results: Vec<Operand>,
    pub(crate) operands: Vec<Operand>,
    /// The number of places that it can go to, beside the next instruction.
    pub(crate) targets: u16,
    /// Whether it returns to what has called the trace, instead of going on at the next instruction.
    pub(crate) leaves: bool,
    /// How many registers have a value afterwards. Without this, all have.
    pub(crate) keeps: Option<u8>,
    pub(crate) at: At,
}

/// A result or an operand, and all that it can be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) name: String,
    pub(crate) choices: Vec<Location>,
    /// How many bits the operand of the instruction has for [`Location::Imm`].
    imm_bits: u8,
    /// How many it has for [`Location::Mem`]. Without this, as many as offsets of less than 2 GiB need.
    mem_bits: Option<u8>,
    /// How many bytes it counts for [`Location::Mem`]: a power of two.
    pub(crate) unit: u16,
}

/// Where something is in `jit.toml`, which has no effect on stencils.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct At(pub(crate) usize);

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("At")
    }
}

/// The bits of the operand of an instruction that is a number, unless the author says it: any number.
const IMM_BITS: u8 = 64;

/// The bits of an offset in the frame, in bytes, unless the author says it. As a positive number of 32 bits with a sign, the offset
/// is the displacement of an instruction of x86_64.
const MEM_BITS: u8 = 31;

/// The most bytes that an offset in the frame can count.
const MOST_UNIT: u16 = 64;

/// The most members that the families of a project can have together.
const MOST_MEMBERS: u128 = 100_000;

/// The most registers for integers: with the frame, as many as clang passes in registers on x86_64.
const MOST_REG: u8 = 11;

/// The most registers for doubles, on all targets.
const MOST_VEC: u8 = 8;

/// The most targets, as in `[holes]`.
const MOST_TARGETS: u16 = 1024;

impl Families {
    pub(super) fn of(config: &Config) -> Result<Families, Error> {
        let mut families = Families::default();
        if let Some(registers) = &config.registers {
            families.reg = register_count(config, "reg", registers.reg.as_ref(), MOST_REG)?;
            families.vec = register_count(config, "vec", registers.vec.as_ref(), MOST_VEC)?;
        } else if let Some((name, _)) = config.family.first_key_value() {
            return Err(config.error_at(
                name.span().start,
                format!(
                    "[family.{}] needs [registers], which says how many registers there are: reg = 6 and vec = 4, for \
                     example",
                    name.get_ref()
                ),
            ));
        }
        for (name, table) in &config.family {
            let family = families.family(name, table).map_err(|(at, message)| {
                config.error_at(at, format!("[family.{}]: {message}", name.get_ref()))
            })?;
            families.list.push(family);
        }
        families.check_size(config)?;
        Ok(families)
    }

    /// Returns the operation that a function is, if it is one.
    pub(crate) fn named(&self, function: &str) -> Option<&Family> {
        self.list.iter().find(|family| family.name == function)
    }

    /// Checks that targets pass arguments in registers, and that what is written has families.
    pub(crate) fn check<'t>(
        &self,
        emits: Emits,
        mut targets: impl Iterator<Item = &'t Target>,
        config: &Config,
    ) -> Result<(), Error> {
        let Some(family) = self.list.first() else {
            return Ok(());
        };
        let wrong = |message: String| {
            Err(config.error_at(family.at.0, format!("[family.{}]: {message}", family.name)))
        };
        if emits.header {
            return wrong(
                "a header of functions that patch stencils has no families: write emit = [\"stencils\"] or emit = [\"c\"]"
                    .to_owned(),
            );
        }
        match targets.find(|target| target.arch == Arch::I686) {
            Some(target) => wrong(format!(
                "{target} passes no arguments in registers, so it can have no families: leave it out of the targets"
            )),
            None => Ok(()),
        }
    }

    /// Refuses more members than can be compiled in a reasonable time.
    fn check_size(&self, config: &Config) -> Result<(), Error> {
        let mut all = 0_u128;
        for family in &self.list {
            let size = family.size();
            let place = |message: String| {
                Err(config.error_at(family.at.0, format!("[family.{}]: {message}", family.name)))
            };
            if size > MOST_MEMBERS {
                let factors = family.all();
                let factors: Vec<String> = factors
                    .map(|operand| format!("{} of {}", operand.choices.len(), operand.name))
                    .collect();
                return place(format!(
                    "it has {size} members ({}), and {MOST_MEMBERS} can be built: let operands be in fewer locations, or have \
                     fewer [registers]",
                    factors.join(" * ")
                ));
            }
            all += size;
            if all > MOST_MEMBERS {
                return place(format!(
                    "with it, the families have more than {all} members, and {MOST_MEMBERS} can be built: let operands be in \
                     fewer locations, or have fewer [registers]"
                ));
            }
        }
        Ok(())
    }

    /// Returns a family, or what is wrong with it and where.
    fn family(
        &self,
        name: &Spanned<String>,
        table: &FamilyTable,
    ) -> Result<Family, (usize, String)> {
        let at = name.span().start;
        let wrong = |message: &str| Err((at, message.to_owned()));
        if !is_identifier(name.get_ref()) {
            return wrong(
                "the name is that of a function in C, so it can have letters, digits and _",
            );
        }
        let mut known = BTreeSet::new();
        let results = self.operands(&table.results, &mut known)?;
        let operands = self.operands(&table.operands, &mut known)?;
        let imm = |operand: &&Operand| operand.choices.contains(&Location::Imm);
        if let Some(result) = results.iter().find(imm) {
            let message = format!("result {} can't be imm, which only is read", result.name);
            return Err((at, message));
        }
        let (targets, keeps) = (table.targets.as_ref(), table.keeps.as_ref());
        if let Some(targets) = targets.filter(|targets| *targets.get_ref() > MOST_TARGETS) {
            let message = format!(
                "targets = {}: there can be {MOST_TARGETS}",
                targets.get_ref()
            );
            return Err((targets.span().start, message));
        }
        if let Some(keeps) = keeps.filter(|keeps| *keeps.get_ref() > self.reg) {
            let message = format!(
                "keeps = {}: there are {} registers (reg in [registers])",
                keeps.get_ref(),
                self.reg
            );
            return Err((keeps.span().start, message));
        }
        Ok(Family {
            name: name.get_ref().clone(),
            results,
            operands,
            targets: targets.map_or(0, |targets| *targets.get_ref()),
            leaves: table.leaves,
            keeps: keeps.map(|keeps| *keeps.get_ref()),
            at: At(at),
        })
    }

    /// Returns what a table says, in the order in which it is written.
    fn operands<'t>(
        &self,
        table: &'t LocationsTable,
        known: &mut BTreeSet<&'t str>,
    ) -> Result<Vec<Operand>, (usize, String)> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let operands = entries.into_iter().map(|(name, entries)| {
            let at = name.span().start;
            let text = name.get_ref();
            if !known.insert(text) {
                return Err((at, format!("there are two operands of the name {text}")));
            }
            let operand = self.operand(text, entries.get_ref());
            operand.map_err(|message| (at, format!("{text}: {message}")))
        });
        operands.collect()
    }

    /// Returns an operand with the locations in a list.
    fn operand(&self, name: &str, entries: &[Value]) -> Result<Operand, String> {
        let mut operand = Operand {
            name: name.to_owned(),
            choices: Vec::new(),
            imm_bits: IMM_BITS,
            mem_bits: None,
            unit: 1,
        };
        for entry in entries {
            let Entry { word, bits, unit } = location(entry)?;
            let locations: Vec<Location> = match word {
                "reg" => (0..self.reg).map(Location::Reg).collect(),
                "vec" => (0..self.vec).map(Location::Vec).collect(),
                "imm" => vec![Location::Imm],
                "mem" => vec![Location::Mem],
                _ => {
                    return Err(format!(
                        "{word:?} is not known: an operand is in \"reg\", \"vec\", \"imm\" or \"mem\""
                    ));
                }
            };
            let Some(first) = locations.first() else {
                return Err(format!("there is no {word}, as [registers] says"));
            };
            if operand.choices.contains(first) {
                return Err(format!("{word:?} is there twice"));
            }
            match (first, bits) {
                (_, None) => {}
                (Location::Imm, Some(bits)) => operand.imm_bits = bits,
                (Location::Mem, Some(bits)) => operand.mem_bits = Some(bits),
                (Location::Reg(_) | Location::Vec(_), Some(_)) => {
                    return Err(format!(
                        "bits is for \"imm\" and \"mem\": what is in {word} has 64 bits"
                    ));
                }
            }
            match (first, unit) {
                (_, None) => {}
                (Location::Mem, Some(unit)) => operand.unit = unit,
                _ => {
                    return Err(format!(
                        "unit is for \"mem\", an offset in the frame, and not for {word}"
                    ));
                }
            }
            operand.choices.extend(locations);
        }
        let has = |kind: fn(&Location) -> bool| operand.choices.iter().any(kind);
        match operand.choices.is_empty() {
            true => Err(
                "name at least one of \"reg\", \"vec\", \"imm\" and \"mem\", where the operand can be"
                    .to_owned(),
            ),
            false
                if has(|one| matches!(one, Location::Reg(_)))
                    && has(|one| matches!(one, Location::Vec(_))) =>
            {
                Err(
                    "\"reg\" is for integers and pointers, \"vec\" for doubles: an operand is one of them"
                        .to_owned(),
                )
            }
            false => Ok(operand),
        }
    }
}

/// An entry in a list of locations.
struct Entry<'a> {
    word: &'a str,
    /// How many bits the operand of the instruction has.
    bits: Option<u8>,
    /// How many bytes it counts.
    unit: Option<u16>,
}

fn location(entry: &Value) -> Result<Entry<'_>, String> {
    if let Value::String(word) = entry {
        return Ok(Entry {
            word,
            bits: None,
            unit: None,
        });
    }
    let table = entry.as_table();
    let known = |table: &&toml::Table| {
        let mut keys = table.keys();
        keys.all(|key| matches!(key.as_str(), "in" | "bits" | "unit"))
    };
    let table = table.filter(known);
    let word = table.and_then(|table| table.get("in")?.as_str());
    let (Some(word), Some(table)) = (word, table) else {
        return Err(format!(
            "{entry} is not known: write \"reg\", \"vec\", \"imm\", \"mem\", {{ in = \"imm\", bits = 8 to 64 }} or {{ in = \"mem\", bits = 8 to 64, unit = 8 }}"
        ));
    };
    let bits = table.get("bits").map(operand_bits).transpose()?;
    let unit = table.get("unit").map(unit).transpose()?;
    Ok(Entry { word, bits, unit })
}

fn unit(unit: &Value) -> Result<u16, String> {
    let number = unit.as_integer().and_then(|unit| u16::try_from(unit).ok());
    number
        .filter(|number| number.is_power_of_two() && *number <= MOST_UNIT)
        .ok_or_else(|| {
            format!("unit = {unit}: it is a number of bytes, a power of two of at most {MOST_UNIT}")
        })
}

impl Operand {
    /// Returns how many bits the operand of an instruction has if this one is at a location: 0 if it has none for it.
    fn bits(&self, location: Location) -> u8 {
        match location {
            Location::Imm => self.imm_bits,
            Location::Mem => {
                let bits = MEM_BITS.saturating_sub(self.unit.ilog2() as u8);
                self.mem_bits.unwrap_or(bits)
            }
            Location::Reg(_) | Location::Vec(_) => 0,
        }
    }
}

impl Family {
    /// Returns the results, then the operands.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Operand> {
        self.results.iter().chain(&self.operands)
    }

    /// Returns the number of members.
    fn size(&self) -> u128 {
        let sizes = self.all().map(|operand| operand.choices.len() as u128);
        sizes.fold(1, u128::saturating_mul)
    }

    /// Returns the locations of the results and operands of each member, in the order of the members: the choice of the last
    /// one changes from each to the next.
    pub(crate) fn members(&self) -> Vec<Vec<Location>> {
        self.all().fold(vec![Vec::new()], |members, operand| {
            let members = members.iter();
            let longer = members.flat_map(|member| {
                let choices = operand.choices.iter();
                choices.map(|choice| [member.as_slice(), &[*choice]].concat())
            });
            longer.collect()
        })
    }

    /// Returns how many bits the operands of an instruction have for a member: 0 for those that it does not take.
    pub(crate) fn operand_bits(&self, locations: &[Location]) -> Vec<u8> {
        let operands = self.all().zip(locations);
        operands
            .map(|(operand, location)| operand.bits(*location))
            .collect()
    }

    /// Returns the name of a member: that of the family, and where its results and operands are.
    pub(crate) fn member_name(&self, locations: &[Location]) -> String {
        let locations = locations.iter().map(|location| format!("_{location}"));
        format!("{}{}", self.name, locations.collect::<String>())
    }
}

fn register_count(
    config: &Config,
    key: &str,
    count: Option<&Spanned<u8>>,
    most: u8,
) -> Result<u8, Error> {
    match count {
        Some(count) if *count.get_ref() > most => Err(config.error_at(
            count.span().start,
            format!(
                "[registers] {key} = {}: there can be {most}, which all targets pass in registers",
                count.get_ref()
            ),
        )),
        count => Ok(count.map_or(0, |count| *count.get_ref())),
    }
}

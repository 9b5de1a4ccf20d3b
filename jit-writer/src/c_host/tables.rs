//! The tables of stencils, holes and symbols.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use jit_stencils::{
    CodeEnd, GUARD, Hole, HoleValue, Interface, Part, PatchKind, PatchValue, StencilGroup,
    StencilSet, SymbolMask,
};

use super::{
    quick,
    rows::{Filled, Value, write_table},
};
use crate::{error::HeaderError, names};

/// The numbers that the values of CPython's instructions have.
pub(super) const FIXED_VALUES: &str = "\
// Operands of instructions: 0 is _JIT_OPARG, 1 is _JIT_OPERAND0, 2 is _JIT_OPERAND1, 3 is _JIT_TARGET. Targets: 0 is
// _JIT_JUMP_TARGET, 1 is _JIT_ERROR_TARGET.
";

/// A range of a table: where it starts, and how many rows it has.
type Range = (usize, usize);

/// The row of a stencil.
#[derive(Debug, Default)]
struct Row {
    code: Range,
    data: Range,
    code_holes: Range,
    data_holes: Range,
    got: Range,
    trampolines: Range,
    symbols: Range,
    operands: Range,
    targets: Range,
    alignment: usize,
    falls_through: bool,
    /// Its holes, if the linker has a case for all of them.
    quick: Option<Vec<quick::Hole>>,
}

/// What an instruction gives to a stencil.
#[derive(Debug)]
struct Needs<'s> {
    interface: &'s Interface,
    /// Bits of the operands, by number; 0 for those that are not used.
    operands: Vec<u8>,
    /// The numbers of the targets.
    targets: BTreeSet<usize>,
}

impl Needs<'_> {
    fn operand(&mut self, number: usize, bits: u8) {
        if self.operands.len() <= number {
            self.operands.resize(number + 1, 0);
        }
        if let Some(known) = self.operands.get_mut(number).filter(|known| **known == 0) {
            *known = bits;
        }
    }
}

/// The enumerator for targets.
const PLACE: &str = "PLACE";

/// All tables.
pub(super) struct Tables<'s> {
    set: &'s StencilSet,
    /// The stencils: those of the micro-ops, then the shim's.
    groups: Vec<(&'s str, &'s StencilGroup)>,
    rows: Vec<Row>,
    bytes: Vec<u8>,
    holes: Vec<String>,
    ordinals: Vec<usize>,
    operand_bits: Vec<u8>,
    /// All symbols: first those with ordinals.
    symbols: Vec<&'s str>,
    by_name: HashMap<&'s str, usize>,
    /// Whether any hole takes a value of CPython's instructions.
    pub(super) has_fixed_values: bool,
    has_general_values: bool,
}

/// Why a hole cannot be filled.
type Problem = String;

impl<'s> Tables<'s> {
    pub(super) fn new(set: &'s StencilSet) -> Result<Tables<'s>, HeaderError> {
        let shim = set
            .shim
            .iter()
            .map(|shim| (shim.name.as_str(), &shim.group));
        let groups = set
            .groups
            .iter()
            .map(|(name, group)| (name.as_str(), group));
        let symbols: Vec<&str> = set.symbols.iter().map(String::as_str).collect();
        let mut tables = Tables {
            set,
            groups: groups.chain(shim).collect(),
            rows: Vec::new(),
            bytes: Vec::new(),
            holes: Vec::new(),
            ordinals: Vec::new(),
            operand_bits: Vec::new(),
            by_name: symbols
                .iter()
                .enumerate()
                .map(|(at, name)| (*name, at))
                .collect(),
            symbols,
            has_fixed_values: false,
            has_general_values: false,
        };
        for (name, group) in tables.groups.clone() {
            if !names::is_identifier(name) {
                return Err(HeaderError::OpName {
                    opname: name.to_owned(),
                });
            }
            tables.add(name, group)?;
        }
        Ok(tables)
    }

    fn add(&mut self, name: &str, group: &'s StencilGroup) -> Result<(), HeaderError> {
        if !group.data_alignment.is_power_of_two() {
            return Err(HeaderError::Host {
                opname: name.to_owned(),
                part: Part::Data,
                offset: 0,
                problem: format!("{} is no alignment", group.data_alignment),
            });
        }
        let mut row = Row {
            alignment: group.data_alignment,
            falls_through: group.end == CodeEnd::FallsThrough,
            got: self.add_mask(&group.got_entries),
            trampolines: self.add_mask(&group.trampolines),
            ..Row::default()
        };
        let mut needs = Needs {
            interface: &group.interface,
            operands: Vec::new(),
            targets: BTreeSet::new(),
        };
        // The symbols whose addresses must be known.
        let mut symbols: Vec<usize> = Vec::new();
        let mut quick = quick::Candidate::new(group);
        for (start, count) in [row.got, row.trampolines] {
            symbols.extend(self.ordinals.iter().skip(start).take(count));
        }
        for (part, stencil) in [(Part::Code, &group.code), (Part::Data, &group.data)] {
            let bytes = (self.bytes.len(), stencil.body.len());
            self.bytes.extend(&stencil.body);
            let start = self.holes.len();
            for hole in stencil.holes.iter().filter(|hole| !hole.void) {
                let added = self.add_hole(hole, stencil.body.len(), &mut needs, &mut symbols);
                let added = added.map_err(|problem| HeaderError::Host {
                    opname: name.to_owned(),
                    part,
                    offset: hole.offset,
                    problem,
                })?;
                if let Some(filled) = added {
                    quick.add(part, &filled);
                }
            }
            let holes = (start, self.holes.len() - start);
            match part {
                Part::Code => (row.code, row.code_holes) = (bytes, holes),
                Part::Data => (row.data, row.data_holes) = (bytes, holes),
            }
        }
        symbols.sort_unstable();
        symbols.dedup();
        row.symbols = (self.ordinals.len(), symbols.len());
        self.ordinals.extend(symbols);
        row.operands = (self.operand_bits.len(), needs.operands.len());
        self.operand_bits.extend(&needs.operands);
        row.quick = quick.holes(self.set.target.arch);
        row.targets = (self.ordinals.len(), needs.targets.len());
        self.ordinals.extend(&needs.targets);
        self.rows.push(row);
        Ok(())
    }

    /// Adds the ordinals in a mask.
    fn add_mask(&mut self, mask: &SymbolMask) -> Range {
        let start = self.ordinals.len();
        for (index, word) in mask.sparse_words() {
            let bits = (0..64).filter(|bit| word >> bit & 1 != 0);
            self.ordinals.extend(bits.map(|bit| index * 64 + bit));
        }
        (start, self.ordinals.len() - start)
    }

    fn add_hole(
        &mut self,
        hole: &'s Hole,
        size: usize,
        needs: &mut Needs<'_>,
        symbols: &mut Vec<usize>,
    ) -> Result<Option<Filled>, Problem> {
        let Some(patch) = patch(hole.patch) else {
            // The GOT is filled for the whole trace.
            return Ok(None);
        };
        if !hole.patch.row().arches.contains(&self.set.target.arch) {
            return Err(format!(
                "{} is for another architecture",
                hole.patch.c_name()
            ));
        }
        for offset in hole.first.into_iter().chain([hole.offset]) {
            let end = offset.checked_add(hole.patch.width());
            if end.is_none_or(|end| end > size) {
                return Err(format!("it is not within the {size} bytes of the stencil"));
            }
        }
        let ((value, number), addend) = match &hole.value {
            PatchValue::GotSlot { ordinal, addend } => (("SLOT", self.ordinal(*ordinal)?), *addend),
            PatchValue::Symbol { ordinal } => {
                let addend = hole.patch.row().base_addend;
                (("SYMBOL", self.ordinal(*ordinal)?), addend)
            }
            PatchValue::Address {
                base: HoleValue::Zero,
                symbol: Some(symbol),
                addend,
            } => {
                let index = self.symbol(symbol);
                symbols.push(index);
                (("SYMBOL", index), *addend)
            }
            PatchValue::Address {
                base,
                symbol: None,
                addend,
            } => (self.base(*base, needs)?, *addend),
            PatchValue::Scaled { base, addend, .. } => (self.base(*base, needs)?, *addend),
            PatchValue::Address { base, .. } => {
                return Err(format!("a symbol's address cannot be added to {base}"));
            }
        };
        let scale = hole.value.scale();
        let first = hole.first.unwrap_or(0);
        let offset = hole.offset;
        let bits = match value {
            "OPERAND" => needs.operands.get(number).copied().unwrap_or(0),
            _ => 0,
        };
        let filled = Filled {
            offset,
            patch,
            value: (value, number),
            scale,
            addend,
            bits,
        };
        // The largest negative number has no literal.
        let addend = match addend {
            i64::MIN => "INT64_MIN".to_owned(),
            addend if i32::try_from(addend).is_ok() => addend.to_string(),
            addend => format!("INT64_C({addend})"),
        };
        self.holes.push(format!(
            "{{{offset}, {first}, {number}, JIT_P_{patch}, JIT_V_{value}, {scale}, {addend}}}"
        ));
        Ok(Some(filled))
    }

    fn ordinal(&self, ordinal: usize) -> Result<usize, Problem> {
        match ordinal < self.set.symbols.len() {
            true => Ok(ordinal),
            false => Err(format!("there is no symbol number {ordinal}")),
        }
    }

    /// Returns the index of a symbol that has no ordinal.
    fn symbol(&mut self, symbol: &'s str) -> usize {
        let next = self.symbols.len();
        let index = *self.by_name.entry(symbol).or_insert(next);
        if index == next {
            self.symbols.push(symbol);
        }
        index
    }

    /// Returns the value that a hole takes from its instruction or its place, and notes what that needs.
    fn base(&mut self, base: HoleValue, needs: &mut Needs<'_>) -> Result<Value, Problem> {
        use HoleValue as V;
        let bits = |number: u16| {
            let bits = needs.interface.operands.get(usize::from(number));
            bits.copied().unwrap_or(0)
        };
        let (value, number, bits) = match base {
            V::Code => return Ok(("CODE", 0)),
            V::Data => return Ok(("DATA", 0)),
            V::Zero => return Ok(("ZERO", 0)),
            V::Got => return Err("a GOT slot needs a symbol".into()),
            V::Continue | V::Executor => {
                return Err(format!("only CPython 3.14 has the value {base}"));
            }
            V::Oparg | V::Oparg16 => ("OPERAND", 0, 16),
            V::Operand0 | V::Operand0_16 | V::Operand0_32 => ("OPERAND", 1, 64),
            V::Operand0Hi => ("HIGH", 1, 64),
            V::Operand0Lo => ("LOW", 1, 64),
            V::Operand1 | V::Operand1_16 | V::Operand1_32 => ("OPERAND", 2, 64),
            V::Operand1Hi => ("HIGH", 2, 64),
            V::Operand1Lo => ("LOW", 2, 64),
            V::Target => ("OPERAND", 3, 32),
            V::JumpTarget => (PLACE, 0, 0),
            V::ErrorTarget => (PLACE, 1, 0),
            V::Operand(number) => ("OPERAND", number, bits(number)),
            V::OperandHigh(number) => ("HIGH", number, bits(number)),
            V::OperandLow(number) => ("LOW", number, bits(number)),
            V::Place(number) => (PLACE, number, 0),
        };
        let known = match base {
            V::Place(number) => number < needs.interface.targets,
            _ => value == PLACE || bits != 0,
        };
        if !known {
            return Err(format!("the stencil's interface does not have {base}"));
        }
        let number = usize::from(number);
        match value {
            PLACE => {
                needs.targets.insert(number);
            }
            _ => needs.operand(number, bits),
        }
        if base.is_general() {
            self.has_general_values = true;
        } else {
            self.has_fixed_values = true;
        }
        if self.has_general_values && self.has_fixed_values {
            return Err(format!(
                "it takes {base}, but other holes take values of the other kind: a set has either values with \
                 numbers or those of CPython's instructions"
            ));
        }
        Ok((value, number))
    }

    /// Writes the opcodes.
    pub(super) fn write_opcodes(&self, out: &mut String) {
        let _ = writeln!(out, "#define JIT_STENCIL_COUNT {}u", self.groups.len());
        let _ = writeln!(out, "#define JIT_SYMBOL_COUNT {}u", self.symbols.len());
        let words = self.set.symbols.len().div_ceil(64).max(1);
        let _ = writeln!(out, "#define JIT_MASK_WORDS {words}u");
        let guard = self.set.groups.iter().position(|(name, _)| name == GUARD);
        match guard {
            Some(guard) => {
                let _ = writeln!(
                    out,
                    "// What is put after each trace.\n#define JIT_GUARD {guard}u"
                );
            }
            None => out.push_str("#define JIT_GUARD UINT32_MAX\n"),
        }
        if self.set.shim.is_some() {
            let _ = writeln!(
                out,
                "// The function through which C enters a trace, as a trace of one instruction.\n\
                 #define JIT_SHIM {}u",
                self.set.groups.len()
            );
        }
        out.push_str("\nenum {\n");
        for (opcode, (name, _)) in self.set.groups.iter().enumerate() {
            let _ = writeln!(out, "    JIT_OP_{name} = {opcode},");
        }
        if self.set.groups.is_empty() {
            out.push_str("    JIT_OP_NONE_ = 0,\n");
        }
        out.push_str("};\n\n");
    }

    /// Writes the tables.
    pub(super) fn write(&self, out: &mut String) {
        out.push_str("// The code and data of all stencils, and as much as is copied more of the last one.\n");
        let more = std::iter::repeat_n(&0, quick::MOST);
        let bytes: Vec<String> = self.bytes.iter().chain(more).map(u8::to_string).collect();
        write_table(out, "unsigned char jit_bytes", &bytes, 24);
        write_table(out, "jit_hole jit_holes", &self.holes, 1);
        let ordinals: Vec<String> = self.ordinals.iter().map(usize::to_string).collect();
        write_table(out, "uint32_t jit_ordinals", &ordinals, 16);
        let bits: Vec<String> = self.operand_bits.iter().map(u8::to_string).collect();
        write_table(out, "unsigned char jit_operand_bits", &bits, 16);
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        write_table(out, "jit_stencil jit_stencils", &rows, 1);
        let groups = self.groups.iter().map(|(_, group)| *group);
        let shapes = quick::Shapes::new(groups.zip(self.rows.iter().map(|row| &row.quick)));
        let bodies = self.rows.iter().zip(&shapes.rows);
        let bodies: Vec<String> = bodies.map(|(row, quick)| body(row, quick)).collect();
        write_table(out, "jit_body jit_bodies", &bodies, 1);
        shapes.write(out);
        let names: Vec<String> = self.groups.iter().map(|(name, _)| literal(name)).collect();
        write_table(out, "char *const jit_stencil_names", &names, 1);
        let symbols: Vec<String> = self.symbols.iter().map(|name| literal(name)).collect();
        write_table(out, "char *const jit_symbol_names", &symbols, 1);
    }
}

fn row(row: &Row) -> String {
    let ranges = [
        row.code_holes,
        row.data_holes,
        row.got,
        row.trampolines,
        row.symbols,
        row.operands,
        row.targets,
    ];
    let mut text = String::from("{");
    for (start, count) in ranges {
        let _ = write!(text, "{start}, {count}, ");
    }
    let _ = write!(text, "{}}}", u8::from(row.falls_through));
    text
}

fn body(row: &Row, quick: &quick::Row) -> String {
    let ((code, code_size), (data, data_size)) = (row.code, row.data);
    let alignment = row.alignment;
    format!("{{{code}, {code_size}, {data}, {data_size}, {alignment}, {quick}}}")
}

/// Returns the enumerator of a patch without its prefix, or `None` for one that is no hole in a stencil.
fn patch(patch: PatchKind) -> Option<&'static str> {
    Some(match patch {
        PatchKind::GotSymbol => return None,
        PatchKind::Patch32 => "32",
        PatchKind::Patch32s => "32S",
        PatchKind::Patch32r => "32R",
        PatchKind::Patch64 => "64",
        PatchKind::X86_64_32rx => "X86_32RX",
        PatchKind::X86_64Trampoline => "X86_TRAMPOLINE",
        PatchKind::Aarch64_12 | PatchKind::Aarch64_12x => "A64_12",
        PatchKind::Aarch64_16a => "A64_16A",
        PatchKind::Aarch64_16b => "A64_16B",
        PatchKind::Aarch64_16c => "A64_16C",
        PatchKind::Aarch64_16d => "A64_16D",
        PatchKind::Aarch64_19r => "A64_19R",
        PatchKind::Aarch64_21r | PatchKind::Aarch64_21rx => "A64_21R",
        PatchKind::Aarch64_26r => "A64_26R",
        PatchKind::Aarch64_33rx => "A64_33RX",
        PatchKind::Aarch64Trampoline => "A64_TRAMPOLINE",
    })
}

/// Returns a C string literal.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'@' => out.push(byte.into()),
            other => {
                let _ = write!(out, "\\{other:03o}");
            }
        }
    }
    out.push('"');
    out
}

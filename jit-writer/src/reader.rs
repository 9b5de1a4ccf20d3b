//! Reads headers with stencils: the stencils that a format's writer wrote.
//!
//! Only what the writers write is understood, line by line. CPython's own `Tools/jit` writes the same lines.

mod patch;

use std::collections::HashMap;

use jit_schema::{Arch, Target};
use jit_stencils::{Part, Shim, StencilGroup, StencilSet, SymbolMask};

use crate::{expression::BaseExpression, format::HeaderFormat, names::is_identifier};

/// Why a text cannot be read as a header with stencils.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No format has such headers.
    #[error("this is not a header with stencils, as jit-cli and CPython's Tools/jit write them")]
    Unknown,
    /// The end is missing.
    #[error("the end of the header is missing")]
    Truncated,
    /// A line is not as the format has it.
    #[error("line {line}: {problem}")]
    Line {
        /// The line's number, from 1 on.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// Reads a header with the stencils of a target, in any of the formats. What headers do not have is left out: how
/// code ends, void holes, and a shim that is an object file. Comments are not read.
///
/// # Errors
///
/// [`ReadError`] if the text is no such header, or not a whole one.
///
/// ```
/// use jit_schema::{Arch, Target};
/// use jit_stencils::{StencilGroup, StencilSet};
/// use jit_writer::{HeaderFormat, Preamble, read_header};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = *Target::from_triple("x86_64-unknown-linux-gnu")?;
/// let groups = vec![("NOP".to_owned(), StencilGroup::default())];
/// let set = StencilSet { target, groups, symbols: vec![], shim: None, families: vec![] };
/// let preamble = Preamble { digest: "a digest", comment: "$ a command" };
/// let header = HeaderFormat::PLAIN.stencil_header(preamble, &set)?;
/// assert_eq!(read_header(target, &header)?, set);
/// # Ok(())
/// # }
/// ```
pub fn read_header(target: Target, text: &str) -> Result<StencilSet, ReadError> {
    let format = HeaderFormat::ALL
        .iter()
        .find(|format| format.has_table(text))
        .ok_or(ReadError::Unknown)?;
    if !format.is_whole(text.as_bytes()) {
        return Err(ReadError::Truncated);
    }
    let mut reader = Reader {
        lines: text.lines().enumerate(),
        base: format.base,
        set: StencilSet {
            target,
            groups: Vec::new(),
            symbols: Vec::new(),
            shim: None,
            families: vec![],
        },
        by_name: HashMap::new(),
        tables: Tables::default(),
        left: MOST,
    };
    reader.header()?;
    reader.tables.apply(&mut reader.set)?;
    Ok(reader.set)
}

type Lines<'t> = std::iter::Enumerate<std::str::Lines<'t>>;

struct Reader<'t> {
    lines: Lines<'t>,
    base: BaseExpression,
    set: StencilSet,
    /// The indices of groups.
    by_name: HashMap<&'t str, usize>,
    tables: Tables,
    /// How many bytes of stencils may follow.
    left: usize,
}

/// The most bytes of all stencils together, since C fills arrays with zeros that take no room in a header. CPython's have a
/// thousandth of that.
const MOST: usize = 64 << 20;

/// What is before the shim's row, in headers that have the shim.
const SHIM: &str = "static const StencilGroup shim = ";

/// What stands in tables, by the order of the rows, which is that of names.
#[derive(Default)]
struct Tables {
    /// The index of the group in each row.
    order: Vec<usize>,
    /// The index of the shim among the groups.
    shim: Option<usize>,
    alignments: Vec<usize>,
    operands: Vec<Vec<u8>>,
    targets: Vec<u16>,
}

impl<'t> Reader<'t> {
    fn header(&mut self) -> Result<(), ReadError> {
        while let Some((index, line)) = self.lines.next() {
            let at = |problem: &str| ReadError::Line {
                line: index + 1,
                problem: problem.to_owned(),
            };
            if let Some(rest) = line.strip_prefix("emit_") {
                let (name, _) = rest.split_once('(').ok_or_else(|| at("no function"))?;
                if !is_identifier(name) {
                    return Err(at(&format!("{name:?} is no name")));
                }
                let group = self.function()?;
                if self.by_name.insert(name, self.set.groups.len()).is_some() {
                    return Err(at(&format!("{name} is there twice")));
                }
                self.set.groups.push((name.to_owned(), group));
            } else if let Some(row) = line.strip_prefix("    ").and_then(Row::of) {
                let index = self
                    .row(&row)
                    .ok_or_else(|| at("no row of the table of stencils"))?;
                self.tables.order.push(index);
            } else if let Some(row) = line.strip_prefix(SHIM) {
                let row = row.strip_suffix(';').and_then(Row::of_initializer);
                let index = row.and_then(|row| self.row(&row));
                let index =
                    index.ok_or_else(|| at("no row like those of the table of stencils"))?;
                self.tables.shim = Some(index);
            } else if let Some(symbol) = symbol_of(line) {
                if !is_identifier(symbol) {
                    return Err(at(&format!("{symbol:?} is no name")));
                }
                self.set.symbols.push(symbol.to_owned());
            } else if line.starts_with("static const size_t jit_data_alignments[") {
                self.tables.alignments = self.numbers()?;
            } else if line.starts_with("static const uint16_t jit_target_counts[") {
                self.tables.targets = self.numbers()?;
            } else if line.starts_with("static const unsigned char jit_operand_bits[") {
                self.tables.operands = self.rows(|row| {
                    let row = row.strip_prefix('{')?.strip_suffix('}')?;
                    let all: Result<Vec<u8>, _> = row.split(", ").map(str::parse).collect();
                    // C has no empty rows.
                    all.ok()
                        .map(|all| if all == [0] { Vec::new() } else { all })
                })?;
            }
        }
        Ok(())
    }

    /// Reads the function of a micro-op, from its parameters on.
    fn function(&mut self) -> Result<StencilGroup, ReadError> {
        let mut group = StencilGroup::default();
        loop {
            let (index, line) = self.lines.next().ok_or(ReadError::Truncated)?;
            let at = |problem: &str| ReadError::Line {
                line: index + 1,
                problem: problem.to_owned(),
            };
            if line == "}" {
                return Ok(group);
            }
            let line = line.trim_start();
            if let Some(rest) = line.strip_prefix("const unsigned char ") {
                let part = Part::ALL
                    .into_iter()
                    .find_map(|part| Some((part, rest.strip_prefix(&format!("{part}_body["))?)));
                let (part, rest) = part.ok_or_else(|| at("an array with another name"))?;
                let size = rest
                    .strip_suffix("] = {")
                    .and_then(|size| size.parse().ok());
                let size = size.ok_or_else(|| at("an array without a size"))?;
                group.part_mut(part).body = self.bytes(size)?;
            } else if line.starts_with("patch_") {
                let (part, hole) = patch::parse(line, self.base).map_err(|problem| at(&problem))?;
                let target = self.set.target;
                if !hole.patch.row().arches.contains(&target.arch) {
                    let patch = hole.patch.c_name();
                    return Err(at(&format!("{patch} is not for {target}")));
                }
                group.part_mut(part).holes.push(hole);
            }
        }
    }

    /// Reads the bytes of an array of that size. C fills it with zeros.
    fn bytes(&mut self, size: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        loop {
            let (index, line) = self.lines.next().ok_or(ReadError::Truncated)?;
            let line = line.trim();
            if line == "};" && bytes.len() <= size && size <= self.left {
                self.left -= size;
                bytes.resize(size, 0);
                return Ok(bytes);
            }
            let wrong = || ReadError::Line {
                line: index + 1,
                problem: "no bytes".to_owned(),
            };
            for byte in line.split_terminator(',') {
                let digits = byte.trim().strip_prefix("0x").ok_or_else(wrong)?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            }
        }
    }

    fn numbers<N: std::str::FromStr>(&mut self) -> Result<Vec<N>, ReadError> {
        self.rows(|row| row.parse().ok())
    }

    /// Reads the rows of a table up to its end.
    fn rows<R>(&mut self, read: impl Fn(&str) -> Option<R>) -> Result<Vec<R>, ReadError> {
        let mut rows = Vec::new();
        loop {
            let (index, line) = self.lines.next().ok_or(ReadError::Truncated)?;
            if line == "};" {
                return Ok(rows);
            }
            let row = line.trim().strip_suffix(',').and_then(&read);
            rows.push(row.ok_or_else(|| ReadError::Line {
                line: index + 1,
                problem: "no row of a table".to_owned(),
            })?);
        }
    }

    /// Adds what is in a row to its stencil, and returns the index of that.
    fn row(&mut self, row: &Row<'_>) -> Option<usize> {
        let index = *self.by_name.get(row.name)?;
        let arch = self.set.target.arch;
        let (_, group) = self.set.groups.get_mut(index)?;
        for (part, size) in Part::ALL.into_iter().zip(row.sizes) {
            let body = &mut group.part_mut(part).body;
            // What has only zeros has no array.
            if body.is_empty() {
                self.left = self.left.checked_sub(size)?;
                body.resize(size, 0);
            }
            let unit = if arch == Arch::Aarch64 && part == Part::Code {
                4
            } else {
                1
            };
            if body.len() != size || !size.is_multiple_of(unit) {
                return None;
            }
        }
        let [trampolines, got_entries] = &row.masks;
        group.trampolines = trampolines.clone();
        group.got_entries = got_entries.clone();
        for part in Part::ALL {
            let stencil = group.part_mut(part);
            let size = stencil.body.len();
            let mut ends = stencil
                .holes
                .iter()
                .map(|hole| hole.offset.checked_add(hole.patch.width()));
            if ends.any(|end| end.is_none_or(|end| end > size)) {
                return None;
            }
        }
        Some(index)
    }
}

impl Tables {
    fn apply(self, set: &mut StencilSet) -> Result<(), ReadError> {
        let rows = self.order.len();
        let fits = |length: usize| length == 0 || length == rows;
        if rows + usize::from(self.shim.is_some()) != set.groups.len()
            || !fits(self.alignments.len())
            || !fits(self.operands.len())
            || !fits(self.targets.len())
        {
            return Err(ReadError::Truncated);
        }
        for (row, index) in self.order.into_iter().enumerate() {
            let Some((_, group)) = set.groups.get_mut(index) else {
                continue;
            };
            if let Some(alignment) = self.alignments.get(row) {
                group.data_alignment = *alignment;
            }
            if let Some(operands) = self.operands.get(row) {
                group.interface.operands.clone_from(operands);
            }
            if let Some(targets) = self.targets.get(row) {
                group.interface.targets = *targets;
            }
        }
        if let Some(index) = self.shim.filter(|index| *index < set.groups.len()) {
            let (name, group) = set.groups.remove(index);
            set.shim = Some(Shim {
                name,
                group,
                unwind: None,
            });
        }
        Ok(())
    }
}

/// A row of the table of stencils.
struct Row<'t> {
    name: &'t str,
    sizes: [usize; 2],
    masks: [SymbolMask; 2],
}

impl<'t> Row<'t> {
    /// Reads `[NAME] = {emit_NAME, 1, 2, {0}, {0x04}},` and `{"NAME", emit_NAME, 1, 2, {0}, {0x04}},`.
    fn of(line: &'t str) -> Option<Row<'t>> {
        let line = line.strip_suffix(',')?;
        match line.starts_with('[') {
            true => Row::of_initializer(line.split_once("] = ")?.1),
            false => Row::of_values(line.strip_prefix("{\"")?.split_once("\", ")?.1),
        }
    }

    /// Reads `{emit_NAME, 1, 2, {0}, {0x04}}`.
    fn of_initializer(text: &'t str) -> Option<Row<'t>> {
        Row::of_values(text.strip_prefix('{')?)
    }

    /// Reads `emit_NAME, 1, 2, {0}, {0x04}}`. In headers without a GOT, there is one mask.
    fn of_values(text: &'t str) -> Option<Row<'t>> {
        let (name, rest) = text.strip_prefix("emit_")?.split_once(", ")?;
        let (code, rest) = rest.split_once(", ")?;
        let (data, rest) = rest.split_once(", {")?;
        let masks = rest.strip_suffix("}}")?;
        let (trampolines, got_entries) = masks.split_once("}, {").unwrap_or((masks, "0"));
        Some(Row {
            name,
            sizes: [code.parse().ok()?, data.parse().ok()?],
            masks: [mask(trampolines)?, mask(got_entries)?],
        })
    }
}

/// Reads the words of a mask.
fn mask(text: &str) -> Option<SymbolMask> {
    let mut ordinals = Vec::new();
    for (index, word) in text.split(", ").enumerate() {
        let word = match word {
            "0" => 0,
            _ => u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()?,
        };
        ordinals.extend(
            (0..32)
                .filter(|bit| word >> bit & 1 != 0)
                .map(|bit| 32 * index + bit),
        );
    }
    Some(ordinals.into_iter().collect())
}

/// Returns the symbol in a row of the table of symbols: `[3] = &NAME,` or `(const void *)&NAME,`.
fn symbol_of(line: &str) -> Option<&str> {
    let row = line.strip_prefix("    ")?.strip_suffix(',')?;
    match row.strip_prefix("(const void *)&") {
        Some(symbol) => Some(symbol),
        None => {
            let (number, symbol) = row.strip_prefix('[')?.split_once("] = &")?;
            number
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then_some(symbol)
        }
    }
}

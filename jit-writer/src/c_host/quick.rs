//! The stencils that the linker has a case for: each case copies as much as a few stencils have, and fills holes of the
//! same kinds in the same order, so that there are no loops and no other branches to guess.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{self, Write as _},
};

use jit_schema::Arch;
use jit_stencils::{Part, StencilGroup};

use super::rows::{Filled, write_table};

/// The greatest number of cases: those that the most stencils have.
const CASES: usize = 300;
/// The greatest number of holes.
const HOLES: usize = 8;
/// The greatest number of bytes of code that are copied in pieces of 32, and of data in pieces of 16. More is copied
/// exactly.
const MOST_CODE: usize = 256;
const MOST_DATA: usize = 64;
/// The greatest number of bytes that are copied at once, and not all needed.
pub(super) const MOST: usize = 32;

/// The addend of a displacement at the end of its instruction.
const USUAL: i64 = -4;

/// A hole of a case: the macro that fills it, and what differs among stencils.
#[derive(Debug)]
pub(super) struct Hole {
    step: String,
    number: usize,
    addend: i32,
    offset: u16,
    bits: u8,
}

/// A stencil that there may be a case for.
#[derive(Debug)]
pub(super) struct Candidate<'s> {
    group: &'s StencilGroup,
    /// `None` if one has no macro.
    holes: Option<Vec<(Part, Hole)>>,
}

impl<'s> Candidate<'s> {
    pub(super) fn new(group: &'s StencilGroup) -> Candidate<'s> {
        Candidate {
            group,
            holes: Some(Vec::new()),
        }
    }

    /// Adds a hole.
    pub(super) fn add(&mut self, part: Part, hole: &Filled) {
        let found = self.hole(part, hole);
        match (&mut self.holes, found) {
            (Some(holes), Some(hole)) => holes.push((part, hole)),
            _ => self.holes = None,
        }
    }

    fn hole(&self, part: Part, hole: &Filled) -> Option<Hole> {
        let (kind, number) = hole.value;
        if hole.scale != 1 {
            return None;
        }
        let value = match kind {
            "CODE" => "code",
            "DATA" => "data",
            "ZERO" => "zero",
            "OPERAND" if hole.bits < 64 => "bits",
            "OPERAND" => "operand",
            "PLACE" => "place",
            "SYMBOL" => "symbol",
            "SLOT" => "slot",
            // Halves of operands are for 32-bit x86.
            _ => return None,
        };
        let name = match part {
            Part::Code => "code",
            Part::Data => "data",
        };
        // The linker counts operands and targets in 16 bits.
        if matches!(kind, "OPERAND" | "PLACE") && number >= usize::from(u16::MAX) {
            return None;
        }
        let step = match hole.patch {
            "64" => format!("JIT_64({name}, {value})"),
            "32" => format!("JIT_32({name}, {value})"),
            // A trampoline is used where this does not reach, and then there is no case for it.
            "32R" | "X86_TRAMPOLINE" => format!("JIT_32R({name}, {value})"),
            "X86_32RX" => self.displacement((part, name), hole, value)?,
            _ => return None,
        };
        Some(Hole {
            step,
            number,
            addend: i32::try_from(hole.addend).ok()?,
            offset: u16::try_from(hole.offset).ok()?,
            bits: hole.bits,
        })
    }

    /// Returns the macro for a displacement in an instruction, which may become another one that needs neither the slot nor
    /// the data.
    fn displacement(
        &self,
        (part, name): (Part, &str),
        hole: &Filled,
        value: &str,
    ) -> Option<String> {
        let before = hole.offset.checked_sub(2);
        let opcode = before.and_then(|before| self.group.code.body.get(before..hole.offset));
        let relaxed = match (part, opcode) {
            (Part::Data, _) => None,
            (_, Some([0x8b, _])) => Some("JIT_LEA"),
            (_, Some([0xff, 0x15])) => Some("JIT_CALL"),
            (_, Some([0xff, 0x25])) => Some("JIT_JMP"),
            _ => None,
        };
        match (relaxed, value) {
            (Some(relaxed), "slot") if hole.addend == USUAL => Some(format!("{relaxed}({value})")),
            (Some(relaxed), "data") => {
                let size = self.group.data.body.len();
                let start = usize::try_from(hole.addend.checked_sub(USUAL)?).ok()?;
                // Eight bytes of the stencil's own.
                (start + 8 <= size).then(|| format!("{relaxed}({value})"))
            }
            (Some(_), "slot") => None,
            _ => Some(format!("JIT_32R({name}, {value})")),
        }
    }

    /// Returns the holes in the order of a case.
    pub(super) fn holes(self, arch: Arch) -> Option<Vec<Hole>> {
        let mut holes = self.holes.filter(|holes| holes.len() <= HOLES)?;
        if arch != Arch::X86_64 {
            return None;
        }
        // What is written into code may depend on what is in the data.
        let order = |part: &Part| u8::from(matches!(part, Part::Code));
        holes.sort_by(|(left_part, left), (right_part, right)| {
            let left = (order(left_part), &left.step, left.offset);
            left.cmp(&(order(right_part), &right.step, right.offset))
        });
        Some(holes.into_iter().map(|(_, hole)| hole).collect())
    }
}

/// What a stencil's row says about its case.
#[derive(Debug, Default)]
pub(super) struct Row {
    first: usize,
    code_room: usize,
    data_room: usize,
    shape: usize,
    operands: usize,
    targets: usize,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            first,
            code_room,
            data_room,
            shape,
            operands,
            targets,
        } = self;
        write!(
            f,
            "{first}, {code_room}, {data_room}, {shape}, {operands}, {targets}"
        )
    }
}

/// The cases, and what the rows of all stencils say about them.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    pub(super) rows: Vec<Row>,
    cases: Vec<String>,
    holes: Vec<String>,
}

impl Shapes {
    pub(super) fn new<'r>(
        stencils: impl Iterator<Item = (&'r StencilGroup, &'r Option<Vec<Hole>>)>,
    ) -> Shapes {
        let stencils: Vec<_> = stencils
            .map(|(group, holes)| holes.as_ref().map(|holes| (text(group, holes), holes)))
            .collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (text, _) in stencils.iter().flatten() {
            *counts.entry(&text.steps).or_default() += 1;
        }
        let mut cases: Vec<(&str, usize)> = counts.into_iter().collect();
        // Those that as many have stay in the order of their texts.
        cases.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        cases.truncate(CASES);
        let numbers: HashMap<&str, usize> = cases.iter().map(|(text, _)| *text).zip(1..).collect();
        let mut shapes = Shapes::default();
        for stencil in &stencils {
            let row = stencil.as_ref().and_then(|(text, holes)| {
                let shape = *numbers.get(text.steps.as_str())?;
                Some(shapes.row(shape, text, holes))
            });
            shapes.rows.push(row.unwrap_or_default());
        }
        shapes.cases = cases.into_iter().map(|(text, _)| text.to_owned()).collect();
        shapes
    }

    fn row(&mut self, shape: usize, text: &Text, holes: &[Hole]) -> Row {
        let mut row = Row {
            first: self.holes.len(),
            code_room: text.code_room,
            data_room: text.data_room,
            shape,
            ..Row::default()
        };
        for hole in holes {
            let Hole {
                number,
                addend,
                offset,
                bits,
                ..
            } = hole;
            let needed = number + 1;
            if hole.step.ends_with("place)") {
                row.targets = row.targets.max(needed);
            } else if hole.step.ends_with("bits)") || hole.step.ends_with("operand)") {
                row.operands = row.operands.max(needed);
            }
            // INT32_MIN has no literal.
            let addend = match *addend {
                i32::MIN => "INT32_MIN".to_owned(),
                addend => addend.to_string(),
            };
            self.holes
                .push(format!("{{{number}, {addend}, {offset}, {bits}}}"));
        }
        row
    }

    /// Writes the holes and the cases.
    pub(super) fn write(&self, out: &mut String) {
        if self.cases.is_empty() {
            return;
        }
        let none = ["{0, 0, 0, 0}".to_owned()];
        let holes = match self.holes.as_slice() {
            // C has no empty arrays, and C++ warns if members are left out.
            [] => &none,
            holes => holes,
        };
        write_table(out, "jit_quick_hole jit_quick_holes", holes, 4);
        out.push_str("#define JIT_SHAPES \\\n");
        for (number, case) in (1..).zip(&self.cases) {
            let _ = writeln!(out, "    case {number}: {case}break; \\");
        }
        out.push('\n');
    }
}

/// A case, and how many bytes of code and data it writes.
struct Text {
    steps: String,
    code_room: usize,
    data_room: usize,
}

/// Returns the case of a stencil.
fn text(group: &StencilGroup, holes: &[Hole]) -> Text {
    let mut steps = String::new();
    let mut copy = |part: &str, size: usize, piece: usize, most: usize| {
        if size > most {
            let _ = write!(steps, "JIT_COPY_ALL({part}) ");
            return 0;
        }
        for offset in (0..size).step_by(piece) {
            let _ = write!(steps, "JIT_COPY_{piece}({part}, {offset}) ");
        }
        size.next_multiple_of(piece)
    };
    let data_room = copy("data", group.data.body.len(), 16, MOST_DATA);
    let code_room = copy("code", group.code.body.len(), 32, MOST_CODE);
    for hole in holes {
        let _ = write!(steps, "{} ", hole.step);
    }
    Text {
        steps,
        code_room,
        data_room,
    }
}

//! 64-bit Arm: `OptimizerAArch64`.

use crate::OptimizeError;
use crate::cfg::Graph;
use crate::parse::{Branch, Constant, Instruction, Operation, Reach, Syntax};
use crate::scan;

/// Conditional branches and their inverses, which go both ways.
const LONG_BRANCHES: [(&str, &str); 17] = [
    ("b.eq", "b.ne"),
    ("b.lt", "b.ge"),
    ("b.gt", "b.le"),
    ("b.vs", "b.vc"),
    ("b.mi", "b.pl"),
    ("b.cs", "b.cc"),
    ("b.hs", "b.lo"),
    ("b.hi", "b.ls"),
    ("bc.eq", "bc.ne"),
    ("bc.lt", "bc.ge"),
    ("bc.gt", "bc.le"),
    ("bc.vs", "bc.vc"),
    ("bc.mi", "bc.pl"),
    ("bc.cs", "bc.cc"),
    ("bc.hs", "bc.lo"),
    ("bc.hi", "bc.ls"),
    ("cbz", "cbnz"),
];

/// These reach 32 KiB, which is less than a trace may have.
const SHORT_BRANCHES: [(&str, &str); 1] = [("tbz", "tbnz")];

/// The relocation for the 19 bits of a long branch, which Mach-O has no relocation of its own for.
const BRANCH_RELOCATION: &str = "CUSTOM_AARCH64_BRANCH19";

/// Relocations for constants: with `16a` and `16b` for the halves of a small one, `33a` and `33b`
/// for the two instructions that load a large one.
const CONSTANT_RELOCATION: &str = "CUSTOM_AARCH64_CONST";

/// The names of operands that fit into 32 bits.
const SMALL_VALUES: [&str; 6] = [
    "_JIT_OPARG_16",
    "_JIT_OPARG_32",
    "_JIT_OPERAND0_16",
    "_JIT_OPERAND0_32",
    "_JIT_OPERAND1_16",
    "_JIT_OPERAND1_32",
];

fn branch(mnemonic: &str) -> Option<Branch> {
    let find = |table: &[(&'static str, &'static str)], reach| {
        table.iter().find_map(|&(name, inverse)| {
            let (mnemonic, inverse) = if mnemonic == name {
                (name, inverse)
            } else if mnemonic == inverse {
                (inverse, name)
            } else {
                return None;
            };
            Some(Branch {
                mnemonic,
                inverse: Some(inverse),
                reach,
            })
        })
    };
    find(&LONG_BRANCHES, Reach::Long).or_else(|| find(&SHORT_BRANCHES, Reach::Short))
}

/// Recognize branches, jumps, calls, returns and what makes constants. Indirect jumps and calls
/// (`br`, `blr`) are not: upstream's patterns do not match them.
pub(crate) fn operation(line: &str) -> Operation<'_> {
    // \s*ret\b
    if let Some(rest) = scan::skip_space(line).strip_prefix("ret")
        && scan::at_word_end(rest)
    {
        return Operation::Return;
    }
    let Some((mnemonic, rest)) = scan::mnemonic(line) else {
        return Operation::Other;
    };
    let recognized = match mnemonic {
        "b" => scan::target(scan::skip_space(rest)).map(|target| Operation::Jump { target }),
        "bl" | "blx" => {
            scan::target(scan::skip_space(rest)).map(|target| Operation::Call { target })
        }
        "adrp" | "ldr" => load(mnemonic, rest).map(Operation::Constant),
        "and" => mask(rest).map(Operation::Constant),
        _ if mnemonic.starts_with(['b', 'c', 't']) => branch(mnemonic)
            .zip(branch_target(rest))
            .map(|(branch, target)| Operation::Branch { branch, target }),
        _ => None,
    };
    recognized.unwrap_or(Operation::Other)
}

/// `\s+(.+,\s+)*([\w.]+)` and its second group: what comes after the last comma that has white
/// space and a possible target behind it, wherever in the line, or else the first operand.
fn branch_target(text: &str) -> Option<&str> {
    let operands = scan::skip_space(text);
    let after_comma = |rest: &'_ str| -> Option<usize> {
        let target = scan::skip_space(rest);
        let found = target.len() < rest.len() && scan::target(target).is_some();
        found.then_some(target.len())
    };
    let tail = |len: usize| scan::target(operands.get(operands.len() - len..)?);
    for (comma, _) in operands.rmatch_indices(',').filter(|&(at, _)| at > 0) {
        if let Some(len) = operands.get(comma + 1..).and_then(after_comma) {
            return tail(len);
        }
    }
    if let Some(target) = scan::target(operands) {
        return Some(target);
    }
    // A comma right behind the white space has nothing for `.+`, unless `\s+` leaves it a space.
    let spaces = text.len() - operands.len();
    let more_than_one = text.chars().next().is_some_and(|c| c.len_utf8() < spaces);
    let rest = operands.strip_prefix(',').filter(|_| more_than_one)?;
    after_comma(rest).and_then(tail)
}

/// `_re_small_const_1` and `_re_large_const_1` for `adrp`, `..._2` for `ldr`.
fn load<'a>(mnemonic: &str, rest: &'a str) -> Option<Constant<'a>> {
    let (register, rest) = register(scan::skip_space(rest), &['x'])?;
    let rest = rest.strip_prefix(',')?;
    let page = mnemonic == "adrp";
    if let Some(value) = small_value(rest) {
        return Some(match page {
            true => Constant::SmallPage { register, value },
            false => Constant::SmallLoad { register, value },
        });
    }
    let value = marked_value(rest, if page { ":got:" } else { ":got_lo12:" })?;
    Some(match page {
        true => Constant::LargePage { register, value },
        false => Constant::LargeLoad { register, value },
    })
}

/// The last name of a small operand.
fn small_value(text: &str) -> Option<&str> {
    text.rmatch_indices("_JIT_OP").find_map(|(at, _)| {
        let name = text.get(at..)?;
        let value = SMALL_VALUES.iter().find(|&&v| name.starts_with(v))?;
        name.get(..value.len())
    })
}

/// What follows the last marker that has a symbol behind it.
fn marked_value<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    // Markers may overlap by a colon, so `rmatch_indices` will not do.
    let mut end = text.len();
    loop {
        let at = text.get(..end)?.rfind(marker)?;
        let after = text.get(at + marker.len()..)?;
        let (value, _) = scan::split_run(after, |c| c == '_' || c.is_ascii_alphanumeric());
        if !value.is_empty() {
            return Some(value);
        }
        end = at + marker.len() - 1;
    }
}

/// `_re_small_const_mask`: `[xw]\d\d?, *([xw]\d\d?).*0xffff`.
fn mask(rest: &str) -> Option<Constant<'_>> {
    let (_, rest) = register(scan::skip_space(rest), &['x', 'w'])?;
    let source = rest.strip_prefix(',')?.trim_start_matches(' ');
    let (mut name, mut rest) = register(source, &['x', 'w'])?;
    if !rest.contains("0xffff") {
        // The second digit may be the first of the number.
        (name, rest) = source.split_at_checked(2)?;
    }
    rest.contains("0xffff")
        .then_some(Constant::Mask { register: name })
}

/// A register of one of these classes, and one or two digits: as many as there are.
fn register<'a>(text: &'a str, classes: &[char]) -> Option<(&'a str, &'a str)> {
    let digits = text.strip_prefix(classes)?.bytes().take(2);
    match digits.take_while(u8::is_ascii_digit).count() {
        0 => None,
        count => text.split_at_checked(1 + count),
    }
}

/// `\s*stp\s+x29`.
pub(crate) fn modifies_frame_pointer(line: &str) -> bool {
    matches!(scan::mnemonic(line), Some(("stp", rest)) if scan::skip_space(rest).starts_with("x29"))
}

/// Give long branches out of the stencil a label that stands for their relocation, and no target
/// of their own (`_fixup_external_labels`).
pub(crate) fn label_external_branches(graph: &mut Graph<'_>, syntax: &Syntax) {
    let mut next = Some(Graph::ROOT);
    let mut index = 0;
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        if let Some(last) = block.instructions.last_mut()
            && let Operation::Branch { branch, target } = last.operation
            && branch.reach == Reach::Long
            && syntax.is_far_target(target)
        {
            let mut name = target.chars();
            name.by_ref()
                .take(syntax.symbol_prefix.len())
                .for_each(drop);
            let label = format!(
                "{}{BRANCH_RELOCATION}_JIT_RELOCATION_{}_JIT_RELOCATION_{index}:",
                syntax.symbol_prefix,
                name.as_str(),
            );
            let label = Instruction::synthetic(label, last.line);
            last.retarget("0");
            let before = block.instructions.len() - 1;
            block.instructions.insert(before, label);
        }
        index += 1;
    }
}

/// Label loads of constants with their relocations, and make small ones immediate
/// (`_fixup_constants`).
pub(crate) fn fix_up_constants(graph: &mut Graph<'_>) -> Result<(), OptimizeError> {
    let mut labels = 0;
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        let constants = |i: &Instruction<'_>| matches!(i.operation, Operation::Constant(_));
        if block.instructions.iter().any(constants) {
            let instructions = std::mem::take(&mut block.instructions);
            let mut fixup = Fixup::new(labels, instructions.len());
            for instruction in instructions {
                fixup.instruction(instruction)?;
            }
            labels = fixup.labels;
            graph[id].instructions = fixup.output;
        }
    }
    Ok(())
}

/// What is known of a register at one point in a block. The places are those of a temporary label,
/// with the `adrp` behind it, in the output.
#[derive(Debug)]
struct Register<'a> {
    /// `x0` to `x99`.
    name: &'a str,
    /// The page of a small constant is in it.
    small_page: Option<usize>,
    /// A small constant is in it.
    small_whole: bool,
    /// The page of a GOT entry is in it.
    large_page: Option<usize>,
}

/// The constants of one block being fixed up.
#[derive(Debug)]
struct Fixup<'a> {
    output: Vec<Instruction<'a>>,
    /// The registers that a constant was seen for.
    registers: Vec<Register<'a>>,
    /// How many labels there are in the stencil.
    labels: usize,
}

impl<'a> Fixup<'a> {
    fn new(labels: usize, instructions: usize) -> Fixup<'a> {
        Fixup {
            output: Vec::with_capacity(instructions + 4),
            registers: Vec::new(),
            labels,
        }
    }

    fn register(&mut self, name: &'a str) -> &mut Register<'a> {
        let known = self.registers.iter().position(|r| r.name == name);
        let at = known.unwrap_or_else(|| {
            self.registers.push(Register {
                name,
                small_page: None,
                small_whole: false,
                large_page: None,
            });
            self.registers.len() - 1
        });
        &mut self.registers[at]
    }

    fn instruction(&mut self, instruction: Instruction<'a>) -> Result<(), OptimizeError> {
        let Operation::Constant(constant) = instruction.operation else {
            for register in &mut self.registers {
                if may_use(&instruction.text, register.name) {
                    register.small_page = None;
                    register.small_whole = false;
                    register.large_page = None;
                }
            }
            self.output.push(instruction);
            return Ok(());
        };
        match constant {
            Constant::SmallPage { register: name, .. } => {
                let at = self.output.len();
                let register = self.register(name);
                register.small_page = Some(at);
                register.small_whole = false;
                register.large_page = None;
                self.push_page(instruction, Some(name));
            }
            Constant::LargePage { register, .. } => {
                let at = self.output.len();
                let register = self.register(register);
                register.small_page = None;
                register.small_whole = false;
                register.large_page = Some(at);
                self.push_page(instruction, None);
            }
            Constant::SmallLoad { register, value } => {
                match self.register(register).small_page.take() {
                    Some(page) => self.small_pair(page, instruction, register, value)?,
                    None => self.output.push(instruction),
                }
            }
            Constant::LargeLoad { register, value } => {
                let register = self.register(register);
                register.small_page = None;
                register.small_whole = false;
                match register.large_page.take() {
                    Some(page) => self.large_pair(page, instruction, value),
                    None => self.output.push(instruction),
                }
            }
            Constant::Mask { register: written } => {
                let is_known = |known: &Register<'_>| {
                    known.small_whole && known.name.get(1..) == written.get(1..)
                };
                let known = self.registers.iter().find(|&known| is_known(known));
                if known.is_none_or(|known| !same_registers(&instruction.text, known.name)) {
                    self.output.push(instruction);
                }
            }
        }
        Ok(())
    }

    /// An `adrp` behind a label that its other half may yet replace (`_make_temp_label`).
    fn push_page(&mut self, page: Instruction<'a>, note: Option<&str>) {
        let separator = if note.is_some() { "_" } else { "" };
        let note = note.unwrap_or_default();
        let label = format!("jit_temp_{}{separator}{note}:", self.labels);
        self.labels += 1;
        self.output.push(Instruction::synthetic(label, page.line));
        self.output.push(page);
    }

    /// Load a small constant by `movz` and, for 32 bits, `movk` (`_fixup_small_constant_pair`).
    fn small_pair(
        &mut self,
        at: usize,
        load: Instruction<'a>,
        register: &'a str,
        value: &'a str,
    ) -> Result<(), OptimizeError> {
        let Some([label, page, ..]) = self.output.get_mut(at..) else {
            self.output.push(load);
            return Ok(());
        };
        let page_value = match page.operation {
            Operation::Constant(Constant::SmallPage { value, .. }) => Some(value),
            _ => None,
        };
        let refusal = if page_value != Some(value) {
            Some("# targets differ")
        } else if !same_registers(&load.text, register) {
            Some("# not same register")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let refusal = Instruction::synthetic(refusal.to_owned(), load.line);
            self.output.extend([refusal, load]);
            return Ok(());
        }
        let (name, wide) = match value.strip_suffix("_32") {
            Some(name) => (name, true),
            None => (value.strip_suffix("_16").unwrap_or(value), false),
        };
        let low = format!("{}movz {register}, 0", before_mnemonic(page, "adrp")?);
        *page = Instruction::synthetic(low, page.line);
        *label = Instruction::synthetic(small_label("16a", name, self.labels), label.line);
        self.labels += 1;
        if wide {
            let high = before_mnemonic(&load, "ldr")?;
            let high = format!("{high}movk {register}, 0, lsl #16");
            let label = small_label("16b", name, self.labels);
            self.labels += 1;
            self.output.extend([
                Instruction::synthetic(label, load.line),
                Instruction::synthetic(high, load.line),
            ]);
        }
        self.register(register).small_whole = true;
        Ok(())
    }

    /// Label both halves of a load from the GOT (`_fixup_large_constant_pair`).
    fn large_pair(&mut self, at: usize, load: Instruction<'a>, value: &str) {
        let number = self.labels;
        let label =
            |half| format!("{CONSTANT_RELOCATION}33{half}_JIT_PAIR_{value}_JIT_PAIR_{number}:");
        if let Some([first, page, ..]) = self.output.get_mut(at..)
            && let Operation::Constant(Constant::LargePage { value: page, .. }) = page.operation
            && page == value
        {
            *first = Instruction::synthetic(label('a'), first.line);
            self.labels += 1;
            let second = Instruction::synthetic(label('b'), load.line);
            self.output.push(second);
        }
        self.output.push(load);
    }
}

fn small_label(kind: &str, name: &str, number: usize) -> String {
    format!("{CONSTANT_RELOCATION}{kind}_JIT_RELOCATION_CONST{name}_JIT_RELOCATION_{number}:")
}

/// What comes before the mnemonic, which must be the only one of its name in the line:
/// `pre, _ = text.split(mnemonic)`.
fn before_mnemonic<'t>(
    instruction: &'t Instruction<'_>,
    mnemonic: &'static str,
) -> Result<&'t str, OptimizeError> {
    match instruction.text.split_once(mnemonic) {
        Some((before, after)) if !after.contains(mnemonic) => Ok(before),
        _ => Err(OptimizeError::AmbiguousMnemonic {
            mnemonic,
            line: instruction.line,
            text: instruction.text.trim().to_owned(),
        }),
    }
}

/// Whether the text has this register twice, either as `x0` or as `w0` (`_both_registers_same`).
fn same_registers(text: &str, register: &str) -> bool {
    let digits = register.get(1..).unwrap_or_default();
    let count = match text.matches(register).count() {
        0 => text.matches(&format!("w{digits}")).count(),
        count => count,
    };
    count == 2
}

/// Whether an instruction may use this register, `x0` to `x99`, explicitly (`may_use_reg`).
fn may_use(text: &str, register: &str) -> bool {
    let digits = register.get(1..).unwrap_or_default();
    // Hexadecimal numbers: the x8 of 0x80 is none.
    let numbers = || text.matches(&format!("0{register}")).count();
    text.contains(&format!("w{digits}")) || text.matches(register).count() > numbers()
}

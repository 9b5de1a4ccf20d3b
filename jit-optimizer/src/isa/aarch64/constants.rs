//! Loads of small and large constants.

mod instruction;

use jit_schema::RelocationKind;
use jit_schema::label::{Constant, Half, Label, LabelTarget, PairKind};

use crate::cfg::Graph;
use crate::error::OptimizeError;
use crate::instruction::Instruction;
use crate::pass::{Context, Pass};
use crate::scan;
use crate::syntax::Syntax;

use instruction::{Role, Small};

/// Labels loads of constants with their relocations, and makes small constants immediate
/// (`_fixup_constants`).
pub(super) const FIX_UP: Pass = Pass {
    name: "fix-up-constants",
    run: fix_up,
};

fn fix_up(graph: &mut Graph<'_>, context: &Context<'_>) -> Result<(), OptimizeError> {
    let syntax = context.syntax;
    let mut labels = 0;
    let mut next = Some(Graph::ROOT);
    while let Some(id) = next {
        let block = &mut graph[id];
        next = block.link;
        let roles: Vec<Option<Role<'_>>> = block
            .instructions
            .iter()
            .map(|instruction| role(syntax, instruction))
            .collect();
        if roles.iter().all(Option::is_none) {
            continue;
        }
        let instructions = std::mem::take(&mut block.instructions);
        let mut fixup = Fixup::new(labels, instructions.len());
        for (instruction, role) in instructions.into_iter().zip(roles) {
            match role {
                Some(role) => fixup.constant(instruction, role)?,
                None => fixup.other(syntax, instruction),
            }
        }
        labels = fixup.labels;
        block.instructions = fixup.output;
    }
    Ok(())
}

/// Returns the role of an instruction. Earlier passes change only branches, which have none.
fn role<'a>(syntax: &Syntax, instruction: &Instruction<'a>) -> Option<Role<'a>> {
    let code = syntax.code(instruction.unchanged()?);
    Role::parse(code).filter(|_| !syntax.is_several(code))
}

/// An `adrp` in the output, after a temporary label.
#[derive(Debug, Clone, Copy)]
struct Page<V> {
    /// The index of the label in the output. The `adrp` is the next instruction.
    at: usize,
    /// The value whose page it is: a [`Small`] operand or a symbol.
    value: V,
    /// Whether another instruction reads the page, so that the register has to hold it.
    shared: bool,
}

/// What is known of a register at one point in a block.
#[derive(Debug)]
struct Register<'a> {
    /// `x0` to `x99`.
    name: &'a str,
    /// Where it got the page of a small constant, if it holds one.
    small_page: Option<Page<Small>>,
    /// The bits that the small constant it holds may have.
    small_whole: Option<u64>,
    /// Where it got the page of a GOT entry, if it holds one.
    large_page: Option<Page<&'a str>>,
}

impl Register<'_> {
    fn forget(&mut self) {
        self.small_page = None;
        self.small_whole = None;
        self.large_page = None;
    }

    /// Notes that something reads the register.
    fn share(&mut self) {
        if let Some(page) = &mut self.small_page {
            page.shared = true;
        }
        if let Some(page) = &mut self.large_page {
            page.shared = true;
        }
    }
}

/// The state of the pass inside of one block.
#[derive(Debug)]
struct Fixup<'a> {
    output: Vec<Instruction<'a>>,
    /// The registers that have held a constant so far.
    registers: Vec<Register<'a>>,
    /// The number of labels in the stencil so far.
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
                small_whole: None,
                large_page: None,
            });
            self.registers.len() - 1
        });
        &mut self.registers[at]
    }

    /// Handles an instruction that does nothing for a constant, but may overwrite one.
    fn other(&mut self, syntax: &Syntax, instruction: Instruction<'a>) {
        // Among several statements on a line there may be a label.
        let several = syntax.is_several(syntax.code(&instruction.text));
        for register in &mut self.registers {
            if several || may_use(&instruction.text, register.name) {
                register.forget();
            }
        }
        self.output.push(instruction);
    }

    /// Handles an instruction that takes part in making a constant.
    fn constant(
        &mut self,
        instruction: Instruction<'a>,
        role: Role<'a>,
    ) -> Result<(), OptimizeError> {
        match role {
            Role::SmallPage { register, value } => {
                let at = self.output.len();
                let known = self.register(register);
                known.forget();
                known.small_page = Some(Page {
                    at,
                    value,
                    shared: false,
                });
                self.push_page(instruction, Some(register));
            }
            Role::LargePage { register, value } => {
                let at = self.output.len();
                let known = self.register(register);
                known.forget();
                known.large_page = Some(Page {
                    at,
                    value,
                    shared: false,
                });
                self.push_page(instruction, None);
            }
            Role::SmallLoad { register, value } => {
                self.share_base(&instruction.text, register);
                let known = self.register(register);
                let page = known.small_page.take();
                known.forget();
                match page {
                    Some(page) => self.small_pair(page, instruction, register, value)?,
                    None => self.output.push(instruction),
                }
            }
            Role::LargeLoad { register, value } => {
                self.share_base(&instruction.text, register);
                let known = self.register(register);
                let page = known.large_page.take();
                known.forget();
                match page {
                    Some(page) => self.large_pair(page, instruction, register, value),
                    None => self.output.push(instruction),
                }
            }
            Role::Mask {
                destination,
                source,
                bits,
            } => self.mask(instruction, destination, source, bits),
        }
        Ok(())
    }

    /// Notes that a load to one register reads another one.
    fn share_base(&mut self, text: &str, loaded: &str) {
        for known in &mut self.registers {
            if known.name != loaded && base(text) == Some(known.name) {
                known.share();
            }
        }
    }

    /// Removes an `and` if its source has no other bits than it keeps.
    fn mask(&mut self, instruction: Instruction<'a>, destination: u8, source: u8, bits: u64) {
        let named = |known: &Register<'_>, number: u8| known.name[1..].parse() == Ok(number);
        let source = self.registers.iter_mut().find(|r| named(r, source));
        let redundant = source.is_some_and(|known| {
            known.share();
            known.small_whole.is_some_and(|may| may & !bits == 0) && named(known, destination)
        });
        if redundant {
            return;
        }
        let destination = self.registers.iter_mut().find(|r| named(r, destination));
        if let Some(known) = destination {
            known.forget();
        }
        self.output.push(instruction);
    }

    /// Adds an `adrp` after a label that the other half may replace later (`_make_temp_label`).
    fn push_page(&mut self, page: Instruction<'a>, note: Option<&str>) {
        let separator = if note.is_some() { "_" } else { "" };
        let note = note.unwrap_or_default();
        let label = format!("jit_temp_{}{separator}{note}:", self.labels);
        self.labels += 1;
        self.output.push(Instruction::synthetic(label, page.line));
        self.output.push(page);
    }

    /// Makes a small constant immediate, with `movz` and, for 32 bits, `movk`
    /// (`_fixup_small_constant_pair`).
    fn small_pair(
        &mut self,
        page: Page<Small>,
        load: Instruction<'a>,
        register: &'a str,
        value: Small,
    ) -> Result<(), OptimizeError> {
        let refusal = if page.value != value {
            Some("# targets differ")
        } else if !same_registers(&load.text, register) {
            Some("# not same register")
        } else if page.shared {
            Some("# page is read elsewhere")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let refusal = Instruction::synthetic(refusal.to_owned(), load.line);
            self.output.extend([refusal, load]);
            return Ok(());
        }
        let adrp = &self.output[page.at + 1];
        let line = adrp.line;
        let low = format!("{}movz {register}, 0", before_mnemonic(adrp, "adrp")?);
        self.output[page.at + 1] = Instruction::synthetic(low, line);
        let label = self.small_label(RelocationKind::CustomAarch64Const16a, value.constant);
        self.output[page.at] = Instruction::synthetic(label, line);
        if value.wide {
            let high = before_mnemonic(&load, "ldr")?;
            let high = format!("{high}movk {register}, 0, lsl #16");
            let label = self.small_label(RelocationKind::CustomAarch64Const16b, value.constant);
            self.output.extend([
                Instruction::synthetic(label, load.line),
                Instruction::synthetic(high, load.line),
            ]);
        }
        let bits = if value.wide { 0xffff_ffff } else { 0xffff };
        self.register(register).small_whole = Some(bits);
        Ok(())
    }

    fn small_label(&mut self, kind: RelocationKind, constant: Constant) -> String {
        let label = Label::Relocation {
            kind,
            target: LabelTarget::Constant(constant),
            number: self.labels,
        };
        self.labels += 1;
        format!("{label}:")
    }

    /// Labels both halves of a load from the GOT (`_fixup_large_constant_pair`).
    ///
    /// Upstream does not ask whether the address is in the register that is loaded, and what else reads
    /// it.
    fn large_pair(&mut self, page: Page<&str>, load: Instruction<'a>, register: &str, value: &str) {
        let dead = base(&load.text) == Some(register) && !page.shared;
        if page.value == value && dead {
            let number = self.labels;
            self.labels += 1;
            let label = |half, line| {
                let label = Label::Pair {
                    kind: PairKind::CustomAarch64Const33,
                    half,
                    symbol: value,
                    number,
                };
                Instruction::synthetic(format!("{label}:"), line)
            };
            self.output[page.at] = label(Half::First, self.output[page.at].line);
            let second = label(Half::Second, load.line);
            self.output.push(second);
        }
        self.output.push(load);
    }
}

/// Returns what comes before the mnemonic, which must not occur in the line again:
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

/// Returns whether the text has this register twice, either as `x0` or as `w0`
/// (`_both_registers_same`).
fn same_registers(text: &str, register: &str) -> bool {
    let digits = register.get(1..).unwrap_or_default();
    let count = match text.matches(register).count() {
        0 => text.matches(&format!("w{digits}")).count(),
        count => count,
    };
    count == 2 && base(text).is_some_and(|base| base == register)
}

/// Returns the register that holds the address of a load: `x8` of `ldr x9, [x8, :lo12:f]`.
fn base(text: &str) -> Option<&str> {
    let (_, address) = text.split_once('[')?;
    let (register, _) = scan::symbol(address)?;
    Some(register)
}

/// Returns whether an instruction may use this register, `x0` to `x99`, explicitly (`may_use_reg`).
fn may_use(text: &str, register: &str) -> bool {
    let digits = register.get(1..).unwrap_or_default();
    // The x8 of a hexadecimal number like 0x80 is not a register.
    let numbers = || text.matches(&format!("0{register}")).count();
    text.contains(&format!("w{digits}")) || text.matches(register).count() > numbers()
}

//! `jit-cli show`: one stencil, or a few, in several forms.

mod arrows;
mod asm;
mod bytes;
mod cfg;
mod columns;
mod fields;
mod lines;
mod sources;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use jit_llvm::Interrupt;
use jit_stencils::{StencilGroup, StencilSet};

use self::sources::Sources;
use super::{
    known_names,
    select::Names,
    shared::asked,
    subject_args::{SubjectArgs, word},
    table::Table,
};
use crate::{
    disassembly::{self, Listing},
    error::{Error, SubjectError},
    project::{codegen::CodegenName, hardening::HardeningName, options::Options},
    sizes::Sizes,
    subjects::{Place, Subject},
    terminal::{
        report::Report,
        styled::{self, Line, Style, When},
    },
};

/// The arguments of `jit-cli show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Stencils to show: names or patterns, whose case does not count. A name without CPython's registers (_LOAD_FAST for
    /// _LOAD_FAST_r01) means all stencils of the family.
    #[arg(value_name = "NAME", required = true, add = ArgValueCompleter::new(known_names::stencils))]
    names: Vec<String>,
    /// Show the stencils in a directory, stencil file, header or pack, or in a git revision of the project [default: those
    /// of the project].
    #[arg(long, value_name = "PATH|REVISION")]
    from: Option<String>,
    #[command(flatten)]
    form: FormArgs,
    /// Show the lines of the source beside the instructions. This compiles the stencil once more, with line tables; if that
    /// gives other code, there are no lines. Functions have none.
    #[arg(long, conflicts_with_all = ["c", "holes", "bytes", "ir", "cfg"])]
    lines: bool,
    /// Code generation; several, separated by commas, are shown beside each other [default: the one in jit.toml, else
    /// upstream].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    codegen: Vec<CodegenName>,
    /// Checks of the processor to harden code for, separated by commas [default: those in jit.toml, else none].
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    hardening: Vec<HardeningName>,
    /// When to print colors.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
    #[command(flatten)]
    pub(super) subject: SubjectArgs,
}

/// What to show of a stencil.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct FormArgs {
    /// Show the instructions, with the names of holes, and the data [default].
    #[arg(long)]
    asm: bool,
    /// Show the source of the micro-op.
    #[arg(long)]
    c: bool,
    /// Show a table of the holes.
    #[arg(long)]
    holes: bool,
    /// Show the bytes of code and data, with brackets around holes.
    #[arg(long)]
    bytes: bool,
    /// Show LLVM's IR after its optimizations, which clang makes the code from.
    #[arg(long)]
    ir: bool,
    /// Print the graph of the basic blocks for Graphviz. Blocks from which control does not get to the next micro-op are blue.
    #[arg(long)]
    cfg: bool,
}

/// A form to show stencils in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Asm,
    C,
    Holes,
    Bytes,
    Ir,
    Cfg,
}

impl FormArgs {
    fn form(&self) -> Form {
        let chosen = [
            (self.c, Form::C),
            (self.holes, Form::Holes),
            (self.bytes, Form::Bytes),
            (self.ir, Form::Ir),
            (self.cfg, Form::Cfg),
        ];
        let chosen = chosen.into_iter().find(|(is_chosen, _)| *is_chosen);
        chosen.map_or(Form::Asm, |(_, form)| form)
    }
}

/// The stencils of one target and code generation.
struct Variant {
    subject: Subject,
    codegen: Option<CodegenName>,
}

/// A stencil of a variant.
struct Shown<'a> {
    name: &'a str,
    variant: &'a Variant,
    group: &'a StencilGroup,
}

impl Shown<'_> {
    fn set(&self) -> &StencilSet {
        &self.variant.subject.set
    }

    /// Returns what it is for: the target, and the code generation if that was chosen.
    fn title(&self) -> String {
        let title = &self.variant.subject.title;
        match self.variant.codegen {
            Some(codegen) => format!("{title}, {}", word(codegen)),
            None => title.clone(),
        }
    }
}

impl ShowArgs {
    /// Returns the options of a build with a code generation, or with that of the project.
    fn options(&self, codegen: Option<CodegenName>) -> Options {
        Options {
            hardening: asked(&self.hardening),
            ..self.subject.options(codegen)
        }
    }
}

/// Runs the command.
pub(crate) fn run(
    arguments: &ShowArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let names = Names::new(&arguments.names)?;
    let place = arguments
        .from
        .as_deref()
        .map_or(Place::Project, Place::named);
    let variants = variants(arguments, &place, interrupt, report)?;
    names.check(variants.iter().map(|one| &one.subject))?;
    let mut sources = Sources::new(arguments, &place, interrupt, report);
    let mut is_first = true;
    for name in selected(&variants, &names) {
        let shown: Vec<Shown<'_>> = variants
            .iter()
            .filter_map(|variant| {
                let group = variant.subject.set.group(name)?;
                Some(Shown {
                    name,
                    variant,
                    group,
                })
            })
            .collect();
        let forms = Forms {
            form: arguments.form.form(),
            sources: &mut sources,
        };
        show(arguments, forms, &shown, report, &mut is_first)?;
    }
    Ok(())
}

/// Builds or reads the stencils, for each code generation.
fn variants(
    arguments: &ShowArgs,
    place: &Place<'_>,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<Vec<Variant>, Error> {
    if let (Place::Path(path), false) = (place, arguments.codegen.is_empty()) {
        return Err(SubjectError::NotBuilt {
            place: path.display().to_string(),
            option: "--codegen",
        }
        .into());
    }
    let codegens = match arguments.codegen.as_slice() {
        [] => vec![None],
        named => named.iter().copied().map(Some).collect(),
    };
    let mut variants = Vec::new();
    for codegen in codegens {
        let options = arguments.options(codegen);
        let subjects = place.open(&options, &report.watching(), interrupt)?;
        variants.extend(
            subjects
                .into_iter()
                .map(|subject| Variant { subject, codegen }),
        );
    }
    Ok(variants)
}

/// Returns the names of the stencils that are meant, in build order.
fn selected<'a>(variants: &'a [Variant], names: &Names) -> Vec<&'a str> {
    let mut selected: Vec<&str> = Vec::new();
    for variant in variants {
        for (name, _) in &variant.subject.set.groups {
            if names.have(name) && !selected.contains(&name.as_str()) {
                selected.push(name);
            }
        }
    }
    selected
}

/// The form to show stencils in, and where their sources are.
struct Forms<'f, 'a> {
    form: Form,
    sources: &'f mut Sources<'a>,
}

/// Prints a stencil for all variants that have it.
fn show(
    arguments: &ShowArgs,
    forms: Forms<'_, '_>,
    shown: &[Shown<'_>],
    report: &Report,
    is_first: &mut bool,
) -> Result<(), Error> {
    if arguments.subject.is_json() {
        for one in shown {
            let fields = fields::fields(one, forms.form, forms.sources)?;
            report.told("stencil", &[], fields);
        }
        return Ok(());
    }
    let mut columns = Vec::new();
    for one in shown {
        let lines = match forms.form {
            Form::Asm => {
                let beside = forms.sources.beside(one)?;
                asm::lines(one.set(), one.group, &beside)
            }
            Form::Bytes => bytes::lines(one.set(), one.group),
            Form::Holes => plain(&holes(one)),
            Form::C => plain(&forms.sources.c(one)?),
            Form::Ir => plain(&forms.sources.ir(one)?),
            Form::Cfg => plain(&cfg::dot(one.name, one.set(), one.group)),
        };
        columns.push([heading(one, forms.form), lines].concat());
    }
    let colored = arguments.color.colored();
    let mut text = String::new();
    for line in columns::lay_out(columns, styled::width()) {
        text += &line.text(colored);
        text.push('\n');
    }
    if !std::mem::take(is_first) {
        text.insert(0, '\n');
    }
    report.text(&text);
    Ok(())
}

fn plain(text: &str) -> Vec<Line> {
    text.lines()
        .map(|line| Line::of(Style::Plain, line))
        .collect()
}

/// Returns the lines above a stencil. A graph has none, so that other programs can read it.
fn heading(one: &Shown<'_>, form: Form) -> Vec<Line> {
    let mut title = Line::of(Style::Title, one.name);
    title.push(Style::Plain, format!(" ({})", one.title()));
    let sizes = || Line::of(Style::Faint, sizes(one.set(), one.group));
    match form {
        Form::Cfg => Vec::new(),
        Form::C | Form::Ir => vec![title],
        Form::Asm | Form::Holes | Form::Bytes => vec![title, sizes()],
    }
}

/// Returns the sizes of a stencil in words.
fn sizes(set: &StencilSet, group: &StencilGroup) -> String {
    let Sizes {
        code,
        hot,
        data,
        holes,
        ..
    } = Sizes::of(set, group);
    let mut text = format!("{} of code", counted(code, "byte"));
    if hot > 0 && hot < code {
        text += &format!(" ({hot} hot, {} cold)", code - hot);
    }
    if data > 0 {
        text += &format!(", {data} of data");
    }
    format!("{text}, {}", counted(holes, "hole"))
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Returns the table of the holes.
fn holes(one: &Shown<'_>) -> String {
    let mut table = Table::new(
        &["part", "offset", "bytes", "patch", "value", "instruction"],
        &[],
    );
    let instructions = Listing::of(one.set(), one.group).instructions;
    for (part, index, hole) in fields::holes(one.group) {
        let is_code = part == jit_stencils::Part::Code;
        let owner = instructions.iter().find_map(|instruction| {
            let mut holes = instruction.holes.iter().filter(|_| is_code);
            let named = holes.find(|hole| hole.index == index)?;
            let text = format!("{} {}", instruction.mnemonic, instruction.named());
            Some((named.name.clone(), text))
        });
        let (name, instruction) =
            owner.unwrap_or_else(|| (disassembly::names::usual(one.set(), hole), String::new()));
        let words = [
            part.name().to_owned(),
            format!("{:#x}", hole.offset),
            hole.patch.width().to_string(),
            match hole.void {
                true => format!("({})", hole.patch.c_name()),
                false => hole.patch.c_name().to_owned(),
            },
            name,
            instruction,
        ];
        table.row(words.to_vec(), Vec::new());
    }
    match table.is_empty() {
        true => "no holes".to_owned(),
        false => table.print(false),
    }
}

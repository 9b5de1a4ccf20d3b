//! `jit-cli diff`: what differs between two builds.

mod budget;
mod print;

use clap::{Args, ValueEnum};
use jit_llvm::Interrupt;

use self::budget::Limit;
use super::{
    select::Names,
    subject_args::{SubjectArgs, titled},
};
use crate::{
    differences::Differences,
    error::{Error, SubjectError},
    project::codegen::CodegenName,
    subjects::{Place, Subject},
    terminal::report::Report,
};

/// The arguments of `jit-cli diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// What to compare: directories, stencil files, headers, packs, or git revisions of the project. A..B stands for two
    /// revisions. Without a second one, the first is compared with the project as it is now.
    #[arg(value_name = "A [B]", num_args = 0..=2)]
    places: Vec<String>,
    /// Stencils to compare: names or patterns, whose case does not count; may be repeated [default: all].
    #[arg(long = "only", value_name = "NAME")]
    names: Vec<String>,
    /// Show the instructions that differ.
    #[arg(long)]
    asm: bool,
    /// Form of the output.
    #[arg(long, value_name = "FORM", default_value = "text")]
    form: Form,
    /// Show at most N stencils of each target: those that grew or shrank the most.
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Fail if all stencils of a target together grew by more than this: bytes, or a percentage as in 1%.
    #[arg(long, value_name = "LIMIT")]
    fail_if_larger: Option<Limit>,
    /// Fail if any stencil grew by more than this: bytes, or a percentage.
    #[arg(long, value_name = "LIMIT")]
    fail_if_stencil_larger: Option<Limit>,
    /// Code generation for builds of the project. With two, separated by a comma, the project or the revision is compared
    /// with itself [default: the one in jit.toml, else upstream].
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1..=2)]
    codegen: Vec<CodegenName>,
    #[command(flatten)]
    pub(super) subject: SubjectArgs,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Aligned columns.
    Text,
    /// Tables in Markdown, for a pull request.
    Markdown,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
}

/// Two subjects that are compared.
struct Pair {
    title: String,
    before: Subject,
    after: Subject,
    differences: Differences,
}

/// Runs the command.
pub(crate) fn run(
    arguments: &DiffArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let [before, after] = places(arguments)?;
    let [one, other] = match arguments.codegen[..] {
        [] => [None, None],
        [both] => [Some(both), Some(both)],
        [one, other, ..] => [Some(one), Some(other)],
    };
    let open = |place: &Place<'_>, codegen| {
        let options = arguments.subject.options(codegen);
        place.open(&options, &report.watching(), interrupt)
    };
    let titles = [titled(&before, one), titled(&after, other)];
    let befores = open(&before, one)?;
    let afters = open(&after, other)?;
    let names = Names::new(&arguments.names)?;
    names.check(befores.iter().chain(&afters))?;
    let pairs = pairs(befores, afters, &titles, &names)?;
    print::print(arguments, &titles, &pairs, report);
    budget::check(arguments, &pairs)
}

/// Returns what to compare.
fn places(arguments: &DiffArgs) -> Result<[Place<'_>; 2], Error> {
    Ok(match &arguments.places[..] {
        [] if arguments.codegen.len() == 2 => [Place::Project, Place::Project],
        [] => return Err(SubjectError::NothingToCompare.into()),
        [one] => match Place::named(one) {
            Place::Revision(range) if range.contains("..") && !is_path(range) => {
                let (before, after) = range.split_once("..").unwrap_or((range, ""));
                // As in git, what is left out is the current revision.
                [before, after].map(|name| match name {
                    "" => Place::Revision("HEAD"),
                    name => Place::Revision(name),
                })
            }
            place if arguments.codegen.len() == 2 => [place.clone(), place],
            place => [place, Place::Project],
        },
        [before, after, ..] => [Place::named(before), Place::named(after)],
    })
}

/// Returns whether an argument is meant as a path, although nothing is there.
fn is_path(argument: &str) -> bool {
    argument.starts_with("../") || argument.contains("/..") || argument == ".."
}

/// Pairs the subjects of both sides by their titles.
fn pairs(
    befores: Vec<Subject>,
    afters: Vec<Subject>,
    titles: &[String; 2],
    names: &Names,
) -> Result<Vec<Pair>, Error> {
    let sides = [Subject::titles(&befores), Subject::titles(&afters)];
    let mut afters = afters;
    let mut pairs = Vec::new();
    for before in befores {
        if let Some(at) = before.partner(&afters) {
            let after = afters.remove(at);
            let differences =
                Differences::between(&before.set, &after.set, |name| names.have(name));
            pairs.push(Pair {
                title: before.title.clone(),
                before,
                after,
                differences,
            });
        }
    }
    match pairs.is_empty() {
        false => Ok(pairs),
        true => {
            let [wanted, found] = sides;
            let [_, place] = titles;
            Err(SubjectError::OtherTargets {
                place: place.clone(),
                wanted,
                found,
            }
            .into())
        }
    }
}

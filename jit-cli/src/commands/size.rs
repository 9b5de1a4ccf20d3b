//! `jit-cli size`: the sizes of stencils.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use jit_llvm::Interrupt;
use serde_json::{Map, Value, json};

use super::{known_names, select::Names, shared::asked, subject_args::SubjectArgs, table::Table};
use crate::{
    error::Error,
    project::{codegen::CodegenName, hardening::HardeningName},
    sizes::{Column, Sizes, family},
    subjects::{Place, Subject},
    terminal::report::Report,
};

/// The arguments of `jit-cli size`.
#[derive(Debug, Args)]
pub(crate) struct SizeArgs {
    /// Stencils to measure: names or patterns, whose case does not count [default: all].
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(known_names::stencils))]
    names: Vec<String>,
    /// Measure the stencils in a directory, stencil file, header or pack, or in a git revision of the project [default: those
    /// of the project].
    #[arg(long, value_name = "PATH|REVISION")]
    from: Option<String>,
    /// What each row is for. A family is all stencils of CPython whose names differ in their registers only: _LOAD_FAST for
    /// _LOAD_FAST_r01 and _LOAD_FAST_r12.
    #[arg(long, value_name = "ROW", default_value = "op")]
    by: By,
    /// Column to sort by, the largest first [default: the names].
    #[arg(long, value_name = "COLUMN", value_parser = column_names())]
    sort: Option<String>,
    /// Show the first N rows only, and the sum of all.
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Print comma-separated values.
    #[arg(long)]
    csv: bool,
    /// Code generation to measure [default: the one in jit.toml, else upstream].
    #[arg(long, value_name = "NAME")]
    codegen: Option<CodegenName>,
    /// Checks of the processor to harden code for, separated by commas [default: those in jit.toml, else none].
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    hardening: Vec<HardeningName>,
    #[command(flatten)]
    pub(super) subject: SubjectArgs,
}

/// What a row of the table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// A stencil.
    Op,
    /// The stencils of a family.
    Family,
    /// All stencils of a target.
    Target,
    /// A part of all stencils: hot code, cold code, and data.
    Section,
}

/// The names of columns, as clap wants them.
fn column_names() -> clap::builder::PossibleValuesParser {
    Sizes::COLUMNS.map(|column| column.name).into()
}

/// Runs the command.
pub(crate) fn run(
    arguments: &SizeArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let mut options = arguments.subject.options(arguments.codegen);
    options.hardening = asked(&arguments.hardening);
    let place = arguments
        .from
        .as_deref()
        .map_or(Place::Project, Place::named);
    let subjects = place.open(&options, &report.watching(), interrupt)?;
    let names = Names::new(&arguments.names)?;
    names.check(subjects.iter())?;
    if arguments.by == By::Section {
        return sections(arguments, &subjects, &names, report);
    }
    // Programs get the same columns for one target and for several.
    let several = subjects.len() > 1 || arguments.csv || arguments.subject.is_json();
    let mut table = Table::new(
        &first_columns(arguments.by, several),
        &Sizes::COLUMNS.map(|one| one.name),
    );
    let mut rows: Vec<(Vec<String>, Sizes)> = Vec::new();
    let mut total = Sizes::default();
    for subject in &subjects {
        let mut own: BTreeMap<&str, Sizes> = BTreeMap::new();
        for (name, group) in &subject.set.groups {
            if !names.have(name) {
                continue;
            }
            let sizes = Sizes::of(&subject.set, group);
            total += sizes;
            let row = match arguments.by {
                By::Op => name,
                By::Family => family(name),
                By::Target | By::Section => subject.title.as_str(),
            };
            *own.entry(row).or_default() += sizes;
        }
        rows.extend(own.into_iter().map(|(row, sizes)| {
            let target = several && arguments.by != By::Target;
            let target = target.then(|| subject.title.clone());
            let words = std::iter::once(row.to_owned()).chain(target);
            (words.collect(), sizes)
        }));
    }
    let sort = arguments.sort.as_deref();
    if let Some(Column { of, .. }) = Sizes::COLUMNS.iter().find(|one| Some(one.name) == sort) {
        rows.sort_by_key(|(_, sizes)| std::cmp::Reverse(of(sizes)));
    }
    let all = rows.len();
    rows.truncate(arguments.top.unwrap_or(all));
    if arguments.subject.is_json() {
        for (words, sizes) in &rows {
            report.told("size", &[], fields(arguments.by, words, sizes));
        }
        report.told(
            "total",
            &[],
            fields(arguments.by, &["total".to_owned()], &total),
        );
        return Ok(());
    }
    for (words, sizes) in rows {
        table.row(words, numbers(&sizes));
    }
    if !arguments.csv {
        let words = match all {
            1 => None,
            all => Some(format!("total of {all}")),
        };
        if let Some(words) = words {
            table.last(vec![words], numbers(&total));
        }
    }
    report.text(&table.print(arguments.csv));
    Ok(())
}

fn first_columns(by: By, several: bool) -> Vec<&'static str> {
    let row = match by {
        By::Op => "stencil",
        By::Family => "family",
        By::Target => return vec!["target"],
        By::Section => "section",
    };
    match several {
        true => vec![row, "target"],
        false => vec![row],
    }
}

fn numbers(sizes: &Sizes) -> Vec<String> {
    let columns = Sizes::COLUMNS.iter();
    columns
        .map(|column| (column.of)(sizes).to_string())
        .collect()
}

/// Returns a row for other programs.
fn fields(by: By, words: &[String], sizes: &Sizes) -> Value {
    let mut fields = Map::new();
    for (name, word) in first_columns(by, words.len() > 1).into_iter().zip(words) {
        fields.insert(name.to_owned(), json!(word));
    }
    for column in &Sizes::COLUMNS {
        fields.insert(column.name.replace('-', "_"), json!((column.of)(sizes)));
    }
    Value::Object(fields)
}

/// Prints how many bytes each part of the stencils has.
fn sections(
    arguments: &SizeArgs,
    subjects: &[Subject],
    names: &Names,
    report: &Report,
) -> Result<(), Error> {
    let several = subjects.len() > 1 || arguments.csv;
    let mut table = Table::new(&first_columns(By::Section, several), &["bytes"]);
    for subject in subjects {
        let mut total = Sizes::default();
        for (name, group) in &subject.set.groups {
            if names.have(name) {
                total += Sizes::of(&subject.set, group);
            }
        }
        let parts = [
            ("hot code", total.hot),
            ("cold code", total.code - total.hot),
            ("data", total.data),
        ];
        for (part, bytes) in parts {
            let target = several.then(|| subject.title.clone());
            if arguments.subject.is_json() {
                let fields = json!({ "section": part, "target": subject.title, "bytes": bytes });
                report.told("size", &[], fields);
            }
            let words = std::iter::once(part.to_owned()).chain(target);
            table.row(words.collect(), vec![bytes.to_string()]);
        }
    }
    if !arguments.subject.is_json() {
        report.text(&table.print(arguments.csv));
    }
    Ok(())
}

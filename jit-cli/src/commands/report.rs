//! `jit-cli report`: a page about stencils, to look at in a browser.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use jit_llvm::Interrupt;
use serde_json::json;

use super::{
    known_names,
    select::Names,
    subject_args::{SubjectArgs, titled, word},
};
use crate::{
    build::output::OutputDir,
    error::{Error, SubjectError},
    html::{self, Build, Contents},
    project::codegen::CodegenName,
    subjects::{Place, Subject},
    terminal::report::Report,
};

/// The name of the file that is written.
const FILE: &str = "index.html";

/// The arguments of `jit-cli report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Stencils to report: names or patterns, whose case does not count [default: all].
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(known_names::stencils))]
    names: Vec<String>,
    /// Directory to write index.html to; it is created if it is missing.
    #[arg(short, long, value_name = "DIR")]
    output_dir: PathBuf,
    /// Report the stencils in a directory, stencil file, header or pack, or in a git revision of the project [default: those
    /// of the project].
    #[arg(long, value_name = "PATH|REVISION")]
    from: Option<String>,
    /// Show what has changed since another build: a directory, stencil file, header or pack, or a git revision of the project.
    #[arg(long, value_name = "PATH|REVISION")]
    before: Option<String>,
    /// Code generation for builds of the project; several, separated by commas, are shown beside each other [default: the one
    /// in jit.toml, else upstream].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    codegen: Vec<CodegenName>,
    #[command(flatten)]
    pub(super) subject: SubjectArgs,
}

/// The stencils of one target and code generation.
struct Variant {
    title: String,
    after: Subject,
    before: Option<Subject>,
}

impl Variant {
    /// Returns both sides, as far as they are there.
    fn subjects(&self) -> impl Iterator<Item = &Subject> + Clone {
        std::iter::once(&self.after).chain(&self.before)
    }
}

/// Runs the command.
pub(crate) fn run(
    arguments: &ReportArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let names = Names::new(&arguments.names)?;
    // Builds can take minutes, so that a directory that can't be written to is reported first.
    let output = OutputDir::create(&arguments.output_dir)?;
    output.check_writable(FILE)?;
    let from = arguments
        .from
        .as_deref()
        .map_or(Place::Project, Place::named);
    let before = arguments.before.as_deref().map(Place::named);
    let variants = variants(arguments, &from, before.as_ref(), interrupt, report)?;
    names.check(variants.iter().flat_map(Variant::subjects))?;
    let builds: Vec<Build<'_>> = variants
        .iter()
        .map(|variant| Build {
            title: &variant.title,
            after: &variant.after.set,
            before: variant.before.as_ref().map(|before| &before.set),
        })
        .collect();
    let page = html::page(
        &Contents {
            place: from.to_string(),
            before: before.map(|place| place.to_string()),
            builds: &builds,
        },
        |name| names.have(name),
    );
    output.write(&[(FILE, page.as_bytes())])?;
    let path = arguments.output_dir.join(FILE);
    written(&path, &builds, page.len(), report);
    Ok(())
}

fn written(path: &Path, builds: &[Build<'_>], bytes: usize, report: &Report) {
    let shown = path.display().to_string();
    let builds = builds.len();
    let lines = [format!(
        "wrote {shown}: {builds} {}, {:.1} MB",
        if builds == 1 { "build" } else { "builds" },
        bytes as f64 / 1e6
    )];
    let fields = json!({ "path": shown, "builds": builds, "bytes": bytes });
    report.told("report", &lines, fields);
}

/// Opens what is to be reported, for each code generation, and what each is compared with.
fn variants(
    arguments: &ReportArgs,
    from: &Place<'_>,
    before: Option<&Place<'_>>,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<Vec<Variant>, Error> {
    let mut codegens: Vec<Option<CodegenName>> = Vec::new();
    for codegen in &arguments.codegen {
        if !codegens.contains(&Some(*codegen)) {
            codegens.push(Some(*codegen));
        }
    }
    if let (Place::Path(path), [_, _, ..]) = (from, &codegens[..]) {
        let path = path.display().to_string();
        return Err(SubjectError::BuiltBefore { path }.into());
    }
    if codegens.is_empty() {
        codegens.push(None);
    }
    let several = codegens.len() > 1;
    let open = |place: &Place<'_>, codegen| {
        let options = arguments.subject.options(codegen);
        place.open(&options, &report.watching(), interrupt)
    };
    let mut variants = Vec::new();
    for codegen in codegens {
        let subjects = open(from, codegen)?;
        let mut others = match before {
            Some(place) => open(place, codegen)?,
            None => Vec::new(),
        };
        let sides = [Subject::titles(&subjects), Subject::titles(&others)];
        let mut paired = false;
        for after in subjects {
            let partner = after.partner(&others);
            paired |= partner.is_some();
            variants.push(Variant {
                title: match codegen.filter(|_| several) {
                    Some(codegen) => format!("{}, {}", after.title, word(codegen)),
                    None => after.title.clone(),
                },
                before: partner.map(|at| others.remove(at)),
                after,
            });
        }
        if let (Some(place), false) = (before, paired) {
            let [wanted, found] = sides;
            let place = titled(place, codegen);
            return Err(SubjectError::OtherTargets {
                place,
                wanted,
                found,
            }
            .into());
        }
    }
    Ok(variants)
}

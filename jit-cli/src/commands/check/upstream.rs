//! `jit-cli check --upstream`: compares with what a checkout's own tool writes.

use std::path::PathBuf;

use clap::Args;
use jit_llvm::Interrupt;
use jit_schema::Target;
use serde_json::{Value, json};

use super::CheckArgs;
use crate::{
    error::Error,
    terminal::report::Report,
    upstream::{
        self, BUILD_PY, Check, Outcome,
        compare::{Compared, Difference, Place},
    },
};

/// The most names of micro-ops that are printed.
const NAMES: usize = 40;
/// The most characters of a line that are printed.
const LINE: usize = 160;

/// The arguments that are only for this check.
#[derive(Debug, Args)]
pub(super) struct UpstreamArgs {
    /// Compare what jit-cli writes for a CPython checkout, byte for byte, with what the checkout's own
    /// Tools/jit/build.py writes. This runs Python, which no other command needs; the checkout is not changed.
    #[arg(
        long = "upstream",
        group = "what",
        conflicts_with_all = ["config", "sysroot", "free_threaded"]
    )]
    is_wanted: bool,
    /// Number of micro-ops to compare, or `all`. Those that have changed since the last commit, or in it, are
    /// compared first, and then some of all kinds.
    #[arg(long, value_name = "N|all", default_value = "20", requires = "is_wanted", value_parser = sample)]
    sample: Sample,
    /// Python to run build.py with [default: the first in PATH that is new enough].
    #[arg(long, value_name = "PROGRAM", requires = "is_wanted")]
    python: Option<PathBuf>,
}

impl UpstreamArgs {
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }
}

/// How many micro-ops to compare: `None` for all.
#[derive(Debug, Clone, Copy)]
struct Sample(Option<usize>);

fn sample(text: &str) -> Result<Sample, String> {
    if text == "all" {
        return Ok(Sample(None));
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .map(|number| Sample(Some(number)))
        .ok_or_else(|| "a number of micro-ops is 1 or more, or `all`".to_owned())
}

/// Runs the check.
pub(super) fn run(
    arguments: &CheckArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    let (own, shared) = (&arguments.upstream, &arguments.subject);
    let all = Target::ALL.iter().map(|target| target.triple.to_owned());
    let check = Check {
        cpython: shared.cpython.clone(),
        targets: match shared.all_targets {
            true => all.collect(),
            false => shared.targets.clone(),
        },
        pyconfig_dir: shared.pyconfig_dir.clone(),
        debug: shared.debug,
        cflags: shared.cflags.clone().unwrap_or_default(),
        llvm: shared.llvm.options(),
        sample: own.sample.0,
        python: own.python.clone(),
    };
    let outcome = upstream::run(&check, interrupt)?;
    report.told("upstream", &lines(&outcome), fields(&outcome));
    match outcome.failure() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Returns the result for people.
fn lines(outcome: &Outcome) -> Vec<String> {
    let version = match outcome.version {
        Some(version) if version != outcome.release.version => {
            format!("{version}, built as {}", outcome.release.version)
        }
        _ => outcome.release.version.to_string(),
    };
    let mut lines = vec![
        format!(
            "jit-cli compared with {BUILD_PY} of {} (CPython {version}) for {}: {}, {}",
            outcome.root.display(),
            outcome.triples.join(", "),
            outcome.llvm,
            outcome.python
        ),
        format!(
            "{} of {} micro-ops{}",
            outcome.uops.len(),
            outcome.all,
            match outcome.changed {
                0 => String::new(),
                changed => format!(", {changed} of them changed since the last commit or in it"),
            }
        ),
    ];
    if (1..=NAMES).contains(&outcome.uops.len()) {
        lines.push(format!("  {}", outcome.uops.join(" ")));
    }
    if !outcome.unknown_tools.is_empty() {
        lines.push(format!(
            "not the files that jit-cli was verified with: {}",
            outcome.unknown_tools.join(", ")
        ));
    }
    lines.extend(outcome.files.iter().flat_map(file_lines));
    let [theirs, ours] = outcome.elapsed.map(|elapsed| elapsed.as_secs_f64());
    lines.push(format!("build.py took {theirs:.2} s, jit-cli {ours:.2} s"));
    lines
}

fn file_lines(file: &Compared) -> Vec<String> {
    let Compared {
        name,
        bytes,
        difference,
    } = file;
    let Some(difference) = difference else {
        return vec![format!("equal    {name} ({bytes} bytes)")];
    };
    let Difference { uops, uop, first } = difference;
    let mut lines = vec![match uops.len() {
        0 => format!("differs  {name}"),
        count => format!("differs  {name}, in {count} micro-ops"),
    }];
    if !uops.is_empty() {
        let more = uops.len().saturating_sub(NAMES);
        let shown: Vec<&str> = uops.iter().take(NAMES).map(String::as_str).collect();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        lines.push(format!("  {}{more}", shown.join(" ")));
    }
    let [theirs, ours] = first;
    if theirs.is_none() && ours.is_none() {
        lines.push("  only one of the two tools writes this file".to_owned());
        return lines;
    }
    let uop = uop
        .as_ref()
        .map_or_else(String::new, |uop| format!(" in {uop}"));
    lines.push(format!("  the first difference{uop}:"));
    lines.push(format!("  build.py: {}", shown(theirs.as_ref())));
    lines.push(format!("  jit-cli:  {}", shown(ours.as_ref())));
    lines
}

fn shown(place: Option<&Place>) -> String {
    match place {
        None => "the file ends before".to_owned(),
        Some(Place::Byte(offset, byte)) => format!("byte {offset:#x} is {byte:#04x}"),
        Some(Place::Line(number, text)) => {
            let text: String = text.trim().chars().take(LINE).collect();
            format!("line {number}: {text}")
        }
    }
}

fn fields(outcome: &Outcome) -> Value {
    let place = |place: &Option<Place>| match place {
        None => Value::Null,
        Some(Place::Byte(offset, byte)) => json!({ "offset": offset, "byte": byte }),
        Some(Place::Line(number, text)) => json!({ "line": number, "text": text }),
    };
    let file = |file: &Compared| {
        let difference = file.difference.as_ref().map(|difference| {
            let [theirs, ours] = &difference.first;
            json!({
                "uops": difference.uops,
                "uop": difference.uop,
                "build.py": place(theirs),
                "jit-cli": place(ours),
            })
        });
        json!({ "name": file.name, "bytes": file.bytes, "equal": difference.is_none(), "difference": difference })
    };
    let [theirs, ours] = outcome.elapsed.map(|elapsed| elapsed.as_secs_f64());
    json!({
        "checkout": outcome.root.to_string_lossy(),
        "version": outcome.version.map(|version| version.to_string()),
        "release": outcome.release.version.to_string(),
        "unknown_tools": outcome.unknown_tools,
        "python": outcome.python,
        "llvm": outcome.llvm,
        "targets": outcome.triples,
        "uops": outcome.uops,
        "all_uops": outcome.all,
        "changed_uops": outcome.changed,
        "files": outcome.files.iter().map(file).collect::<Vec<_>>(),
        "equal": outcome.failure().is_none(),
        "seconds": { "build.py": theirs, "jit-cli": ours },
    })
}

//! `jit-cli explain`: shows what a build would do, and why.

use jit_llvm::Interrupt;
use serde_json::{Value, json};

use super::build::BuildArgs;
use crate::{Explanation, error::Error, state::compare::cut, terminal::report::Report};

/// Runs the command.
pub(crate) fn run(
    arguments: &BuildArgs,
    interrupt: &Interrupt,
    report: &Report,
) -> Result<(), Error> {
    arguments
        .build(interrupt, report)
        .explain_each(|explanation| report.explained(&lines(&explanation), &fields(&explanation)))
}

/// The largest number of lines of a kind in the output for people.
const SHOWN: usize = 20;

/// Returns the lines of an explanation, for people.
fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![explanation.target.triple.to_owned()];
    lines.push(match explanation.outdated.is_empty() {
        true => "  the generated files are up to date: a build does nothing (but with --force)"
            .to_owned(),
        false => format!(
            "  the generated files ({}) are not up to date:",
            explanation.outdated.join(", ")
        ),
    });
    lines.extend(some(&explanation.reasons).map(|reason| format!("    {reason}")));
    let Some(uops) = &explanation.uops else {
        let unknown = "  which functions would be compiled is known when clang has read the files: a build prints how many \
             were not in the cache";
        lines.push(unknown.to_owned());
        return lines;
    };
    match &explanation.changes {
        None => lines.push("  there is no build of it in the cache to compare with".to_owned()),
        Some(changes) if changes.is_empty() => {
            lines.push("  nothing has changed since the last build".to_owned());
        }
        Some(changes) => {
            lines.push("  changed since the last build:".to_owned());
            for (kind, changed) in changes.named() {
                lines.extend(some(changed).map(|line| format!("    {kind}: {line}")));
            }
        }
    }
    let (compiled, all) = (uops.compiled.len(), uops.all);
    lines.push(format!(
        "  {compiled} of {all} micro-ops would be compiled, {} are in the cache",
        all - compiled
    ));
    if compiled < all {
        lines.extend(some(&uops.compiled).map(|name| format!("    {name}")));
    }
    lines
}

/// Returns an explanation as JSON, for other programs.
fn fields(explanation: &Explanation) -> Value {
    let changes = explanation.changes.as_ref().map(|changes| {
        let named = changes.named();
        let fields = named
            .iter()
            .map(|(kind, lines)| ((*kind).to_owned(), json!(lines)));
        Value::Object(fields.collect())
    });
    json!({
        "target": explanation.target.triple,
        "current": explanation.outdated.is_empty(),
        "outdated": explanation.outdated,
        "reasons": explanation.reasons,
        "changes": changes,
        "uops": explanation.uops.as_ref().map(|uops| uops.all),
        "compiled": explanation.uops.as_ref().map(|uops| &uops.compiled),
    })
}

/// Returns the first lines, and then the number of lines that are left out.
fn some(lines: &[String]) -> impl Iterator<Item = String> {
    let more = lines.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("and {more} more"));
    lines.iter().take(SHOWN).map(|line| cut(line)).chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::compare::LONGEST;

    #[test]
    fn long_lists_are_cut() {
        let lines: Vec<String> = (0..SHOWN + 3).map(|n| n.to_string()).collect();
        let shown: Vec<String> = some(&lines).collect();
        assert_eq!(shown.len(), SHOWN + 1);
        assert_eq!(shown.last().unwrap(), "and 3 more");
        let long = ["é".repeat(LONGEST + 1)];
        let shown: Vec<String> = some(&long).collect();
        assert_eq!(shown, [format!("{} ...", "é".repeat(LONGEST))]);
    }
}

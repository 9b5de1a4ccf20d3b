//! The output of `jit-cli diff`.

use serde_json::{Value, json};

use super::{DiffArgs, Form, Pair, budget::grown};
use crate::{
    commands::table::Table,
    differences::{Change, Difference, instructions},
    disassembly::Listing,
    sizes::Sizes,
    terminal::report::Report,
};

/// Columns whose changes a table shows.
const COLUMNS: [&str; 6] = ["code", "hot", "data", "holes", "calls", "spills"];

/// Prints what differs.
pub(super) fn print(arguments: &DiffArgs, titles: &[String; 2], pairs: &[Pair], report: &Report) {
    if arguments.subject.is_json() {
        return json(pairs, report);
    }
    if arguments.form == Form::Github {
        return github(arguments, pairs, report);
    }
    let [before, after] = titles;
    let code = |text: &str| match arguments.form {
        Form::Markdown => format!("`{text}`"),
        Form::Text | Form::Github => text.to_owned(),
    };
    let mut text = format!("{} to {}\n", code(before), code(after));
    for pair in pairs {
        text += "\n";
        if arguments.form == Form::Markdown {
            text += &format!("### {}\n\n", pair.title);
        } else if pairs.len() > 1 {
            text += &format!("{}\n", pair.title);
        }
        text += &summary(pair);
        let shown = shown(arguments, pair);
        let table = table(pair, &shown);
        if !table.is_empty() {
            text += "\n";
            text += &match arguments.form {
                Form::Markdown => table.markdown(),
                Form::Text | Form::Github => table.print(false),
            };
        }
        if arguments.asm {
            for one in &shown {
                text += &code_of(arguments, pair, one);
            }
        }
    }
    report.text(&text);
}

/// Returns the stencils to show, the largest changes first if there are too many.
fn shown<'p>(arguments: &DiffArgs, pair: &'p Pair) -> Vec<&'p Difference> {
    let mut shown: Vec<&Difference> = pair.differences.stencils.iter().collect();
    if let Some(top) = arguments.top {
        shown.sort_by_key(|one| std::cmp::Reverse(one.growth().unsigned_abs()));
        shown.truncate(top);
    }
    shown
}

/// Returns a line about all stencils of a target.
fn summary(pair: &Pair) -> String {
    let all = &pair.differences.stencils;
    let count = |is: fn(&Difference) -> bool| all.iter().filter(|one| is(one)).count();
    let counts = [
        ("added", count(|one| one.sizes[0].is_none())),
        ("removed", count(|one| one.sizes[1].is_none())),
        ("larger", count(|one| one.is_in_both() && one.growth() > 0)),
        ("smaller", count(|one| one.is_in_both() && one.growth() < 0)),
        (
            "changed with the same size",
            count(|one| one.is_in_both() && one.growth() == 0),
        ),
        ("the same", pair.differences.same),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    let [before, after] = pair.differences.total;
    format!(
        "{}; code {}, {}; data {}, {}\n",
        counts.join(", "),
        after.code,
        grown(before.code, after.code),
        after.data,
        grown(before.data, after.data),
    )
}

fn table(pair: &Pair, shown: &[&Difference]) -> Table {
    let mut table = Table::new(&["stencil", ""], &COLUMNS);
    for one in shown {
        let what = match one.sizes {
            [None, _] => "added",
            [_, None] => "removed",
            [Some(_), Some(_)] => "",
        };
        table.row(vec![one.name.clone(), what.to_owned()], changes(one.sizes));
    }
    if !table.is_empty() {
        let total = pair.differences.total.map(Some);
        table.last(vec!["total".to_owned()], changes(total));
    }
    table
}

/// Returns each column's size after, and how much it grew if it did.
fn changes(sizes: [Option<Sizes>; 2]) -> Vec<String> {
    let columns = COLUMNS.iter();
    let columns = columns.filter_map(|name| Sizes::COLUMNS.iter().find(|one| one.name == *name));
    columns
        .map(|column| {
            let [before, after] = sizes.map(|sizes| sizes.map_or(0, |sizes| (column.of)(&sizes)));
            match before == after {
                true => after.to_string(),
                false => format!("{after} ({:+})", crate::differences::growth(before, after)),
            }
        })
        .collect()
}

/// Returns the instructions of a stencil that differ, and those around them.
fn code_of(arguments: &DiffArgs, pair: &Pair, one: &Difference) -> String {
    let listing = |subject: &crate::subjects::Subject| {
        let group = subject.set.group(&one.name);
        group.map_or_else(Listing::default, |group| Listing::of(&subject.set, group))
    };
    let [before, after] = [listing(&pair.before), listing(&pair.after)];
    let changes = instructions(&before, &after);
    let is_near = |index: usize| {
        let range = index.saturating_sub(CONTEXT)..(index + CONTEXT + 1).min(changes.len());
        let near = changes.get(range).unwrap_or_default();
        near.iter().any(|change| !matches!(change, Change::Same(_)))
    };
    let mut lines = Vec::new();
    let mut left_out = false;
    for (index, change) in changes.iter().enumerate() {
        if !is_near(index) {
            left_out = true;
            continue;
        }
        if std::mem::take(&mut left_out) {
            lines.push("     ...".to_owned());
        }
        let (sign, listing, instruction) = match change {
            Change::Same(instruction) => (' ', &after, instruction),
            Change::Removed(instruction) => ('-', &before, instruction),
            Change::Added(instruction) => ('+', &after, instruction),
        };
        let mut blocks = listing.blocks.iter();
        let block = blocks.find(|block| block.code.start == instruction.offset);
        if let Some(label) = block.and_then(|block| block.label.as_ref()) {
            lines.push(format!("{sign} {label}:"));
        }
        let text = format!(
            "{sign} {:4x}  {:<8}{}",
            instruction.offset,
            instruction.mnemonic,
            instruction.named()
        );
        lines.push(text.trim_end().to_owned());
    }
    if lines.is_empty() {
        lines.push("  the instructions are the same: data or holes differ".to_owned());
    }
    let lines = lines.join("\n");
    match arguments.form {
        Form::Markdown => format!("\n#### {}\n\n```diff\n{lines}\n```\n", one.name),
        Form::Text | Form::Github => format!("\n{}:\n{lines}\n", one.name),
    }
}

/// How many instructions are shown before and after one that differs.
const CONTEXT: usize = 3;

/// Prints workflow commands, one for each target: a notice, or a warning if stencils grew.
fn github(arguments: &DiffArgs, pairs: &[Pair], report: &Report) {
    for pair in pairs {
        let [before, after] = pair.differences.total.map(|sizes| sizes.bytes());
        let level = if after > before { "warning" } else { "notice" };
        let mut text = summary(pair);
        for one in shown(arguments, pair) {
            let [before, after] = one
                .sizes
                .map(|sizes| sizes.map_or(0, |sizes| sizes.bytes()));
            text += &format!("{}: {}\n", one.name, grown(before, after));
        }
        // https://docs.github.com/actions/reference/workflow-commands-for-github-actions
        let escaped = text
            .trim_end()
            .replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A");
        report.text(&format!(
            "::{level} title=stencils of {}::{escaped}\n",
            pair.title
        ));
    }
}

fn json(pairs: &[Pair], report: &Report) {
    let fields = |sizes: Option<Sizes>| -> Value {
        let Some(sizes) = sizes else {
            return Value::Null;
        };
        let columns = Sizes::COLUMNS.iter();
        columns
            .map(|column| (column.name.replace('-', "_"), json!((column.of)(&sizes))))
            .collect::<serde_json::Map<String, Value>>()
            .into()
    };
    for pair in pairs {
        for one in &pair.differences.stencils {
            let [before, after] = one.sizes.map(fields);
            let fields = json!({
                "target": pair.title, "stencil": one.name, "before": before, "after": after, "growth": one.growth(),
            });
            report.told("difference", &[], fields);
        }
        let [before, after] = pair.differences.total.map(|sizes| fields(Some(sizes)));
        let fields = json!({
            "target": pair.title, "before": before, "after": after, "same": pair.differences.same,
            "different": pair.differences.stencils.len(),
        });
        report.told("differences", &[], fields);
    }
}

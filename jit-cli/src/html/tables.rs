//! The tables of a page: the sizes of all stencils, and their code.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    Build, Contents,
    code::{Code, Line},
};
use crate::{
    differences::Differences,
    sizes::{Sizes, family},
};

/// The tables, as JSON.
pub(super) struct Tables {
    pub(super) sizes: String,
    pub(super) code: String,
}

/// A stencil of a build.
struct Row<'a> {
    name: &'a str,
    /// Its sizes, or none if it was removed.
    after: Option<Sizes>,
    /// The sizes before, if the stencil is another one.
    before: Option<Option<Sizes>>,
    code: Code,
}

/// Returns the tables of the stencils that are wanted.
pub(super) fn tables(contents: &Contents<'_>, is_wanted: impl Fn(&str) -> bool + Sync) -> Tables {
    let builds: Vec<Vec<Row<'_>>> = contents
        .builds
        .iter()
        .map(|build| rows(build, &is_wanted))
        .collect();
    let names: BTreeSet<&str> = builds.iter().flatten().map(|row| row.name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let number = |name: &str| names.binary_search(&name).unwrap_or_default();
    let tables: Vec<Value> = contents
        .builds
        .iter()
        .zip(&builds)
        .map(|(build, rows)| {
            let rows = rows.iter().map(|row| row.json(number(row.name)));
            let rows: Vec<Value> = rows.collect();
            json!({
                "title": build.title,
                "target": build.after.target.triple,
                "compared": build.before.is_some(),
                "rows": rows,
            })
        })
        .collect();
    let families: Vec<&str> = names.iter().map(|name| family(name)).collect();
    let columns = Sizes::COLUMNS.map(|column| column.name);
    let sizes = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "place": contents.place,
        "before": contents.before,
        "columns": columns,
        "names": names,
        "families": families,
        "builds": tables,
    });
    Tables {
        sizes: sizes.to_string(),
        code: code(&builds).to_string(),
    }
}

/// Measures the stencils of a build, and reads their code.
fn rows<'a>(build: &Build<'a>, is_wanted: &(impl Fn(&str) -> bool + Sync)) -> Vec<Row<'a>> {
    let differences = match build.before {
        Some(before) => Differences::between(before, build.after, is_wanted),
        None => Differences::default(),
    };
    let differences = differences.stencils.into_iter();
    let differing: BTreeMap<String, [Option<Sizes>; 2]> =
        differences.map(|one| (one.name, one.sizes)).collect();
    let before = |name: &str| {
        let set = build.before?;
        Some((set, set.group(name)?))
    };
    let groups: Vec<_> = build
        .after
        .groups
        .iter()
        .filter(|(name, _)| is_wanted(name))
        .collect();
    let mut rows: Vec<Row<'a>> = groups
        .par_iter()
        .map(|(name, group)| {
            let difference = differing.get(name);
            Row {
                name,
                after: Some(Sizes::of(build.after, group)),
                before: difference.map(|[before, _]| *before),
                code: Code::of((build.after, group), difference.and_then(|_| before(name))),
            }
        })
        .collect();
    let removed = build.before.into_iter().flat_map(|set| {
        let groups = set
            .groups
            .iter()
            .map(move |(name, group)| (set, name, group));
        groups.filter(|(_, name, _)| is_wanted(name) && build.after.group(name).is_none())
    });
    rows.extend(removed.map(|(set, name, group)| Row {
        name,
        after: None,
        before: Some(Some(Sizes::of(set, group))),
        code: Code::of((set, group), None),
    }));
    rows
}

impl Row<'_> {
    /// Returns the number of its name and the sizes: those after, and those before if the stencil differs. 0 stands for none.
    fn json(&self, name: usize) -> Value {
        let numbers = |sizes: &Option<Sizes>| match sizes {
            Some(sizes) => json!(Sizes::COLUMNS.map(|column| (column.of)(sizes))),
            None => json!(0),
        };
        let mut fields = vec![json!(name), numbers(&self.after)];
        fields.extend(self.before.as_ref().map(numbers));
        Value::Array(fields)
    }
}

/// Returns the code of all stencils. Lines have numbers: the most frequent ones have the smallest, which are the shortest.
fn code(builds: &[Vec<Row<'_>>]) -> Value {
    let mut counts: BTreeMap<&Line, usize> = BTreeMap::new();
    for row in builds.iter().flatten() {
        for line in &row.code.lines {
            *counts.entry(line).or_default() += 1;
        }
    }
    let mut lines: Vec<(&Line, usize)> = counts.into_iter().collect();
    lines.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let numbered = lines.iter().enumerate();
    let numbers: BTreeMap<&Line, usize> = numbered
        .map(|(number, (line, _))| (*line, number))
        .collect();
    let builds: Vec<Vec<Value>> = builds
        .iter()
        .map(|rows| {
            let codes = rows.iter().map(|row| {
                let lines = row.code.lines.iter();
                let numbers = lines.map(|line| numbers.get(line).copied().unwrap_or_default());
                row.code.json(&numbers.collect::<Vec<usize>>())
            });
            codes.collect()
        })
        .collect();
    let lines: Vec<Value> = lines.iter().map(|(line, _)| line.json()).collect();
    json!({ "lines": lines, "builds": builds })
}

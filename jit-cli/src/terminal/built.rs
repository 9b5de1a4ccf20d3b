//! The table at the end of a build.

use super::fit;
use crate::statistics::Statistics;

/// The line of a target.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) triple: &'static str,
    pub(super) built: Option<Statistics>,
}

/// The width of the column of targets. It has room for the longest triple.
const TARGET: usize = 26;

/// A column: its head, its width, and what it has for a target.
struct Column {
    head: &'static str,
    width: usize,
    of: Box<dyn Fn(&Statistics) -> String>,
}

impl Column {
    fn new(head: &'static str, width: usize, of: impl Fn(&Statistics) -> String + 'static) -> Self {
        let of = Box::new(of);
        Column { head, width, of }
    }

    /// Returns a cell, with the gap before it.
    fn cell(&self, text: &str) -> String {
        let width = self.width;
        format!(" {text:>width$}")
    }
}

fn sizes() -> Vec<Column> {
    vec![
        Column::new("uops", 5, |one| one.uops.to_string()),
        Column::new("cached", 6, |one| one.cached.to_string()),
        Column::new("code", 7, |one| one.code_bytes.to_string()),
        Column::new("data", 7, |one| one.data_bytes.to_string()),
        Column::new("holes", 6, |one| one.holes.to_string()),
    ]
}

fn stages() -> Vec<Column> {
    let named = Statistics::default().stages.named();
    let columns = named.into_iter().enumerate().map(|(index, (name, _))| {
        Column::new(name, 9, move |one| {
            let time = one.stages.named()[index].1;
            format!("{:.2}s", time.as_secs_f64())
        })
    });
    columns.collect()
}

fn total() -> Column {
    let time = |one: &Statistics| format!("{:.2}s", one.elapsed.as_secs_f64());
    Column::new("total", 8, time)
}

/// Returns the lines of the table. If it is wider than `limit`, the times of stages are in a table of their own, or in several.
pub(super) fn lines(rows: &[Row], limit: Option<usize>) -> Vec<String> {
    let mut columns = sizes();
    columns.extend(stages());
    columns.push(total());
    let width = |columns: &[Column]| columns.iter().map(|column| column.width + 1).collect();
    let widths: Vec<usize> = width(&columns);
    let mut parts = vec![columns];
    if fit::parts(TARGET, &widths, limit).len() > 1 {
        let mut first = sizes();
        first.push(total());
        parts = vec![first];
        let mut stages = stages();
        let widths: Vec<usize> = width(&stages);
        for count in fit::parts(TARGET, &widths, limit) {
            parts.push(stages.drain(..count).collect());
        }
    }
    let mut lines = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            lines.push(String::new());
        }
        lines.extend(table(rows, part, index == 0));
    }
    if rows.iter().any(|row| row.built.is_some()) {
        lines.push("sizes in bytes; times of stages are added up over all jobs".to_owned());
    }
    lines
}

/// Returns the lines of one table. Only the first one has the targets that were not built.
fn table(rows: &[Row], columns: &[Column], is_first: bool) -> Vec<String> {
    if !is_first && rows.iter().all(|row| row.built.is_none()) {
        return Vec::new();
    }
    let heads = columns.iter().map(|column| column.cell(column.head));
    let mut lines = vec![format!(
        "{:<TARGET$}{}",
        "target",
        heads.collect::<String>()
    )];
    for Row { triple, built } in rows {
        match built {
            Some(numbers) => {
                let cells = columns
                    .iter()
                    .map(|column| column.cell(&(column.of)(numbers)));
                lines.push(format!("{triple:<TARGET$}{}", cells.collect::<String>()));
            }
            None if is_first => lines.push(format!(
                "{triple:<TARGET$} up to date: its inputs have not changed"
            )),
            None => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rows() -> [Row; 2] {
        let mut built = Statistics {
            uops: 934,
            cached: 4,
            code_bytes: 64032,
            data_bytes: 1200,
            holes: 2200,
            elapsed: Duration::from_millis(8_340),
            ..Statistics::default()
        };
        built.stages.compile = Duration::from_millis(12_300);
        [
            Row {
                triple: "aarch64-unknown-linux-gnu",
                built: Some(built),
            },
            Row {
                triple: "i686-pc-windows-msvc",
                built: None,
            },
        ]
    }

    const WIDE: &str = "\
target                      uops cached    code    data  holes    lookup   prepare   compile  optimize  assemble  stencils    total
aarch64-unknown-linux-gnu    934      4   64032    1200   2200     0.00s     0.00s    12.30s     0.00s     0.00s     0.00s    8.34s
i686-pc-windows-msvc       up to date: its inputs have not changed
sizes in bytes; times of stages are added up over all jobs";

    const NARROW: &str = "\
target                      uops cached    code    data  holes    total
aarch64-unknown-linux-gnu    934      4   64032    1200   2200    8.34s
i686-pc-windows-msvc       up to date: its inputs have not changed

target                        lookup   prepare   compile  optimize  assemble
aarch64-unknown-linux-gnu      0.00s     0.00s    12.30s     0.00s     0.00s

target                      stencils
aarch64-unknown-linux-gnu      0.00s
sizes in bytes; times of stages are added up over all jobs";

    #[test]
    fn is_as_wide_as_the_terminal_at_most() {
        assert_eq!(lines(&rows(), None).join("\n"), WIDE);
        assert_eq!(lines(&rows(), Some(131)).join("\n"), WIDE);
        assert_eq!(lines(&rows(), Some(80)).join("\n"), NARROW);
        for limit in 71..131 {
            let lines = lines(&rows(), Some(limit));
            assert!(lines.iter().all(|line| line.len() <= limit), "{lines:?}");
        }
    }

    #[test]
    fn nothing_was_built() {
        let [_, current] = rows();
        let narrow = lines(&[current], Some(80));
        assert_eq!(
            narrow.join("\n").trim_end(),
            "target                      uops cached    code    data  holes    total\n\
             i686-pc-windows-msvc       up to date: its inputs have not changed"
        );
    }
}

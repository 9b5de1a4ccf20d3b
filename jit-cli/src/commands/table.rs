//! Tables: aligned text, comma-separated values, and Markdown.

/// A table whose first columns are words, and whose others are numbers.
pub(super) struct Table {
    words: usize,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    last: Option<Vec<String>>,
}

impl Table {
    pub(super) fn new(words: &[&str], numbers: &[&str]) -> Table {
        Table {
            words: words.len(),
            heads: words
                .iter()
                .chain(numbers)
                .map(|head| (*head).to_owned())
                .collect(),
            rows: Vec::new(),
            last: None,
        }
    }

    pub(super) fn row(&mut self, words: Vec<String>, numbers: Vec<String>) {
        self.rows.push(self.cells(words, numbers));
    }

    /// Sets the row after all others, which is set apart.
    pub(super) fn last(&mut self, words: Vec<String>, numbers: Vec<String>) {
        self.last = Some(self.cells(words, numbers));
    }

    fn cells(&self, mut words: Vec<String>, numbers: Vec<String>) -> Vec<String> {
        words.resize(self.words, String::new());
        words.extend(numbers);
        words
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the table as text, or as comma-separated values.
    pub(super) fn print(&self, csv: bool) -> String {
        match csv {
            true => self.csv(),
            false => self.text(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.heads)
            .chain(&self.rows)
            .chain(&self.last)
    }

    fn text(&self) -> String {
        let mut widths = vec![0; self.heads.len()];
        for row in self.all() {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for row in self.all() {
            if Some(row) == self.last.as_ref() && !self.rows.is_empty() {
                text.push('\n');
            }
            let mut line = String::new();
            for (index, (width, cell)) in widths.iter().zip(row).enumerate() {
                let gap = if index == 0 { "" } else { "  " };
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                line += &match index < self.words {
                    true => format!("{gap}{cell}{padding}"),
                    false => format!("{gap}{padding}{cell}"),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn csv(&self) -> String {
        let quoted = |cell: &String| match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let lines = self.all().map(|row| {
            let cells: Vec<String> = row.iter().map(quoted).collect();
            cells.join(",") + "\n"
        });
        lines.collect()
    }

    /// Returns the table in Markdown.
    pub(super) fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let heads = self.heads.iter().enumerate();
        let rules: Vec<String> = heads
            .map(|(index, _)| if index < self.words { "---" } else { "---:" }.to_owned())
            .collect();
        let mut text = line(&self.heads) + &line(&rules);
        text.extend(self.all().skip(1).map(line));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let mut table = Table::new(&["name"], &["code", "growth"]);
        let words = |text: &str| vec![text.to_owned()];
        let numbers = |one: &str, two: &str| vec![one.to_owned(), two.to_owned()];
        table.row(words("_A,\"b\""), numbers("7", "+1"));
        table.row(words("größer"), numbers("1234", "-0.5 %"));
        table.last(words("total"), numbers("1241", ""));
        let text = "name    code  growth\n\
                    _A,\"b\"     7      +1\n\
                    größer  1234  -0.5 %\n\
                    \n\
                    total   1241\n";
        assert_eq!(table.print(false), text);
        let csv = "name,code,growth\n\"_A,\"\"b\"\"\",7,+1\ngrößer,1234,-0.5 %\ntotal,1241,\n";
        assert_eq!(table.print(true), csv);
        let markdown = "| name | code | growth |\n| --- | ---: | ---: |\n| _A,\"b\" | 7 | +1 |\n\
                        | größer | 1234 | -0.5 % |\n| total | 1241 |  |\n";
        assert_eq!(table.markdown(), markdown);
    }
}

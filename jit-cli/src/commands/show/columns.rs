//! Several variants of a stencil beside each other.

use crate::terminal::styled::{Line, Style};

/// What is between two columns.
const GAP: &str = "  │  ";

/// Puts columns beside each other if they fit in a width, and else one after the other.
pub(super) fn lay_out(columns: Vec<Vec<Line>>, width: Option<usize>) -> Vec<Line> {
    let widest = |lines: &Vec<Line>| lines.iter().map(Line::width).max().unwrap_or(0);
    let widths: Vec<usize> = columns.iter().map(widest).collect();
    let gaps = GAP.chars().count() * columns.len().saturating_sub(1);
    let needed = widths.iter().sum::<usize>() + gaps;
    if width.is_none_or(|width| needed > width) {
        return columns.join(&Line::default());
    }
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    (0..height)
        .map(|_| {
            let mut row = Line::default();
            let mut end = 0;
            for (index, (column, width)) in columns.iter_mut().zip(&widths).enumerate() {
                if index > 0 {
                    row.pad(end);
                    row.push(Style::Faint, GAP);
                    end += GAP.chars().count();
                }
                row.append(column.next().unwrap_or_default());
                end += width;
            }
            row
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Vec<Line>> {
        let columns = [vec!["one", "nop"], vec!["two", "retq", "ud2"]].into_iter();
        let column = |lines: Vec<&str>| {
            let lines = lines.into_iter();
            lines.map(|line| Line::of(Style::Plain, line)).collect()
        };
        columns.map(column).collect()
    }

    fn texts(width: Option<usize>) -> Vec<String> {
        let lines = lay_out(columns(), width);
        lines.iter().map(|line| line.text(false)).collect()
    }

    #[test]
    fn beside_each_other_if_they_fit() {
        let beside = ["one  │  two", "nop  │  retq", "     │  ud2"];
        assert_eq!(texts(Some(12)), beside);
        let below = ["one", "nop", "", "two", "retq", "ud2"];
        assert_eq!(texts(Some(11)), below);
        assert_eq!(texts(None), below);
    }
}

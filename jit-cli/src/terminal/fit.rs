//! Tables that are as wide as the terminal at most.

use std::{
    io::{self, IsTerminal},
    ops::Range,
};

/// Returns the number of columns of the terminal that standard output goes to, or none if it goes elsewhere.
pub(super) fn width() -> Option<usize> {
    let stdout = io::stdout();
    let (width, _) = terminal_size::terminal_size_of(&stdout).filter(|_| stdout.is_terminal())?;
    // Some terminals do not know theirs.
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

/// Divides the columns of a table into parts that fit in `limit` characters, each after the same `head` characters. A column
/// that does not fit is a part of its own. `widths` count the gaps before columns.
pub(super) fn parts(head: usize, widths: &[usize], limit: Option<usize>) -> Vec<Range<usize>> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let (mut start, mut total) = (0, head);
    for (index, width) in widths.iter().enumerate() {
        if index > start && total + width > limit {
            parts.push(start..index);
            (start, total) = (index, head);
        }
        total += width;
    }
    parts.push(start..widths.len());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_columns() {
        for (head, widths, limit, expected) in [
            (10, vec![5, 5, 5], None, vec![0..3]),
            (10, vec![5, 5, 5], Some(25), vec![0..3]),
            (10, vec![5, 5, 5], Some(24), vec![0..2, 2..3]),
            (10, vec![5, 5, 5], Some(19), vec![0..1, 1..2, 2..3]),
            (10, vec![5, 5, 5], Some(3), vec![0..1, 1..2, 2..3]),
            (10, vec![5, 50, 5, 5], Some(20), vec![0..1, 1..2, 2..4]),
            (10, vec![], Some(20), vec![0..0]),
        ] {
            assert_eq!(
                parts(head, &widths, limit),
                expected,
                "{widths:?} {limit:?}"
            );
        }
    }
}

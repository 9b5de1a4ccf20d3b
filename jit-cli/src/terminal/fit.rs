//! Tables that are as wide as the terminal at most.

use std::io::{self, IsTerminal};

/// Returns the number of columns of the terminal that standard output goes to, or none if it goes elsewhere.
pub(super) fn width() -> Option<usize> {
    let stdout = io::stdout();
    let (width, _) = terminal_size::terminal_size_of(&stdout).filter(|_| stdout.is_terminal())?;
    // Some terminals do not know theirs.
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

/// Divides the columns of a table into parts that fit in `limit` characters, each after the same `head` characters. Returns how
/// many columns each part has. A column that does not fit is a part of its own. `widths` count the gaps before columns.
pub(super) fn parts(head: usize, widths: &[usize], limit: Option<usize>) -> Vec<usize> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let (mut count, mut total) = (0, head);
    for width in widths {
        if count > 0 && total + width > limit {
            parts.push(count);
            (count, total) = (0, head);
        }
        count += 1;
        total += width;
    }
    parts.push(count);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    // The list is to have one range, not its numbers.
    #[allow(clippy::single_range_in_vec_init)]
    #[test]
    fn parts_of_columns() {
        for (widths, limit, expected) in [
            (vec![5, 5, 5], None, vec![3]),
            (vec![5, 5, 5], Some(25), vec![3]),
            (vec![5, 5, 5], Some(24), vec![2, 1]),
            (vec![5, 5, 5], Some(19), vec![1, 1, 1]),
            (vec![5, 5, 5], Some(3), vec![1, 1, 1]),
            (vec![5, 50, 5, 5], Some(20), vec![1, 1, 2]),
            (vec![], Some(20), vec![0]),
        ] {
            assert_eq!(parts(10, &widths, limit), expected, "{widths:?} {limit:?}");
        }
    }
}

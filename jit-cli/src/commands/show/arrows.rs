//! Arrows beside code: from jumps to the places that they lead to.

/// The most arrows beside each other. Labels say where the others lead.
const LANES: usize = 6;

/// One arrow, by the numbers of its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Arrow {
    fn rows(&self) -> std::ops::RangeInclusive<usize> {
        self.from.min(self.to)..=self.from.max(self.to)
    }
}

/// Draws arrows. Returns a text for each of so many rows, all of the same width.
pub(super) fn draw(arrows: &[Arrow], rows: usize) -> Vec<String> {
    let lanes = lanes(arrows);
    // A lane takes two columns, and the tip two more.
    let width = match lanes.len() {
        0 => 0,
        lanes => 2 * lanes + 2,
    };
    let mut grid = vec![vec![' '; width]; rows];
    // The longest arrows are drawn first, so that others cross them.
    for (lane, arrows) in lanes.iter().enumerate().rev() {
        let column = width.saturating_sub(2 * lane + 4);
        for arrow in arrows {
            draw_one(&mut grid, arrow, column);
        }
    }
    grid.iter().map(|row| row.iter().collect()).collect()
}

fn draw_one(grid: &mut [Vec<char>], arrow: &Arrow, column: usize) {
    let rows = arrow.rows();
    let (first, last) = (*rows.start(), *rows.end());
    for row in rows {
        let Some(cells) = grid.get_mut(row) else {
            continue;
        };
        let is_end = row == first || row == last;
        if let Some(cell) = cells.get_mut(column) {
            *cell = match (row == first, row == last, *cell) {
                // Another arrow of the lane.
                (true, _, '╰' | '│' | '├') | (_, true, '╭' | '│' | '├') => '├',
                (false, false, '╭' | '╰' | '├') => '├',
                // An arrow of a lane farther out.
                (true, _, '─') => '┬',
                (_, true, '─') => '┴',
                (_, _, '─') => '┼',
                (true, _, _) => '╭',
                (_, true, _) => '╰',
                _ => '│',
            };
        }
        if is_end {
            let count = cells.len();
            for cell in cells.iter_mut().take(count - 1).skip(column + 1) {
                *cell = match *cell {
                    '│' | '┼' => '┼',
                    ' ' => '─',
                    other => other,
                };
            }
            let tip = cells.get_mut(count - 2);
            if let Some(cell) = tip.filter(|_| row == arrow.to) {
                *cell = '>';
            }
        }
    }
}

/// Distributes arrows to lanes, the shortest ones next to the code. Arrows that lead to the same row share a lane.
fn lanes(arrows: &[Arrow]) -> Vec<Vec<Arrow>> {
    let mut sorted = arrows.to_vec();
    sorted.sort_by_key(|arrow| (arrow.rows().end() - arrow.rows().start(), arrow.from));
    let mut lanes: Vec<Vec<Arrow>> = Vec::new();
    for arrow in sorted {
        let fits = |lane: &Vec<Arrow>| {
            lane.iter().all(|other| {
                let (one, two) = (arrow.rows(), other.rows());
                other.to == arrow.to || one.end() < two.start() || two.end() < one.start()
            })
        };
        if let Some(lane) = lanes.iter_mut().find(|lane| fits(lane)) {
            lane.push(arrow);
        } else if lanes.len() < LANES {
            lanes.push(vec![arrow]);
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(arrows: &[(usize, usize)], rows: usize) -> Vec<String> {
        let arrows: Vec<Arrow> = arrows
            .iter()
            .map(|&(from, to)| Arrow { from, to })
            .collect();
        draw(&arrows, rows)
    }

    #[test]
    fn no_arrows() {
        assert_eq!(drawn(&[], 2), ["", ""]);
    }

    #[test]
    fn nested() {
        let expected = ["╭──── ", "│ ╭── ", "│ ╰─> ", "╰───> "];
        assert_eq!(drawn(&[(0, 3), (1, 2)], 4), expected);
    }

    #[test]
    fn back_and_to_the_same_place() {
        assert_eq!(drawn(&[(2, 0)], 3), ["╭─> ", "│   ", "╰── "]);
        assert_eq!(drawn(&[(0, 2), (1, 2)], 3), ["╭── ", "├── ", "╰─> "]);
        assert_eq!(drawn(&[(1, 0), (2, 0)], 3), ["╭─> ", "├── ", "╰── "]);
    }

    #[test]
    fn crossing() {
        let expected = ["  ╭── ", "╭─┼── ", "│ ╰─> ", "╰───> "];
        assert_eq!(drawn(&[(0, 2), (1, 3)], 4), expected);
        // Two of three have the same lane.
        let all = drawn(&[(0, 4), (1, 3), (2, 4)], 5);
        assert_eq!(all, ["╭──── ", "│ ╭── ", "├─┼── ", "│ ╰─> ", "╰───> "]);
    }
}

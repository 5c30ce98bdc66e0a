//! Aligned columns.

use unicode_width::UnicodeWidthStr as _;

use super::one_line;

/// How many columns of the terminal a cell takes at most.
const CELL_MAX: usize = 48;

/// A column's heading and side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Text.
    Left(&'static str),
    /// Amounts and counts.
    Right(&'static str),
    /// The rest of the line, in full.
    Rest(&'static str),
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Column::Left(heading) | Column::Right(heading) | Column::Rest(heading) => heading,
        }
    }
}

/// Rows under columns; columns in which nothing stands are left out.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.columns.len(), String::new());
        for (cell, column) in cells.iter_mut().zip(&self.columns) {
            let max = match column {
                Column::Rest(_) => usize::MAX,
                _ => CELL_MAX,
            };
            *cell = one_line(cell, max);
        }
        self.rows.push(cells);
    }

    /// Writes headings, where there are any, and rows.
    pub(super) fn render(&self) -> String {
        let has_headings = self
            .columns
            .iter()
            .any(|column| !column.heading().is_empty());
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.rows.iter().any(|row| !row[*at].is_empty()))
            .collect();
        let headings: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.heading().to_owned())
            .collect();
        let lines: Vec<&Vec<String>> = has_headings
            .then_some(&headings)
            .into_iter()
            .chain(&self.rows)
            .collect();
        let widths: Vec<usize> = shown.iter().map(|at| width(&lines, *at)).collect();
        let mut text = String::new();
        for line in &lines {
            let cells: Vec<String> = shown
                .iter()
                .zip(&widths)
                .map(|(at, width)| pad(&line[*at], *width, self.columns[*at]))
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

fn width(lines: &[&Vec<String>], at: usize) -> usize {
    lines.iter().map(|line| line[at].width()).max().unwrap_or(0)
}

fn pad(cell: &str, width: usize, column: Column) -> String {
    let space = " ".repeat(width.saturating_sub(cell.width()));
    match column {
        Column::Right(_) => format!("{space}{cell}"),
        Column::Left(_) | Column::Rest(_) => format!("{cell}{space}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_empty_ones_are_left_out() {
        let mut table = Table::new(&[
            Column::Left("name"),
            Column::Left("status"),
            Column::Right("revenue"),
            Column::Rest("id"),
        ]);
        table.row(["Müller", "", "12.50", "1a"].map(str::to_owned));
        table.row(["B", "", "1200.00", "2b"].map(str::to_owned));
        assert_eq!(
            table.render(),
            "name    revenue  id\nMüller    12.50  1a\nB       1200.00  2b\n"
        );
    }

    #[test]
    fn letters_that_are_wide_or_take_no_room_align_too() {
        let mut table = Table::new(&[Column::Left("name"), Column::Right("id")]);
        table.row(["山田商事", "1a"].map(str::to_owned));
        // The dots stand on the letter before them.
        table.row(["Mu\u{308}ller", "2b"].map(str::to_owned));
        assert_eq!(
            table.render(),
            "name      id\n山田商事  1a\nMu\u{308}ller    2b\n"
        );
    }
}

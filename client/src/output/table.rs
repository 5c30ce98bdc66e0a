//! Aligned columns.

use unicode_width::UnicodeWidthStr as _;

use super::one_line;

/// How many columns of the terminal a cell takes at most.
const CELL_MAX: usize = 48;

/// How many columns of the terminal a cell keeps however narrow that is.
const NARROW: usize = 16;

/// What stands between cells.
const GAP: &str = "  ";

/// A column's heading and side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Text.
    Left(&'static str),
    /// Text that is left out where there is no room for it.
    Spare(&'static str),
    /// Amounts and counts.
    Right(&'static str),
    /// The rest of the line, in full.
    Rest(&'static str),
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Column::Left(heading)
            | Column::Spare(heading)
            | Column::Right(heading)
            | Column::Rest(heading) => heading,
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

    /// Makes it fit into so many columns of the terminal, as far as it may: spare columns go, the widest cells are cut.
    pub(super) fn fit(mut self, columns: Option<usize>) -> Self {
        let Some(max) = columns else {
            return self;
        };
        while self.total(NARROW) > max {
            let spare = |at: &usize| matches!(self.columns[*at], Column::Spare(_));
            let Some(at) = self.shown().into_iter().rev().find(spare) else {
                break;
            };
            self.rows.iter_mut().for_each(|row| row[at].clear());
        }
        loop {
            let excess = self.total(usize::MAX).saturating_sub(max);
            let widest = self.shown().into_iter().max_by_key(|at| self.width(*at));
            let Some(at) = widest.filter(|at| excess > 0 && self.width(*at) > NARROW) else {
                return self;
            };
            let room = (self.width(at) - 1).max(NARROW);
            for row in &mut self.rows {
                row[at] = one_line(&row[at], room);
            }
        }
    }

    /// Gives the columns in which something stands.
    fn shown(&self) -> Vec<usize> {
        (0..self.columns.len())
            .filter(|at| self.rows.iter().any(|row| !row[*at].is_empty()))
            .collect()
    }

    /// Gives the width of the widest cell of a column.
    fn width(&self, at: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[at].width());
        cells.max().unwrap_or(0)
    }

    /// Gives the width of a line when no cell takes more than this.
    fn total(&self, max: usize) -> usize {
        let shown = self.shown();
        let widths = shown.iter().map(|at| {
            let heading = self.columns[*at].heading().width();
            self.width(*at).min(max).max(heading)
        });
        widths.sum::<usize>() + GAP.len() * shown.len().saturating_sub(1)
    }

    /// Writes headings, where there are any, and rows.
    pub(super) fn render(&self) -> String {
        let has_headings = self
            .columns
            .iter()
            .any(|column| !column.heading().is_empty());
        let shown = self.shown();
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
            text.push_str(cells.join(GAP).trim_end());
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
        Column::Left(_) | Column::Spare(_) | Column::Rest(_) => format!("{cell}{space}"),
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
    fn a_narrow_terminal_shows_what_matters_most() {
        let table = |columns| {
            let mut table = Table::new(&[
                Column::Left("number"),
                Column::Left("customer"),
                Column::Spare("responsible"),
                Column::Left("id"),
            ]);
            table.row(["AF-1", "Mueller Praezision und Soehne", "Rep A", "1a"].map(str::to_owned));
            table.row(["AF-2", "Nord Pumpen GmbH", "Rep B", "2b"].map(str::to_owned));
            table.fit(columns).render()
        };
        let whole = "number  customer                       responsible  id\n\
                     AF-1    Mueller Praezision und Soehne  Rep A        1a\n\
                     AF-2    Nord Pumpen GmbH               Rep B        2b\n";
        assert_eq!(table(None), whole);
        assert_eq!(table(Some(54)), whole);
        assert_eq!(
            table(Some(50)),
            "number  customer                   responsible  id\n\
             AF-1    Mueller Praezision und S…  Rep A        1a\n\
             AF-2    Nord Pumpen GmbH           Rep B        2b\n"
        );
        let narrow = "number  customer          id\n\
                      AF-1    Mueller Praezis…  1a\n\
                      AF-2    Nord Pumpen GmbH  2b\n";
        assert_eq!(table(Some(28)), narrow);
        // What does not fit at all is for the terminal to wrap.
        assert_eq!(table(Some(5)), narrow);
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

//! Decodes the columns of a change one cell at a time, so that a run's length is only ever a number.

use super::Rejection;
use super::read::Reader;

/// A value that a run-length column holds.
pub(super) trait Cell<'a>: Copy {
    fn read(reader: &mut Reader<'a>, column: &'static str) -> Result<Self, Rejection>;
}

impl<'a> Cell<'a> for u64 {
    fn read(reader: &mut Reader<'a>, column: &'static str) -> Result<Self, Rejection> {
        reader.unsigned(column)
    }
}

impl<'a> Cell<'a> for i64 {
    fn read(reader: &mut Reader<'a>, column: &'static str) -> Result<Self, Rejection> {
        reader.signed(column)
    }
}

impl<'a> Cell<'a> for &'a str {
    fn read(reader: &mut Reader<'a>, column: &'static str) -> Result<Self, Rejection> {
        let length = reader.unsigned(column)?;
        reader.text(length, column)
    }
}

#[derive(Debug, Clone, Copy)]
enum Run<T> {
    Equal(Option<T>),
    Literal,
}

/// A run-length column: runs of one value, literal runs, runs of null.
#[derive(Debug)]
pub(super) struct RunLength<'a, T> {
    column: &'static str,
    reader: Reader<'a>,
    /// A column that is not there is null throughout.
    absent: bool,
    longest: usize,
    left: u64,
    run: Run<T>,
}

impl<'a, T: Cell<'a>> RunLength<'a, T> {
    /// Starts at the first cell; a run longer than `longest` is refused when its header is read.
    pub(super) const fn new(column: &'static str, bytes: &'a [u8], longest: usize) -> Self {
        Self {
            column,
            reader: Reader::new(bytes),
            absent: bytes.is_empty(),
            longest,
            left: 0,
            run: Run::Equal(None),
        }
    }

    pub(super) const fn at_end(&self) -> bool {
        self.left == 0 && self.reader.is_empty()
    }

    /// Takes the next cell, `None` for null.
    pub(super) fn next(&mut self) -> Result<Option<T>, Rejection> {
        let column = self.column;
        if self.absent {
            return Ok(None);
        }
        if self.left == 0 {
            if self.reader.is_empty() {
                return Err(Rejection::ColumnShort { column });
            }
            self.start_run()?;
        }
        self.left -= 1;
        match self.run {
            Run::Equal(value) => Ok(value),
            Run::Literal => T::read(&mut self.reader, column).map(Some),
        }
    }

    /// Takes the next cell of a column in which null means nothing.
    pub(super) fn required(&mut self) -> Result<T, Rejection> {
        let column = self.column;
        self.next()?.ok_or(Rejection::Null { column })
    }

    fn start_run(&mut self) -> Result<(), Rejection> {
        let column = self.column;
        let header = self.reader.signed(column)?;
        self.left = match header {
            0 => self.reader.unsigned(column)?,
            _ => header.unsigned_abs(),
        };
        if self.left == 0 {
            return Err(Rejection::NotCanonical);
        }
        super::within(self.left, self.longest, column)?;
        self.run = match header {
            0 => Run::Equal(None),
            1.. => Run::Equal(Some(T::read(&mut self.reader, column)?)),
            _ => Run::Literal,
        };
        Ok(())
    }

    /// Checks that the column ended with the operations.
    pub(super) const fn finish(&self) -> Result<(), Rejection> {
        if self.at_end() {
            Ok(())
        } else {
            Err(Rejection::ColumnLong {
                column: self.column,
            })
        }
    }
}

/// A run-length column of differences.
#[derive(Debug)]
pub(super) struct Delta<'a> {
    steps: RunLength<'a, i64>,
    value: i64,
}

impl<'a> Delta<'a> {
    pub(super) const fn new(column: &'static str, bytes: &'a [u8], longest: usize) -> Self {
        Self {
            steps: RunLength::new(column, bytes, longest),
            value: 0,
        }
    }

    /// Takes the next counter, `None` for null.
    pub(super) fn next(&mut self) -> Result<Option<u64>, Rejection> {
        let Some(step) = self.steps.next()? else {
            return Ok(None);
        };
        let column = self.steps.column;
        let counter = self.value.checked_add(step).and_then(|value| {
            self.value = value;
            u64::try_from(value).ok()
        });
        match counter {
            Some(counter) if counter <= super::MAX_COUNTER => Ok(Some(counter)),
            _ => Err(Rejection::Counter { what: column }),
        }
    }

    pub(super) const fn finish(&self) -> Result<(), Rejection> {
        self.steps.finish()
    }
}

/// A column of truth values: lengths of alternating runs, the first of false.
#[derive(Debug)]
pub(super) struct Boolean<'a> {
    column: &'static str,
    reader: Reader<'a>,
    longest: usize,
    left: u64,
    value: bool,
    first: bool,
}

impl<'a> Boolean<'a> {
    pub(super) const fn new(column: &'static str, bytes: &'a [u8], longest: usize) -> Self {
        Self {
            column,
            reader: Reader::new(bytes),
            longest,
            left: 0,
            value: true,
            first: true,
        }
    }

    pub(super) fn next(&mut self) -> Result<bool, Rejection> {
        let column = self.column;
        while self.left == 0 {
            if self.reader.is_empty() {
                return Err(Rejection::ColumnShort { column });
            }
            self.left = self.reader.length(self.longest, column)?;
            self.value = !self.value;
            if self.left == 0 && !std::mem::take(&mut self.first) {
                return Err(Rejection::NotCanonical);
            }
            self.first = false;
        }
        self.left -= 1;
        Ok(self.value)
    }

    pub(super) const fn finish(&self) -> Result<(), Rejection> {
        if self.left == 0 && self.reader.is_empty() {
            Ok(())
        } else {
            Err(Rejection::ColumnLong {
                column: self.column,
            })
        }
    }
}

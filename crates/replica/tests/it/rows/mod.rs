//! One test per row of the merge table (design section 5), named after the row.

mod conversion;
mod fields;
mod files;
mod lives;
mod sales;

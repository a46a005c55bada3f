//! CSV as people's programs write it: rows with the physical line on which they begin, and cells that know whether they were in
//! quotes; and RFC 4180 as it is written here.
//!
//! The `csv` crate cannot be the reader: to it `""` is the same as nothing, text after a closing quote is part of the cell, and a
//! CR without LF ends a row unless CRLF does not either. Nor can it be the writer, which would quote all empty cells or none.
//! Files that have none of that are read with both in a test.

mod delimiter;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Broken, Encoding, RawCell, RawRow, Reader};
pub use writer::{Cell, write_row};

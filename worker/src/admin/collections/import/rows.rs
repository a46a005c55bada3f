//! Rows of a file of any format.

use serde_json::Value;

use super::super::Collection;
use super::options::{ImportFormat, ImportOptions};
use crate::collections::csv;
use crate::collections::header::{Header, RowProblem, Values};
use crate::collections::items::{self, Layout};
use crate::collections::problems::Problems;

/// A row as it was read.
pub(super) struct ReadRow {
    pub(super) line: Option<u64>,
    pub(super) values: Result<Values, Vec<RowProblem>>,
    /// The id of a JSON item.
    pub(super) id: Option<Value>,
}

/// Reads rows of any format.
pub(super) enum Rows {
    Csv { reader: csv::Reader, header: Option<Header> },
    Items(items::Reader),
}

impl Rows {
    pub(super) fn new(options: &ImportOptions) -> Self {
        match options.format {
            ImportFormat::Csv => {
                Self::Csv { reader: csv::Reader::new(options.encoding, options.delimiter), header: None }
            }
            ImportFormat::Json => Self::Items(items::Reader::new(Layout::List)),
            ImportFormat::Ndjson => Self::Items(items::Reader::new(Layout::Lines)),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Csv { reader, .. } => reader.push(bytes),
            Self::Items(reader) => reader.push(bytes),
        }
    }

    pub(super) fn finish(&mut self) {
        match self {
            Self::Csv { reader, .. } => reader.finish(),
            Self::Items(reader) => reader.finish(),
        }
    }

    /// The next row; `Err(Ok)` is what ends the reading, with the line.
    pub(super) fn next(&mut self, collection: &Collection, is_by_id: bool) -> Result<Option<ReadRow>, Ending> {
        match self {
            Self::Csv { reader, header } => loop {
                let row =
                    reader.next_row().map_err(|broken| Ending::Broken(Some(broken.line), broken.problem.to_owned()))?;
                let Some(row) = row else { return Ok(None) };
                let Some(header) = header else {
                    let cells = row.cells.map_err(|problem| Ending::Header(Problems::one("header", problem)))?;
                    let columns = &collection.rules.definition().columns;
                    *header = Some(Header::read(&cells, columns).map_err(Ending::Header)?);
                    continue;
                };
                let values = match row.cells {
                    Ok(cells) => header.values(&cells),
                    Err(message) => Err(vec![RowProblem { field: None, message }]),
                };
                return Ok(Some(ReadRow { line: Some(row.line), values, id: None }));
            },
            Self::Items(reader) => {
                let item = reader.next_item().map_err(|broken| Ending::Broken(None, broken.0))?;
                let Some(item) = item else { return Ok(None) };
                let (id, values) = match items::record_of(item, is_by_id) {
                    Ok((id, data)) => (id, Ok(Values { id: None, data })),
                    Err(message) => (None, Err(vec![RowProblem { field: None, message }])),
                };
                Ok(Some(ReadRow { line: None, values, id }))
            }
        }
    }
}

/// Why there are no more rows.
pub(super) enum Ending {
    Header(Problems),
    Broken(Option<u64>, String),
}

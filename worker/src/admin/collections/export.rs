//! Exports of records (COLLECTIONS 6) as CSV, JSON and NDJSON, and of a collection with its records as one document.

use bytes::Bytes;
use serde_json::{Value, json};

use super::listing::parts;
use super::selection::{Criteria, Selection};
use super::{Collection, Error, ListQuery, Names, StoredRecord, record_json, to_json};
use crate::collections::csv;
use crate::collections::date::millisecond_text;
use crate::collections::path::Path;
use crate::store::Store;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One object a line.
    Ndjson,
    /// RFC 4180.
    Csv,
    /// A list.
    Json,
}

impl ExportFormat {
    /// The format of a name; the default of an empty one.
    ///
    /// # Errors
    /// A problem of `format`.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "" | "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            _ => Err(Error::invalid("format", "must be ndjson, csv or json")),
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// What the names of such files end in.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// What an export is asked for.
#[derive(Debug)]
pub struct ExportOptions {
    /// How records are written.
    pub format: ExportFormat,
    criteria: Criteria,
    columns: Option<String>,
    has_mark: bool,
    escapes_formulas: bool,
}

impl ExportOptions {
    /// Reads the parameters `format pmql filter order_by order_direction columns bom formulas`.
    ///
    /// # Errors
    /// What cannot be used, by parameter.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let (mut format, mut columns, mut bom, mut formulas) = ("", None, "", "");
        let mut of_list = Vec::new();
        for (name, value) in parameters {
            match name {
                "format" => format = value,
                "columns" => columns = Some(value.to_owned()).filter(|columns| !columns.trim().is_empty()),
                "bom" => bom = value,
                "formulas" => formulas = value,
                "pmql" | "filter" | "order_by" | "order_direction" => of_list.push((name, value)),
                _ => {}
            }
        }
        let has_mark = match bom {
            "" | "0" | "false" => false,
            "1" | "true" => true,
            _ => return Err(Error::invalid("bom", "must be 0 or 1")),
        };
        if !matches!(formulas, "" | "escape") {
            return Err(Error::invalid("formulas", "must be escape"));
        }
        let format = ExportFormat::parse(format)?;
        // The mark is for spreadsheets: JSON texts have none (RFC 8259 8.1).
        let has_mark = has_mark && format == ExportFormat::Csv;
        let criteria = ListQuery::parse(of_list)?.criteria;
        Ok(Self { format, criteria, columns, has_mark, escapes_formulas: formulas == "escape" })
    }
}

/// A column of a CSV file.
#[derive(Debug, Clone)]
enum Cell {
    Id,
    Version,
    Title,
    CreatedAt,
    UpdatedAt,
    CreatedBy,
    UpdatedBy,
    CollectionId,
    Data(Path),
    Member(String),
    Nothing,
}

/// An export as a stream of bytes.
pub struct Export {
    selection: Selection,
    names: Names,
    format: ExportFormat,
    header: Vec<(String, Cell)>,
    has_mark: bool,
    escapes_formulas: bool,
    progress: Progress,
}

/// How far a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Begin,
    Header,
    Records,
    End,
}

impl Export {
    /// Begins an export.
    ///
    /// # Errors
    /// When the query cannot be answered, or the database cannot be reached.
    pub async fn begin(store: &Store, collection: Collection, options: ExportOptions) -> Result<Self, Error> {
        let header = match (options.format, options.columns.as_deref()) {
            (ExportFormat::Csv, Some(columns)) => parts(columns)
                .into_iter()
                .filter(|name| !name.is_empty())
                .map(|name| (name.to_owned(), cell(name)))
                .collect(),
            (ExportFormat::Csv, None) => default_header(store, &collection, &options.criteria).await?,
            _ => Vec::new(),
        };
        let names = Names::of(store).await?;
        let selection = Selection::new(store.clone(), collection, options.criteria).await?;
        Ok(Self {
            selection,
            names,
            format: options.format,
            header,
            has_mark: options.has_mark,
            escapes_formulas: options.escapes_formulas,
            progress: Progress::Begin,
        })
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// When the database cannot be reached: the export is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut out = Vec::new();
        match self.progress {
            Progress::Begin => {
                self.begin_file(&mut out);
                self.progress = Progress::Header;
            }
            Progress::Header | Progress::Records => {}
            Progress::End => return Ok(None),
        }
        if let Some(records) = self.selection.next().await? {
            for record in &records {
                self.write(record, &mut out);
            }
            return Ok(Some(Bytes::from(out)));
        }
        self.progress = Progress::End;
        if self.format == ExportFormat::Json {
            out.extend_from_slice(b"]\n");
        }
        Ok(Some(Bytes::from(out)))
    }

    fn begin_file(&self, out: &mut Vec<u8>) {
        if self.has_mark {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        match self.format {
            ExportFormat::Ndjson => {}
            ExportFormat::Json => out.push(b'['),
            ExportFormat::Csv => {
                let names = self.header.iter().map(|(name, _)| csv::Cell::Text(name.clone()));
                csv::write_row(out, names, self.escapes_formulas);
            }
        }
    }

    fn write(&mut self, record: &StoredRecord, out: &mut Vec<u8>) {
        let collection = self.selection.collection();
        if self.format == ExportFormat::Csv {
            let cells = self.header.iter().map(|(_, cell)| cell.of(collection, record));
            return csv::write_row(out, cells, self.escapes_formulas);
        }
        let is_first = std::mem::replace(&mut self.progress, Progress::Records) == Progress::Header;
        if self.format == ExportFormat::Json && !is_first {
            out.push(b',');
        }
        out.extend_from_slice(Value::Object(record_json(collection, record, &self.names)).to_string().as_bytes());
        if self.format == ExportFormat::Ndjson {
            out.push(b'\n');
        }
    }
}

impl Cell {
    fn of(&self, collection: &Collection, record: &StoredRecord) -> csv::Cell {
        let text = csv::Cell::Text;
        match self {
            Self::Id => csv::Cell::Number(record.id.to_string()),
            Self::Version => csv::Cell::Number(record.version.to_string()),
            Self::CollectionId => csv::Cell::Number(collection.id.to_string()),
            Self::Title => text(record.data.as_object().map(|data| collection.rules.title(data)).unwrap_or_default()),
            Self::CreatedAt => text(millisecond_text(record.created_at)),
            Self::UpdatedAt => text(millisecond_text(record.updated_at)),
            Self::CreatedBy => text(record.created_by.clone()),
            Self::UpdatedBy => text(record.updated_by.clone()),
            Self::Data(path) => csv::Cell::of(path.find(&record.data)),
            Self::Member(name) => csv::Cell::of(record.data.get(name)),
            Self::Nothing => csv::Cell::Empty,
        }
    }
}

/// A column by its name: a member of the record, or a path with or without `data.`.
fn cell(name: &str) -> Cell {
    match name {
        "id" => Cell::Id,
        "version" => Cell::Version,
        "title" => Cell::Title,
        "created_at" => Cell::CreatedAt,
        "updated_at" => Cell::UpdatedAt,
        "created_by" | "created_by_id" => Cell::CreatedBy,
        "updated_by" | "updated_by_id" => Cell::UpdatedBy,
        "collection_id" => Cell::CollectionId,
        path if path.starts_with("data.") => Path::parse(path).map_or(Cell::Nothing, Cell::Data),
        path => Path::parse(&format!("data.{path}")).map_or_else(|_| Cell::Member(path.to_owned()), Cell::Data),
    }
}

/// `id` and the columns; without columns all top-level names that the selected records have, in code point order.
async fn default_header(
    store: &Store,
    collection: &Collection,
    criteria: &Criteria,
) -> Result<Vec<(String, Cell)>, Error> {
    let mut header = vec![("id".to_owned(), Cell::Id)];
    let columns = &collection.rules.definition().columns;
    if !columns.is_empty() {
        header.extend(columns.iter().map(|column| {
            let field = column.field.to_string();
            (column.field.bare(), Path::parse(&field).map_or(Cell::Nothing, Cell::Data))
        }));
        return Ok(header);
    }
    let mut names = std::collections::BTreeSet::new();
    let mut all = Selection::new(store.clone(), collection.clone(), criteria.for_names()).await?;
    while let Some(records) = all.next().await? {
        for record in &records {
            let members = record.data.as_object().into_iter().flatten();
            for (name, _) in members {
                if !names.contains(name) {
                    names.insert(name.clone());
                }
            }
        }
    }
    header.extend(names.into_iter().map(|name| (name.clone(), Cell::Member(name))));
    Ok(header)
}

/// A collection with its records: `{"type", "collection", "records": [{"data"}]}`, as a stream of bytes.
pub struct Document {
    selection: Selection,
    progress: Progress,
}

/// The type of that document.
pub(super) const DOCUMENT: &str = "data-connector.collection.v1";

/// Begins the export of a collection with its records.
///
/// # Errors
/// When the database cannot be reached.
pub async fn document(store: &Store, collection: Collection) -> Result<Document, Error> {
    let criteria = ListQuery::parse([])?.criteria;
    let selection = Selection::new(store.clone(), collection, criteria).await?;
    Ok(Document { selection, progress: Progress::Begin })
}

impl Document {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// When the database cannot be reached: the document is not whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut text = String::new();
        if self.progress == Progress::End {
            return Ok(None);
        }
        if self.progress == Progress::Begin {
            self.progress = Progress::Header;
            let collection = Value::Object(to_json(self.selection.collection()));
            text = format!("{{\"type\":\"{DOCUMENT}\",\"collection\":{collection},\"records\":[");
        }
        if let Some(records) = self.selection.next().await? {
            for record in records {
                if std::mem::replace(&mut self.progress, Progress::Records) == Progress::Records {
                    text.push(',');
                }
                text.push_str(&json!({"data": record.data}).to_string());
            }
        } else {
            text.push_str("]}");
            self.progress = Progress::End;
        }
        Ok(Some(Bytes::from(text)))
    }
}

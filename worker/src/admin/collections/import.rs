//! Imports of records (COLLECTIONS 6): a stream of bytes becomes rows, rows are staged, and at the end all of them are seen, or
//! none.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::export::DOCUMENT;
use super::{Actor, Collection, Error, ImportPatience, members, new_collection};
use crate::collections::csv::{self, Encoding};
use crate::collections::field::Field;
use crate::collections::header::{Header, RowProblem, Values, field};
use crate::collections::items::{self, Layout};
use crate::collections::problems::Problems;
use crate::collections::report::{Report, RowError};
use crate::collections::rules::DataError;
use crate::store::Store;
use crate::store::collections::{CollectionError, Import, Match, OnMatch, Row, RowOutcome};

/// A file as it comes; an error means that the rest of it will not.
pub type Source = mpsc::Receiver<std::io::Result<Bytes>>;

/// How many rows are staged at once, and how large they may be together, bytes.
const ROWS: usize = 250;
const ROW_BYTES: usize = 1024 * 1024;
/// How often a silent import says that it goes on.
const ALIVE: Duration = Duration::from_secs(3);

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// CSV.
    Csv,
    /// A list.
    Json,
    /// One object a line.
    Ndjson,
}

/// What one bad row means for the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImportMode {
    /// Nothing is stored.
    #[default]
    All,
    /// They are stored.
    Each,
}

/// What an import is asked for.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    format: ImportFormat,
    mode: ImportMode,
    /// `id`, or a field.
    key: Option<String>,
    on_match: OnMatch,
    dry_run: bool,
    delimiter: Option<u8>,
    encoding: Encoding,
}

impl ImportFormat {
    fn named(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Ndjson),
            _ => None,
        }
    }

    fn of_media_type(media: &str) -> Option<Self> {
        match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv),
            "application/json" => Some(Self::Json),
            "application/x-ndjson" | "application/jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

impl ImportOptions {
    /// Reads the parameters `format mode key on_match dry_run delimiter encoding`; without `format` the content type decides.
    ///
    /// # Errors
    /// What cannot be used, by parameter; [`Error::Unsupported`] where neither says what the file is.
    pub fn parse<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
        content_type: Option<&str>,
    ) -> Result<Self, Error> {
        let mut format = None;
        let mut options = Self {
            format: ImportFormat::Csv,
            mode: ImportMode::All,
            key: None,
            on_match: OnMatch::Update,
            dry_run: false,
            delimiter: None,
            encoding: Encoding::Unicode,
        };
        let mut problems = Problems::default();
        for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
            let problem = match (name, value) {
                ("format", name) => match ImportFormat::named(name) {
                    Some(named) => {
                        format = Some(named);
                        continue;
                    }
                    None => "must be csv, json or ndjson",
                },
                ("delimiter", value) => match value.as_bytes() {
                    _ if value == "tab" => {
                        options.delimiter = Some(b'\t');
                        continue;
                    }
                    [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => {
                        options.delimiter = Some(*byte);
                        continue;
                    }
                    _ => "must be one character, or tab",
                },
                (name, value) => match options.set(name, value) {
                    Ok(()) => continue,
                    Err(problem) => problem,
                },
            };
            problems.add(name, problem);
        }
        problems.into_result()?;
        options.format = match (format, content_type.and_then(ImportFormat::of_media_type)) {
            (Some(format), _) | (None, Some(format)) => format,
            (None, None) => {
                let problem = "send text/csv, application/json or application/x-ndjson, or say `format`";
                return Err(Error::Unsupported(problem.to_owned()));
            }
        };
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match (name, value) {
            ("mode", "all") => self.mode = ImportMode::All,
            ("mode", "each") => self.mode = ImportMode::Each,
            ("mode", _) => return Err("must be all or each"),
            ("on_match", "update") => self.on_match = OnMatch::Update,
            ("on_match", "skip") => self.on_match = OnMatch::Skip,
            ("on_match", "fail") => self.on_match = OnMatch::Fail,
            ("on_match", _) => return Err("must be update, skip or fail"),
            ("dry_run", "0" | "false") => self.dry_run = false,
            ("dry_run", "1" | "true") => self.dry_run = true,
            ("dry_run", _) => return Err("must be 0 or 1"),
            ("encoding", "utf-8" | "utf8") => self.encoding = Encoding::Unicode,
            ("encoding", "windows-1252") => self.encoding = Encoding::Windows1252,
            ("encoding", "iso-8859-1") => self.encoding = Encoding::Latin1,
            ("encoding", _) => return Err("must be utf-8, windows-1252 or iso-8859-1"),
            ("key", key) => self.key = Some(key.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn is_by_id(&self) -> bool {
        self.key.as_deref() == Some("id")
    }

    /// The field that rows are matched by.
    fn key_field(&self) -> Option<Field> {
        self.key.as_deref().filter(|_| !self.is_by_id()).map(field)
    }
}

/// A row as it was read.
struct ReadRow {
    line: Option<u64>,
    values: Result<Values, Vec<RowProblem>>,
    /// The id of a JSON item.
    id: Option<Value>,
}

/// Reads rows of any format.
enum Rows {
    Csv { reader: csv::Reader, header: Option<Header> },
    Items(items::Reader),
}

impl Rows {
    fn new(options: &ImportOptions) -> Self {
        match options.format {
            ImportFormat::Csv => {
                Self::Csv { reader: csv::Reader::new(options.encoding, options.delimiter), header: None }
            }
            ImportFormat::Json => Self::Items(items::Reader::new(Layout::List)),
            ImportFormat::Ndjson => Self::Items(items::Reader::new(Layout::Lines)),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Csv { reader, .. } => reader.push(bytes),
            Self::Items(reader) => reader.push(bytes),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Csv { reader, .. } => reader.finish(),
            Self::Items(reader) => reader.finish(),
        }
    }

    /// The next row; `Err(Ok)` is what ends the reading, with the line.
    fn next(&mut self, collection: &Collection, is_by_id: bool) -> Result<Option<ReadRow>, Ending> {
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
enum Ending {
    Header(Problems),
    Broken(Option<u64>, String),
}

/// A row with its line and its number in the file, or what is wrong with it.
type Pending = (Option<u64>, u64, Result<Row, Vec<RowProblem>>);

/// An import under way.
struct Run<'a> {
    store: &'a Store,
    collection: Collection,
    options: ImportOptions,
    actor: &'a Actor,
    report: Report,
    import: Option<Import>,
    /// Rows with their place, in the order of the file, those that cannot be staged too.
    pending: Vec<Pending>,
    pending_bytes: usize,
}

/// Imports a file; `progress` is told how many rows were read, from time to time.
///
/// # Errors
/// A header that cannot be used, a file that does not come to its end, an import that is in the way for too long, or the
/// database; nothing is stored then. Rows that do not fit are no errors: the report tells of them.
pub async fn import(
    store: &Store,
    collection: Collection,
    options: ImportOptions,
    mut source: Source,
    actor: &Actor,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Report, Error> {
    let report = Report {
        mode: if options.mode == ImportMode::All { "all" } else { "each" },
        dry_run: options.dry_run,
        ..Report::default()
    };
    let mut rows = Rows::new(&options);
    let mut run =
        Run { store, collection, options, actor, report, import: None, pending: Vec::new(), pending_bytes: 0 };
    let done = run.read_all(&mut rows, &mut source, &mut progress).await;
    if let Err(error) = done {
        run.close(false).await.unwrap_or_default();
        return Err(error);
    }
    let is_kept = !run.options.dry_run && (run.options.mode == ImportMode::Each || !run.report.has_failures());
    run.close(is_kept).await?;
    let mut report = run.report;
    if report.status() != 200 && !report.dry_run {
        (report.created, report.updated) = (0, 0);
    }
    Ok(report)
}

impl Run<'_> {
    async fn read_all(
        &mut self,
        rows: &mut Rows,
        source: &mut Source,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<(), Error> {
        loop {
            match timeout(ALIVE, source.recv()).await {
                Err(_) => {
                    self.flush().await?;
                    if let Some(import) = &self.import {
                        self.store.collections().keep_alive(import).await?;
                    }
                    continue;
                }
                Ok(Some(Ok(bytes))) => rows.push(&bytes),
                Ok(Some(Err(error))) => {
                    return Err(Error::BadRequest(format!("the file did not come to its end: {error}")));
                }
                Ok(None) => {
                    rows.finish();
                    self.take_rows(rows, progress).await?;
                    return self.flush().await;
                }
            }
            if !self.take_rows(rows, progress).await? {
                return self.flush().await;
            }
        }
    }

    /// Takes the rows that are complete; whether more may come.
    async fn take_rows(&mut self, rows: &mut Rows, progress: &mut impl FnMut(u64)) -> Result<bool, Error> {
        loop {
            match rows.next(&self.collection, self.options.is_by_id()) {
                Ok(Some(row)) => self.take(row),
                Ok(None) => return Ok(true),
                Err(Ending::Header(problems)) => return Err(problems.into()),
                Err(Ending::Broken(line, message)) => {
                    self.flush().await?;
                    self.report.aborted = true;
                    let record = self.report.read + 1;
                    self.report.tell(RowError { line, record, field: None, message });
                    return Ok(false);
                }
            }
            if self.pending.len() >= ROWS || self.pending_bytes >= ROW_BYTES {
                self.flush().await?;
                progress(self.report.read);
            }
        }
    }

    fn take(&mut self, row: ReadRow) {
        self.report.read += 1;
        let (line, record, row) = (row.line, self.report.read, self.keyed(row));
        self.pending_bytes += 64 + row.as_ref().map_or(0, |row| weight(&row.data));
        self.pending.push((line, record, row));
    }

    /// The row with what it is about.
    fn keyed(&self, row: ReadRow) -> Result<Row, Vec<RowProblem>> {
        let Values { id, data } = row.values?;
        let one = |field: Option<String>, message: String| vec![RowProblem { field, message }];
        if self.options.is_by_id() {
            let id = match (id, row.id) {
                (Some(text), _) | (None, Some(Value::String(text))) => text.parse().ok(),
                (None, Some(Value::Number(number))) => number.as_i64(),
                _ => None,
            };
            let id: i64 = id.ok_or_else(|| one(Some("id".to_owned()), "is missing, or no number".to_owned()))?;
            return Ok(Row { key: Match::Id(id), data });
        }
        let Some(field) = self.options.key_field() else { return Ok(Row { key: Match::None, data }) };
        let value = field.find(&data).cloned().unwrap_or_default();
        let value = match self.collection.rules.column_of(&field) {
            Some(column) => {
                column.kind.coerce(value).map_err(|error| one(Some(field.to_string()), error.to_string()))?
            }
            None => value,
        };
        let key = if value.is_null() { Match::None } else { Match::Value(value) };
        Ok(Row { key, data })
    }

    /// Stages what is pending.
    async fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.pending_bytes = 0;
        let pending = std::mem::take(&mut self.pending);
        let (mut places, mut rows) = (Vec::new(), Vec::new());
        for (line, record, row) in pending {
            match row {
                Ok(row) => {
                    places.push((line, record, None));
                    rows.push(row);
                }
                Err(problems) => places.push((line, record, Some(problems))),
            }
        }
        let mut staged = if rows.is_empty() { Vec::new() } else { self.stage(rows).await? }.into_iter();
        for (line, record, problems) in places {
            match problems {
                Some(problems) => self.refuse(line, record, problems),
                None => {
                    if let Some(outcome) = staged.next() {
                        self.count(line, record, outcome);
                    }
                }
            }
        }
        Ok(())
    }

    async fn stage(&mut self, rows: Vec<Row>) -> Result<Vec<RowOutcome>, Error> {
        let mut import = match self.import.take() {
            Some(import) => import,
            None => self.open().await?,
        };
        let staged = stage(self.store, &mut import, rows, self.actor).await;
        self.import = Some(import);
        Ok(staged?)
    }

    fn refuse(&mut self, line: Option<u64>, record: u64, problems: Vec<RowProblem>) {
        self.report.failed += 1;
        for RowProblem { field, message } in problems {
            self.report.tell(RowError { line, record, field, message });
        }
    }

    fn count(&mut self, line: Option<u64>, record: u64, outcome: RowOutcome) {
        let report = &mut self.report;
        let mut tell = |field: Option<&str>, message: String| {
            report.tell(RowError { line, record, field: field.map(ToOwned::to_owned), message });
        };
        match outcome {
            RowOutcome::Created => report.created += 1,
            RowOutcome::Updated => report.updated += 1,
            RowOutcome::Unchanged => report.unchanged += 1,
            RowOutcome::Skipped => report.skipped += 1,
            RowOutcome::NoMatch(problem) => {
                tell(self.options.key.as_deref(), problem);
                report.failed += 1;
            }
            RowOutcome::Failed(DataError::Invalid(problems)) => {
                problems.iter().for_each(|(path, problem)| tell(Some(path), problem.to_owned()));
                report.failed += 1;
            }
            RowOutcome::Failed(DataError::Number(number)) => {
                tell(Some("data"), number.to_string());
                report.failed += 1;
            }
        }
    }

    async fn open(&mut self) -> Result<Import, Error> {
        let (collections, key) = (self.store.collections(), self.options.key_field());
        let patience = ImportPatience::new();
        loop {
            let opened =
                collections.open_import(&self.collection, key.as_ref(), self.options.on_match, self.actor).await;
            match opened {
                Err(error) => patience.wait(self.store, error).await?,
                Ok(import) => return Ok(import),
            }
        }
    }

    async fn close(&mut self, is_kept: bool) -> Result<(), Error> {
        let Some(import) = self.import.take() else { return Ok(()) };
        self.store.collections().close_import(import, is_kept, self.actor).await?;
        // What is not kept must not stand in the way of the next import.
        while !is_kept && self.store.collections().settle().await? {}
        Ok(())
    }
}

/// Stages rows; while another transaction is in the way, again.
async fn stage(
    store: &Store,
    import: &mut Import,
    rows: Vec<Row>,
    actor: &Actor,
) -> Result<Vec<RowOutcome>, CollectionError> {
    let begun = Instant::now();
    loop {
        match store.collections().stage(import, rows.clone(), actor).await {
            Err(CollectionError::Store(error)) if is_in_the_way(&error) && begun.elapsed() < ALIVE => {
                sleep(Duration::from_millis(50)).await;
            }
            staged => return staged,
        }
    }
}

fn is_in_the_way(error: &crate::store::Error) -> bool {
    matches!(error, crate::store::Error::Conflict(_))
}

fn weight(data: &Map<String, Value>) -> usize {
    data.iter().map(|(name, value)| name.len() + value.as_str().map_or(64, str::len)).sum()
}

/// Imports the document of an exported collection: a new collection with its records, or nothing.
///
/// # Errors
/// A document that is none, a name in use, records that do not fit, or the database.
pub async fn import_document(store: &Store, body: &Value, actor: &Actor) -> Result<Collection, Error> {
    let given = members(body)?;
    if given.get("type").and_then(Value::as_str) != Some(DOCUMENT) {
        return Err(Error::invalid("type", format!("must be `{DOCUMENT}`")));
    }
    let mut collection = match given.get("collection") {
        Some(Value::Object(map)) => map.clone(),
        _ => return Err(Error::invalid("collection", "must be an object")),
    };
    let records = match given.get("records") {
        Some(Value::Array(records)) => records.clone(),
        None | Some(Value::Null) => Vec::new(),
        _ => return Err(Error::invalid("records", "must be a list")),
    };
    let uuid = collection.get("uuid").and_then(Value::as_str).unwrap_or_default();
    if store.collections().find(uuid).await?.is_some_and(|found| found.uuid.eq_ignore_ascii_case(uuid)) {
        collection.remove("uuid");
    }
    let made = store.collections().create(new_collection(&collection)?).await?;
    let filled = fill(store, &made, records, actor).await;
    if let Err(error) = filled {
        store.collections().remove(made.id, true, actor).await?;
        return Err(error);
    }
    super::find(store, &made.uuid).await
}

async fn fill(store: &Store, collection: &Collection, records: Vec<Value>, actor: &Actor) -> Result<(), Error> {
    let options = ImportOptions::parse([("format", "ndjson")], None)?;
    let (sender, source) = mpsc::channel(4);
    let feed = async move {
        for record in records {
            if sender.send(Ok(Bytes::from(format!("{record}\n")))).await.is_err() {
                break;
            }
        }
    };
    let work = import(store, collection.clone(), options, source, actor, |_| {});
    let ((), report) = tokio::join!(feed, work);
    let mut problems = Problems::default();
    for error in report?.errors {
        let field = error.field.unwrap_or_else(|| "data".to_owned());
        problems.add(format!("records.{}.{field}", error.record - 1), error.message);
    }
    Ok(problems.into_result()?)
}

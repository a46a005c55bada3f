//! Imports of records (COLLECTIONS 6): a stream of bytes becomes rows, rows are staged, and at the end all of them are seen, or
//! none.

mod document;
mod options;
mod rows;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{Actor, Collection, Error, ImportPatience};
use crate::collections::header::{RowProblem, Values};
use crate::collections::report::{Report, RowError};
use crate::collections::rules::DataError;
use crate::store::Store;
use crate::store::collections::{CollectionError, Import, Match, Row, RowOutcome};

pub use document::import_document;
pub use options::{ImportFormat, ImportMode, ImportOptions};
use rows::{Ending, ReadRow, Rows};

/// A file as it comes; an error means that the rest of it will not.
pub type Source = mpsc::Receiver<io::Result<Bytes>>;

/// How large rows that are staged at once may be together, bytes.
const ROW_BYTES: usize = 1024 * 1024;
/// How often a silent import says that it goes on.
const ALIVE: Duration = Duration::from_secs(3);

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
                Ok(Some(Err(error))) => return Err(broken_off(&error)),
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
            if self.pending.len() >= self.store.collections().rows_at_once() || self.pending_bytes >= ROW_BYTES {
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

/// Why a file did not come to its end.
fn broken_off(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut => Error::TooSlow(format!("the file did not come to its end: {error}")),
        io::ErrorKind::FileTooLarge => Error::TooLarge(error.to_string()),
        _ => Error::BadRequest(format!("the file did not come to its end: {error}")),
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

//! `collections list|show|create|import|export|query|truncate|remove`: tables of records (COLLECTIONS 6, CLI).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::output::{self, Format};
use super::settings::Settings;
use super::{exit, input};
use crate::admin::collections::{
    self as admin, Actor, Collection, Error, ExportOptions, ImportOptions, ListQuery, Source,
};
use crate::clock::rfc3339;
use crate::collections::report::Report;
use crate::store::Store;

/// Wrong usage, as clap says it.
const USAGE: u8 = 2;
/// How much of a file is read at once, bytes.
const PIECE: usize = 64 * 1024;

/// Manages collections.
#[derive(Debug, Subcommand)]
pub(super) enum Collections {
    /// List collections
    List(Printing),
    /// Show one
    Show(One),
    /// Make a collection, and its connector
    Create(Create),
    /// Import records from a file
    Import(Import),
    /// Export records
    Export(Export),
    /// Print the records that a PMQL query selects
    Query(Query),
    /// Remove all records
    Truncate(Confirmed),
    /// Remove a collection with its records and its connector
    Remove(Confirmed),
}

#[derive(Debug, Args)]
pub(super) struct Printing {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// By uuid, number or name
    collection: String,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// A JSON file: name, columns, schema, …; `-` is standard input
    file: PathBuf,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileType {
    Csv,
    Json,
    Ndjson,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// By uuid, number or name
    collection: String,
    /// The file; `-` is standard input
    file: PathBuf,
    /// What the file is; its name's ending says so otherwise
    #[arg(long = "type", value_enum, value_name = "F")]
    kind: Option<FileType>,
    /// `all`: one bad row, and nothing is stored; `each`: the others are
    #[arg(long, default_value = "all", value_name = "M")]
    mode: String,
    /// `id` or a field: a row that matches a record changes it
    #[arg(long, value_name = "K")]
    key: Option<String>,
    /// What such a row does: update, skip, fail
    #[arg(long, value_name = "X")]
    on_match: Option<String>,
    /// Store nothing, and tell what would be
    #[arg(long)]
    dry_run: bool,
    /// What separates cells of CSV: one character, or `tab`
    #[arg(long, value_name = "D")]
    delimiter: Option<String>,
    /// How CSV is encoded: utf-8, windows-1252, iso-8859-1
    #[arg(long, value_name = "E")]
    encoding: Option<String>,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// By uuid, number or name
    collection: String,
    /// How records are written
    #[arg(long = "type", value_enum, value_name = "F")]
    kind: Option<FileType>,
    /// Only the records that this query selects
    #[arg(long, value_name = "P")]
    pmql: Option<String>,
    /// The columns of CSV, with commas
    #[arg(long, value_name = "COLUMNS")]
    columns: Option<String>,
    /// The file; standard output otherwise
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Args)]
pub(super) struct Query {
    /// By uuid, number or name
    collection: String,
    /// Such as 'data.country = "DE" AND data.amount >= 10'; blank selects all
    pmql: String,
    /// Paths such as data.country, or id and the two times, with commas
    #[arg(long, value_name = "O")]
    order_by: Option<String>,
    /// How many records at most
    #[arg(long, value_name = "N")]
    per_page: Option<String>,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Args)]
pub(super) struct Confirmed {
    /// By uuid, number or name
    collection: String,
    /// Do it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    printing: Printing,
}

impl Collections {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        if let Self::Truncate(confirmed) | Self::Remove(confirmed) = &self
            && !confirmed.yes
        {
            output::note("error: this cannot be undone; say --yes");
            return Ok(ExitCode::from(USAGE));
        }
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        let done = match self {
            Self::List(list) => list.run(&store).await,
            Self::Show(show) => show.run(&store).await,
            Self::Create(create) => create.run(&store).await,
            Self::Import(import) => import.run(&store).await,
            Self::Export(export) => export.run(&store).await,
            Self::Query(query) => query.run(&store).await,
            Self::Truncate(one) => truncate(&store, &one).await,
            Self::Remove(one) => remove(&store, &one).await,
        };
        store.close().await;
        done
    }
}

/// The person at this terminal.
fn actor() -> Actor {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let user = if user.is_empty() { format!("{}", rustix::process::getuid().as_raw()) } else { user };
    Actor { id: format!("cli:{user}"), name: None }
}

impl Printing {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let all = admin::all(store).await?;
        if self.format == Format::Json {
            output::json(&all.iter().map(|collection| Value::Object(admin::to_json(collection))).collect());
            return Ok(ExitCode::SUCCESS);
        }
        let row = |collection: &Collection| {
            let columns = collection.rules.definition().columns.len();
            let (id, records) = (collection.id.to_string(), collection.records.to_string());
            vec![id, collection.name.clone(), records, columns.to_string(), rfc3339(collection.updated_at)]
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        let header = ["id", "name", "records", "columns", "updated"];
        output::table(&header, &rows, "no collections yet: make one with `data-connector collections create FILE`");
        Ok(ExitCode::SUCCESS)
    }
}

impl One {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let collection = admin::find(store, &self.collection).await?;
        show(&collection, self.printing.format);
        Ok(ExitCode::SUCCESS)
    }
}

fn show(collection: &Collection, format: Format) {
    let value = Value::Object(admin::to_json(collection));
    if format == Format::Json {
        return output::json(&value);
    }
    output::line(&format!("{} (id {}, uuid {})", collection.name, collection.id, collection.uuid));
    output::line(&format!("{} records, changed {}", collection.records, rfc3339(collection.updated_at)));
    let mark = |is_so: bool| if is_so { "yes" } else { "" }.to_owned();
    let columns = &collection.rules.definition().columns;
    let rows: Vec<Vec<String>> = columns
        .iter()
        .map(|c| {
            let (required, unique, indexed) = (mark(c.required), mark(c.unique), mark(c.indexed));
            vec![c.field.to_string(), c.kind.name().to_owned(), c.label.clone(), required, unique, indexed]
        })
        .collect();
    output::table(&["field", "type", "label", "required", "unique", "indexed"], &rows, "no columns");
}

impl Create {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let body = Value::Object(input::object(&self.file)?);
        let made = admin::make(store, &body).await?;
        match self.printing.format {
            Format::Json => output::json(&Value::Object(admin::to_json(&made))),
            Format::Table => output::line(&format!("added {} (id {}, uuid {})", made.name, made.id, made.uuid)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl FileType {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }

    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

impl Import {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let collection = admin::find(store, &self.collection).await?;
        let kind = self.kind.or_else(|| FileType::of(&self.file)).unwrap_or(FileType::Csv);
        let mut parameters = vec![("format", kind.name()), ("mode", &self.mode)];
        parameters.extend(self.dry_run.then_some(("dry_run", "1")));
        for (name, value) in [
            ("key", &self.key),
            ("on_match", &self.on_match),
            ("delimiter", &self.delimiter),
            ("encoding", &self.encoding),
        ] {
            parameters.extend(value.as_deref().map(|value| (name, value)));
        }
        let options = match ImportOptions::parse(parameters, None) {
            Ok(options) => options,
            Err(error) => return Ok(wrong_usage(&error)),
        };
        let source = pieces(&self.file)?;
        let report = admin::import(store, collection, options, source, &actor(), |_| {}).await?;
        // What the import left to be done: there may be nobody else to do it.
        while store.collections().settle().await? {}
        match self.printing.format {
            Format::Json => output::json(&json!(report)),
            Format::Table => tell(&report),
        }
        Ok(if report.has_failures() { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
    }
}

fn tell(report: &Report) {
    for error in &report.errors {
        let line = error.line.map_or_else(String::new, |line| format!("line {line}, "));
        let field = error.field.as_ref().map_or_else(String::new, |field| format!("{field}: "));
        output::note(&format!("{line}record {}: {field}{}", error.record, error.message));
    }
    if report.errors_truncated {
        output::note("there are more problems than these");
    }
    let Report { read, created, updated, unchanged, skipped, failed, .. } = report;
    let stored = if report.dry_run { "nothing was stored: this was a dry run. " } else { "" };
    output::line(&format!(
        "{stored}{read} read, {created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {failed} failed"
    ));
    if report.aborted {
        output::note("reading ended before the end of the file");
    }
}

/// A file in pieces, read in a thread of its own.
fn pieces(path: &Path) -> Result<Source> {
    let mut file: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?)
    };
    let (sender, source) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = match file.read(&mut piece) {
                Ok(0) => return,
                Ok(length) => {
                    piece.truncate(length);
                    Ok(Bytes::from(piece))
                }
                Err(error) => Err(error),
            };
            if sender.blocking_send(read).is_err() {
                return;
            }
        }
    });
    Ok(source)
}

impl Export {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let collection = admin::find(store, &self.collection).await?;
        let kind = self.kind.or_else(|| self.output.as_deref().and_then(FileType::of));
        // A list for programs: what `--format json` means everywhere.
        let kind = kind.unwrap_or(if self.printing.format == Format::Json { FileType::Json } else { FileType::Ndjson });
        let mut parameters = vec![("format", kind.name())];
        parameters.extend(self.pmql.as_deref().map(|pmql| ("pmql", pmql)));
        parameters.extend(self.columns.as_deref().map(|columns| ("columns", columns)));
        let options = match ExportOptions::parse(parameters) {
            Ok(options) => options,
            Err(error) => return Ok(refused(&error, self.pmql.as_deref())),
        };
        let mut export = match admin::Export::begin(store, collection, options).await {
            Err(error @ Error::Pmql(_)) => return Ok(refused(&error, self.pmql.as_deref())),
            begun => begun?,
        };
        let mut file = match &self.output {
            Some(path) => {
                let file =
                    std::fs::File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
                Some(std::io::BufWriter::new(file))
            }
            None => None,
        };
        while let Some(bytes) = export.next().await? {
            match &mut file {
                Some(file) => std::io::Write::write_all(file, &bytes).context("the file cannot be written")?,
                None => output::raw(&bytes),
            }
        }
        if let Some(mut file) = file {
            std::io::Write::flush(&mut file).context("the file cannot be written")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Query {
    async fn run(self, store: &Store) -> Result<ExitCode> {
        let collection = admin::find(store, &self.collection).await?;
        let mut parameters = vec![("pmql", self.pmql.as_str())];
        parameters.extend(self.order_by.as_deref().map(|order| ("order_by", order)));
        parameters.extend(self.per_page.as_deref().map(|number| ("per_page", number)));
        let query = match ListQuery::parse(parameters) {
            Ok(query) => query,
            Err(error) => return Ok(refused(&error, Some(&self.pmql))),
        };
        let mut records = match admin::Records::begin(store, collection, query).await {
            Err(error @ Error::Pmql(_)) => return Ok(refused(&error, Some(&self.pmql))),
            begun => begun?,
        };
        if self.printing.format == Format::Json {
            output::json_part("[");
            let mut separator = "\n";
            while let Some(some) = records.next().await? {
                for record in some {
                    output::json_part(separator);
                    output::json_part(&Value::Object(record).to_string());
                    separator = ",\n";
                }
            }
            output::json_part("\n]\n");
            return Ok(ExitCode::SUCCESS);
        }
        let mut has_any = false;
        while let Some(some) = records.next().await? {
            has_any = true;
            for record in some {
                let shown = |name: &str| record.get(name).cloned().unwrap_or_default();
                output::line(&format!("{}\t{}", shown("id"), shown("data")));
            }
        }
        if !has_any {
            output::note("no records");
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn truncate(store: &Store, one: &Confirmed) -> Result<ExitCode> {
    let collection = admin::find(store, &one.collection).await?;
    admin::truncate(store, &collection, (&actor(), None)).await?;
    while store.collections().settle().await? {}
    told(&collection, one.printing.format, "truncated");
    Ok(ExitCode::SUCCESS)
}

async fn remove(store: &Store, one: &Confirmed) -> Result<ExitCode> {
    let collection = admin::find(store, &one.collection).await?;
    // --yes is asked for by somebody who sees what it says; models that use it are still told of.
    admin::remove(store, &collection, false, &actor()).await?;
    while store.collections().settle().await? {}
    told(&collection, one.printing.format, "removed");
    Ok(ExitCode::SUCCESS)
}

fn told(collection: &Collection, format: Format, done: &str) {
    match format {
        Format::Json => {
            output::json(&json!({"id": collection.id, "uuid": collection.uuid, "name": collection.name, done: true}));
        }
        Format::Table => output::line(&format!("{done} {}", collection.name)),
    }
}

fn wrong_usage(error: &Error) -> ExitCode {
    output::note(&format!("error: {error}"));
    ExitCode::from(USAGE)
}

/// What is wrong with the arguments; under a query a caret where it stops being one.
fn refused(error: &Error, pmql: Option<&str>) -> ExitCode {
    if let (Error::Pmql(problem), Some(pmql)) = (error, pmql) {
        let before = problem.at.saturating_sub(1);
        let line_begin = pmql.chars().take(before).collect::<String>().rfind('\n').map_or(0, |at| at + 1);
        let line = pmql.get(line_begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = before - pmql.get(..line_begin).unwrap_or_default().chars().count();
        let spaces: String = line
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .chain(std::iter::repeat(' '))
            .take(column)
            .collect();
        output::note(&format!("{line}\n{spaces}^"));
    }
    wrong_usage(error)
}

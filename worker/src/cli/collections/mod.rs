//! `collections list|show|create|import|export|query|truncate|remove`: tables of records (COLLECTIONS 6, CLI).

mod export;
mod import;
mod query;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use export::Export;
use import::Import;
use query::Query;

use super::output::{self, Format};
use super::settings::Settings;
use super::{actor as person, input};
use crate::admin::collections::{self as admin, Actor, Collection, Error, Trail};
use crate::clock::rfc3339;
use crate::store::Store;

/// Wrong usage, as clap says it.
const USAGE: u8 = 2;

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

/// How records are written in a file.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileType {
    Csv,
    Json,
    Ndjson,
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
    Actor { id: person::by().actor, name: None, trail: Some(Trail::default()) }
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
        let made = admin::make(store, &body, &actor()).await?;
        match self.printing.format {
            Format::Json => output::json(&Value::Object(admin::to_json(&made))),
            Format::Table => output::line(&format!("added {} (id {}, uuid {})", made.name, made.id, made.uuid)),
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

fn wrong_usage(error: &Error) -> ExitCode {
    output::note(&format!("error: {error}"));
    ExitCode::from(USAGE)
}

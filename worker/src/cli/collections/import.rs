//! `collections import`: a file becomes records, with a bar on a terminal.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc;

use super::{FileType, Printing, actor, wrong_usage};
use crate::admin::collections::{self as admin, ImportOptions, Source};
use crate::cli::exit;
use crate::cli::output::{self, Format};
use crate::collections::report::Report;
use crate::store::Store;

/// How much of a file is read at once, bytes.
const PIECE: usize = 64 * 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
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

impl Import {
    pub(super) async fn run(self, store: &Store) -> Result<ExitCode> {
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
        let bar = Bar::of(&self.file);
        let source = pieces(&self.file, bar.clone())?;
        let report = admin::import(store, collection, options, source, &actor(), |read| bar.read(read)).await;
        bar.finish();
        let report = report?;
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

/// How far an import has come, for a person at a terminal; drawn on standard error, and nowhere else.
#[derive(Clone)]
struct Bar(ProgressBar);

impl Bar {
    /// A bar up to the size of a file; of what has no size it only counts.
    fn of(path: &Path) -> Self {
        let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        let (template, bar) = match size {
            Some(size) => ("{msg} [{bar:30}] {percent}% {eta}", ProgressBar::new(size)),
            None => ("{msg} {spinner} {bytes}", ProgressBar::new_spinner()),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// So many rows have been read.
    fn read(&self, rows: u64) {
        self.0.set_message(format!("{rows} rows"));
    }

    /// So many bytes more have been read.
    fn advance(&self, bytes: usize) {
        self.0.inc(bytes.try_into().unwrap_or(u64::MAX));
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// A file in pieces, read in a thread of its own.
fn pieces(path: &Path, bar: Bar) -> Result<Source> {
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
                    bar.advance(length);
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

//! `collections export`: records become a file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::query::refused;
use super::{FileType, Printing};
use crate::admin::collections::{self as admin, Error, ExportOptions};
use crate::cli::output::{self, Format};
use crate::store::Store;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
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

impl Export {
    pub(super) async fn run(self, store: &Store) -> Result<ExitCode> {
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

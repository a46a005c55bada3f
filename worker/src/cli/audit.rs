//! `audit list|verify`: who changed what.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

use super::exit;
use super::listing::Listing;
use super::output::{self, Format};
use super::settings::Settings;
use crate::clock;
use crate::store::audit::Row;

/// Looks at the audit log.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List who changed what, the newest first
    List(Listing),
    /// Read all of it and tell where it was changed
    Verify,
}

impl Audit {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::List(listing) => {
                let rows = store.audit().list(None, i64::from(listing.limit)).await?;
                match listing.format {
                    Format::Json => output::json(&Value::Array(rows.iter().map(Row::json).collect())),
                    Format::Table => table(&rows),
                }
            }
            Self::Verify => {
                let found = store.audit().verify().await?;
                if let Some(seq) = found.broken_at {
                    output::note(&format!(
                        "error: the audit log is not as it was written: entry {seq} was changed, or is missing"
                    ));
                    return Ok(ExitCode::from(exit::FAILED));
                }
                output::line(&format!("{} entries, as they were written; head {}", found.entries, found.head));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(rows: &[Row]) {
    let cells = |row: &Row| {
        let (actor, action, target) = (row.actor.clone(), row.action.clone(), row.target.clone());
        vec![row.seq.to_string(), clock::rfc3339(row.at), actor, action, target, row.detail.clone()]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    output::table(&["seq", "at", "actor", "action", "target", "detail"], &rows, "no entries");
}

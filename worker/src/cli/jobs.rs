//! `jobs list|show|replay|cancel`: the ledger, for people.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::actor;
use super::listing::Listing;
use super::output::{self, Format};
use super::replay::Replay;
use super::settings::Settings;
use crate::admin;
use crate::clock::rfc3339;
use crate::store::ledger::{JobFilter, JobRow};

/// Looks at the ledger.
#[derive(Debug, Subcommand)]
pub(super) enum Jobs {
    /// List jobs, the newest first
    List(List),
    /// Show one job with its attempts and its result
    Show(Show),
    /// Run a job again, as a job of its own: `<job id>#n`
    Replay(Replay),
    /// Take a job back: an attempt that has not started does not start, and no result is sent
    Cancel(Cancel),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// sending, waiting, answered, published, cancelled or parked
    #[arg(long)]
    state: Option<String>,
    /// Failed with this code, such as `HTTP_404`
    #[arg(long)]
    code: Option<String>,
    /// Of this request
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The job id
    id: String,
    /// How to print
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The job id
    id: String,
}

impl Jobs {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::List(list) => {
                let filter =
                    JobFilter { state: list.state, code: list.code, request: list.request, limit: list.listing.limit };
                let jobs = store.jobs().list(&filter).await?;
                match list.listing.format {
                    Format::Json => output::json(&serde_json::to_value(&jobs)?),
                    Format::Table => table(&jobs),
                }
            }
            Self::Replay(replay) => replay.run(&store, &config).await?,
            Self::Show(show) => {
                let found = admin::jobs::find(&store, &show.id).await?;
                match show.format {
                    Format::Json => output::json(&serde_json::to_value(&found)?),
                    Format::Table => table(std::slice::from_ref(&found.row)),
                }
            }
            Self::Cancel(cancel) => {
                admin::jobs::cancel(&store, &cancel.id, &actor::by()).await?;
                output::line(&format!("took job {} back", cancel.id));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(jobs: &[JobRow]) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                rfc3339(job.created_at),
                job.id.clone(),
                match &job.waits_for {
                    Some(what) => format!("{}, {what}", job.state),
                    None => job.state.clone(),
                },
                job.attempt.to_string(),
                text(&job.code),
                text(&job.request),
                text(&job.element),
                text(&job.connector),
                text(&job.resource),
            ]
        })
        .collect();
    let header = ["first seen", "job", "state", "attempt", "code", "request", "element", "connector", "resource"];
    output::table(&header, &rows, "no such jobs");
}

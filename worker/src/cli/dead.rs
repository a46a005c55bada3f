//! `dead list|show|replay|remove`: messages that could not be worked on.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::actor;
use super::listing::Listing;
use super::output::{self, Format};
use super::settings::Settings;
use crate::admin::dead_letters as admin;
use crate::amqp::Broker;
use crate::clock::rfc3339;
use crate::config::Config;
use crate::setup;
use crate::store::Store;
use crate::store::dead_letters::DeadLetter;

/// Looks at dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum Dead {
    /// List dead letters, the newest first
    List(List),
    /// Show one with its message
    Show(Show),
    /// Publish messages again, under their own ids
    Replay(Replay),
    /// Remove some for good
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Also those that were published again
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its number
    number: i64,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Their numbers
    #[arg(required = true)]
    numbers: Vec<i64>,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Their numbers
    #[arg(required = true)]
    numbers: Vec<i64>,
}

impl Dead {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::List(list) => {
                let letters = store.dead_letters().list(list.all, list.listing.limit).await?;
                match list.listing.format {
                    Format::Json => output::json(&Value::Array(letters.iter().map(admin::summary).collect())),
                    Format::Table => table(&letters),
                }
            }
            Self::Show(show) => output::json(&admin::whole(&admin::find(&store, show.number).await?)),
            Self::Replay(replay) => replay.run(&store, &config).await?,
            Self::Remove(remove) => {
                for number in admin::remove(&store, &remove.numbers, &actor::by()).await? {
                    output::line(&format!("removed {number}"));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Replay {
    async fn run(self, store: &Store, config: &Config) -> Result<()> {
        let mut letters = Vec::new();
        for number in self.numbers {
            letters.push(admin::find(store, number).await?);
        }
        let broker = Broker::connect(setup::amqp(config, "dead-replay")).await?;
        for letter in letters {
            admin::replay(store, &broker, &letter, &actor::by()).await?;
            output::line(&format!("published {} again", letter.id));
        }
        broker.close().await;
        Ok(())
    }
}

fn table(letters: &[DeadLetter]) {
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            vec![
                letter.id.to_string(),
                rfc3339(letter.arrived_at),
                letter.letter.reason.clone(),
                letter.letter.job_id.clone().unwrap_or_default(),
                letter.letter.detail.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output::table(&["number", "arrived", "reason", "job", "detail"], &rows, "no dead letters");
}

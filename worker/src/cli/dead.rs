//! `dead list|show|replay`: messages that could not be worked on.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{self, Format};
use super::settings::Settings;
use crate::amqp::{Broker, Message, Properties};
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
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Also those that were published again
    #[arg(long)]
    all: bool,
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
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

impl Dead {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let store = settings.store(&config).await?;
        match self {
            Self::List(list) => {
                let letters = store.dead_letters().list(list.all, list.limit).await?;
                match list.format {
                    Format::Json => output::json(&Value::Array(letters.iter().map(summary).collect())),
                    Format::Table => table(&letters),
                }
            }
            Self::Show(show) => output::json(&whole(&letter(&store, show.number).await?)),
            Self::Replay(replay) => replay.run(&store, &config).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn letter(store: &Store, number: i64) -> Result<DeadLetter> {
    match store.dead_letters().find(number).await? {
        Some(letter) => Ok(letter),
        None => bail!("there is no dead letter {number}"),
    }
}

impl Replay {
    async fn run(self, store: &Store, config: &Config) -> Result<()> {
        let mut letters = Vec::new();
        for number in self.numbers {
            letters.push(letter(store, number).await?);
        }
        let broker = Broker::connect(setup::amqp(config, "dead-replay")).await?;
        for letter in letters {
            // A parked job would be refused again: whoever replays it gives it another chance.
            if let Some(job) = &letter.letter.job_id {
                store.jobs().unpark(job).await?;
            }
            let key = letter.letter.routing_key.clone().filter(|key| key.starts_with("job."));
            let message = Message {
                exchange: broker.topology().jobs().to_owned(),
                routing_key: key.unwrap_or_else(|| "job.default".to_owned()),
                properties: replayed(serde_json::from_value(letter.letter.properties.clone()).unwrap_or_default()),
                body: letter.letter.body.clone(),
            };
            broker.publisher().publish(&message).await?;
            store.dead_letters().mark_replayed(&letter).await?;
            output::line(&format!("published {} again", letter.id));
        }
        broker.close().await;
        Ok(())
    }
}

/// The properties that the engine gave: what a worker or the broker noted about the death is left behind.
fn replayed(mut properties: Properties) -> Properties {
    for noted in ["reason", "detail", "job-id", "attempts", "exchange", "routing-key", "attempt"] {
        properties.headers.remove(noted);
    }
    properties.headers.retain(|name, _| !name.starts_with("x-"));
    properties
}

fn summary(letter: &DeadLetter) -> Value {
    let said = &letter.letter;
    json!({
        "id": letter.id, "arrived_at": rfc3339(letter.arrived_at), "reason": said.reason, "detail": said.detail,
        "job": said.job_id, "attempts": said.attempts, "exchange": said.exchange,
        "routing_key": said.routing_key, "replayed_at": letter.replayed_at.map(rfc3339),
    })
}

fn whole(letter: &DeadLetter) -> Value {
    let mut value = summary(letter);
    value["properties"] = letter.letter.properties.clone();
    value["body"] = json!(String::from_utf8_lossy(&letter.letter.body));
    value
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

//! The campaign: the worker's promises under faults, one bar a promise, each repeatable from its seed.
//!
//! `deploy/campaign [BAR…] [--seed N] [--scale N] [--write]`
//!
//! Workers are processes, the broker is a RabbitMQ of the campaign's own, the ledger a PostgreSQL database of its own.

mod bar;
mod delays;
mod endurance;
mod history;
mod hostile;
mod ladder;
mod mutations;
mod operation;
mod outages;
mod poison;
mod retention;
mod retry_table;
mod safety;
mod sleepers;
mod stub;
mod third_parties;
mod world;

use std::process::ExitCode;

use bar::{Bar, Settings};

/// All bars, in the order they run in.
fn bars() -> Vec<Bar> {
    let safety = [safety::bars(), sleepers::bars(), outages::bars(), poison::bars()];
    let waits = [delays::bars(), ladder::bars()];
    let third_parties = [hostile::bars(), third_parties::bars(), retry_table::bars()];
    let rest = [operation::bars(), retention::bars(), endurance::bars(), mutations::bars()];
    [safety.concat(), waits.concat(), third_parties.concat(), rest.concat()].concat()
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut settings = Settings::of_arguments(std::env::args().skip(1))?;
    let chosen: Vec<Bar> = bars().into_iter().filter(|bar| settings.chooses(bar.name)).collect();
    anyhow::ensure!(!chosen.is_empty(), "there is no such bar; the bars are {}", bar::names(&bars()));
    settings.versions = bar::versions().await;
    say(&settings.run());
    let mut lines = Vec::new();
    for bar in chosen {
        let line = bar.line(&settings).await;
        say(&line.text);
        lines.push(line);
    }
    if settings.write {
        let path = harness::repository().join("tests/CAMPAIGN.md");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, bar::page(&bars(), &lines, &before))?;
    }
    Ok(if lines.iter().all(|line| line.is_green) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "this is what the campaign is for")]
fn say(line: &str) {
    println!("{line}");
}

//! The campaign: the worker's promises under faults, one scenario a promise, each repeatable from its seed.
//!
//! `deploy/campaign [SCENARIO…] [--seed N] [--scale N] [--write]`; `campaign --mutant SAFEGUARD` builds a worker without a
//! safeguard and prints its path.
//!
//! Workers are processes, each scenario has a private RabbitMQ and a PostgreSQL database of its own.

mod cluster;
mod delays;
mod endurance;
mod engine_stub;
mod history;
mod hostile;
mod hosts;
mod ladder;
mod mutations;
mod operation;
mod outages;
mod paused_workers;
mod poison;
mod retention;
mod retry_table;
mod safety;
mod scenario;
mod sizes;
mod third_parties;

use std::process::ExitCode;

use anyhow::Context as _;
use harness::mutation::Mutation;
use scenario::{Scenario, Settings};

/// All scenarios, in the order in which they run.
fn scenarios() -> Vec<Scenario> {
    let safety = [safety::scenarios(), paused_workers::scenarios(), outages::scenarios(), poison::scenarios()];
    let waits = [delays::scenarios(), ladder::scenarios()];
    let third_parties = [
        hostile::scenarios(),
        third_parties::scenarios(),
        hosts::scenarios(),
        sizes::scenarios(),
        retry_table::scenarios(),
    ];
    let rest = [operation::scenarios(), retention::scenarios(), endurance::scenarios(), mutations::scenarios()];
    [safety.concat(), waits.concat(), third_parties.concat(), rest.concat()].concat()
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, safeguard] = arguments.as_slice()
        && flag == "--mutant"
    {
        let mutation = Mutation::of(safeguard).with_context(|| format!("there is no safeguard `{safeguard}`"))?;
        say(&mutation.build().await.display().to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let mut settings = Settings::of_arguments(arguments.into_iter())?;
    let chosen: Vec<Scenario> = scenarios().into_iter().filter(|scenario| settings.chooses(scenario.name)).collect();
    anyhow::ensure!(
        !chosen.is_empty(),
        "there is no such scenario; the scenarios are {}",
        scenario::names(&scenarios())
    );
    settings.versions = scenario::versions().await;
    say(&settings.run());
    let mut lines = Vec::new();
    for scenario in chosen {
        let line = scenario.line(&settings).await;
        say(&line.text);
        lines.push(line);
    }
    if settings.write {
        let path = harness::repository().join("tests/CAMPAIGN.md");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, scenario::page(&scenarios(), &lines, &before))?;
    }
    Ok(if lines.iter().all(|line| line.is_green) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the lines are its output")]
fn say(line: &str) {
    println!("{line}");
}

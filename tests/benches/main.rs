//! The benchmark: what a job costs the worker, compared with a bare loop and a Node program that do the same work in the same run.
//!
//! `deploy/bench [--rounds N] [--jobs N] [--records N] [--only jobs|hosts|api|ledger|collections] [--quick] [--write]`
//!
//! Every result is checked against its job; a missing or a wrong one ends the run.

#![expect(clippy::cast_precision_loss, reason = "counts of jobs and kilobytes are small")]

mod api;
mod bare;
mod collections;
mod contender;
mod filters;
mod hosts;
mod job;
mod load;
mod measure;
mod page;
mod settings;
mod third_party;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use contender::{Contender, Setup};
use load::Workload;
use measure::Run;
use page::Measured;
use settings::{Section, Settings};
use third_party::Counts;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, task)) = arguments.split_first()
        && first == "bare"
    {
        let task = bare::Settings::of_arguments(task)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(bare::run(task));
    }
    let settings = Settings::of_arguments(&arguments)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(bench(settings))
}

async fn bench(settings: Settings) -> Result<()> {
    let (third_party, counts) = third_party::start()?;
    let mut measured = Measured { jobs: settings.jobs, rounds: settings.rounds, ..Measured::default() };
    if settings.quick {
        return quick(&third_party, &counts, &mut measured).await;
    }
    for section in &settings.sections {
        let (title, figures) = match section {
            Section::Jobs => {
                jobs(&mut measured, &third_party, &counts, &settings).await?;
                continue;
            }
            Section::Hosts => {
                let mut figures = hosts::bursts(&third_party).await?;
                figures.extend(hosts::returns().await?);
                ("Bursts and hosts", figures)
            }
            Section::Api => ("The API", api::measure(&third_party, &counts).await?),
            Section::Ledger => ("A ledger of 1,000,000 jobs", filters::measure().await?),
            Section::Collections => ("Collections", collections::measure(&third_party, settings.records).await?),
        };
        say(&page::section(title, &figures));
        measured.others.push((title, figures));
    }
    if settings.sections == Section::ALL {
        let page = page::write(&measured);
        say(&page);
        if settings.write {
            let path = harness::repository().join("tests/BENCHMARK.md");
            let before = std::fs::read_to_string(&path).unwrap_or_default();
            std::fs::write(path, page::with_findings(&page, &before))?;
        }
    }
    Ok(())
}

/// What a job costs.
async fn jobs(measured: &mut Measured, third_party: &str, counts: &Arc<Counts>, settings: &Settings) -> Result<()> {
    let mut full = setups(&measure::ALL, Workload::FullQueue, third_party).await?;
    let mut arriving = setups(&measure::ALL, Workload::Arriving, third_party).await?;
    for round in 1..=settings.rounds {
        for setup in full.iter_mut().chain(&mut arriving) {
            run(measured, setup, counts, round).await?;
        }
        for setup in &mut full {
            let large = measure::run(setup, counts, "large", settings.jobs / 4).await?;
            print_run(round, setup, "50 KB", large);
            measured.large.entry(setup.contender).or_default().push(large);
        }
    }
    for setup in &mut arriving {
        measured.latency.push((setup.contender, measure::steady(setup, 500, Duration::from_secs(20)).await?));
    }
    worker(measured, &mut full, counts, settings).await?;
    say(&page::figures(measured));
    Ok(())
}

/// Measures a change within a few minutes.
async fn quick(third_party: &str, counts: &Counts, measured: &mut Measured) -> Result<()> {
    let contenders = [Contender::Bare, Contender::Postgres, Contender::Sqlite];
    let mut all = setups(&contenders, Workload::FullQueue, third_party).await?;
    all.extend(setups(&contenders, Workload::Arriving, third_party).await?);
    for round in 1..=measured.rounds {
        for setup in &mut all {
            run(measured, setup, counts, round).await?;
        }
    }
    for setup in all.iter_mut().filter(|setup| setup.workload == Workload::Arriving) {
        let latency = measure::steady(setup, 500, Duration::from_secs(5)).await?;
        measured.latency.push((setup.contender, latency));
    }
    say(&page::figures(measured));
    Ok(())
}

async fn setups(contenders: &[Contender], workload: Workload, third_party: &str) -> Result<Vec<Setup>> {
    let mut setups = Vec::new();
    for contender in contenders {
        setups.push(Setup::new(*contender, workload, third_party).await?);
    }
    Ok(setups)
}

/// One run of one contender at a third party that answers at once.
async fn run(measured: &mut Measured, setup: &mut Setup, counts: &Counts, round: usize) -> Result<()> {
    let run = measure::run(setup, counts, "quick", measured.jobs).await?;
    print_run(round, setup, "500 B", run);
    measured.runs(setup.workload).entry(setup.contender).or_default().push(run);
    Ok(())
}

/// Measures what only the worker can do.
async fn worker(
    measured: &mut Measured,
    setups: &mut [Setup],
    counts: &Arc<Counts>,
    settings: &Settings,
) -> Result<()> {
    for setup in setups.iter_mut().filter(|setup| setup.contender == Contender::Postgres) {
        for _ in 0..settings.rounds {
            measured.starts.push(measure::start(setup).await?);
        }
        for processes in [1, 2, 4, 8] {
            measured.scales.push(measure::scale(setup, processes, settings.jobs).await?);
        }
        measured.in_flight = Some(measure::in_flight(setup, counts, 10_000).await?);
    }
    Ok(())
}

fn print_run(round: usize, setup: &Setup, what: &str, run: Run) {
    let Run { cpu, database, broker, rate, connections } = run;
    let (name, workload) = (setup.contender.name(), setup.workload.name());
    say(&format!(
        "round {round}, {workload}, {name}, {what}: {cpu:.0} us, database {database:.0} us, broker {broker:.0} us, \
         {rate:.0} jobs/s, {connections:.1} connections for 1,000 calls"
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are its output")]
fn say(text: &str) {
    println!("{text}");
}

//! The benchmark: what a job costs the worker, compared with a bare loop and a Node program that do the same work in the same run.
//!
//! `deploy/bench [--rounds N] [--jobs N] [--quick] [--write]`
//!
//! Every result is checked against its job; a missing or a wrong one ends the run.

#![expect(clippy::cast_precision_loss, reason = "counts of jobs and kilobytes are small")]

mod bare;
mod contender;
mod load;
mod measure;
mod page;
mod third_party;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use contender::{Contender, Setup};
use measure::Run;
use page::Measured;
use third_party::Counts;

/// The arguments of a run.
#[derive(Debug, Clone, Copy)]
struct Settings {
    rounds: usize,
    jobs: u64,
    /// Only the bare loop and the worker on PostgreSQL, and only an instant third party.
    quick: bool,
    write: bool,
}

impl Settings {
    fn of_arguments(arguments: &[String]) -> Result<Self> {
        let mut settings = Self { rounds: 5, jobs: 20_000, quick: false, write: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let given = arguments.next().map(String::as_str).unwrap_or_default();
                given.parse::<u64>().map_err(|_| anyhow::anyhow!("{argument} takes a number, not `{given}`"))
            };
            match argument.as_str() {
                "--rounds" => settings.rounds = usize::try_from(number()?)?.max(1),
                "--jobs" => settings.jobs = number()?.max(1_000),
                "--quick" => settings.quick = true,
                "--write" => settings.write = true,
                other => {
                    anyhow::bail!("`{other}` is not a flag of the benchmark: --rounds N, --jobs N, --quick, --write")
                }
            }
        }
        anyhow::ensure!(!(settings.quick && settings.write), "--quick measures too little for --write");
        Ok(settings)
    }
}

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
    if settings.quick {
        return quick(&third_party, &counts, settings).await;
    }
    let mut setups = Vec::new();
    for contender in measure::ALL {
        setups.push(Setup::new(contender, &third_party).await?);
    }
    let mut measured = Measured { jobs: settings.jobs, rounds: settings.rounds, ..Measured::default() };
    for round in 1..=settings.rounds {
        for setup in &mut setups {
            let quick = measure::full_queue(setup, &counts, "quick", settings.jobs).await?;
            print_run(round, setup.contender, "500 B", quick);
            measured.quick.entry(setup.contender).or_default().push(quick);
            let large = measure::full_queue(setup, &counts, "large", settings.jobs / 4).await?;
            print_run(round, setup.contender, "50 KB", large);
            measured.large.entry(setup.contender).or_default().push(large);
        }
    }
    for setup in &mut setups {
        measured.latency.push((setup.contender, measure::steady(setup, 500, Duration::from_secs(20)).await?));
    }
    worker(&mut measured, &mut setups, &counts, settings).await?;
    let page = page::write(&measured);
    say(&page);
    if settings.write {
        let path = harness::repository().join("tests/BENCHMARK.md");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, page::with_findings(&page, &before))?;
    }
    Ok(())
}

/// Measures a change within a minute.
async fn quick(third_party: &str, counts: &Counts, settings: Settings) -> Result<()> {
    let mut setups =
        [Setup::new(Contender::Bare, third_party).await?, Setup::new(Contender::Postgres, third_party).await?];
    for round in 1..=settings.rounds {
        for setup in &mut setups {
            print_run(
                round,
                setup.contender,
                "500 B",
                measure::full_queue(setup, counts, "quick", settings.jobs).await?,
            );
        }
    }
    Ok(())
}

/// Measures what only the worker can do.
async fn worker(measured: &mut Measured, setups: &mut [Setup], counts: &Arc<Counts>, settings: Settings) -> Result<()> {
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

fn print_run(round: usize, contender: Contender, what: &str, run: Run) {
    let Run { cpu, database, broker, rate, connections } = run;
    let name = contender.name();
    say(&format!(
        "round {round}, {name}, {what}: {cpu:.0} us, database {database:.0} us, broker {broker:.0} us, {rate:.0} jobs/s, \
         {connections:.1} connections for 1,000 calls"
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are its output")]
fn say(text: &str) {
    println!("{text}");
}

/// Runs by contender.
type Runs = HashMap<Contender, Vec<Run>>;

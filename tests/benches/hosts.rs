//! Bursts at hosts that answer slowly, and hosts that come back: how long jobs wait for nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contender::{Contender, Setup};
use crate::load::Workload;
use crate::page::{Figure, note};
use crate::third_party::{self, Counts};

/// Calls that one host may have at once, of 256 jobs in hand.
const PER_HOST: u64 = 204;
/// Jobs that wait for a host that is away.
const WAITING: u64 = 300;

/// Jobs that were published at once.
#[derive(Debug, Clone, Copy)]
struct Burst {
    jobs: u64,
    /// How long the host takes for each.
    takes: Duration,
    /// Whether the process has called nobody yet.
    is_cold: bool,
    /// Until the last result.
    took: Duration,
}

impl Burst {
    fn ideal(self) -> Duration {
        self.takes * u32::try_from(self.jobs.div_ceil(PER_HOST)).unwrap_or(u32::MAX)
    }

    /// Its figure: the target is the ideal and a tenth of it.
    fn figure(self) -> Figure {
        let (ideal, took) = (self.ideal().as_secs_f64(), self.took.as_secs_f64());
        let state = if self.is_cold { "cold" } else { "warm" };
        let what = format!("{} jobs at once at a host of {:.1} s, {state}", self.jobs, self.takes.as_secs_f64());
        let found = format!("{took:.2} s, {:+.0} %", (took / ideal - 1.0) * 100.0);
        Figure::new(what, format!("{ideal:.1} s + 10 %"), found, took <= ideal * 1.1)
    }
}

/// Each burst at a process that has just started, then once more.
pub(crate) async fn bursts(third_party: &str) -> Result<Vec<Figure>> {
    let mut setup = Setup::new(Contender::Postgres, Workload::Arriving, third_party).await?;
    let mut figures = Vec::new();
    for (resource, takes) in [("after200", Duration::from_millis(200)), ("after2000", Duration::from_secs(2))] {
        for jobs in [20, 100, 500] {
            let process = setup.start_as_installed();
            process.address().await;
            harness::eventually("a worker that takes jobs", || async {
                process.output().contains("taking jobs").then_some(())
            })
            .await;
            for is_cold in [true, false] {
                let begun = Instant::now();
                setup.load.arrive(resource, jobs).await?;
                let burst = Burst { jobs, takes, is_cold, took: begun.elapsed() };
                note(&mut figures, burst.figure());
            }
            setup.end(process).await;
        }
    }
    Ok(figures)
}

/// A host that was away.
#[derive(Debug, Clone, Copy)]
struct Return {
    away: Duration,
    /// From its return until all jobs had called it.
    took: Duration,
}

impl Return {
    /// Its figure.
    fn figure(self) -> Figure {
        let (away, took) = (self.away.as_secs(), self.took.as_secs_f64());
        let what = format!("a host is back after {away} s, {WAITING} jobs wait: until all are on their way");
        Figure::new(what, "5 s", format!("{took:.1} s"), took <= 5.0)
    }
}

/// Hosts that come back after 20 and 90 seconds, each with a worker of its own.
pub(crate) async fn returns() -> Result<Vec<Figure>> {
    let (short, long) = tokio::try_join!(comes_back(Duration::from_secs(20)), comes_back(Duration::from_secs(90)))?;
    Ok(vec![short.figure(), long.figure()])
}

async fn comes_back(away: Duration) -> Result<Return> {
    let host = third_party::reserve()?;
    let url = format!("http://{host}");
    let mut setup = Setup::new(Contender::Postgres, Workload::Arriving, &url).await?;
    let process = setup.start_as_installed();
    process.address().await;
    setup.load.publish("late", WAITING).await?;
    tokio::time::sleep(away).await;
    let (counts, begun) = (third_party::listen(host)?, Instant::now());
    all_called(&counts).await?;
    let took = begun.elapsed();
    setup.load.results(WAITING).await?;
    setup.end(process).await;
    Ok(Return { away, took })
}

async fn all_called(counts: &Arc<Counts>) -> Result<()> {
    let begun = Instant::now();
    while (counts.requests() as u64) < WAITING {
        let patience = Duration::from_mins(3);
        anyhow::ensure!(begun.elapsed() < patience, "{} jobs of {WAITING} have called", counts.requests());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

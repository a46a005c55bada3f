//! The measurements, one function each.

use std::time::{Duration, Instant};

use anyhow::Result;
use harness::cost::{cpu, resident_kb};
use harness::process::{Running, metric};

use crate::contender::{Contender, Setup, broker};
use crate::load::Workload;
use crate::third_party::Counts;

/// One run over some jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Of the process, microseconds a job.
    pub(crate) cpu: f64,
    /// Of the database server, microseconds a job.
    pub(crate) database: f64,
    /// Of the broker, microseconds a job.
    pub(crate) broker: f64,
    /// Jobs a second.
    pub(crate) rate: f64,
    /// Connections that were opened to the third party for 1,000 calls.
    pub(crate) connections: f64,
}

/// Jobs before anything is measured: connections are open, caches are filled.
const WARM: u64 = 3_000;

/// Jobs for one process, as the workload says.
pub(crate) async fn run(setup: &mut Setup, counts: &Counts, resource: &str, jobs: u64) -> Result<Run> {
    let process = warm(setup, resource, jobs).await?;
    let pid = [process.pid()];
    let (cpu_before, database_before, broker_before) = (cpu(&pid), setup.database().await, broker());
    let (connections, begun) = (counts.connections(), Instant::now());
    match setup.workload {
        Workload::FullQueue => drop(setup.load.results(jobs).await?),
        Workload::Arriving => setup.load.arrive(resource, jobs).await?,
    }
    let took = begun.elapsed();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / jobs as f64;
    let run = Run {
        cpu: each(cpu(&pid).saturating_sub(cpu_before)),
        database: each(setup.database().await.saturating_sub(database_before)),
        broker: each(broker().saturating_sub(broker_before)),
        rate: jobs as f64 / took.as_secs_f64(),
        connections: (counts.connections() - connections) as f64 * 1_000.0 / jobs as f64,
    };
    setup.end(process).await;
    Ok(run)
}

/// Starts a process and has it do the first jobs; a full queue is filled before.
async fn warm(setup: &mut Setup, resource: &str, jobs: u64) -> Result<Running> {
    match setup.workload {
        Workload::FullQueue => {
            setup.load.publish(resource, WARM + jobs).await?;
            let process = setup.start(256);
            setup.load.results(WARM).await?;
            Ok(process)
        }
        Workload::Arriving => {
            let process = setup.start(256);
            setup.load.arrive(resource, WARM).await?;
            Ok(process)
        }
    }
}

/// Latencies at a steady rate, milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    /// Of the process, microseconds a job.
    pub(crate) cpu: f64,
}

/// Jobs at a steady rate; from published to result received.
pub(crate) async fn steady(setup: &mut Setup, rate: u32, time: Duration) -> Result<Latency> {
    let process = warm(setup, "quick", 0).await?;
    let before = cpu(&[process.pid()]);
    let times = setup.load.steadily(rate, time).await?;
    let spent = cpu(&[process.pid()]).saturating_sub(before);
    setup.end(process).await;
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let cpu = spent.as_secs_f64() * 1e6 / times.len().max(1) as f64;
    Ok(Latency { p50: at(50), p95: at(95), p99: at(99), cpu })
}

/// The memory of calls in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) calls: usize,
    /// Of the idle process before, KB.
    pub(crate) idle_kb: u64,
    /// While all calls were in flight, KB.
    pub(crate) full_kb: u64,
}

impl InFlight {
    /// KB a call.
    pub(crate) fn each_kb(self) -> f64 {
        self.full_kb.saturating_sub(self.idle_kb) as f64 / self.calls as f64
    }
}

/// This many calls of one process in flight at a slow third party, or as many as there were at once.
pub(crate) async fn in_flight(setup: &mut Setup, counts: &Counts, calls: u16) -> Result<InFlight> {
    // A resource leaves some of its host's places to others.
    let process = setup.start(calls + calls / 20);
    // One that has ended: a host of which nothing is known would be taken for one that hangs before all calls have begun.
    for resource in ["quick", "slow"] {
        setup.load.publish(resource, 1).await?;
        setup.load.results(1).await?;
    }
    let idle_kb = resident_kb(process.pid());
    setup.load.publish("slow", calls.into()).await?;
    let (mut most, mut full_kb) = (0, 0);
    // While there come more of them, which ends before the first has its answer.
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = counts.waiting();
        if now <= most {
            break;
        }
        (most, full_kb) = (now, resident_kb(process.pid()));
    }
    setup.load.results(calls.into()).await?;
    setup.end(process).await;
    Ok(InFlight { calls: most, idle_kb, full_kb })
}

/// Several processes on one queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) processes: usize,
    /// Of all of them, microseconds a job.
    pub(crate) cpu: f64,
    pub(crate) rate: f64,
    /// The largest deviation of a process from its fair share, percent.
    pub(crate) unfair: f64,
}

/// The same queue with more processes.
pub(crate) async fn scale(setup: &mut Setup, processes: usize, jobs: u64) -> Result<Scale> {
    setup.load.publish("quick", WARM).await?;
    let workers: Vec<Running> = (0..processes).map(|_| setup.start(64)).collect();
    for worker in &workers {
        worker.address().await;
    }
    setup.load.results(WARM).await?;
    let pids: Vec<u32> = workers.iter().map(Running::pid).collect();
    let (before, done_before, begun) = (cpu(&pids), done(&workers).await, Instant::now());
    // All of them consume before the first job is published.
    setup.load.publish("quick", jobs).await?;
    setup.load.results(jobs).await?;
    let (took, spent) = (begun.elapsed(), cpu(&pids).saturating_sub(before));
    let shares: Vec<f64> = done(&workers).await.iter().zip(done_before).map(|(now, before)| now - before).collect();
    let fair = jobs as f64 / processes as f64;
    let unfair = shares.iter().map(|share| (share - fair).abs() * 100.0 / fair).fold(0.0, f64::max);
    for worker in workers {
        setup.end(worker).await;
    }
    let (cpu, rate) = (spent.as_secs_f64() * 1e6 / jobs as f64, jobs as f64 / took.as_secs_f64());
    Ok(Scale { processes, cpu, rate, unfair })
}

async fn done(workers: &[Running]) -> Vec<f64> {
    let mut all = Vec::new();
    for worker in workers {
        all.push(metric(&worker.metrics().await, r#"data_connector_attempts_total{code="OK"}"#));
    }
    all
}

/// From `exec` to the first result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// Milliseconds.
    pub(crate) first_result: f64,
    /// Resident memory a little later, KB.
    pub(crate) idle_kb: u64,
}

/// A process that starts with a job in its queue.
pub(crate) async fn start(setup: &mut Setup) -> Result<Start> {
    setup.load.publish("quick", 1).await?;
    let begun = Instant::now();
    let process = setup.start(256);
    setup.load.results(1).await?;
    let first_result = begun.elapsed().as_secs_f64() * 1e3;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_kb = resident_kb(process.pid());
    setup.end(process).await;
    Ok(Start { first_result, idle_kb })
}

/// All contenders, the bare loop first.
pub(crate) const ALL: [Contender; 4] = [Contender::Bare, Contender::Postgres, Contender::Sqlite, Contender::Node];

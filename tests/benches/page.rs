//! `tests/BENCHMARK.md`: the figures with their targets.

use std::fmt::Write as _;

use crate::Runs;
use crate::contender::Contender;
use crate::measure::{ALL, InFlight, Latency, Run, Scale, Start};

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) jobs: u64,
    pub(crate) rounds: usize,
    pub(crate) quick: Runs,
    pub(crate) large: Runs,
    pub(crate) latency: Vec<(Contender, Latency)>,
    pub(crate) starts: Vec<Start>,
    pub(crate) scales: Vec<Scale>,
    pub(crate) in_flight: Option<InFlight>,
}

/// A figure over all rounds.
struct Spread {
    least: f64,
    middle: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { least: at(0), middle: at(values.len() / 2), most: at(values.len().saturating_sub(1)) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = if self.middle < 10.0 { 2 } else { 0 };
        let Self { least, middle, most } = self;
        write!(f, "{middle:.digits$} ({least:.digits$}-{most:.digits$})")
    }
}

/// The heading of the findings, which are written by people and stay as they are.
const FINDINGS: &str = "## Findings";

/// The page, with the findings of the one before.
pub(crate) fn with_findings(page: &str, before: &str) -> String {
    let findings = before.find(FINDINGS).map_or(FINDINGS, |at| before.split_at(at).1);
    format!("{page}\n{findings}")
}

/// The figures.
pub(crate) fn write(measured: &Measured) -> String {
    let mut page = heading(measured);
    page += &targets(measured);
    page += &contenders("A third party that answers 500 B at once", &measured.quick);
    page += &contenders("A third party that answers 50 KB at once", &measured.large);
    page += &latencies(&measured.latency);
    page += &scales(&measured.scales);
    page
}

fn heading(measured: &Measured) -> String {
    format!(
        "# Benchmark\n\nThe last run of `deploy/bench --write`. One job is a message of 1 KB, a POST over a pooled connection, three fields \
         mapped, a result\npublished and confirmed, an ack. All contenders work on the same kind of queues in turn; every result is checked \
         against its job.\nFigures are medians of {} rounds of {} jobs, least and most in brackets; us are microseconds of processor time a \
         job.\n\n{}\n",
        measured.rounds,
        measured.jobs,
        machine()
    )
}

fn machine() -> String {
    let read = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}; {cores} cores of{}; data-connector {}, Node {}, {}. Broker, database, third party and contender share the machine.",
        read("date", &["+%F"]),
        model.trim_start_matches(['\t', ' ', ':']).trim(),
        env!("CARGO_PKG_VERSION"),
        read("node", &["--version"]),
        read("psql", &["--version"]).replace("psql (PostgreSQL)", "PostgreSQL")
    )
    .replace("cores of", "cores of ")
}

fn all(runs: &Runs, who: Contender, of: impl Fn(&Run) -> f64) -> Vec<f64> {
    runs.get(&who).into_iter().flatten().map(of).collect()
}

/// The ratio of each round's figure to the bare loop's of the same round.
fn relative(runs: &Runs, who: Contender, of: impl Fn(&Run) -> f64, of_bare: impl Fn(&Run) -> f64) -> Spread {
    let pairs = all(runs, who, of).into_iter().zip(all(runs, Contender::Bare, of_bare));
    Spread::of(pairs.map(|(own, bare)| own / bare).collect())
}

fn targets(measured: &Measured) -> String {
    let own = Contender::Postgres;
    let runs = &measured.quick;
    let cpu = relative(runs, own, |run| run.cpu, |run| run.cpu);
    let whole = relative(runs, own, |run| run.cpu + run.database, |run| run.cpu);
    let rate = relative(runs, own, |run| run.rate, |run| run.rate);
    let opened = Spread::of(all(runs, own, |run| run.connections));
    let latency = measured.latency.iter().find(|(who, _)| *who == own).map(|(_, latency)| *latency);
    let start = Spread::of(measured.starts.iter().map(|start| start.first_result).collect());
    let idle = Spread::of(measured.starts.iter().map(|start| start.idle_kb as f64 / 1_024.0).collect());
    let grown = |scale: &Scale| (scale.cpu / measured.scales[0].cpu - 1.0) * 100.0;
    let widest = measured.scales.last();
    let mut rows = vec![
        ("processor time relative to the bare loop", "at most 1.3 x".to_owned(), cpu.to_string(), cpu.middle <= 1.3),
        ("the same with the database's share", "at most 1.8 x".to_owned(), whole.to_string(), whole.middle <= 1.8),
        ("throughput relative to the bare loop", "at least 0.8 x".to_owned(), rate.to_string(), rate.middle >= 0.8),
    ];
    if let Some(in_flight) = measured.in_flight {
        let each = in_flight.each_kb();
        let found = format!("{} calls, {each:.1} KB each", in_flight.calls);
        rows.push(("calls in flight in one process", "10,000, at most 25 KB each".to_owned(), found, each <= 25.0));
    }
    if let Some(Latency { p50, p99, .. }) = latency {
        let (target, found) = ("p50 at most 2 ms, p99 at most 10 ms".to_owned(), format!("{p50:.2} ms, {p99:.2} ms"));
        rows.push(("from published to result received, 500 jobs/s", target, found, p50 <= 2.0 && p99 <= 10.0));
    }
    if let Some(widest) = widest {
        let (target, found) = (
            "processor time grows by at most 20 %, shares within 25 %".to_owned(),
            format!("{:.0} %, {:.0} %", grown(widest), widest.unfair),
        );
        rows.push(("one process, then eight", target, found, grown(widest) <= 20.0 && widest.unfair <= 25.0));
    }
    let (target, found) = ("at most the calls in flight, 256".to_owned(), opened.to_string());
    rows.push(("connections opened for 1,000 calls to one host", target, found, opened.most <= 256.0));
    let (target, found) = ("300 ms".to_owned(), format!("{start} ms"));
    rows.push(("from exec to the first result", target, found, start.middle <= 300.0));
    let (target, found) = ("below 40 MB".to_owned(), format!("{idle} MB"));
    rows.push(("resident while idle", target, found, idle.middle < 40.0));

    let mut page =
        String::from("\n| the worker, ledger in PostgreSQL | target | measured | met |\n|---|---|---|---|\n");
    for (what, target, found, met) in rows {
        line(&mut page, format_args!("| {what} | {target} | {found} | {} |", if met { "yes" } else { "**no**" }));
    }
    page
}

fn contenders(title: &str, runs: &Runs) -> String {
    let mut page = format!(
        "\n## {title}\n\n| | us a job | relative to the bare loop | database us | broker us | jobs/s | relative to the bare loop |\n|---|---|---|---|---|---|---|\n"
    );
    for who in ALL {
        line(
            &mut page,
            format_args!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                who.name(),
                Spread::of(all(runs, who, |run| run.cpu)),
                relative(runs, who, |run| run.cpu, |run| run.cpu),
                if who == Contender::Postgres {
                    Spread::of(all(runs, who, |run| run.database)).to_string()
                } else {
                    "-".to_owned()
                },
                Spread::of(all(runs, who, |run| run.broker)),
                Spread::of(all(runs, who, |run| run.rate)),
                relative(runs, who, |run| run.rate, |run| run.rate),
            ),
        );
    }
    page
}

fn latencies(latencies: &[(Contender, Latency)]) -> String {
    let mut page =
        String::from("\n## 500 jobs a second\n\n| | p50 ms | p95 ms | p99 ms | us a job |\n|---|---|---|---|---|\n");
    for (who, Latency { p50, p95, p99, cpu }) in latencies {
        line(&mut page, format_args!("| {} | {p50:.2} | {p95:.2} | {p99:.2} | {cpu:.0} |", who.name()));
    }
    page
}

fn scales(scales: &[Scale]) -> String {
    let mut page = String::from(
        "\n## More processes at one queue\n\n| processes | us a job, all together | jobs/s | farthest from its fair share |\n|---|---|---|---|\n",
    );
    for Scale { processes, cpu, rate, unfair } in scales {
        line(&mut page, format_args!("| {processes} | {cpu:.0} | {rate:.0} | {unfair:.0} % |"));
    }
    page
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let written = writeln!(page, "{text}");
    debug_assert!(written.is_ok(), "texts can be written to");
}

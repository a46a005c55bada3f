//! `tests/BENCHMARK.md`: the figures with their targets.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::contender::Contender;
use crate::load::Workload;
use crate::measure::{ALL, InFlight, Latency, Run, Scale, Start};

/// Runs by contender, in the order of the rounds.
pub(crate) type Runs = HashMap<Contender, Vec<Run>>;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) jobs: u64,
    pub(crate) rounds: usize,
    pub(crate) full: Runs,
    pub(crate) arriving: Runs,
    pub(crate) large: Runs,
    pub(crate) latency: Vec<(Contender, Latency)>,
    pub(crate) starts: Vec<Start>,
    pub(crate) scales: Vec<Scale>,
    pub(crate) in_flight: Option<InFlight>,
    /// Of the other sections, by their titles.
    pub(crate) others: Vec<(&'static str, Vec<Figure>)>,
}

impl Measured {
    /// The runs of a workload.
    pub(crate) fn runs(&mut self, workload: Workload) -> &mut Runs {
        match workload {
            Workload::FullQueue => &mut self.full,
            Workload::Arriving => &mut self.arriving,
        }
    }

    fn latency_of(&self, who: Contender) -> Option<Latency> {
        self.latency.iter().find(|(measured, _)| *measured == who).map(|(_, latency)| *latency)
    }
}

/// A figure over all rounds.
#[derive(Debug, Clone, Copy)]
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

/// The page's figures.
pub(crate) fn write(measured: &Measured) -> String {
    let mut page = heading(measured);
    page += &figures(measured);
    page += &contenders("A full queue, a third party that answers 500 B at once", &measured.full);
    page += &contenders("Arriving jobs, a third party that answers 500 B at once", &measured.arriving);
    page += &contenders("A full queue, a third party that answers 50 KB at once", &measured.large);
    page += &latencies(&measured.latency);
    page += &scales(&measured.scales);
    for (title, figures) in &measured.others {
        page += &section(title, figures);
    }
    page
}

fn heading(measured: &Measured) -> String {
    format!(
        "# Benchmark\n\nThe last run of `deploy/bench --write`. One job is a message of 1 KB, a POST over a pooled connection, three fields \
         mapped, a result\npublished and confirmed, an ack. All contenders work on the same kind of queues in turn; every result is checked \
         against its job.\nIn a **full queue** all jobs wait before the contender starts; **arriving** ones are published as fast as the broker confirms them \
         while it works,\nand their results go into a durable queue that is consumed with acks; there the bare loop acks in groups.\n\
         Figures are medians of {} rounds of {} jobs, least and most in brackets; us are microseconds of processor time a \
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

/// A figure with its target.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    what: String,
    target: String,
    found: String,
    met: bool,
}

impl Figure {
    /// What was measured, what it should be, what it is, and whether that is as it should be.
    pub(crate) fn new(what: impl Into<String>, target: impl Into<String>, found: impl Into<String>, met: bool) -> Self {
        Self { what: what.into(), target: target.into(), found: found.into(), met }
    }
}

/// The table of targets, of what was measured.
pub(crate) fn figures(measured: &Measured) -> String {
    let mut rows = Vec::new();
    for (name, runs) in [("full queue", &measured.full), ("arriving", &measured.arriving)] {
        rows.extend(ratios(name, runs));
    }
    for who in [Contender::Postgres, Contender::Sqlite] {
        rows.extend(added_latency(measured, who));
    }
    rows.extend(measured.in_flight.map(|in_flight| {
        let each = in_flight.each_kb();
        let found = format!("{} calls, {each:.1} KB each", in_flight.calls);
        let met = each <= 25.0 && in_flight.calls >= 10_000;
        Figure::new("calls in flight in one process", "10,000, at most 25 KB each", found, met)
    }));
    rows.extend(scaling(&measured.scales));
    let opened = Spread::of(all(&measured.full, Contender::Postgres, |run| run.connections));
    let (what, target) = ("connections opened for 1,000 calls to one host", "at most the calls in flight, 256");
    rows.push(Figure::new(what, target, opened.to_string(), opened.most <= 256.0));
    if !measured.starts.is_empty() {
        let start = Spread::of(measured.starts.iter().map(|start| start.first_result).collect());
        let idle = Spread::of(measured.starts.iter().map(|start| start.idle_kb as f64 / 1_024.0).collect());
        let met = start.middle <= 102.0;
        rows.push(Figure::new("from exec to the first result", "102 ms", format!("{start} ms"), met));
        rows.push(Figure::new("resident while idle", "32 MB", format!("{idle} MB"), idle.middle < 32.5));
    }
    table(&rows)
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, target, found, met } = self;
        write!(f, "| {what} | {target} | {found} | {} |", if *met { "yes" } else { "**no**" })
    }
}

fn table(rows: &[Figure]) -> String {
    let mut page = String::from("\n| | target | measured | met |\n|---|---|---|---|\n");
    for figure in rows {
        line(&mut page, format_args!("{figure}"));
    }
    page
}

/// Adds a figure, and says it at once: a run takes minutes.
pub(crate) fn note(figures: &mut Vec<Figure>, figure: Figure) {
    crate::say(&figure.to_string());
    figures.push(figure);
}

/// A section of its own.
pub(crate) fn section(title: &str, figures: &[Figure]) -> String {
    format!("\n## {title}\n{}", table(figures))
}

/// The worker beside the bare loop of the same round.
fn ratios(workload: &str, runs: &Runs) -> Vec<Figure> {
    let (postgres, sqlite) = (Contender::Postgres, Contender::Sqlite);
    let cpu = |who| relative(runs, who, |run| run.cpu, |run| run.cpu);
    let rate = |who| relative(runs, who, |run| run.rate, |run| run.rate);
    let whole = relative(runs, postgres, |run| run.cpu + run.database, |run| run.cpu);
    let most = |what: &str, target, most: f64, found: Spread| {
        Figure::new(format!("{workload}, {what}"), target, found.to_string(), found.middle <= most)
    };
    let least = |what: &str, target, least: f64, found: Spread| {
        Figure::new(format!("{workload}, {what}"), target, found.to_string(), found.middle >= least)
    };
    vec![
        most("SQLite: processor time relative to the bare loop", "at most 2.0 x", 2.0, cpu(sqlite)),
        least("SQLite: throughput relative to the bare loop", "at least 0.55", 0.55, rate(sqlite)),
        most("PostgreSQL: processor time of the worker", "at most 1.5 x", 1.5, cpu(postgres)),
        most("PostgreSQL: the same with the database's", "at most 2.1 x", 2.1, whole),
        least("PostgreSQL: throughput", "at least 0.70", 0.70, rate(postgres)),
    ]
}

/// What the worker adds to the bare loop's latency.
fn added_latency(measured: &Measured, who: Contender) -> Option<Figure> {
    let (own, bare) = (measured.latency_of(who)?, measured.latency_of(Contender::Bare)?);
    let (p50, p99) = (own.p50 - bare.p50, own.p99 - bare.p99);
    let what = format!("500 jobs/s, {}: above the bare loop", who.name());
    let found = format!("p50 {p50:+.2} ms, p99 {p99:+.2} ms");
    Some(Figure::new(what, "p50 + 3 ms, p99 + 8 ms", found, p50 <= 3.0 && p99 <= 8.0))
}

fn scaling(scales: &[Scale]) -> Option<Figure> {
    let (one, widest) = (scales.first()?, scales.last()?);
    let grown = (widest.cpu / one.cpu - 1.0) * 100.0;
    let found = format!("{grown:.0} %, {:.0} %", widest.unfair);
    let (what, target) = ("one process, then eight", "processor time + 15 %, shares within 25 %");
    Some(Figure::new(what, target, found, grown <= 15.0 && widest.unfair <= 25.0))
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

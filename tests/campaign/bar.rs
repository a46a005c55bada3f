//! A bar: a promise, how it is tried, and what came of it.

use std::pin::Pin;
use std::time::{Duration, Instant};

/// What a bar found: figures for people, and what is wrong, if anything is.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    figures: Vec<String>,
    problems: Vec<String>,
}

impl Findings {
    /// Notes a figure.
    pub(crate) fn figure(&mut self, name: &str, value: impl std::fmt::Display) {
        self.figures.push(format!("{name} {value}"));
    }

    /// Notes the median, the 99th percentile and the greatest of these figures; returns the greatest.
    pub(crate) fn spread(&mut self, name: &str, mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let index = (values.len() * percent / 100).min(values.len().saturating_sub(1));
            values.get(index).copied().unwrap_or(f64::INFINITY)
        };
        self.figure(&format!("{name} p50/p99/max, ms"), format!("{:.0}/{:.0}/{:.0}", at(50), at(99), at(100)));
        at(100)
    }

    /// Notes what has to hold.
    pub(crate) fn holds(&mut self, what: &str, holds: bool) {
        if !holds {
            self.problems.push(format!("NOT {what}"));
        }
    }

    /// Whether everything held.
    pub(crate) fn is_green(&self) -> bool {
        self.problems.is_empty()
    }
}

type Run = fn(Settings) -> Pin<Box<dyn Future<Output = Findings> + Send>>;

/// One promise.
#[derive(Clone, Copy)]
pub(crate) struct Bar {
    /// Its name, such as `A1`.
    pub(crate) name: &'static str,
    /// The promise.
    pub(crate) promise: &'static str,
    /// Tries it.
    pub(crate) run: Run,
}

/// A line of the page.
pub(crate) struct Line {
    pub(crate) bar: &'static str,
    pub(crate) text: String,
    pub(crate) is_green: bool,
}

/// The longest a bar may take.
const LONGEST: Duration = Duration::from_mins(45);

impl Bar {
    /// Tries it; a panic or a hang is red, and says so.
    pub(crate) async fn line(&self, settings: &Settings) -> Line {
        let begun = Instant::now();
        let ran = tokio::time::timeout(LONGEST, tokio::spawn((self.run)(settings.clone()))).await;
        let findings = match ran {
            Ok(Ok(findings)) => findings,
            Ok(Err(panic)) => red(&format!("it broke: {panic}")),
            Err(_) => red("it did not end"),
        };
        let verdict = if findings.is_green() { "green" } else { "RED" };
        let details = [findings.problems.clone(), findings.figures.clone()].concat().join(", ");
        let seconds = begun.elapsed().as_secs();
        let (name, promise, run) = (self.name, self.promise, settings.run());
        let text = format!("| {name} | {verdict} | {promise} | {details} | {seconds} s | {run} |");
        Line { bar: name, text, is_green: findings.is_green() }
    }
}

fn red(problem: &str) -> Findings {
    Findings { problems: vec![problem.to_owned()], ..Findings::default() }
}

/// The bars' names, for people.
pub(crate) fn names(bars: &[Bar]) -> String {
    bars.iter().map(|bar| bar.name).collect::<Vec<_>>().join(" ")
}

/// What a run is told, and what it runs on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Where all that is random comes from.
    pub(crate) seed: u64,
    /// Percent of the full numbers.
    pub(crate) scale: u32,
    /// Whether the page is written.
    pub(crate) write: bool,
    /// Program, broker and database, by name and version.
    pub(crate) versions: String,
    chosen: Vec<String>,
}

impl Settings {
    pub(crate) fn of_arguments(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut settings = Self { seed: fastrand::u64(1..1_000_000), scale: 100, ..Self::default() };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let given = arguments.next().unwrap_or_default();
                given.parse::<u64>().map_err(|_| anyhow::anyhow!("{argument} takes a number, not `{given}`"))
            };
            match argument.as_str() {
                "--seed" => settings.seed = number()?,
                "--scale" => settings.scale = u32::try_from(number()?)?.clamp(1, 100),
                "--write" => settings.write = true,
                name if !name.starts_with('-') => settings.chosen.push(name.to_owned()),
                other => anyhow::bail!("`{other}` is no flag of the campaign: --seed N, --scale N, --write"),
            }
        }
        Ok(settings)
    }

    pub(crate) fn chooses(&self, bar: &str) -> bool {
        self.chosen.is_empty() || self.chosen.iter().any(|chosen| chosen == bar)
    }

    /// What repeats this run, what it ran on, and when.
    pub(crate) fn run(&self) -> String {
        format!("{} %, seed {}, {}, {}", self.scale, self.seed, self.versions, today())
    }

    /// So many, at this scale, and at least `least`.
    pub(crate) fn of(&self, full: u32, least: u32) -> u32 {
        (full * self.scale / 100).max(least)
    }

    /// A source of what is random in one bar.
    pub(crate) fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }
}

/// The page that is checked in: what ran now, and of the others what it said `before`.
pub(crate) fn page(all: &[Bar], ran: &[Line], before: &str) -> String {
    let row = |bar: &Bar| {
        let now = ran.iter().find(|line| line.bar == bar.name).map(|line| line.text.as_str());
        let then = || before.lines().find(|line| line.starts_with(&format!("| {} |", bar.name)));
        now.or_else(then).map(|row| format!("{row}\n"))
    };
    format!("{HEAD}{}", all.iter().filter_map(row).collect::<String>())
}

const HEAD: &str = "# Campaign

The last run of each bar of `deploy/campaign`; `deploy/campaign BAR --seed N --scale N` repeats a line. A bar is green when everything
held: nothing lost, no result for a job that nobody asked for, no two results that differ, and what its line says.

| bar | verdict | promise | found | took | share of the full numbers, seed, versions, date |
|---|---|---|---|---|---|
";

/// Of the program, the broker and the database.
pub(crate) async fn versions() -> String {
    let (program, broker) = (env!("CARGO_PKG_VERSION"), harness::broker::version().await);
    let database = harness::postgres::version(&harness::scene::postgres_admin()).await;
    format!("data-connector {program}, RabbitMQ {broker}, PostgreSQL {database}")
}

fn today() -> String {
    let output = std::process::Command::new("date").arg("+%F").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

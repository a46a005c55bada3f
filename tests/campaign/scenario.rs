//! A scenario: a promise of the worker, the faults that test it, and the findings of a run.

use std::pin::Pin;
use std::time::{Duration, Instant};

/// The outcome of a run: figures for readers, and the checks that failed.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    figures: Vec<String>,
    problems: Vec<String>,
}

impl Findings {
    /// Adds a figure.
    pub(crate) fn figure(&mut self, name: &str, value: impl std::fmt::Display) {
        self.figures.push(format!("{name} {value}"));
    }

    /// Adds the median, the 99th percentile and the maximum of these values; returns the maximum.
    pub(crate) fn spread(&mut self, name: &str, mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let index = (values.len() * percent / 100).min(values.len().saturating_sub(1));
            values.get(index).copied().unwrap_or(f64::INFINITY)
        };
        self.figure(&format!("{name} p50/p99/max, ms"), format!("{:.0}/{:.0}/{:.0}", at(50), at(99), at(100)));
        at(100)
    }

    /// Adds a failed check unless it holds.
    pub(crate) fn holds(&mut self, what: &str, holds: bool) {
        if !holds {
            self.problems.push(format!("NOT {what}"));
        }
    }

    /// Whether no check failed.
    pub(crate) fn is_green(&self) -> bool {
        self.problems.is_empty()
    }
}

type Run = fn(Settings) -> Pin<Box<dyn Future<Output = Findings> + Send>>;

/// One promise and its test.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// Its id, such as `A1`.
    pub(crate) name: &'static str,
    /// The promise.
    pub(crate) promise: &'static str,
    /// Runs it.
    pub(crate) run: Run,
}

/// One row of `tests/CAMPAIGN.md`.
pub(crate) struct Line {
    pub(crate) scenario: &'static str,
    pub(crate) text: String,
    pub(crate) is_green: bool,
}

/// The longest a scenario may take.
const LONGEST: Duration = Duration::from_mins(45);

impl Scenario {
    /// Runs it; a panic or a hang makes the line red.
    pub(crate) async fn line(&self, settings: &Settings) -> Line {
        let begun = Instant::now();
        let ran = tokio::time::timeout(LONGEST, tokio::spawn((self.run)(settings.clone()))).await;
        let findings = match ran {
            Ok(Ok(findings)) => findings,
            Ok(Err(panic)) => red(&format!("it panicked: {panic}")),
            Err(_) => red("it did not end"),
        };
        let verdict = if findings.is_green() { "green" } else { "RED" };
        let details = [findings.problems.clone(), findings.figures.clone()].concat().join(", ");
        let seconds = begun.elapsed().as_secs();
        let (name, promise, run) = (self.name, self.promise, settings.run());
        let text = format!("| {name} | {verdict} | {promise} | {details} | {seconds} s | {run} |");
        Line { scenario: name, text, is_green: findings.is_green() }
    }
}

fn red(problem: &str) -> Findings {
    Findings { problems: vec![problem.to_owned()], ..Findings::default() }
}

/// The ids of scenarios, separated by spaces.
pub(crate) fn names(scenarios: &[Scenario]) -> String {
    scenarios.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(" ")
}

/// The arguments of a run, and the versions that it runs on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// The seed of all random choices.
    pub(crate) seed: u64,
    /// Scale of the run, percent of the full numbers.
    pub(crate) scale: u32,
    /// Whether `tests/CAMPAIGN.md` is written.
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
                other => anyhow::bail!("`{other}` is not a flag of the campaign: --seed N, --scale N, --write"),
            }
        }
        Ok(settings)
    }

    pub(crate) fn chooses(&self, scenario: &str) -> bool {
        self.chosen.is_empty() || self.chosen.iter().any(|chosen| chosen == scenario)
    }

    /// What is needed to repeat this run, its versions, and its date.
    pub(crate) fn run(&self) -> String {
        format!("{} %, seed {}, {}, {}", self.scale, self.seed, self.versions, today())
    }

    /// A number at this scale, at least `least`.
    pub(crate) fn of(&self, full: u32, least: u32) -> u32 {
        (full * self.scale / 100).max(least)
    }

    /// The random numbers of one scenario.
    pub(crate) fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }
}

/// The page that is checked in: the lines that ran now, and those of the other scenarios from the page `before`.
pub(crate) fn page(all: &[Scenario], ran: &[Line], before: &str) -> String {
    let row = |scenario: &Scenario| {
        let now = ran.iter().find(|line| line.scenario == scenario.name).map(|line| line.text.as_str());
        let then = || before.lines().find(|line| line.starts_with(&format!("| {} |", scenario.name)));
        now.or_else(then).map(|row| format!("{row}\n"))
    };
    format!("{HEAD}{}", all.iter().filter_map(row).collect::<String>())
}

const HEAD: &str = "# Campaign

The last run of each scenario of `deploy/campaign`; `deploy/campaign SCENARIO --seed N --scale N` repeats a line. A scenario is green
when every check passed: no job lost, no result for a job that was never submitted, no two results that differ, and the promise of its line.

| scenario | verdict | promise | found | took | share of the full numbers, seed, versions, date |
|---|---|---|---|---|---|
";

/// The versions of program, broker and database.
pub(crate) async fn versions() -> String {
    let (program, broker) = (env!("CARGO_PKG_VERSION"), harness::broker::version().await);
    let database = harness::postgres::version(&harness::test_app::postgres_admin()).await;
    format!("data-connector {program}, RabbitMQ {broker}, PostgreSQL {database}")
}

fn today() -> String {
    let output = std::process::Command::new("date").arg("+%F").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

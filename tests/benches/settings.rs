//! The arguments of a run.

use anyhow::Result;

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// What a job costs.
    Jobs,
    /// Bursts, and hosts that come back.
    Hosts,
    /// The API.
    Api,
    /// Filters over a large ledger.
    Ledger,
    /// Collections of records.
    Collections,
}

impl Section {
    /// All of them, in the order in which they are measured.
    pub(crate) const ALL: [Self; 5] = [Self::Jobs, Self::Hosts, Self::Api, Self::Ledger, Self::Collections];

    /// Its name on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Hosts => "hosts",
            Self::Api => "api",
            Self::Ledger => "ledger",
            Self::Collections => "collections",
        }
    }
}

/// What is measured, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Rounds, each with all contenders in turn.
    pub(crate) rounds: usize,
    /// Jobs a run.
    pub(crate) jobs: u64,
    /// Only the bare loop and the worker, and only a third party that answers 500 B at once.
    pub(crate) quick: bool,
    /// Writes the page.
    pub(crate) write: bool,
    /// Records of a collection.
    pub(crate) records: u64,
    /// What is measured.
    pub(crate) sections: Vec<Section>,
}

impl Settings {
    /// Reads the command line.
    pub(crate) fn of_arguments(arguments: &[String]) -> Result<Self> {
        let sections = Section::ALL.to_vec();
        let mut settings = Self { rounds: 3, jobs: 20_000, quick: false, write: false, records: 200_000, sections };
        let (mut rounds, mut arguments) = (None, arguments.iter());
        while let Some(argument) = arguments.next() {
            let mut text = || arguments.next().map(String::as_str).unwrap_or_default();
            let mut number = || {
                let given = text();
                given.parse::<u64>().map_err(|_| anyhow::anyhow!("{argument} takes a number, not `{given}`"))
            };
            match argument.as_str() {
                "--rounds" => rounds = Some(usize::try_from(number()?)?.max(1)),
                "--jobs" => settings.jobs = number()?.max(1_000),
                "--quick" => settings.quick = true,
                "--write" => settings.write = true,
                "--records" => settings.records = number()?.max(10_000),
                "--only" => settings.sections = vec![section(text())?],
                other => anyhow::bail!(
                    "`{other}` is not a flag of the benchmark: --rounds N, --jobs N, --records N, --only SECTION, --quick, --write"
                ),
            }
        }
        settings.rounds = rounds.unwrap_or(if settings.quick { 2 } else { settings.rounds });
        let is_whole = !settings.quick && settings.sections == Section::ALL;
        anyhow::ensure!(is_whole || !settings.write, "--write takes a whole run, without --quick and --only");
        Ok(settings)
    }
}

fn section(name: &str) -> Result<Section> {
    let found = Section::ALL.into_iter().find(|section| section.name() == name);
    found.ok_or_else(|| anyhow::anyhow!("--only takes one of {}", Section::ALL.map(Section::name).join(", ")))
}

//! The arguments of a run.

use anyhow::Result;

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
}

impl Settings {
    /// Reads the command line.
    pub(crate) fn of_arguments(arguments: &[String]) -> Result<Self> {
        let (mut rounds, mut settings) = (None, Self { rounds: 3, jobs: 20_000, quick: false, write: false });
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let given = arguments.next().map(String::as_str).unwrap_or_default();
                given.parse::<u64>().map_err(|_| anyhow::anyhow!("{argument} takes a number, not `{given}`"))
            };
            match argument.as_str() {
                "--rounds" => rounds = Some(usize::try_from(number()?)?.max(1)),
                "--jobs" => settings.jobs = number()?.max(1_000),
                "--quick" => settings.quick = true,
                "--write" => settings.write = true,
                other => {
                    anyhow::bail!("`{other}` is not a flag of the benchmark: --rounds N, --jobs N, --quick, --write")
                }
            }
        }
        settings.rounds = rounds.unwrap_or(if settings.quick { 2 } else { settings.rounds });
        anyhow::ensure!(!(settings.quick && settings.write), "--quick measures too little for --write");
        Ok(settings)
    }
}

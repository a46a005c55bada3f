//! The command line: one file a verb. Data on standard output, everything else on standard error.
//!
//! Knows arguments, files and exit codes; must not know how a job is worked on.

mod actor;
mod audit;
mod collections;
mod connectors;
mod convert;
mod dead;
mod deploy;
mod exit;
mod healthcheck;
mod input;
mod inspect;
mod jobs;
mod keys;
mod lint;
mod listing;
mod migrate;
mod models;
mod openapi;
mod output;
mod replay;
mod run;
mod schema;
mod secrets;
mod serve;
mod settings;
mod tokens;
mod up;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use settings::Settings;

/// Makes the calls of Data Connector elements in business processes.
#[derive(Debug, Parser)]
#[command(name = "data-connector", version, max_term_width = 110)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve and work in one process: the default for one machine
    Up(up::Up),
    /// Take jobs from RabbitMQ until told to stop; scale by starting more
    Worker(worker::Worker),
    /// Serve the API, without working on jobs
    Serve(serve::Serve),
    /// Make one element's call in this process, without broker or engine
    Run(run::Run),
    /// Show the connector tasks of models as JSON
    Inspect(inspect::Inspect),
    /// Find what is wrong in models, or works otherwise than it was meant
    Lint(lint::Lint),
    /// Spell the connectors of a model in another way
    Convert(convert::Convert),
    /// Store models' connector tasks, so that jobs need not carry their configuration
    Deploy(deploy::Deploy),
    /// List, show and remove deployed models
    #[command(subcommand)]
    Models(models::Models),
    /// Import, export, list and test connectors
    #[command(subcommand)]
    Connectors(connectors::Connectors),
    /// Manage collections of records: make them, import, export and query
    #[command(subcommand)]
    Collections(collections::Collections),
    /// Set, list and remove named secrets, which records and elements refer to as {{secret:NAME}}
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Make, list, rotate and retire the keys that credentials and secrets are sealed with
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Look at the ledger: every call, its attempts and its error; run jobs again
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Look at dead letters and publish them again
    #[command(subcommand)]
    Dead(dead::Dead),
    /// Make, list and revoke access tokens of the API
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// Look at the audit log: who changed what
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Bring database and broker to what this version needs
    Migrate(migrate::Migrate),
    /// Tell whether the workers of this data folder are well
    Healthcheck(healthcheck::Healthcheck),
    /// Print a schema of messages or models
    Schema(schema::Schema),
}

/// Reads the arguments, runs the verb, and says what went wrong.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::wrong_usage(&error),
    };
    without_core_dumps();
    with_all_files();
    crate::http::measure_handshakes();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    match runtime.block_on(run_verb(arguments)) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}

/// A core dump would write every secret in memory to disk. Where the system does not permit it, there is nothing to be done.
fn without_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let limited = setrlimit(Resource::Core, none);
    // Where a program receives core dumps, the limit alone has no effect.
    let undumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    limited.and(undumpable).unwrap_or_default();
}

/// As many open files as the system permits this process: many are started with a low limit that they may raise themselves.
fn with_all_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap_or_default();
}

async fn run_verb(Arguments { settings, verb }: Arguments) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Up(verb) => verb.run(settings).await,
        Verb::Worker(verb) => verb.run(settings).await,
        Verb::Serve(verb) => verb.run(settings).await,
        Verb::Run(verb) => verb.run(settings).await,
        Verb::Inspect(verb) => verb.run(),
        Verb::Lint(verb) => verb.run(settings).await,
        Verb::Convert(verb) => verb.run(),
        Verb::Deploy(verb) => verb.run(settings).await,
        Verb::Models(verb) => verb.run(settings).await,
        Verb::Connectors(verb) => verb.run(settings).await,
        Verb::Collections(verb) => Box::pin(verb.run(settings)).await,
        Verb::Secrets(verb) => verb.run(settings).await,
        Verb::Keys(verb) => verb.run(settings).await,
        Verb::Jobs(verb) => verb.run(settings).await,
        Verb::Dead(verb) => verb.run(settings).await,
        Verb::Tokens(verb) => verb.run(settings).await,
        Verb::Audit(verb) => verb.run(settings).await,
        Verb::Openapi => Ok(openapi::run()),
        Verb::Migrate(verb) => verb.run(settings).await,
        Verb::Healthcheck(_) => healthcheck::Healthcheck::run(&settings),
        Verb::Schema(verb) => verb.run(),
    }
}

//! `worker`: takes jobs until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP makes it read its settings again.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::output;
use super::serve::announce;
use super::settings::Settings;
use crate::api::{self, HealthOf, Listener, Probes};
use crate::config::{Config, Value};
use crate::health::Health;
use crate::telemetry::metric;
use crate::worker::{self, Capacity};

/// Takes jobs from RabbitMQ.
#[derive(Debug, Args)]
pub(super) struct Worker {
    #[command(flatten)]
    work: Work,
    /// Answer health and metrics requests there; port 0 prints its choice
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Flags of verbs that work on jobs.
#[derive(Debug, Default, Args)]
pub(super) struct Work {
    /// A job queue to work on; repeatable
    #[arg(long, value_name = "Q")]
    queue: Vec<String>,
    /// How many jobs this process holds at once
    #[arg(long, value_name = "N")]
    prefetch: Option<u16>,
    /// How many of them it works on; the prefetch unless given
    #[arg(long, value_name = "N")]
    concurrency: Option<u16>,
}

impl Work {
    /// The flags as settings.
    pub(super) fn overrides(&self) -> Vec<(&'static str, Value)> {
        let number = |value: u16| Value::from(i64::from(value));
        let queues = Some(self.queue.clone()).filter(|queues| !queues.is_empty());
        queues
            .map(|queues| ("worker.queues", queues.into()))
            .into_iter()
            .chain(self.prefetch.map(|value| ("worker.prefetch", number(value))))
            .chain(self.concurrency.map(|value| ("worker.concurrency", number(value))))
            .collect()
    }
}

impl Worker {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load_and_log(self.work.overrides())?;
        work(&settings, &self.work, config, self.listen.map(Interface::Probes)).await
    }
}

/// What a process that works answers over HTTP, and where.
#[derive(Debug, Clone, Copy)]
pub(super) enum Interface {
    /// Health and metrics.
    Probes(SocketAddr),
    /// The API too.
    Api(SocketAddr),
}

impl Interface {
    fn address(self) -> SocketAddr {
        match self {
            Self::Probes(address) | Self::Api(address) => address,
        }
    }
}

/// Works, and answers over HTTP where that is asked for, until a signal.
pub(super) async fn work(
    settings: &Settings,
    flags: &Work,
    mut config: Config,
    interface: Option<Interface>,
) -> Result<ExitCode> {
    let metrics = metric::start()?;
    let health = Arc::new(Health::default());
    let stop = stop_signal()?;
    let store = settings.store(&config).await?;
    // Bound before work begins, since connectors must not call it.
    let listener = interface.map(|interface| Listener::bind(interface.address())).transpose()?;
    config.listening = listener.iter().map(Listener::address).collect();
    let process = worker::Worker::start(config.clone(), store.clone(), Arc::clone(&health)).await?;
    let probes = Probes { health, worker: process.id().to_owned(), metrics };
    let server = match (listener, interface) {
        (Some(listener), Some(Interface::Probes(_))) => {
            output::line(&format!("listening on http://{}", listener.address()));
            Some(api::serve_probes(listener, probes, api::limits(&config), stop.clone())?)
        }
        (Some(listener), Some(Interface::Api(_))) => {
            let address = listener.address();
            let started = api::serve(listener, probes, (config, store, HealthOf::Worker), stop.clone()).await?;
            announce(address, started.first_token.as_deref());
            Some(started.server)
        }
        _ => None,
    };
    let (changes, capacity) = watch::channel(process.capacity());
    tokio::select! {
        ended = process.run(stopped(stop), capacity) => ended?,
        broken = reload(settings, flags, changes) => broken?,
    }
    if let Some(server) = server {
        server.stopped().await.context("the HTTP interface failed")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the settings again at each SIGHUP; what a worker can change while it works is handed on.
async fn reload(settings: &Settings, flags: &Work, changes: watch::Sender<Capacity>) -> Result<()> {
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        hang_up.recv().await;
        match settings.load(flags.overrides()) {
            Ok(config) => {
                let capacity = Capacity::of(&config);
                tracing::info!(?capacity, "settings were read again; all but these need a new start");
                changes.send_replace(capacity);
            }
            Err(error) => tracing::error!("the settings cannot be used, and the old ones stay: {error:#}"),
        }
    }
}

/// Turns true at the first SIGTERM or SIGINT; the second one ends the process.
pub(super) fn stop_signal() -> Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        for seen in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if seen > 0 {
                output::note("stopped at once; what was in hand comes again");
                #[expect(clippy::exit, reason = "a second signal asks for exactly this")]
                std::process::exit(i32::from(super::exit::FAILED));
            }
            tell.send_replace(true);
        }
    });
    Ok(told)
}

/// Done when the signal was seen.
pub(super) async fn stopped(mut signal: watch::Receiver<bool>) {
    drop(signal.wait_for(|stop| *stop).await);
}

//! `serve`: the API without a worker.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;

use super::output;
use super::settings::Settings;
use super::worker::stop_signal;
use crate::amqp::Broker;
use crate::api::{self, HealthOf, Listener, Probes};
use crate::config::reachable;
use crate::health::Health;
use crate::setup;
use crate::telemetry::metric;
use crate::worker::tend_collections;

/// Serves the API, health and metrics.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to answer; port 0 prints its choice [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let mut config = settings.load_and_log(Vec::new())?;
        let metrics = metric::start()?;
        let stop = stop_signal()?;
        let store = settings.store(&config).await?;
        let listener = Listener::bind(self.listen.unwrap_or(config.api.listen))?;
        let address = listener.address();
        config.listening = vec![address];
        let broker = Broker::connect(setup::amqp(&config, "serve")).await?;
        let tending = tokio::spawn(tend_collections(store.clone(), broker));
        let probes = Probes { health: Arc::new(Health::default()), worker: "serve".to_owned(), metrics };
        let started = api::serve(listener, probes, (config, store, HealthOf::Api), stop).await?;
        announce(address, started.first_token.as_deref());
        started.server.stopped().await.context("the HTTP interface failed")?;
        tending.abort();
        Ok(ExitCode::SUCCESS)
    }
}

/// Says where the API answers, and before that the first token, which is shown only here.
pub(super) fn announce(address: SocketAddr, first_token: Option<&str>) {
    if let Some(token) = first_token {
        output::line(&format!("first admin token: {token}"));
        output::line(&format!("console: http://{}/sign-in#token={token}", reachable(address)));
    }
    output::line(&format!("listening on http://{address}"));
}

//! `serve`: the HTTP interface without a worker.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::output;
use super::settings::Settings;
use super::worker::stop_signal;
use crate::amqp::Broker;
use crate::api::{self, ApiState, Listener};
use crate::health::Health;
use crate::setup;
use crate::telemetry::metric;
use crate::worker::tend_collections;

/// How often broker and database are asked.
const EVERY: Duration = Duration::from_secs(5);

/// Serves health and metrics.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to answer; port 0 prints its choice [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load_and_log(Vec::new())?;
        let metrics = metric::start()?;
        let health = Arc::new(Health::default());
        let stop = stop_signal()?;
        let store = settings.store(&config).await?;
        let broker = Broker::connect(setup::amqp(&config, "serve")).await?;
        let listener = Listener::bind(self.listen.unwrap_or(config.api.listen))?;
        output::line(&format!("listening on http://{}", listener.address()));
        let tending = tokio::spawn(tend_collections(store.clone(), broker.clone()));
        let watched = Arc::clone(&health);
        let watching = tokio::spawn(async move {
            loop {
                watched.broker(broker.is_connected(), broker.is_blocked(), broker.has_drifted());
                match store.ping().await {
                    Ok(()) => watched.database_answered(),
                    Err(error) if watched.database_failed() => tracing::warn!(%error, "the database does not answer"),
                    Err(_) => {}
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        let state = ApiState { health, worker: "serve".to_owned(), metrics };
        api::serve(listener, state, stop)?.stopped().await?;
        watching.abort();
        tending.abort();
        Ok(ExitCode::SUCCESS)
    }
}

//! `jobs replay`: a job that has ended runs again, as a job of its own that is linked to the first (CONTRACT 3).

use anyhow::Result;
use clap::Args;

use super::actor;
use super::output;
use crate::admin::jobs::{ReplayRequest, prepare_replay};
use crate::amqp::Broker;
use crate::config::Config;
use crate::setup;
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The job id
    id: String,
    /// Under an Idempotency-Key of its own, so that a third party that knows the first one acts again
    #[arg(long)]
    new_execution: bool,
    /// Send the result to the engine too, marked as a replay; `engines.NAME.accepts_replay` has to allow it
    #[arg(long)]
    send: bool,
}

impl Replay {
    pub(super) async fn run(self, store: &Store, config: &Config) -> Result<()> {
        let request = ReplayRequest { id: self.id, new_execution: self.new_execution, send: self.send };
        let replay = prepare_replay(store, &config.engines, &request).await?;
        let broker = Broker::connect(setup::amqp(config, "jobs-replay")).await?;
        let id = replay.publish(store, &broker, &actor::by()).await?;
        output::line(&id);
        output::note(&format!("`data-connector jobs show '{id}'` tells how it ends"));
        broker.close().await;
        Ok(())
    }
}

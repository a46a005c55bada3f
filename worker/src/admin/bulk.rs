//! The same done to many jobs (API 10): replayed or cancelled one by one, by the process that took the request. How far it is
//! stands in a table, where it can be stopped too.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::jobs::{self, ReplayRequest};
use super::{By, Error};
use crate::amqp::Broker;
use crate::config::Engine;
use crate::store::ledger::{JobRow, JobSearch};
use crate::store::{self, BulkProgress, BulkRun, Store};

/// Places of jobs that are read from the ledger at once: with a filter that few jobs pass, each reading looks at all of it.
const PAGE: i64 = 10_000;
/// How often the table says how far a run is, and a run looks whether it was stopped.
const SAID_EVERY: Duration = Duration::from_millis(500);
/// How often a run says that it goes on, whatever it has in hand.
pub(super) const ALIVE_EVERY: Duration = Duration::from_secs(2);
/// Failures that are kept.
const ERRORS_KEPT: usize = 100;

/// What is done to each job.
#[derive(Debug, Clone, Copy)]
pub enum Action {
    /// It runs again.
    Replay {
        /// Under an idempotency key of its own.
        new_execution: bool,
        /// The engine gets the result too.
        send: bool,
    },
    /// It is taken back.
    Cancel,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Replay { .. } => "replay",
            Self::Cancel => "cancel",
        }
    }

    /// Whether it is for jobs that have ended, or for those that have not.
    fn is_for_ended(self) -> bool {
        matches!(self, Self::Replay { .. })
    }
}

/// Which jobs.
#[derive(Debug, Clone)]
pub enum Jobs {
    /// These.
    Ids(Vec<String>),
    /// All that match, of those that the action is for.
    Matching(Box<JobSearch>),
}

/// What a run needs.
#[derive(Debug, Clone)]
pub struct Bulk {
    /// What is done.
    pub action: Action,
    /// To which jobs.
    pub jobs: Jobs,
    /// Connectors that the caller is limited to, as models may call them.
    pub limit: Option<HashSet<String>>,
    /// Settings of the engines.
    pub engines: BTreeMap<String, Engine>,
    /// Who asks.
    pub by: By,
}

#[derive(Debug, Serialize)]
struct Failed {
    /// `None` where it is about the whole run.
    job: Option<String>,
    message: String,
}

#[derive(Debug, Default)]
struct Tally {
    done: i64,
    failed: i64,
    errors: Vec<Failed>,
}

impl Bulk {
    /// How many jobs it would be done to.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count(&self, store: &Store) -> Result<i64, Error> {
        match &self.jobs {
            Jobs::Ids(ids) => Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX)),
            Jobs::Matching(search) => Ok(store.jobs().count(&self.pinned(search)).await?),
        }
    }

    /// Begins; returns the run's id and how many jobs there are.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn start(self, store: Store, broker: Broker) -> Result<(String, i64), Error> {
        let (id, count) = (uuid::Uuid::now_v7().to_string(), self.count(&store).await?);
        store.bulk().start(&id, self.action.name(), count, &self.by.actor).await?;
        let run = Run { id: id.clone(), bulk: self, store, broker, tally: Tally::default(), said: Instant::now() };
        tokio::spawn(run.go());
        Ok((id, count))
    }

    fn pinned(&self, search: &JobSearch) -> JobSearch {
        JobSearch { has_ended: Some(self.action.is_for_ended()), ..search.clone() }
    }
}

/// A run that goes on.
struct Run {
    id: String,
    bulk: Bulk,
    store: Store,
    broker: Broker,
    tally: Tally,
    said: Instant,
}

impl Run {
    async fn go(mut self) {
        let (store, id) = (self.store.clone(), self.id.clone());
        let working = async {
            match self.bulk.jobs.clone() {
                Jobs::Ids(ids) => self.all(ids).await.map(drop),
                Jobs::Matching(search) => self.matching(self.bulk.pinned(&search)).await,
            }
        };
        let alive = || async { store.bulk().goes_on(&id).await };
        if let Err(error) = while_alive(working, alive).await {
            tracing::warn!(%error, bulk.id = self.id, "a run over many jobs was given up");
            let message = format!("it was given up: {error}");
            self.tally.errors.push(Failed { job: None, message });
            // Where this cannot be noted either, its silence says so after a while.
            let noted = async {
                self.store.bulk().stop(&self.id).await?;
                self.say(false).await.map(drop)
            };
            let noted: Result<(), Error> = noted.await;
            noted.unwrap_or_else(|error| tracing::warn!(%error, "that a run was given up could not be noted"));
        }
    }

    /// From the newest on, page by page: what is made meanwhile is newer than what was looked at.
    async fn matching(&mut self, mut search: JobSearch) -> Result<(), Error> {
        search.limit = PAGE;
        loop {
            let places = self.store.jobs().places(&search).await?;
            search.after = places.last().cloned();
            let is_last = places.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            for (_, id) in places {
                if !self.one(&id).await? {
                    return Ok(());
                }
            }
            if is_last {
                break;
            }
        }
        self.say(true).await.map(drop)
    }

    async fn all(&mut self, ids: Vec<String>) -> Result<(), Error> {
        for id in ids {
            if !self.one(&id).await? {
                return Ok(());
            }
        }
        self.say(true).await.map(drop)
    }

    /// Does it to one job; whether the run goes on.
    async fn one(&mut self, id: &str) -> Result<bool, Error> {
        match self.act(id).await {
            Ok(()) => self.tally.done += 1,
            Err(error) => {
                self.tally.failed += 1;
                if self.tally.errors.len() < ERRORS_KEPT {
                    self.tally.errors.push(Failed { job: Some(id.to_owned()), message: error.to_string() });
                }
            }
        }
        if self.said.elapsed() < SAID_EVERY {
            return Ok(true);
        }
        self.say(false).await
    }

    async fn act(&self, id: &str) -> Result<(), Error> {
        let Self { bulk, store, broker, .. } = self;
        let found = jobs::find(store, id).await?;
        if !may_see(bulk.limit.as_ref(), &found.row) {
            return Err(Error::NotFound(format!("the ledger knows no job `{id}`")));
        }
        match bulk.action {
            Action::Cancel => jobs::cancel(store, id, &bulk.by).await,
            Action::Replay { new_execution, send } => {
                let request = ReplayRequest { id: id.to_owned(), new_execution, send };
                let prepared = jobs::prepare_replay(store, &bulk.engines, &request).await?;
                prepared.publish(store, broker, &bulk.by).await.map(drop)
            }
        }
    }

    /// Says how far it is; whether the run goes on.
    async fn say(&mut self, is_over: bool) -> Result<bool, Error> {
        self.said = Instant::now();
        let errors = json!(self.tally.errors).to_string();
        let progress = BulkProgress { done: self.tally.done, failed: self.tally.failed, errors: &errors, is_over };
        Ok(self.store.bulk().progress(&self.id, progress).await?)
    }
}

/// Does some work, and says all the while that it goes on: silence means that the process has died.
pub(super) async fn while_alive<T, S>(work: impl Future<Output = T>, say: impl Fn() -> S) -> T
where
    S: Future<Output = Result<(), store::Error>>,
{
    let saying = async {
        loop {
            tokio::time::sleep(ALIVE_EVERY).await;
            if let Err(error) = say().await {
                tracing::warn!(%error, "that work in bulk goes on could not be noted");
            }
        }
    };
    tokio::select! {
        worked = work => worked,
        never = saying => never,
    }
}

fn may_see(limit: Option<&HashSet<String>>, job: &JobRow) -> bool {
    limit.is_none_or(|names| job.connector.as_ref().is_some_and(|connector| names.contains(connector)))
}

/// A run, for those who may see it.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn find(store: &Store, id: &str) -> Result<BulkRun, Error> {
    let found = store.bulk().find(id).await?;
    found.ok_or_else(|| Error::NotFound(format!("there is no run `{id}` over many jobs")))
}

/// A run as the API answers it.
pub fn shown(run: &BulkRun) -> Value {
    let errors: Value = serde_json::from_str(&run.errors).unwrap_or_else(|_| json!([]));
    json!({
        "id": run.id, "action": run.action, "count": run.count, "done": run.done, "failed": run.failed,
        "state": run.state, "errors": errors,
    })
}

//! What needs somebody, in order of harm. Knows what is harm and which page shows it; must not know how it is counted.

use bpmn_ext::lint::Connectors;
use bpmn_ext::names::bare_resource;
use serde_json::Value;

use super::{Asked, Need, OfConnector};
use crate::admin::{Error, lint};
use crate::amqp::QueueDepth;
use crate::clock;
use crate::store::Store;
use crate::store::minutes::SumRow;

/// How long before its end a token is told of, milliseconds.
const EXPIRING: i64 = 7 * 24 * 3_600_000;
/// Undelivered results from which on an engine is behind; what is asked here is only how many there are.
const BEHIND: u32 = u32::MAX;

/// What needs somebody; what concerns no connector is not for callers that are limited to some.
pub(super) async fn needs(
    store: &Store,
    asked: &Asked<'_>,
    connectors: &[OfConnector],
    sums: &[SumRow],
    queues: &[QueueDepth],
) -> Result<Vec<Need>, Error> {
    let is_limited = asked.connectors.is_some();
    let mut found = Vec::new();
    let mut need = |kind, count: usize, target: &str| {
        if count > 0 {
            found.push(Need { kind, count, target: Some(target.to_owned()) });
        }
    };
    let (dead_letters, parked) = if is_limited { (0, 0) } else { store.dead_letters().count().await? };
    need("parked", parked, "/jobs?state=parked");
    let unknown = sums.iter().filter(|row| row.outcome == "OUTCOME_UNKNOWN").map(|row| row.jobs).sum::<i64>();
    need("outcome_unknown", usize::try_from(unknown).unwrap_or(0), "/jobs?code=OUTCOME_UNKNOWN");
    need("dead_letters", dead_letters, "/dead-letters");
    if !is_limited {
        need("queue_without_worker", queues.iter().filter(|queue| queue.consumers == 0).count(), "/workers");
        let undelivered = store.jobs().stats(BEHIND).await?.results_undelivered;
        need("untaken_results", undelivered, "/jobs?state=not%20taken");
    }
    let refused: Vec<_> = connectors.iter().filter(|sum| sum.is_refused).collect();
    need("connector_refused", refused.len(), &page_of(&refused));
    let failing: Vec<_> = connectors.iter().filter(|sum| sum.failed * 10 > sum.calls).collect();
    need("failure_rate", failing.len(), &page_of(&failing));
    if !is_limited {
        need("model_broken", broken_models(store).await?, "/models");
    }
    if asked.is_admin {
        need("token_expiring", expiring_tokens(store).await?, "/tokens");
    }
    Ok(found)
}

/// The page of the only connector, else the list.
fn page_of(connectors: &[&OfConnector]) -> String {
    match connectors {
        [OfConnector { id: Some(id), .. }] => format!("/connectors/{id}"),
        _ => "/connectors".to_owned(),
    }
}

/// Processes whose newest version names a connector or a resource that is not there.
async fn broken_models(store: &Store) -> Result<usize, Error> {
    let tasks = store.models().newest_tasks().await?;
    if tasks.is_empty() {
        return Ok(0);
    }
    let lookup = lint::of_store(store).await?;
    let is_broken = |task: &Value| {
        let text = |path: &str| match task.pointer(path) {
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let (Some(connector), Some(resource)) = (text("/config/dataSource"), text("/config/endpoint")) else {
            return false;
        };
        let found = lookup.find(&connector);
        !found.is_some_and(|found| found.resources.iter().any(|known| known.name == bare_resource(&resource)))
    };
    let mut broken: Vec<&str> =
        tasks.iter().filter(|found| is_broken(&found.task)).map(|found| found.process.as_str()).collect();
    broken.dedup();
    Ok(broken.len())
}

async fn expiring_tokens(store: &Store) -> Result<usize, Error> {
    let now = clock::now_ms();
    let tokens = store.tokens().list().await?;
    let is_expiring = |ends: i64| ends > now && ends <= now + EXPIRING;
    Ok(tokens.iter().filter(|token| token.revoked_at.is_none() && token.expires_at.is_some_and(is_expiring)).count())
}

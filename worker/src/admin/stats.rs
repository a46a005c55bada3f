//! How calls went, and what needs somebody (API 10): sums of the table of minutes, never of the ledger.

mod needs;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Error;
use super::workers::{self, Worker};
use crate::amqp::{Broker, QueueDepth};
use crate::clock;
use crate::store::minutes::{Durations, PartRow, Span, SumRow};
use crate::store::{Store, StoredConnector};

/// A length of time that is looked back on, in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// How many parts.
    parts: i64,
    /// How long each is, milliseconds.
    size: i64,
}

impl Period {
    /// The period of a name: `1h` in minutes, `24h` in quarters of an hour, `7d` in hours.
    pub fn of(name: &str) -> Option<Self> {
        const MINUTE: i64 = 60_000;
        match name {
            "1h" => Some(Self { parts: 60, size: MINUTE }),
            "24h" => Some(Self { parts: 96, size: 15 * MINUTE }),
            "7d" => Some(Self { parts: 168, size: 60 * MINUTE }),
            _ => None,
        }
    }

    /// From the beginning of its first part to the end of the one that is not over.
    fn until(self, now: i64) -> (i64, i64) {
        let to = now - now.rem_euclid(self.size) + self.size;
        (to - self.parts * self.size, to)
    }
}

/// What is asked for, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// How far back.
    pub period: Period,
    /// Jobs of this process only.
    pub process: Option<&'a str>,
    /// Jobs of this version only.
    pub version: Option<&'a str>,
    /// The uuids of the connectors that the caller is limited to.
    pub connectors: Option<&'a [String]>,
    /// Whether the caller may know of tokens.
    pub is_admin: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Stats {
    from: String,
    to: String,
    buckets: Vec<Bucket>,
    connectors: Vec<OfConnector>,
    elements: Vec<OfElement>,
    now: Now,
    needs: Vec<Need>,
}

#[derive(Debug, Serialize)]
struct Bucket {
    at: String,
    completed: i64,
    failed: i64,
}

#[derive(Debug, Serialize)]
struct OfConnector {
    /// `None` for one that is not there any more.
    id: Option<i64>,
    name: String,
    calls: i64,
    failed: i64,
    p50_ms: Option<u64>,
    p99_ms: Option<u64>,
    /// Whether the third party refused its credentials.
    #[serde(skip)]
    is_refused: bool,
}

#[derive(Debug, Serialize)]
struct OfElement {
    process: String,
    version: Option<String>,
    element: String,
    jobs: i64,
    failed: i64,
}

#[derive(Debug, Serialize)]
struct Now {
    workers: usize,
    in_flight: i64,
    queued: u64,
    waiting: i64,
    oldest_waiting_s: Option<i64>,
}

/// Something that somebody should look at.
#[derive(Debug, Serialize)]
struct Need {
    kind: &'static str,
    count: usize,
    /// The path of the page that shows it.
    target: Option<String>,
}

/// Sums up a period.
///
/// # Errors
/// When the database cannot be reached.
pub async fn stats(store: &Store, broker: &Broker, queues: &[String], asked: &Asked<'_>) -> Result<Stats, Error> {
    let known = Known::of(store, asked.connectors).await?;
    let (from, to) = asked.period.until(clock::now_ms());
    let span = Span { from, to, process: asked.process, version: asked.version };
    let mut parts = store.minutes().parts(span, asked.period.size).await?;
    let mut sums = store.minutes().sums(span).await?;
    parts.retain(|row| known.may_see(&row.connector));
    sums.retain(|row| known.may_see(&row.connector));
    let working = workers::workers(store).await?;
    let queues = workers::queues(store, broker, queues, &working).await?;
    let connectors = of_connectors(&sums, &known);
    let needs = needs::needs(store, asked, &connectors, &sums, &queues).await?;
    Ok(Stats {
        from: clock::rfc3339(from),
        to: clock::rfc3339(to),
        buckets: buckets(&parts, from, asked.period),
        elements: of_elements(&sums),
        now: now(store, &working, &queues).await?,
        connectors,
        needs,
    })
}

/// Jobs and failures of the last 24 hours by process and version, for callers who may be limited to connectors; jobs that named
/// no version are those of the empty one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn of_versions(
    store: &Store,
    limit: Option<&[String]>,
) -> Result<BTreeMap<(String, String), (i64, i64)>, Error> {
    let known = Known::of(store, limit).await?;
    let to = clock::now_ms() + 1;
    let span = Span { from: to - 24 * 3_600_000, to, process: None, version: None };
    let mut found = BTreeMap::<_, (i64, i64)>::new();
    for row in store.minutes().sums(span).await?.into_iter().filter(|row| known.may_see(&row.connector)) {
        let (jobs, failed) = found.entry((row.process, row.version)).or_default();
        *jobs += row.jobs;
        *failed += if row.outcome.is_empty() { 0 } else { row.jobs };
    }
    Ok(found)
}

/// Connectors by what models may call them.
struct Known {
    names: BTreeMap<String, (i64, String)>,
    is_limited: bool,
}

impl Known {
    async fn of(store: &Store, limit: Option<&[String]>) -> Result<Self, Error> {
        let all = store.connectors().list().await?;
        let may_see = |found: &&StoredConnector| {
            limit.is_none_or(|uuids| uuids.iter().any(|uuid| uuid.eq_ignore_ascii_case(&found.uuid)))
        };
        let mut names = BTreeMap::new();
        for found in all.iter().filter(may_see) {
            for name in [found.name.clone(), found.id.to_string(), found.uuid.clone()] {
                names.insert(name, (found.id, found.name.clone()));
            }
        }
        Ok(Self { names, is_limited: limit.is_some() })
    }

    fn may_see(&self, reference: &str) -> bool {
        !self.is_limited || self.names.contains_key(reference)
    }
}

fn buckets(rows: &[PartRow], from: i64, period: Period) -> Vec<Bucket> {
    let part = |part: i64| {
        let of = |failed| rows.iter().filter(|row| row.part == part && row.failed == failed).map(|row| row.jobs).sum();
        Bucket { at: clock::rfc3339(from + part * period.size), completed: of(0), failed: of(1) }
    };
    (0..period.parts).map(part).collect()
}

/// Those that were called most come first.
fn of_connectors(rows: &[SumRow], known: &Known) -> Vec<OfConnector> {
    let mut found: BTreeMap<(Option<i64>, String), (OfConnector, Durations)> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.connector.is_empty()) {
        let (id, name) = match known.names.get(&row.connector) {
            Some((id, name)) => (Some(*id), name.clone()),
            None => (None, row.connector.clone()),
        };
        let (sum, durations) = found.entry((id, name.clone())).or_insert_with(|| {
            let sum = OfConnector { id, name, calls: 0, failed: 0, p50_ms: None, p99_ms: None, is_refused: false };
            (sum, Durations::default())
        });
        sum.calls += row.jobs;
        sum.failed += if row.outcome.is_empty() { 0 } else { row.jobs };
        sum.is_refused |= matches!(row.outcome.as_str(), "AUTH" | "HTTP_401");
        durations.add(row.duration, row.jobs);
    }
    let with_percentiles = |(sum, durations): (OfConnector, Durations)| OfConnector {
        p50_ms: durations.permille(500),
        p99_ms: durations.permille(990),
        ..sum
    };
    let mut sums: Vec<_> = found.into_values().map(with_percentiles).collect();
    sums.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name)));
    sums
}

fn of_elements(rows: &[SumRow]) -> Vec<OfElement> {
    let mut found: BTreeMap<(&str, &str, &str), (i64, i64)> = BTreeMap::new();
    for row in rows {
        let (jobs, failed) = found.entry((&row.process, &row.version, &row.element)).or_default();
        *jobs += row.jobs;
        *failed += if row.outcome.is_empty() { 0 } else { row.jobs };
    }
    let element = |((process, version, element), (jobs, failed)): ((&str, &str, &str), (i64, i64))| OfElement {
        process: process.to_owned(),
        version: Some(version.to_owned()).filter(|version| !version.is_empty()),
        element: element.to_owned(),
        jobs,
        failed,
    };
    found.into_iter().map(element).collect()
}

async fn now(store: &Store, working: &[Worker], queues: &[QueueDepth]) -> Result<Now, Error> {
    let live = || working.iter().filter(|worker| !worker.is_lost);
    let (waiting, oldest_ms) = store.jobs().waiting().await?;
    Ok(Now {
        workers: live().count(),
        in_flight: live().map(|worker| worker.row.in_flight).sum(),
        queued: queues.iter().map(|queue| u64::from(queue.messages)).sum(),
        waiting,
        oldest_waiting_s: oldest_ms.map(|ms| ms.max(0) / 1_000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(connector: &str, outcome: &str, jobs: i64) -> SumRow {
        SumRow {
            process: "p".to_owned(),
            version: String::new(),
            element: "n".to_owned(),
            connector: connector.to_owned(),
            outcome: outcome.to_owned(),
            duration: 5,
            jobs,
        }
    }

    #[test]
    fn what_models_call_a_connector_is_one_connector() {
        let rates = (7, "Rates".to_owned());
        let names = BTreeMap::from([("7".to_owned(), rates.clone()), ("Rates".to_owned(), rates)]);
        let known = Known { names, is_limited: false };
        let rows = [row("7", "", 3), row("Rates", "HTTP_401", 1), row("Gone", "", 9), row("", "CONFIGURATION", 1)];
        let sums: Vec<_> = of_connectors(&rows, &known)
            .into_iter()
            .map(|sum| (sum.id, sum.name, sum.calls, sum.failed, sum.is_refused, sum.p50_ms))
            .collect();
        let expected = [(None, "Gone", 9, 0, false, Some(5)), (Some(7), "Rates", 4, 1, true, Some(5))];
        assert_eq!(
            sums,
            expected.map(|(id, name, calls, failed, is_refused, p50)| {
                (id, name.to_owned(), calls, failed, is_refused, p50)
            })
        );
        let elements = of_elements(&rows);
        assert_eq!((elements.len(), elements[0].jobs, elements[0].failed), (1, 14, 2));
    }

    #[test]
    fn a_period_ends_with_the_part_that_is_not_over() {
        let hour = Period::of("1h").unwrap();
        assert_eq!(hour.until(7_200_001), (3_660_000, 7_260_000));
        let rows = [PartRow { part: 59, connector: String::new(), failed: 1, jobs: 2 }];
        let shown = buckets(&rows, 3_660_000, hour);
        assert_eq!((shown.len(), shown[59].failed, shown[59].completed), (60, 2, 0));
        assert_eq!(shown[59].at, "1970-01-01T02:00:00Z");
        assert_eq!(Period::of("1d"), None);
    }
}

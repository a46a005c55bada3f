//! Scenario C4: the retry table of CONTRACT 6, written a second time and independently: the attempts of a worker are counted by
//! the third party, for each status and failure, method and repeat rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use harness::hostile::ClosedPort;
use harness::raw_server::{RawServer, next_request};
use harness::test_app::{job, with_retries};
use harness::third_party::{Reply, Seen, ThirdParty};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::cluster::{Cluster, USUAL};
use crate::history::{History, Requests, by_job, repeats};
use crate::scenario::{Findings, Scenario, Settings};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "C4",
        promise: "each status and each failure without one, by method and repeat rule: the attempts and the code of the retry table",
        run: |s| Box::pin(table(s)),
    }]
}

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"];
/// The resource's `repeat`, if it has one.
const REPEATS: [&str; 3] = ["nothing", "safe", "unsafe"];

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    Status(u16),
    /// The connection is refused.
    Refused,
    /// The connection is closed without a response.
    Closed,
    /// There is no response until the timeout.
    Silent,
    /// The response is 200 with half of its body.
    Broken,
}

/// One row and one column of the table.
struct Case {
    meets: Meets,
    method: &'static str,
    repeat: &'static str,
}

impl Case {
    fn kind(&self) -> &'static str {
        match self.meets {
            Meets::Status(_) => "status",
            Meets::Refused => "refused",
            Meets::Closed => "closed",
            Meets::Silent => "silent",
            Meets::Broken => "broken",
        }
    }

    fn resource(&self) -> String {
        format!("{}-{}-{}", self.kind(), self.method, self.repeat)
    }

    fn job(&self) -> String {
        match self.meets {
            Meets::Status(status) => format!("{status}-{}-{}", self.method, self.repeat),
            _ => self.resource(),
        }
    }

    /// The number of attempts where two are allowed, and the code; empty for success.
    fn expected(&self) -> (usize, String) {
        let once_more = match self.repeat {
            "safe" => true,
            "unsafe" => false,
            _ => !["POST", "PATCH"].contains(&self.method),
        };
        let (attempts, code) = match self.meets {
            Meets::Refused => (2, "CONNECT"),
            Meets::Closed if once_more => (2, "CONNECT"),
            Meets::Silent if once_more => (2, "TIMEOUT"),
            Meets::Closed | Meets::Silent => (1, "OUTCOME_UNKNOWN"),
            // There is no body that could be cut off.
            Meets::Broken if self.method == "HEAD" => (1, ""),
            Meets::Broken if self.method == "GET" => (2, "BAD_RESPONSE"),
            Meets::Broken => (1, "BAD_RESPONSE"),
            // A 3xx without a location is a response, and its body a text.
            Meets::Status(200..=299 | 304) => (1, ""),
            Meets::Status(300..=399) if self.method == "HEAD" => (1, ""),
            Meets::Status(status) => {
                let passes = matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 506..);
                return (if passes { 2 } else { 1 }, format!("HTTP_{status}"));
            }
        };
        (attempts, code.to_owned())
    }

    fn has_key(&self) -> bool {
        ["PUT", "DELETE", "POST", "PATCH"].contains(&self.method)
    }
}

/// All statuses, or at a smaller scale a share of them and those that the table names; and all failures without a status.
/// Consecutive cases differ in status, so that a series of 502 to 504 does not open the circuit breaker.
fn cases(settings: &Settings) -> Vec<Case> {
    let named = [200, 204, 304, 400, 401, 404, 408, 409, 425, 429, 500, 501, 502, 503, 504, 505];
    let step = u16::try_from(100 / settings.scale).unwrap_or(1);
    let statuses = (200..600).filter(|status| status % step == 0 || named.contains(status)).map(Meets::Status);
    let without = [Meets::Refused, Meets::Closed, Meets::Silent, Meets::Broken];
    let meets: Vec<Meets> = statuses.chain(without).collect();
    let columns = METHODS.into_iter().flat_map(|method| REPEATS.map(|repeat| (method, repeat)));
    columns.flat_map(|(method, repeat)| meets.iter().map(move |&meets| Case { meets, method, repeat })).collect()
}

/// Replies as the job's id says.
fn answer(seen: &Seen) -> Reply {
    let what = seen.path.trim_start_matches('/').split('-').next().unwrap_or_default();
    match what {
        "closed" => Reply::Break,
        "silent" => Reply::Silence,
        status => Reply::status(status.parse().unwrap_or(418), &json!({})),
    }
}

/// Cuts every response off, and counts the requests by job.
async fn broken() -> (RawServer, Arc<Mutex<BTreeMap<String, usize>>>) {
    let counts = Arc::<Mutex<BTreeMap<String, usize>>>::default();
    let counted = Arc::clone(&counts);
    let party = RawServer::start(move |mut socket: TcpStream| {
        let counted = Arc::clone(&counted);
        async move {
            let request = next_request(&mut socket).await.unwrap_or_default();
            let job = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(job).or_default() += 1;
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await
        }
    })
    .await;
    (party, counts)
}

async fn table(settings: Settings) -> Findings {
    let mut findings = Findings::default();
    let cases = cases(&settings);
    let mut cluster = Cluster::new(USUAL, 64, json!({}), |seen, _| answer(seen)).await;
    let (broken, broken_off) = broken().await;
    let (mut resources, mut closed_ports, mut silent_parties) = (json!({}), Vec::new(), BTreeMap::new());
    for case in &cases {
        let url = match case.meets {
            Meets::Broken => broken.url("/{{job}}"),
            // A port for each: calls to a host that does not answer are deferred for a while.
            Meets::Refused => {
                let port = ClosedPort::start();
                let url = format!("http://127.0.0.1:{}/{{{{job}}}}", port.port());
                closed_ports.push(port);
                url
            }
            Meets::Closed | Meets::Silent => {
                let party = ThirdParty::start(|seen, _| answer(seen)).await;
                let url = party.url("/{{job}}");
                silent_parties.insert(case.job(), party);
                url
            }
            Meets::Status(_) => cluster.third_party.url("/{{job}}"),
        };
        let timeout = if case.meets == Meets::Silent { 2 } else { 20 };
        let mut resource = json!({"url": url, "method": case.method, "timeout": timeout});
        if ["PUT", "POST", "PATCH"].contains(&case.method) {
            resource["body"] = json!("{}");
        }
        if case.repeat != "nothing" {
            resource["repeat"] = json!(case.repeat);
        }
        resources[case.resource()] = resource;
    }
    cluster.app.import_resources(resources).await;
    cluster.start_workers(1).await;
    for case in &cases {
        let job = job(&case.job(), &case.resource(), &[], json!({"job": case.job()}));
        cluster.engine.submit(&with_retries(job, 1, 1)).await;
    }
    let history = cluster.ended(Duration::from_mins(4)).await;
    let broken_off = broken_off.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut requests = cluster.requests();
    requests.extend(silent_parties.values().flat_map(|party| by_job(party.seen())));
    judge(&cases, &history, (&requests, &broken_off), &mut findings);
    cluster.judge_logs(&mut findings);
    findings
}

fn judge(
    cases: &[Case],
    history: &History,
    (requests, broken_off): (&Requests, &BTreeMap<String, usize>),
    findings: &mut Findings,
) {
    history.judge(findings);
    let mut wrong = Vec::new();
    let mut keys = BTreeSet::new();
    for case in cases {
        let (attempts, code) = case.expected();
        let result = result_of(history, &case.job());
        let arrived = match case.meets {
            Meets::Refused => 0,
            Meets::Broken => broken_off.get(&case.job()).copied().unwrap_or(0),
            _ => requests.get(&case.job()).map_or(0, Vec::len),
        };
        let found = (result["call"]["attempts"].as_u64(), result["error"]["code"].as_str().unwrap_or_default());
        let is_seen = case.meets == Meets::Refused || arrived == attempts;
        if found != (u64::try_from(attempts).ok(), code.as_str()) || !is_seen {
            wrong.push(format!(
                "{}: {attempts} {code} expected, {found:?} in the result, {arrived} arrived",
                case.job()
            ));
        }
        for seen in requests.get(&case.job()).into_iter().flatten() {
            let key = seen.header("idempotency-key");
            if key.is_empty() == case.has_key() {
                wrong.push(format!("{}: key `{key}`", case.job()));
            }
            keys.insert((key.to_owned(), if key.is_empty() { String::new() } else { case.job() }));
        }
    }
    let different: BTreeSet<&String> = keys.iter().map(|(key, _)| key).collect();
    findings.figure("keys", different.len());
    findings.holds("no key of two jobs", different.len() == keys.len());
    findings.holds("same key and body on every repeat", repeats(requests).1 == 0);
    let first = wrong.first().map(String::as_str).unwrap_or_default();
    findings.holds(&format!("every case as in the table ({} not, such as {first})", wrong.len()), wrong.is_empty());
}

fn result_of(history: &History, job: &str) -> Value {
    let body = history.results.get(job).and_then(|bodies| bodies.first()).map(String::as_str).unwrap_or_default();
    serde_json::from_str(body).unwrap_or_default()
}

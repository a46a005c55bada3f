//! The jobs, results and dead letters of a run, and the checks that every run has to pass.

use std::collections::{BTreeMap, BTreeSet};

use harness::third_party::Seen;
use serde_json::Value;

use crate::scenario::Findings;

/// The history of one run.
#[derive(Debug, Default, Clone)]
pub(crate) struct History {
    /// Jobs that the broker has confirmed.
    pub(crate) submitted: BTreeSet<String>,
    /// Results by job; the same one may come more than once.
    pub(crate) results: BTreeMap<String, BTreeSet<String>>,
    /// Jobs among the dead letters.
    pub(crate) dead: BTreeSet<String>,
    /// The ledger's state of some lost jobs.
    pub(crate) last_seen: Vec<String>,
}

/// Requests of each job, by the first segment of their path.
pub(crate) type Requests = BTreeMap<String, Vec<Seen>>;

/// Groups requests by job.
pub(crate) fn by_job(seen: Vec<Seen>) -> Requests {
    let mut requests = Requests::new();
    for seen in seen {
        let job = seen.path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default().to_owned();
        requests.entry(job).or_default().push(seen);
    }
    requests
}

impl History {
    /// Adds a result.
    pub(crate) fn result(&mut self, body: &Value) {
        let job = body["job"].as_str().unwrap_or_default().to_owned();
        self.results.entry(job).or_default().insert(body.to_string());
    }

    /// Jobs with neither a result nor a dead letter.
    pub(crate) fn lost(&self) -> usize {
        self.lost_jobs().count()
    }

    /// The ids of these jobs.
    pub(crate) fn lost_jobs(&self) -> impl Iterator<Item = &String> {
        self.submitted.iter().filter(|job| !self.results.contains_key(*job) && !self.dead.contains(*job))
    }

    /// Jobs whose result has this code; an empty one is success.
    pub(crate) fn with_code(&self, code: &str) -> usize {
        let of = |bodies: &BTreeSet<String>| {
            let body = bodies.first().map(String::as_str).unwrap_or_default();
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            body["error"]["code"].as_str().unwrap_or_default() == code
        };
        self.results.values().filter(|bodies| of(bodies)).count()
    }

    /// Checks that every job completed.
    pub(crate) fn judge_completed(&self, findings: &mut Findings) {
        let failed = self.results.values().flatten().filter_map(|body| body.split_once("\"error\":").map(|(_, e)| e));
        let failed: Vec<&str> = failed.take(2).map(|error| error.get(..300).unwrap_or(error)).collect();
        findings.holds(&format!("every job completed {failed:?}"), self.with_code("") == self.submitted.len());
    }

    /// The checks of every scenario: nothing lost, no result without a job, one result a job.
    pub(crate) fn judge(&self, findings: &mut Findings) {
        let unknown = self.results.keys().filter(|job| !self.submitted.contains(*job)).count();
        let contradictions = self.results.values().filter(|bodies| bodies.len() > 1).count();
        findings.figure("jobs", self.submitted.len());
        findings.figure("lost", self.lost());
        findings.holds(&format!("nothing lost ({})", self.last_seen.join(", ")), self.lost() == 0);
        findings.holds(&format!("no result without a job ({unknown})"), unknown == 0);
        findings.holds(&format!("one result a job ({contradictions} have several)"), contradictions == 0);
    }
}

/// Requests beyond the first of their job, and jobs whose requests differ in key or body.
pub(crate) fn repeats(requests: &Requests) -> (usize, usize) {
    let repeated = requests.values().map(|seen| seen.len() - 1).sum();
    let differ = requests.values().filter(|seen| {
        let one: BTreeSet<(&str, &str)> = seen.iter().map(|s| (s.header("idempotency-key"), s.body.as_str())).collect();
        one.len() > 1
    });
    (repeated, differ.count())
}

//! Every metric by name. Labels are few and bounded: codes and verdicts, never ids.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Jobs that ended, by `ending` (completed, failed, cancelled) and `code`.
pub const JOBS: &str = "data_connector_jobs_total";
/// Attempts that ended, by `code` (`OK` for a good one).
pub const ATTEMPTS: &str = "data_connector_attempts_total";
/// From dialling to the last byte of one attempt, seconds.
pub const ATTEMPT_SECONDS: &str = "data_connector_attempt_seconds";
/// Jobs that this process is working on.
pub const IN_FLIGHT: &str = "data_connector_in_flight";
/// Tasks that are alive in this process.
pub const TASKS: &str = "data_connector_tasks";
/// What the ledger said to deliveries, by `verdict`.
pub const CLAIMS: &str = "data_connector_claims_total";
/// Results that nobody took; they stay in the ledger and are sent again.
pub const RESULTS_RETURNED: &str = "data_connector_results_returned_total";
/// Dead letters, by `reason`.
pub const DEAD_LETTERS: &str = "data_connector_dead_letters_total";
/// Jobs whose queue does not exist and that came through the default one.
pub const UNROUTED: &str = "data_connector_unrouted_jobs_total";
/// 1 while the broker is connected.
pub const BROKER_UP: &str = "data_connector_broker_up";
/// 1 while the database answers.
pub const DATABASE_UP: &str = "data_connector_database_up";

/// 1 while the broker takes no messages for want of memory or disk.
pub const BROKER_BLOCKED: &str = "data_connector_broker_blocked";
/// 1 while a queue or an exchange exists with other arguments than this version declares.
pub const TOPOLOGY_DRIFT: &str = "data_connector_topology_drift";
/// Channels that were opened again because the old one was of no more use.
pub const CONSUMERS_REBUILT: &str = "data_connector_consumers_rebuilt_total";
/// 1 once this process can only be started anew; it ends with exit code 70.
pub const WEDGED: &str = "data_connector_wedged";
/// Deliveries that were sent into the delay ladder before their claim, by `why` (`host_resting`, `host_full`,
/// `rate`, `untaken_results`).
pub const PUT_OFF: &str = "data_connector_put_off_total";
/// Third parties' hosts that do not answer and are left alone.
pub const HOSTS_RESTING: &str = "data_connector_hosts_resting";
/// Jobs of the whole ledger whose wait ended more than 45 s ago and whose copy has not come back.
pub const RETRY_STUCK: &str = "data_connector_retry_stuck";
/// Results of the whole ledger that are due to be sent again.
pub const RESULTS_WAITING: &str = "data_connector_results_waiting";
/// For how long it has been time to look after the oldest answer of the whole ledger that may not have been taken; a sweep
/// every 5 s does so.
pub const ANSWERS_OVERDUE: &str = "data_connector_answers_overdue_seconds";
/// Dead letters that the broker made of jobs that no worker had failed, and that were published again.
pub const REVIVED: &str = "data_connector_revived_total";

/// Starts collecting; the handle renders the text that Prometheus reads.
///
/// # Errors
/// When collecting was started before.
pub fn start() -> anyhow::Result<PrometheusHandle> {
    let recorder =
        PrometheusBuilder::new().set_buckets(&[0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0])?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|e| anyhow::anyhow!("metrics cannot be started: {e}"))?;
    describe();
    Ok(handle)
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!(JOBS, "Jobs that ended");
    describe_counter!(ATTEMPTS, "Attempts that ended");
    describe_histogram!(ATTEMPT_SECONDS, "From dialling to the last byte of one attempt");
    describe_gauge!(IN_FLIGHT, "Jobs that this process is working on");
    describe_gauge!(TASKS, "Tasks that are alive in this process");
    describe_counter!(CLAIMS, "What the ledger said to deliveries");
    describe_counter!(RESULTS_RETURNED, "Results that nobody took and that will be sent again");
    describe_counter!(DEAD_LETTERS, "Dead letters");
    describe_counter!(UNROUTED, "Jobs whose queue does not exist");
    describe_gauge!(BROKER_UP, "1 while the broker is connected");
    describe_gauge!(DATABASE_UP, "1 while the database answers");
    describe_gauge!(BROKER_BLOCKED, "1 while the broker takes no messages for want of memory or disk");
    describe_gauge!(TOPOLOGY_DRIFT, "1 while a queue or an exchange exists with other arguments");
    describe_counter!(CONSUMERS_REBUILT, "Channels that were opened again");
    describe_gauge!(WEDGED, "1 once this process can only be started anew");
    describe_counter!(PUT_OFF, "Deliveries that were sent into the delay ladder before their claim");
    describe_gauge!(HOSTS_RESTING, "Hosts that do not answer and are left alone");
    describe_gauge!(RETRY_STUCK, "Jobs whose wait ended more than 45 s ago and whose copy has not come back");
    describe_gauge!(RESULTS_WAITING, "Results that are due to be sent again");
    describe_gauge!(ANSWERS_OVERDUE, "For how long it has been time to look after the oldest answer");
    describe_counter!(REVIVED, "Dead letters of bystanders that were published again");
    // What an alarm looks at is there from the first scrape on.
    for gauge in [BROKER_BLOCKED, TOPOLOGY_DRIFT, WEDGED, HOSTS_RESTING, RETRY_STUCK, RESULTS_WAITING, ANSWERS_OVERDUE]
    {
        metrics::gauge!(gauge).set(0.0);
    }
}

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
/// The ledger's verdicts about deliveries, by `verdict`.
pub const CLAIMS: &str = "data_connector_claims_total";
/// Unroutable results; they stay in the ledger and are sent again.
pub const RESULTS_RETURNED: &str = "data_connector_results_returned_total";
/// Dead letters, by `reason`.
pub const DEAD_LETTERS: &str = "data_connector_dead_letters_total";
/// Jobs whose queue does not exist and that were routed to the default one.
pub const UNROUTED: &str = "data_connector_unrouted_jobs_total";
/// 1 while the broker is connected.
pub const BROKER_UP: &str = "data_connector_broker_up";
/// 1 while the database answers.
pub const DATABASE_UP: &str = "data_connector_database_up";

/// 1 while the broker accepts no messages for lack of memory or disk.
pub const BROKER_BLOCKED: &str = "data_connector_broker_blocked";
/// 1 while a queue or an exchange exists with other arguments than this version declares.
pub const TOPOLOGY_DRIFT: &str = "data_connector_topology_drift";
/// Channels of consumers that had to be opened again.
pub const CONSUMERS_REBUILT: &str = "data_connector_consumers_rebuilt_total";
/// 1 once this process makes no progress and has to be restarted; it ends with exit code 70.
pub const STUCK: &str = "data_connector_stuck";
/// Deliveries that were deferred into the delay ladder before their claim, by `why` (`host_circuit_open`, `host_full`,
/// `rate`, `undelivered_results`).
pub const DEFERRED: &str = "data_connector_deferred_total";
/// Hosts of third parties whose circuit breaker is open.
pub const HOSTS_CIRCUIT_OPEN: &str = "data_connector_hosts_circuit_open";
/// Jobs of the whole ledger whose wait ended more than 45 s ago and whose copy has not come back.
pub const RETRY_STUCK: &str = "data_connector_retry_stuck";
/// Results of the whole ledger that were unroutable and are sent again.
pub const RESULTS_UNDELIVERED: &str = "data_connector_results_undelivered";
/// How long the oldest result of the whole ledger whose delivery is unconfirmed has been due to be sent again; every 5 s
/// results that are due are sent.
pub const RESULTS_OLDEST_UNCONFIRMED: &str = "data_connector_results_oldest_unconfirmed_seconds";
/// Jobs that the broker dead-lettered for their delivery limit although no worker had crashed while working on them, and
/// that were requeued.
pub const DEAD_LETTERS_REQUEUED: &str = "data_connector_dead_letters_requeued_total";

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
    describe_counter!(CLAIMS, "Verdicts of the ledger about deliveries");
    describe_counter!(RESULTS_RETURNED, "Unroutable results, which are sent again");
    describe_counter!(DEAD_LETTERS, "Dead letters");
    describe_counter!(UNROUTED, "Jobs whose queue does not exist");
    describe_gauge!(BROKER_UP, "1 while the broker is connected");
    describe_gauge!(DATABASE_UP, "1 while the database answers");
    describe_gauge!(BROKER_BLOCKED, "1 while the broker accepts no messages for lack of memory or disk");
    describe_gauge!(TOPOLOGY_DRIFT, "1 while a queue or an exchange exists with other arguments");
    describe_counter!(CONSUMERS_REBUILT, "Channels that were opened again");
    describe_gauge!(STUCK, "1 once this process makes no progress and has to be restarted");
    describe_counter!(DEFERRED, "Deliveries that were deferred into the delay ladder before their claim");
    describe_gauge!(HOSTS_CIRCUIT_OPEN, "Hosts whose circuit breaker is open");
    describe_gauge!(RETRY_STUCK, "Jobs whose wait ended more than 45 s ago and whose copy has not come back");
    describe_gauge!(RESULTS_UNDELIVERED, "Unroutable results that are sent again");
    describe_gauge!(RESULTS_OLDEST_UNCONFIRMED, "How long the oldest unconfirmed result has been due to be sent again");
    describe_counter!(
        DEAD_LETTERS_REQUEUED,
        "Jobs of the dead letters that were requeued, since no worker had crashed on them"
    );
    // Gauges with alarms exist from the first scrape on.
    for gauge in [
        BROKER_BLOCKED,
        TOPOLOGY_DRIFT,
        STUCK,
        HOSTS_CIRCUIT_OPEN,
        RETRY_STUCK,
        RESULTS_UNDELIVERED,
        RESULTS_OLDEST_UNCONFIRMED,
    ] {
        metrics::gauge!(gauge).set(0.0);
    }
}

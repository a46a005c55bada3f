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
    describe_counter!(CLAIMS, "What the ledger said to deliveries");
    describe_counter!(RESULTS_RETURNED, "Results that nobody took and that will be sent again");
    describe_counter!(DEAD_LETTERS, "Dead letters");
    describe_counter!(UNROUTED, "Jobs whose queue does not exist");
    describe_gauge!(BROKER_UP, "1 while the broker is connected");
    describe_gauge!(DATABASE_UP, "1 while the database answers");
}

//! What a worker does when its broker, its database, an engine or a third party fails: it stops taking jobs that it cannot
//! finish, logs why, and recovers by itself. When the worker itself is stuck, it exits.

use std::time::{Duration, Instant};

use harness::engine::Engine;
use harness::process::metric;
use harness::proxy::{Proxy, Toxic};
use harness::test_app::{QUIET_PERIOD, TestApp, job, with_retries};
use harness::third_party::{Reply, ThirdParty};
use harness::{eventually, process};
use serde_json::{Value, json};

#[tokio::test]
async fn a_host_that_is_down_costs_its_jobs_no_attempt_and_delays_no_other() {
    let (down, healthy) = (ThirdParty::friendly().await, ThirdParty::friendly().await);
    let proxy = Proxy::before(&format!("127.0.0.1:{}", down.port())).await;
    proxy.set(Toxic::Refuse);
    let app = TestApp::new();
    let url = format!("http://127.0.0.1:{}/", proxy.port());
    app.import_resources(json!({"down": {"url": url}, "good": {"url": healthy.url("/")}})).await;
    let worker = app.worker(&["--concurrency", "4", "--listen", "127.0.0.1:0"]).await;
    let mut engine = app.engine().await;
    for n in 0..40 {
        engine.publish(&with_retries(job(&format!("down{n}"), "down", &[], json!({})), 5, 1)).await;
    }
    let begun = Instant::now();
    for n in 0..10 {
        engine.publish(&job(&format!("good{n}"), "good", &[], json!({}))).await;
    }
    for _ in 0..10 {
        let result = engine.result().await;
        assert!(result.message_id.starts_with("good"), "{:#}", result.body);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let metrics = eventually("a host that rests", || async {
        let metrics = worker.metrics().await;
        (metric(&metrics, "data_connector_hosts_circuit_open ") >= 1.0).then_some(metrics)
    })
    .await;
    let attempts = metric(&metrics, r#"data_connector_attempts_total{code="CONNECT"} "#);
    assert!((10.0..=20.0).contains(&attempts), "{metrics}");
    assert!(metric(&metrics, r#"data_connector_deferred_total{why="host_circuit_open"} "#) >= 20.0, "{metrics}");
    proxy.set(Toxic::None);
    for _ in 0..40 {
        let result = engine.result().await;
        assert_eq!(result.status(), "completed", "{:#}", result.body);
    }
    assert_eq!(down.seen().len(), 40, "each was called once it could be");
    assert!(worker.output().contains("the host answers again"), "{}", worker.output());
}

#[tokio::test]
async fn a_host_that_hangs_leaves_capacity_for_others() {
    let third_party =
        ThirdParty::start(|seen, _| if seen.path == "/hangs" { Reply::Silence } else { Reply::json(&json!({})) }).await;
    let healthy = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(
        json!({"hangs": {"url": third_party.url("/hangs"), "timeout": 20}, "good": {"url": healthy.url("/")}}),
    )
    .await;
    let worker = app.worker(&["--concurrency", "5", "--listen", "127.0.0.1:0"]).await;
    let mut engine = app.engine().await;
    for n in 0..20 {
        engine.publish(&job(&format!("hangs{n}"), "hangs", &[], json!({}))).await;
    }
    for n in 0..10 {
        engine.publish(&job(&format!("good{n}"), "good", &[], json!({}))).await;
    }
    let begun = Instant::now();
    for _ in 0..10 {
        assert!(engine.result().await.message_id.starts_with("good"));
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(third_party.seen().len() <= 4, "four fifths of the places are the most that one host gets");
    assert!(metric(&worker.metrics().await, r#"data_connector_deferred_total{why="host_full"} "#) >= 10.0);
}

#[tokio::test]
async fn an_engine_that_consumes_no_results_delays_only_its_own_jobs() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&["--listen", "127.0.0.1:0"]).await;
    let mut engine = app.engine().await;
    let mut gone = job("", "r", &[], json!({}));
    gone["engine"] = json!("gone");
    for n in 0..300 {
        gone["id"] = json!(format!("gone{n}"));
        engine.publish(&gone).await;
    }
    eventually("an engine that is behind", || async {
        worker.output().contains("more than 256 results of this engine are undelivered").then_some(())
    })
    .await;
    let before = third_party.seen().len();
    gone["id"] = json!("late");
    engine.publish(&gone).await;
    engine.publish(&job("good", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "good");
    tokio::time::sleep(QUIET_PERIOD).await;
    assert_eq!(third_party.seen().len(), before + 1, "the late job was not called");
    let metrics = worker.metrics().await;
    assert!(metric(&metrics, "data_connector_results_undelivered ") > 256.0, "{metrics}");
    assert!(metric(&metrics, r#"data_connector_deferred_total{why="undelivered_results"} "#) >= 1.0, "{metrics}");
}

#[tokio::test]
async fn an_engine_that_consumes_again_gets_its_undelivered_results() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new().with_postgres().await;
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&["--listen", "127.0.0.1:0"]).await;
    let engine = app.engine().await;
    engine.delete_result_queue().await;
    engine.publish(&job("left", "r", &[], json!({}))).await;
    eventually("a result that waits", || async {
        (metric(&worker.metrics().await, "data_connector_results_undelivered ") >= 1.0).then_some(())
    })
    .await;
    // As if it had been undeliverable for a day.
    app.sql("UPDATE jobs SET send_at = now_ms() + 600000, returns = 9").await;
    let mut engine = app.engine().await;
    engine.publish(&job("next", "r", &[], json!({}))).await;
    let mut ids = [engine.result().await.message_id, engine.result().await.message_id];
    ids.sort();
    assert_eq!(ids, ["left", "next"]);
    assert_eq!(third_party.seen().len(), 2);
}

#[tokio::test]
async fn an_unreachable_database_stops_new_calls_and_nothing_else() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new().with_postgres().await;
    app.import_resources(json!({"r": {"url": third_party.url("/"), "method": "POST"}})).await;
    let database = app.database().expect("PostgreSQL");
    let proxy = Proxy::before(&process::authority(database)).await;
    let proxied = proxy.url_through(database);
    let worker = app.worker_with(&["--listen", "127.0.0.1:0"], &[("DATABASE_URL", &proxied)]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("before", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "before");
    for toxic in [Toxic::Blackhole, Toxic::Refuse] {
        let called = third_party.seen().len();
        proxy.set(toxic);
        eventually("a worker that says so", || async {
            worker.output().contains("taking no more jobs for now: the database does not answer").then_some(())
        })
        .await;
        for n in 0..20 {
            engine.publish(&job(&format!("{toxic:?}{n}"), "r", &[], json!({}))).await;
        }
        tokio::time::sleep(QUIET_PERIOD).await;
        assert_eq!(third_party.seen().len(), called, "{toxic:?}: no call without a claim");
        let answer = process::get(&worker.address().await, "/health/ready").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""database":false"#), "{answer}");
        proxy.set(Toxic::None);
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(engine.result().await.status(), "completed");
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
    assert_eq!(third_party.seen().len(), 41, "nothing was called twice");
    assert_eq!(worker.terminate().await, Some(0));
}

#[tokio::test]
async fn a_stuck_job_ends_the_process_and_another_worker_takes_over() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/"), "timeout": 1}})).await;
    let config = app.file("c.toml", "[worker]\nstuck_after = 2\ndrain_timeout = 4\nlease = 5\n").display().to_string();
    let arguments = ["--config", config.as_str(), "--concurrency", "1", "--listen", "127.0.0.1:0"];
    let mut worker = app.worker_with(&arguments, &[("DATA_CONNECTOR_FAULT", "claimed=hang")]).await;
    let address = worker.address().await;
    let mut engine = app.engine().await;
    for n in 0..3 {
        engine.publish(&job(&format!("j{n}"), "r", &[], json!({}))).await;
    }
    eventually("a worker that knows", || async { worker.output().contains("makes no progress").then_some(()) }).await;
    let live = process::get(&address, "/health/live").await;
    assert!(live.starts_with("HTTP/1.1 503") && live.contains("stuck: job j0 makes no progress"), "{live}");
    assert!(process::get(&address, "/metrics").await.contains("data_connector_stuck 1"));
    eventually("a healthcheck that says so", || async {
        app.healthcheck().await.1.contains("stuck: job j0 makes no progress").then_some(())
    })
    .await;
    assert_eq!(worker.ended().await, Some(70), "{}", worker.output());
    assert!(worker.output().contains("error: stuck: job j0 makes no progress"), "{}", worker.output());
    let _next = app.worker(&[]).await;
    let mut answered = Vec::new();
    for _ in 0..3 {
        answered.push(engine.result().await.message_id);
    }
    answered.sort();
    assert_eq!(answered, ["j0", "j1", "j2"]);
    assert_eq!(third_party.seen().len(), 3);
}

#[tokio::test]
async fn a_blocked_runtime_ends_the_process_and_its_metrics_answer_until_then() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let config = app.file("c.toml", "[worker]\nstuck_after = 4\nlease = 5\n").display().to_string();
    let arguments = ["--config", &config, "--listen", "127.0.0.1:0"];
    let mut worker = app.worker_with(&arguments, &[("DATA_CONNECTOR_FAULT", "claimed=block")]).await;
    let mut engine = app.engine().await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    tokio::time::sleep(QUIET_PERIOD).await;
    assert!(metric(&worker.metrics().await, "data_connector_in_flight ") >= 1.0, "the job blocks its runtime");
    assert_eq!(worker.ended().await, Some(70), "{}", worker.output());
    assert!(worker.output().contains("nothing has run in this process for 4 s"), "{}", worker.output());
    let _next = app.worker(&["--config", &config]).await;
    assert_eq!(engine.result().await.message_id, "j1");
}

#[tokio::test]
async fn a_deleted_queue_is_declared_and_consumed_again() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&["--listen", "127.0.0.1:0"]).await;
    let mut engine = app.engine().await;
    engine.delete_queue("jobs.default").await;
    eventually("a consumer", || async { (engine.consumers("jobs.default").await == 1).then_some(()) }).await;
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "j1");
    let metrics = eventually("a count of it", || async {
        let metrics = worker.metrics().await;
        (metric(&metrics, "data_connector_consumers_rebuilt_total ") >= 1.0).then_some(metrics)
    })
    .await;
    assert!(metric(&metrics, "data_connector_broker_up ") > 0.0, "{metrics}");
}

#[tokio::test]
async fn an_exchange_that_is_deleted_is_declared_again_and_costs_no_result() {
    let third_party =
        ThirdParty::start(|_, before| Reply::status(if before == 0 { 503 } else { 200 }, &json!({}))).await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let worker = app.worker(&[]).await;
    let mut engine = app.engine().await;
    engine.delete_exchange("retry.L1").await;
    engine.publish(&with_retries(job("j1", "r", &[], json!({})), 2, 2)).await;
    assert_eq!(engine.result().await.message_id, "j1");
    assert!(worker.output().contains("a message cannot be published; declaring all exchanges again"));
    engine.delete_exchange("results").await;
    engine.publish(&job("j2", "r", &[], json!({}))).await;
    engine.delete_result_queue().await;
    let results = format!("{}.results", app.prefix());
    eventually("the exchange of results", || async {
        Engine::has_exchange(app.broker(), &results).await.then_some(())
    })
    .await;
    let mut engine = app.engine().await;
    assert_eq!(engine.result().await.message_id, "j2");
    assert_eq!(third_party.seen().len(), 3);
}

#[tokio::test]
async fn a_half_open_connection_is_detected_and_replaced() {
    let third_party = ThirdParty::friendly().await;
    let app = TestApp::new();
    app.import_resources(json!({"r": {"url": third_party.url("/")}})).await;
    let proxy = Proxy::before(&process::authority(app.broker())).await;
    let proxied = proxy.url_through(app.broker());
    // Heartbeats alone would take more than half a minute.
    let config = app.file("c.toml", "[amqp]\nconsumer_check_interval = 1\nheartbeat = 60\n").display().to_string();
    let worker = app.worker_with(&["--config", &config], &[("AMQP_URL", &proxied)]).await;
    let mut engine = app.engine().await;
    proxy.set(Toxic::Blackhole);
    eventually("a worker that notices", || async {
        worker.output().contains("RabbitMQ does not answer within 10 s").then_some(())
    })
    .await;
    proxy.set(Toxic::Refuse);
    proxy.set(Toxic::None);
    engine.publish(&job("j1", "r", &[], json!({}))).await;
    assert_eq!(engine.result().await.message_id, "j1");
    let row: Value = app.job_in_state("j1", "published").await;
    assert_eq!(row["crashes"], 0);
}

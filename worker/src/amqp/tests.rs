//! Against the broker that `AMQP_URL` names, each test under a prefix of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use tokio::time::{Instant, timeout};

use super::*;
use crate::testing::proxy::Proxy;

const PATIENCE: Duration = Duration::from_secs(20);

fn url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672".to_owned())
}

fn settings(url: &str) -> Settings {
    Settings {
        url: SecretString::from(url),
        prefix: format!("a{}", uuid::Uuid::new_v4().simple()),
        queues: vec!["default".to_owned(), "slow".to_owned()],
        prefetch: 10,
        heartbeat: Duration::from_secs(15),
        consumer_check_interval: Duration::from_secs(30),
        confirm_timeout: Duration::from_secs(5),
        ca_file: None,
        client_certificate: None,
        client_key: None,
        name: "test".to_owned(),
    }
}

/// A broker whose queues are deleted after the test, also when it fails.
async fn with_broker<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Broker, Settings) -> F) {
    with_broker_at(settings(&url()), test).await;
}

async fn with_broker_at<F: Future<Output = ()> + Send + 'static>(
    settings: Settings,
    test: impl FnOnce(Broker, Settings) -> F,
) {
    let broker = Broker::connect(settings.clone()).await.unwrap();
    let tested = tokio::spawn(test(broker.clone(), settings.clone())).await;
    broker.close().await;
    Broker::remove(Settings { url: SecretString::from(url()), ..settings }).await.unwrap();
    tested.unwrap();
}

fn message(exchange: &str, key: &str, id: &str) -> Message {
    Message {
        exchange: exchange.to_owned(),
        routing_key: key.to_owned(),
        body: b"{}".to_vec(),
        properties: Properties { message_id: Some(id.to_owned()), ..Properties::default() },
    }
}

async fn next(consumer: &mut Consumer) -> Delivery {
    timeout(PATIENCE, consumer.next()).await.expect("a delivery in time").expect("a consumer that was not stopped")
}

fn id(delivery: &Delivery) -> String {
    delivery.properties.message_id.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_job_is_delivered_acked_and_gone() {
    with_broker(|broker, _| async move {
        let mut jobs = broker.jobs();
        let mut sent = message(broker.topology().jobs(), "job.slow", "j1");
        sent.properties.kind = Some("t".to_owned());
        sent.properties.reply_to = Some("r".to_owned());
        sent.properties.delivery_mode = Some(2);
        sent.properties.headers.insert("attempt".to_owned(), HeaderValue::Integer(2));
        sent.properties.headers.insert("traceparent".to_owned(), HeaderValue::Text("00-x".to_owned()));
        broker.publisher().publish(&sent).await.unwrap();
        let delivery = next(&mut jobs).await;
        assert_eq!((delivery.queue.as_str(), delivery.properties.routing_key.as_str()), ("slow", "job.slow"));
        let seen = Properties { exchange: String::new(), routing_key: String::new(), ..(*delivery.properties).clone() };
        assert_eq!(seen, sent.properties);
        assert!(delivery.requeue().await);
        let again = next(&mut jobs).await;
        assert!(again.ack().await);
        assert_eq!(broker.consumers_of_jobs().await.unwrap(), 2);
        assert!(timeout(Duration::from_millis(300), jobs.next()).await.is_err());
    })
    .await;
}

/// Acks of several deliveries go in one frame, which must not name those that are in hand.
#[tokio::test]
async fn what_is_in_hand_is_acked_with_nothing_else_in_whatever_order_the_others_end() {
    with_broker(|broker, _| async move {
        let all: std::collections::BTreeSet<String> = (0..60).map(|n| format!("{n:02}")).collect();
        for id in &all {
            broker.publisher().publish(&message(broker.topology().jobs(), "job.default", id)).await.unwrap();
        }
        let mut jobs = broker.jobs();
        let (mut acked, mut done, mut in_hand, mut returned) = (0, Vec::new(), Vec::new(), 0);
        while acked + in_hand.len() < all.len() {
            let delivery = next(&mut jobs).await;
            if in_hand.len() < 3 && id(&delivery).ends_with('3') {
                in_hand.push(delivery);
            } else if id(&delivery).ends_with('6') && !delivery.is_redelivered {
                assert!(delivery.requeue().await);
                returned += 1;
            } else {
                done.push(delivery);
            }
            if done.len() == 3 || acked + done.len() + in_hand.len() == all.len() {
                acked += done.len();
                let sent = futures_util::future::join_all(done.drain(..).rev().map(Delivery::ack)).await;
                assert!(sent.into_iter().all(|sent| sent));
            }
        }
        assert!(returned > 0);
        let held: std::collections::BTreeSet<String> = in_hand.iter().map(id).collect();
        drop((in_hand, jobs));
        let (mut others, mut again) = (broker.jobs(), std::collections::BTreeSet::new());
        while let Ok(Some(delivery)) = timeout(Duration::from_secs(2), others.next()).await {
            again.insert(id(&delivery));
            delivery.ack().await;
        }
        assert_eq!(again, held, "and nothing else comes again");
    })
    .await;
}

/// A return carries no delivery tag: the client hands it to whichever confirm it completes next.
#[tokio::test]
async fn unroutable_messages_are_detected_among_many_routed_ones() {
    with_broker(|broker, _| async move {
        let publishing = (0..100).map(|task| {
            let (publisher, topology) = (broker.publisher(), broker.topology().clone());
            let is_routed = task % 2 == 0;
            tokio::spawn(async move {
                let mut treated_as_routed = Vec::new();
                for n in 0..40 {
                    let id = format!("{task}-{n}");
                    let (exchange, key) =
                        if is_routed { (topology.jobs(), "job.slow") } else { (topology.results(), "result.x.-") };
                    match publisher.publish(&message(exchange, key, &id)).await {
                        Ok(()) if is_routed => {}
                        Ok(()) => treated_as_routed.push(id),
                        Err(PublishError::Returned { .. }) => assert!(!is_routed, "{id}: a return of another message"),
                        Err(other) => panic!("{other}"),
                    }
                }
                treated_as_routed
            })
        });
        let treated_as_routed = futures_util::future::join_all(publishing).await.into_iter().flat_map(Result::unwrap);
        let mut treated_as_routed: std::collections::BTreeSet<String> = treated_as_routed.collect();
        while !treated_as_routed.is_empty() {
            let returned = timeout(PATIENCE, broker.next_misattributed_return()).await;
            let returned = returned.unwrap_or_else(|_| panic!("{treated_as_routed:?} were treated as routed"));
            treated_as_routed.remove(&returned.properties.message_id.unwrap_or_default());
        }
    })
    .await;
}

#[tokio::test]
async fn an_unroutable_message_is_returned_and_a_missing_exchange_is_reported() {
    with_broker(|broker, _| async move {
        let publisher = broker.publisher();
        let unbound = publisher.publish(&message(broker.topology().results(), "result.x.-", "r1")).await;
        assert!(matches!(unbound, Err(PublishError::Returned { code: 312, .. })), "{unbound:?}");
        let nowhere = publisher.publish(&message("", "no-such-queue", "r2")).await;
        assert!(matches!(nowhere, Err(PublishError::Returned { .. })), "{nowhere:?}");
        let missing = publisher.publish(&message("no-such-exchange", "x", "r3")).await;
        assert!(matches!(missing, Err(PublishError::NoExchange(_))), "{missing:?}");
        publisher.publish(&message(broker.topology().jobs(), "job.unknown", "j1")).await.unwrap();
        let delivery = next(&mut broker.jobs()).await;
        assert_eq!((id(&delivery).as_str(), delivery.queue.as_str()), ("j1", "default"), "by the alternate exchange");
        let long = publisher.publish(&message("", &"x".repeat(300), "r4")).await;
        assert!(matches!(long, Err(PublishError::Impossible(_))), "{long:?}");
    })
    .await;
}

#[tokio::test]
async fn a_delay_does_not_wait_behind_a_longer_one() {
    with_broker(|broker, _| async move {
        let mut jobs = broker.jobs();
        let begun = Instant::now();
        for seconds in [3, 5, 1, 2] {
            let delayed =
                broker.topology().delayed(message("", "slow", &seconds.to_string()), Duration::from_secs(seconds));
            broker.publisher().publish(&delayed).await.unwrap();
        }
        for seconds in [1_u64, 2, 3, 5] {
            let delivery = next(&mut jobs).await;
            let waited = begun.elapsed();
            assert_eq!((id(&delivery), delivery.queue.as_str()), (seconds.to_string(), "slow"));
            let (least, most) = (Duration::from_secs(seconds), Duration::from_millis(seconds * 1_000 + 900));
            assert!(waited >= least && waited < most, "{seconds} s took {waited:?}");
            delivery.ack().await;
        }
    })
    .await;
}

/// A message that carries its `x-death` into the ladder a second time is silently dropped by the broker.
#[tokio::test]
async fn a_job_goes_through_the_ladder_any_number_of_times() {
    with_broker(|broker, _| async move {
        let mut jobs = broker.jobs();
        let again = |seen: &Properties, name: &str| {
            let copy = Message { properties: seen.clone(), ..message("", "default", name) };
            // Three seconds go through two levels, which is what the broker takes for a cycle.
            broker.topology().delayed(copy, Duration::from_secs(3))
        };
        for n in 0..4 {
            let named = Properties { message_id: Some(n.to_string()), ..Properties::default() };
            broker.publisher().publish(&again(&named, "x")).await.unwrap();
        }
        let mut passes = [0; 4];
        while passes.iter().any(|passes| *passes < 4) {
            let delivery = next(&mut jobs).await;
            let n: usize = id(&delivery).parse().unwrap();
            assert!(delivery.properties.headers.contains_key("x-death"), "it was dead-lettered on its way");
            passes[n] += 1;
            if passes[n] < 4 {
                broker.publisher().publish(&again(&delivery.properties, "x")).await.unwrap();
            }
            delivery.ack().await;
        }
    })
    .await;
}

#[tokio::test]
async fn publishes_do_not_wait_for_each_others_confirms() {
    with_broker(|broker, _| async move {
        let send = |n: usize| {
            let (publisher, message) =
                (broker.publisher(), message(broker.topology().jobs(), "job.slow", &n.to_string()));
            async move { publisher.publish(&message).await.unwrap() }
        };
        let begun = Instant::now();
        for n in 0..200 {
            send(n).await;
        }
        let one_by_one = begun.elapsed();
        let begun = Instant::now();
        futures_util::future::join_all((0..200).map(send)).await;
        let together = begun.elapsed();
        assert!(together * 2 < one_by_one, "one by one {one_by_one:?}, together {together:?}");
    })
    .await;
}

#[tokio::test]
async fn a_rejected_job_is_dead_lettered() {
    with_broker(|broker, settings| async move {
        broker.publisher().publish(&message(broker.topology().jobs(), "job.default", "j1")).await.unwrap();
        let connection = Connection::connect(&url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let queue = format!("{}.jobs.default", settings.prefix);
        let got = loop {
            let got =
                channel.basic_get(queue.as_str().into(), lapin::options::BasicGetOptions::default()).await.unwrap();
            if let Some(got) = got {
                break got;
            }
        };
        got.acker.reject(lapin::options::BasicRejectOptions { requeue: false }).await.unwrap();
        let dead = next(&mut broker.dead_letters()).await;
        assert_eq!(id(&dead), "j1");
        assert_eq!(
            dead.properties.headers.get("x-first-death-reason"),
            Some(&HeaderValue::Text("rejected".to_owned()))
        );
        dead.ack().await;
    })
    .await;
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_reported_and_unchanged() {
    let settings = settings(&url());
    let connection = Connection::connect(&url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = format!("{}.retry.q3", settings.prefix);
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.as_str().into(), durable, FieldTable::default()).await.unwrap();
    let refused = Broker::connect(settings.clone()).await.map(drop);
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.as_str().into(), passive, FieldTable::default()).await.unwrap();
    Broker::remove(settings).await.unwrap();
    match refused {
        Err(Error::Drift { object, problem }) => {
            assert_eq!(object, format!("queue {queue}"));
            assert!(problem.contains("inequivalent arg"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_queue_that_is_deleted_under_its_consumer_is_declared_again() {
    with_broker(|broker, settings| async move {
        let mut jobs = broker.jobs();
        broker.publisher().publish(&message(broker.topology().jobs(), "job.default", "j1")).await.unwrap();
        next(&mut jobs).await.ack().await;
        let connection = Connection::connect(&url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        for queue in ["default", "slow"] {
            let name = format!("{}.jobs.{queue}", settings.prefix);
            channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        broker.publisher().publish(&message(broker.topology().jobs(), "job.default", "j2")).await.unwrap();
        assert_eq!(id(&next(&mut jobs).await), "j2");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_exchange_is_reported_and_declared_again() {
    with_broker(|broker, _| async move {
        let (mut jobs, publisher) = (broker.jobs(), broker.publisher());
        let delayed = broker.topology().delayed(message("", "default", "j1"), Duration::from_secs(1));
        let connection = Connection::connect(&url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.exchange_delete(delayed.exchange.as_str().into(), ExchangeDeleteOptions::default()).await.unwrap();
        let lost = publisher.publish(&delayed).await;
        assert!(matches!(lost, Err(PublishError::NoExchange(_))), "{lost:?}");
        publisher.declare().await.unwrap();
        publisher.publish(&delayed).await.unwrap();
        assert_eq!(id(&next(&mut jobs).await), "j1", "through the ladder");
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_replaced_and_nothing_is_acked_across_it() {
    let direct = url();
    let place = direct.rsplit_once('@').map_or("127.0.0.1:5672", |(_, place)| place).trim_end_matches('/');
    let proxy = Proxy::before(place).await;
    let through = settings(&direct.replace(place, &proxy.address()));
    with_broker_at(through, |broker, _| async move {
        let mut jobs = broker.jobs();
        broker.publisher().publish(&message(broker.topology().jobs(), "job.default", "j1")).await.unwrap();
        let before = next(&mut jobs).await;
        proxy.cut();
        let lost = AtomicBool::new(false);
        for _ in 0..100 {
            if !broker.is_connected() {
                lost.store(true, Ordering::Relaxed);
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(lost.load(Ordering::Relaxed), "the loss is noticed");
        let publisher = broker.publisher();
        let waiting = Arc::new(message(broker.topology().jobs(), "job.default", "j2"));
        let unconfirmed = timeout(Duration::from_secs(7), publisher.publish(&waiting)).await.unwrap();
        assert!(matches!(unconfirmed, Err(PublishError::Unconfirmed(_))), "{unconfirmed:?}");
        proxy.restore();
        assert!(!before.ack().await, "a stale ack is no success");
        let again = next(&mut jobs).await;
        assert_eq!(id(&again), "j1", "what was not acked is redelivered");
        assert!(again.ack().await);
        // The publisher's connection is replaced independently.
        while let Err(error) = publisher.publish(&waiting).await {
            assert!(matches!(error, PublishError::Unconfirmed(_)), "{error}");
        }
        assert_eq!(id(&next(&mut jobs).await), "j2");
    })
    .await;
}

#[tokio::test]
async fn a_stopped_consumer_ends_and_its_deliveries_can_be_acked() {
    with_broker(|broker, _| async move {
        for n in 0..5 {
            broker
                .publisher()
                .publish(&message(broker.topology().jobs(), "job.default", &n.to_string()))
                .await
                .unwrap();
        }
        let mut jobs = broker.jobs();
        let first = next(&mut jobs).await;
        jobs.stopper().stop();
        let mut received = vec![first];
        while let Some(delivery) = timeout(PATIENCE, jobs.next()).await.expect("an end") {
            received.push(delivery);
        }
        assert!(received.len() < 5, "prefetched jobs are not passed on any more");
        let acked = received.len();
        for delivery in received {
            assert!(delivery.ack().await);
        }
        let mut others = broker.jobs();
        for _ in acked..5 {
            next(&mut others).await.ack().await;
        }
        assert!(timeout(Duration::from_millis(500), others.next()).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn an_unreachable_broker_leaves_no_tasks_behind() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs_up = silent.local_addr().unwrap();
    let accepting = tokio::spawn(async move { while silent.accept().await.is_ok() {} });
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for place in ["amqp://127.0.0.1:1", "amqps://127.0.0.1:1", &format!("amqp://{hangs_up}")] {
        for _ in 0..3 {
            let refused = super::connect::connect(&settings(place), "test", false).await;
            assert!(matches!(refused, Err(Error::Unreachable { .. })), "{place}: {:?}", refused.err());
        }
    }
    assert_eq!(tasks(), before);
    accepting.abort();
}

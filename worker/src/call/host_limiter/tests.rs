//! Permits under the clock: who waits, who is sent away, and who is told when a place comes free.

use super::super::circuit_breaker::FAILURES;
use super::*;

const SOON: Duration = Duration::from_secs(1);

fn target(host: &str) -> Target {
    Target { host: host.to_owned(), resource: "c/r".to_owned() }
}

fn silent() -> Failure {
    Failure::of_attempt(Code::Connect, "", Retriable::Final)
}

async fn acquire(limiter: &Arc<HostLimiter>) -> HostPermit {
    limiter.acquire(&target("h"), SOON).await.unwrap()
}

async fn fails(limiter: &Arc<HostLimiter>) {
    acquire(limiter).await.report(Some(&silent()));
}

fn waits(limiter: &Arc<HostLimiter>, patience: Duration) -> tokio::task::JoinHandle<Result<HostPermit, NoPermit>> {
    let limiter = Arc::clone(limiter);
    tokio::spawn(async move { limiter.acquire(&target("h"), patience).await })
}

fn why(refused: Result<HostPermit, NoPermit>) -> Why {
    refused.unwrap_err().why
}

#[tokio::test]
async fn a_place_that_comes_free_goes_to_who_waits_longest() {
    let limiter = HostLimiter::new(2);
    let (first, _second) = (acquire(&limiter).await, acquire(&limiter).await);
    let begun = Instant::now();
    let short = limiter.acquire(&target("h"), Duration::from_millis(50)).await;
    assert_eq!((why(short), begun.elapsed() >= Duration::from_millis(50)), (Why::Full, true));
    let third = waits(&limiter, SOON);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let fourth = waits(&limiter, SOON);
    tokio::time::sleep(Duration::from_millis(20)).await;
    first.report(None);
    let third = third.await.unwrap().unwrap();
    assert!(!fourth.is_finished());
    drop(third);
    fourth.await.unwrap().unwrap();
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
    assert!(limiter.acquire(&target("other"), SOON).await.is_ok());
}

#[tokio::test]
async fn whoever_stops_waiting_takes_no_place() {
    let limiter = HostLimiter::new(1);
    let first = acquire(&limiter).await;
    let given_up = waits(&limiter, SOON);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let next = waits(&limiter, SOON);
    tokio::time::sleep(Duration::from_millis(20)).await;
    given_up.abort();
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(first);
    drop(next.await.unwrap().unwrap());
    acquire(&limiter).await;
}

#[tokio::test]
async fn calls_that_hang_are_not_waited_for() {
    let limiter = HostLimiter::new(1);
    acquire(&limiter).await.report(None);
    let _hangs = acquire(&limiter).await;
    let begun = Instant::now();
    assert_eq!(why(limiter.acquire(&target("h"), SOON * 5).await), Why::Hangs);
    assert!(begun.elapsed() >= SOON * 9 / 10 && begun.elapsed() < SOON * 2, "{:?}", begun.elapsed());
    assert_eq!(why(limiter.acquire(&target("h"), SOON * 5).await), Why::Hangs);
    assert!(begun.elapsed() < SOON * 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_waits_is_sent_away_when_the_circuit_opens() {
    let limiter = HostLimiter::new(1);
    for _ in 1..FAILURES {
        fails(&limiter).await;
    }
    let last = acquire(&limiter).await;
    let waiting = [waits(&limiter, SOON * 5), waits(&limiter, SOON * 5)];
    tokio::time::sleep(Duration::from_millis(20)).await;
    last.report(Some(&silent()));
    let (mut probes, mut refused) = (Vec::new(), Vec::new());
    for one in waiting {
        match one.await.unwrap() {
            Ok(probe) => probes.push(probe),
            Err(why) => refused.push(why),
        }
    }
    let expected = Why::CircuitOpen(Some(LastFailure { code: Code::Connect, status: None }));
    assert!(!refused.is_empty() && refused.iter().all(|refused| refused.why == expected), "{refused:?}");
    assert!(refused.iter().all(|refused| (SOON..=SOON * 2).contains(&refused.wait)), "{refused:?}");
    assert!(probes.iter().all(|probe| probe.passage == Passage::Probe), "one of them may find out whether it is back");
    assert_eq!(limiter.open_circuits(), 1);
}

#[tokio::test]
async fn what_was_never_sent_does_not_close_a_circuit() {
    let limiter = HostLimiter::new(80);
    let under_way = acquire(&limiter).await;
    let mut last = Vec::new();
    for _ in 0..FAILURES {
        last.push(acquire(&limiter).await);
    }
    let late = last.pop().unwrap();
    fails(&limiter).await;
    for permit in last {
        permit.report(Some(&silent()));
    }
    assert_eq!(limiter.open_circuits(), 1);
    late.report(Some(&Failure::before_any_attempt(Code::Denied, "")));
    assert_eq!(limiter.open_circuits(), 1);
    under_way.report(None);
    assert_eq!(limiter.open_circuits(), 0);
}

#[tokio::test]
async fn more_places_are_given_at_once_to_those_who_wait() {
    let limiter = HostLimiter::new(1);
    let _first = acquire(&limiter).await;
    let second = waits(&limiter, SOON);
    tokio::time::sleep(Duration::from_millis(20)).await;
    limiter.resize(2);
    let _second = second.await.unwrap().unwrap();
    limiter.resize(1);
    assert_eq!(why(limiter.acquire(&target("h"), Duration::ZERO).await), Why::Full);
}

/// So many calls at once.
async fn another_host_answers(limiter: &Arc<HostLimiter>, calls: usize) {
    let mut permits = Vec::new();
    for _ in 0..calls {
        permits.push(limiter.acquire(&target("other"), SOON).await.unwrap());
    }
    for permit in permits {
        permit.report(None);
    }
}

/// How many calls at once another host was seen to answer, and how many an unknown one gets, of 40 a host.
#[tokio::test]
async fn a_new_host_leaves_others_what_they_needed_lately() {
    for (others, expected) in [(0, 39), (9, 30), (25, 14), (39, 10)] {
        let limiter = HostLimiter::new(40);
        another_host_answers(&limiter, others).await;
        let mut got = Vec::new();
        while let Ok(permit) = limiter.acquire(&target("h"), Duration::ZERO).await {
            got.push(permit);
        }
        assert_eq!(got.len(), expected, "while another one needs {others}");
        let refused = why(limiter.acquire(&target("h"), Duration::ZERO).await);
        assert_eq!(refused, if others == 0 { Why::Full } else { Why::Unknown });
        got.pop().unwrap().report(None);
        acquire(&limiter).await;
    }
}

#[tokio::test]
async fn as_many_wait_for_a_first_answer_as_are_on_their_way() {
    let limiter = HostLimiter::new(8);
    another_host_answers(&limiter, 7).await;
    let (first, _second) = (acquire(&limiter).await, acquire(&limiter).await);
    let waiting = [waits(&limiter, SOON), waits(&limiter, SOON)];
    tokio::time::sleep(Duration::from_millis(20)).await;
    let begun = Instant::now();
    assert_eq!(why(limiter.acquire(&target("h"), SOON).await), Why::Unknown);
    assert!(begun.elapsed() < SOON / 2, "{:?}: it does not wait", begun.elapsed());
    first.report(None);
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert!(begun.elapsed() < SOON / 2, "{:?}: an answer lets them go", begun.elapsed());
}

#[tokio::test]
async fn hosts_are_forgotten_unless_something_is_known_of_them() {
    let limiter = HostLimiter::new(2);
    fails(&limiter).await;
    let _busy = limiter.acquire(&target("busy"), SOON).await.unwrap();
    for n in 0..=REMEMBERED {
        drop(limiter.acquire(&target(&format!("h{n}")), SOON).await.unwrap());
    }
    let hosts = limiter.lock();
    assert!(hosts.len() < 10 && hosts.contains_key("h") && hosts.contains_key("busy"), "{}", hosts.len());
}

#[test]
fn a_host_that_says_when_to_come_back_is_there() {
    let soon = Some(Duration::from_secs(1));
    for (code, status, after, expected) in [
        (Code::Http(503), Some(503), None, true),
        (Code::Http(503), Some(503), soon, false),
        (Code::Http(502), Some(502), None, true),
        (Code::Http(504), Some(504), None, true),
        (Code::Http(500), Some(500), None, false),
        (Code::Http(429), Some(429), None, false),
        (Code::BadResponse, Some(200), None, false),
        (Code::Connect, None, None, true),
        (Code::Timeout, None, None, true),
        (Code::OutcomeUnknown, None, None, true),
        (Code::Tls, None, None, false),
        (Code::Denied, None, None, false),
    ] {
        let failure = Failure { status, ..Failure::of_attempt(code, "", Retriable::Retry { after }) };
        assert_eq!(is_silent(&failure), expected, "{code} {status:?} {after:?}");
    }
}

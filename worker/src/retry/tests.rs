use crate::connector::StatusList;

use super::*;

fn policy() -> Policy {
    Policy {
        attempts: 3,
        waits: vec![Duration::from_secs(5)],
        backoff: Backoff::Fixed,
        max_wait: Duration::from_mins(5),
        budget: None,
        statuses: None,
    }
}

fn state() -> RetryState {
    RetryState {
        attempt: 1,
        elapsed: Duration::ZERO,
        until_deadline: None,
        longest_wait: Duration::from_hours(24),
        random: 0.5,
    }
}

fn failed(status: u16, after: Option<u64>) -> Failure {
    let retriable = Retriable::Retry { after: after.map(Duration::from_secs) };
    Failure { status: Some(status), ..Failure::of_attempt(Code::Http(status), "no", retriable) }
}

fn wait_of(next: Decision) -> u64 {
    match next {
        Decision::Retry { after } => u64::try_from(after.as_millis()).unwrap(),
        Decision::Fail(failure) => panic!("{failure:?}"),
    }
}

fn end_of(next: Decision) -> (String, String) {
    match next {
        Decision::Fail(failure) => (failure.code.to_string(), failure.message),
        Decision::Retry { after } => panic!("retried after {after:?}"),
    }
}

#[test]
fn a_fixed_wait_and_the_larger_of_it_and_retry_after() {
    assert_eq!(wait_of(decide(failed(503, None), &policy(), &state())), 5_000);
    assert_eq!(wait_of(decide(failed(503, Some(2)), &policy(), &state())), 5_000);
    assert_eq!(wait_of(decide(failed(503, Some(60)), &policy(), &state())), 60_000);
}

#[test]
fn an_exponential_wait_doubles_to_its_limit_with_full_jitter() {
    let policy = Policy { backoff: Backoff::Exponential, attempts: 99, ..policy() };
    let wait =
        |attempt, random| wait_of(decide(failed(503, None), &policy, &RetryState { attempt, random, ..state() }));
    assert_eq!([wait(1, 1.0), wait(2, 1.0), wait(3, 1.0), wait(4, 1.0)], [5_000, 10_000, 20_000, 40_000]);
    assert_eq!((wait(3, 0.5), wait(3, 0.0), wait(60, 1.0)), (10_000, 0, 300_000));
    let throttled = decide(failed(429, None), &policy, &RetryState { random: 0.0, ..state() });
    assert_eq!(wait_of(throttled), 2_500);
}

#[test]
fn a_list_of_waits_is_walked_along_and_its_last_one_stays() {
    let policy = Policy { waits: [1, 60, 600].map(Duration::from_secs).to_vec(), attempts: 9, ..policy() };
    let wait = |attempt| wait_of(decide(failed(503, None), &policy, &RetryState { attempt, ..state() }));
    assert_eq!([wait(1), wait(2), wait(3), wait(4), wait(8)], [1_000, 60_000, 600_000, 600_000, 600_000]);
}

#[test]
fn attempts_run_out() {
    let last = RetryState { attempt: 3, ..state() };
    let (code, message) = end_of(decide(failed(503, None), &policy(), &last));
    assert_eq!((code.as_str(), message.as_str()), ("HTTP_503", "Job failed after 3 total attempts\nno"));
    let single = Policy { attempts: 1, ..policy() };
    assert_eq!(end_of(decide(failed(503, None), &single, &state())).1, "no");
}

#[test]
fn a_list_of_statuses_replaces_the_tables_row() {
    let policy = Policy { statuses: Some(StatusList::parse("404").unwrap()), ..policy() };
    let asked = Failure { retriable: Retriable::Final, retry_after: Some(Duration::from_mins(1)), ..failed(404, None) };
    let not_found = Failure { retriable: Retriable::Final, ..failed(404, None) };
    assert_eq!(wait_of(decide(not_found, &policy, &state())), 5_000);
    assert_eq!(
        wait_of(decide(asked, &policy, &state())),
        60_000,
        "what it asks for counts whichever list had it retried"
    );
    assert_eq!(end_of(decide(failed(503, None), &policy, &state())).0, "HTTP_503");
    let refused = Failure::of_attempt(Code::Connect, "refused", Retriable::Retry { after: None });
    assert_eq!(wait_of(decide(refused, &policy, &state())), 5_000);
}

#[test]
fn what_is_final_ends_at_once() {
    let mapping = Failure::of_attempt(Code::Mapping, "no such path", Retriable::Final);
    assert_eq!(end_of(decide(mapping, &policy(), &state())).0, "MAPPING");
}

#[test]
fn a_wait_beyond_limit_deadline_or_budget_ends_with_a_reason() {
    let (code, message) = end_of(decide(failed(503, Some(1_000_000)), &policy(), &state()));
    assert_eq!(code, "HTTP_503");
    assert!(message.contains("limits.retry_after"), "{message}");
    let huge = Failure { retriable: Retriable::Retry { after: Some(Duration::MAX) }, ..failed(503, None) };
    assert_eq!(end_of(decide(huge, &policy(), &state())).0, "HTTP_503");
    let soon = RetryState { until_deadline: Some(Duration::from_secs(4)), ..state() };
    assert_eq!(end_of(decide(failed(503, None), &policy(), &soon)).0, "DEADLINE_PASSED");
    let spent = RetryState { elapsed: Duration::from_secs(56), ..state() };
    let budget = Policy { budget: Some(Duration::from_mins(1)), ..policy() };
    let (code, message) = end_of(decide(failed(503, None), &budget, &spent));
    assert_eq!(code, "HTTP_503");
    assert!(message.contains("retry budget"), "{message}");
}

#[test]
fn the_longest_time_is_that_of_all_attempts_and_waits() {
    let seconds = Duration::from_secs;
    let exponential = Policy { backoff: Backoff::Exponential, ..policy() };
    for (policy, expected) in [
        (Policy { attempts: 1, ..policy() }, 20),
        (policy(), 3 * 20 + 2 * 5),
        (Policy { waits: vec![seconds(1), seconds(9)], attempts: 4, ..policy() }, 4 * 20 + 1 + 9 + 9),
        (Policy { attempts: 4, ..exponential.clone() }, 4 * 20 + 5 + 10 + 20),
        (Policy { attempts: 4, budget: Some(seconds(30)), ..exponential }, 30 + 20),
        (Policy { attempts: 3_000, waits: vec![seconds(1)], ..policy() }, 3_000 * 20 + 2_999),
    ] {
        assert_eq!(longest(&policy, seconds(20)), seconds(expected), "{policy:?}");
    }
    assert!(
        longest(&Policy { attempts: u32::MAX, waits: vec![Duration::MAX], ..policy() }, Duration::MAX) == Duration::MAX
    );
}

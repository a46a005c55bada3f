//! What one answer leads to within the same attempt: the end of a long operation, the next pages, the files of a body.
//!
//! Every one of these requests goes through the guard, and credentials only where the first request went. Few calls make
//! any, so that each is in a box: otherwise every job in flight would have room for all of them.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

use super::PreparedCall;
use super::attempt::Means;
use super::transport::Transport;
use crate::clock;
use crate::http::Session;
use crate::interpret::polling::{self, Polling};
use crate::interpret::{self, Page, Pages, Response, ResponseContext};
use crate::job::{Code, Failure, Retriable};
use crate::memory::PATIENCE;
use crate::plan::{FollowUp, Repeat, RequestSpec, redacted};

/// The request with its body whole, where files that are named by a URL have to be fetched first, within the attempt's time.
pub(super) async fn with_files(
    transport: &Transport,
    (request, session): (&RequestSpec, &Session),
    deadline: Instant,
    limit: usize,
) -> Result<Option<Box<RequestSpec>>, Failure> {
    if request.raw_file_urls().next().is_none() {
        return Ok(None);
    }
    let mut files: Vec<Bytes> = Vec::new();
    for url in request.raw_file_urls() {
        let what = format!("the file {} could not be fetched, and nothing was sent", redacted::url(url));
        in_time(request, session.extended(deadline), &what)?;
        let fetched = Box::pin(transport.send(
            &request.anonymous_get(url.clone(), request.timeout),
            deadline,
            &session.anonymous(),
        ))
        .await
        .map_err(|e| within(e, &what))?;
        if !(200..300).contains(&fetched.status) {
            let retriable = match fetched.status {
                408 | 425 | 429 | 500.. => Retriable::Retry { after: interpret::asked_wait(&fetched, clock::now_ms()) },
                _ => Retriable::Final,
            };
            let message = format!("{what}: status {}", fetched.status);
            return Err(Failure::of_attempt(Code::Connect, message, retriable));
        }
        files.push(fetched.body);
        if files.iter().map(Bytes::len).sum::<usize>() > limit {
            let message = format!(
                "the body's files together are larger than limits.response_bytes ({limit} bytes), and nothing was sent"
            );
            return Err(Failure::of_attempt(Code::BadResponse, message, Retriable::Final));
        }
    }
    in_time(request, session.extended(deadline), "fetching the body's files took all the time")?;
    let mut room = session.share();
    if !room.grow_to(files.iter().map(Bytes::len).sum()).await {
        let message = format!("the body's files found no room in memory within {PATIENCE:?}, and nothing was sent");
        return Err(Failure::of_attempt(Code::Timeout, message, Retriable::Retry { after: None }));
    }
    let whole = request.with_files(files);
    let body = room.around(whole.raw_body().clone());
    Ok(Some(Box::new(whole.with_body(body))))
}

fn in_time(request: &RequestSpec, deadline: Instant, what: &str) -> Result<(), Failure> {
    if deadline <= Instant::now() {
        let message = format!("{what}: not within {:?}", request.timeout);
        return Err(Failure::of_attempt(Code::Timeout, message, Retriable::Retry { after: None }));
    }
    Ok(())
}

/// A failure of a follow-up: the attempt had begun.
fn within(failure: Failure, what: &str) -> Failure {
    Failure { message: format!("{what}: {}", failure.message), attempted: true, ..failure }
}

/// All pages as one answer; the attempt's time is for all of them.
pub(super) async fn pages(
    means: &Means<'_>,
    call: &PreparedCall<'_>,
    planned: (&RequestSpec, &Session),
    first: Response,
    deadline: Instant,
    context: &ResponseContext<'_>,
) -> Result<Response, Failure> {
    if Pages::are_configured(context) {
        Box::pin(all_pages(means, call, planned, first, deadline)).await
    } else {
        Ok(first)
    }
}

async fn all_pages(
    Means { transport, memory, .. }: &Means<'_>,
    call: &PreparedCall<'_>,
    (request, session): (&RequestSpec, &Session),
    first: Response,
    deadline: Instant,
) -> Result<Response, Failure> {
    let (mut url, mut answer, mut pages) = (request.raw_url().clone(), first, Pages::default());
    let (mut is_away, mut before) = (false, None);
    loop {
        let page;
        (page, pages, answer) = call.page(memory, &url, (pages, answer)).await?;
        let next = match page {
            // An answer that is no page is what the attempt ends with: a status, a text.
            Page::Whole => return Ok(answer),
            Page::Last(warning) => {
                answer.warnings.extend(warning);
                return call.joined(memory, pages, answer, session.share()).await;
            }
            Page::Past(warning) => {
                let mut last = before.unwrap_or(answer);
                last.warnings.extend(warning);
                return call.joined(memory, pages, last, session.share()).await;
            }
            Page::Next(next) => next,
        };
        let what = format!("page {} ({})", pages.count() + 1, redacted::url(&next));
        same_or_safer(&url, &next, &what)?;
        within_bounds(request, &next, &what)?;
        in_time(request, session.extended(deadline), &what)?;
        // Whoever named a page elsewhere chose all that follow: they come home without credentials.
        is_away |= next.origin() != request.raw_url().origin();
        let kind = if is_away { FollowUp::GetAway } else { FollowUp::SameRequest };
        let follow_up = request.follow_up(next.clone(), request.timeout, kind);
        before = Some(answer);
        answer =
            Box::pin(transport.send(&follow_up, deadline, session)).await.map_err(|failure| within(failure, &what))?;
        url = next;
    }
}

/// Never from https to http, as with redirects.
fn same_or_safer(from: &Url, to: &Url, what: &str) -> Result<(), Failure> {
    if from.scheme() == "https" && to.scheme() != "https" {
        let message = format!("{what} would leave https; it is not fetched");
        return Err(Failure::of_attempt(Code::Denied, message, Retriable::Final));
    }
    Ok(())
}

/// Not where a secret of the call may not go.
fn within_bounds(request: &RequestSpec, to: &Url, what: &str) -> Result<(), Failure> {
    request.may_lead_to(to).map_err(|problem| {
        Failure::of_attempt(Code::Denied, format!("{what} is not fetched: {problem}"), Retriable::Final)
    })
}

/// The final answer of an operation that was accepted, with `202` as a rule.
///
/// Each question has the attempt's time; all of them together have `limits.poll_time` and the job's deadline.
pub(super) async fn poll(
    means: &Means<'_>,
    call: &PreparedCall<'_>,
    accepted: Response,
    (context, session): (&ResponseContext<'_>, &Session),
) -> Result<Response, Failure> {
    let Some(begun) = polling::begin(call.plan.request.raw_url(), &accepted, context)? else { return Ok(accepted) };
    Box::pin(polled(means, call, accepted.status, begun, session)).await
}

async fn polled(
    Means { transport, memory, .. }: &Means<'_>,
    call: &PreparedCall<'_>,
    status: u16,
    (place, asking): (Url, Polling),
    session: &Session,
) -> Result<Response, Failure> {
    let request = &call.plan.request;
    let shown = redacted::url(&place);
    let accepted_but = |failure: Failure| accepted_but(failure, request, status, &shown);
    same_or_safer(request.raw_url(), &place, &shown).map_err(accepted_but)?;
    within_bounds(request, &place, &shown).map_err(accepted_but)?;
    let (begun, mut wait, mut last) = (Instant::now(), asking.wait, String::from("no question was answered"));
    for _ in 0..asking.tries {
        if begun.elapsed() + wait > call.limits.poll_time {
            last = format!("{last}; limits.poll_time is over");
            break;
        }
        if is_over(call.invocation.deadline_ms, wait) {
            let message = "the job's deadline comes before the next question";
            return Err(accepted_but(Failure::of_attempt(Code::DeadlinePassed, message, Retriable::Final)));
        }
        tokio::time::sleep(wait).await;
        let question = request.follow_up(place.clone(), request.timeout, FollowUp::Get);
        match Box::pin(transport.send(&question, Instant::now() + request.timeout, session)).await {
            Ok(answer) => match call.polled(memory, answer, asking).await? {
                (None, answer) => return Ok(answer),
                (Some(longer), answer) => {
                    (wait, last) = (longer, format!("the last answer had status {}", answer.status));
                }
            },
            Err(failure) if matches!(failure.retriable, Retriable::Retry { .. }) => last = failure.message,
            Err(failure) => return Err(accepted_but(failure)),
        }
    }
    let message = format!("there was no final answer: {last}; raise poll.tries or poll.wait");
    Err(accepted_but(Failure::of_attempt(Code::Timeout, message, Retriable::Retry { after: None })))
}

fn is_over(deadline_ms: Option<i64>, wait: Duration) -> bool {
    let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    deadline_ms.is_some_and(|deadline| clock::now_ms().saturating_add(wait) > deadline)
}

/// What was accepted may take effect: it is sent again only where that does no harm.
fn accepted_but(failure: Failure, request: &RequestSpec, status: u16, place: &str) -> Failure {
    let failure = within(failure, &format!("the request was accepted ({status}), and then, asking at {place}"));
    match request.repeat {
        Repeat::Safe => failure,
        Repeat::Unsafe if failure.code == Code::DeadlinePassed => Failure { retriable: Retriable::Final, ..failure },
        Repeat::Unsafe => {
            let message =
                format!("{}. Whether it took effect is unknown: look there, then go on by hand", failure.message);
            Failure { code: Code::OutcomeUnknown, message, retriable: Retriable::Final, ..failure }
        }
    }
}

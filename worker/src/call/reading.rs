//! How answers are read: where they are small, at once; where they are large or their rows make much work, in threads of their
//! own, once there is room for what is made of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::Url;

use super::PreparedCall;
use super::catalog::ResolvedConnector;
use super::element_cache::Element;
use crate::clock;
use crate::interpret::{self, MAPPED_BYTES, MappedData, Page, Pages, Response, ResponseContext, XML_NODES, polling};
use crate::job::{Caught, Code, Failure};
use crate::memory::{self, BodyShare, Memory, Share, TooMuch};
use crate::plan::value::weight;
use crate::plan::{Limits, Redactor};

/// What mapped data may take without a share of the memory, bytes.
const UNCOUNTED: usize = 256 * 1024;
/// A result is there as values or as it is kept, as a message, as it is stored, and in the buffers of database and broker.
const COPIES: usize = 4;
/// How long a body waits for its room where nothing else limits that.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is made of an answer, and the room that it takes until its result is stored.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) mapped: MappedData,
    pub(super) room: Share,
}

impl PreparedCall<'_> {
    /// What an answer is read with.
    pub(super) fn response_context(&self) -> Option<ResponseContext<'_>> {
        let parts = (&*self.element, &*self.connector);
        context(self.invocation.data, parts, (&self.plan.request.method, &self.plan.request.redactor), &self.limits)
    }

    /// Interprets an answer, and masks what is made of it.
    pub(super) async fn interpreted(&self, response: Response, memory: &Memory) -> Result<Read, Failure> {
        let values = memory::of_answer(&response.body, XML_NODES);
        let reading = Reading { values, result: self.most_mapped(values), is_long: self.element.mapping.is_long() };
        let mapped = self.read(memory, reading, move |context, has_room| {
            let mut read = match has_room {
                Ok(()) => interpret::interpret(&response, context),
                Err(problem) => Err(interpret::unread(&response, context, &problem.to_string())),
            };
            redact(&mut read, context.redactor);
            if let Err(failure) = &mut read
                && response.body.len() >= memory::LARGE
            {
                catch(failure, context);
            }
            read.map(|mapped| {
                let takes = mapped.data.values().map(|value| weight(value, usize::MAX)).sum::<usize>();
                (mapped, takes)
            })
        });
        let (mapped, mut room) = mapped.await?;
        let (mapped, takes) = mapped?;
        room.shrink_to(takes.saturating_mul(COPIES));
        Ok(Read { mapped, room })
    }

    /// What the rows make of an answer with so many bytes of values at most, bytes; 0 where that is little.
    fn most_mapped(&self, values: usize) -> usize {
        let (mapping, work) = (&self.element.mapping, self.element.work);
        if mapping.renders() && work.is_long(self.invocation.data) {
            return MAPPED_BYTES;
        }
        let most = values.saturating_mul(mapping.copies());
        if most > UNCOUNTED { most.min(MAPPED_BYTES) } else { 0 }
    }

    /// Adds a page to those before it, and finds out what follows it.
    pub(super) async fn page(
        &self,
        memory: &Memory,
        url: &Url,
        (mut pages, answer): (Pages, Response),
    ) -> Result<(Page, Pages, Response), Failure> {
        let (url, limit) = (url.clone(), self.limits.response_bytes);
        let reading = Reading::of(&answer.body);
        self.read(memory, reading, move |context, has_room| {
            let page = match has_room {
                Ok(()) => pages.add(&url, &answer, context, limit),
                Err(problem) => Err(interpret::unread(&answer, context, &problem.to_string())),
            };
            page.map(|page| (page, pages, answer))
        })
        .await?
        .0
    }

    /// All pages as one answer.
    pub(super) async fn joined(
        &self,
        memory: &Memory,
        pages: Pages,
        last: Response,
        mut room: BodyShare,
    ) -> Result<Response, Failure> {
        let reading =
            Reading { values: pages.weight(|body| memory::of_answer(body, XML_NODES)), result: 0, is_long: false };
        let joined = self.read(memory, reading, move |context, has_room| match has_room {
            Ok(()) => Ok(pages.into_response(last, context)),
            Err(problem) => Err(interpret::unread(&last, context, &problem.to_string())),
        });
        let response = joined.await?.0?;
        // The pages are gone; what waits for longer goes on without.
        timeout(PATIENCE, room.grow_to(response.body.len())).await.unwrap_or(false);
        Ok(Response { body: room.around(response.body), ..response })
    }

    /// The wait before the next poll, or `None` where this answer is the final one.
    pub(super) async fn polled(
        &self,
        memory: &Memory,
        answer: Response,
        polling: polling::Polling,
    ) -> Result<(Option<Duration>, Response), Failure> {
        let reading = Reading::of(&answer.body);
        self.read(memory, reading, move |context, has_room| {
            let next = match has_room {
                Ok(()) => polling::next(&answer, polling, context),
                Err(problem) => Err(interpret::unread(&answer, context, &problem.to_string())),
            };
            next.map(|next| (next, answer))
        })
        .await?
        .0
    }

    /// Works on an answer, in a thread of its own where that may take long; returns the room for what is made of it, too.
    async fn read<T: Send + 'static>(
        &self,
        memory: &Memory,
        Reading { values, result, is_long }: Reading,
        work: impl FnOnce(&ResponseContext<'_>, Result<(), TooMuch>) -> T + Send + 'static,
    ) -> Result<(T, Share), Failure> {
        let broken = || Failure::before_any_attempt(Code::Internal, "the plan names no resource");
        if !is_long && result == 0 && values < memory::LARGE {
            let worked = work(&self.response_context().ok_or_else(broken)?, Ok(()));
            return Ok((worked, Share::default()));
        }
        let (data, element, connector) =
            (Arc::clone(self.invocation.data), Arc::clone(&self.element), Arc::clone(&self.connector));
        let (method, redactor) = (self.plan.request.method.clone(), Arc::clone(&self.plan.request.redactor));
        let limits = self.limits.clone();
        let share = memory.answer(values, result).await;
        memory::in_a_thread(move || {
            let parts = (&*element, &*connector);
            let context = context(&data, parts, (&method, &redactor), &limits).ok_or_else(broken)?;
            let worked = work(&context, share.as_ref().map(drop).map_err(|problem| *problem));
            Ok((worked, share.unwrap_or_default()))
        })
        .await
    }
}

/// How much an answer is.
struct Reading {
    /// What is made of it, bytes.
    values: usize,
    /// What its result takes at most, where that is much.
    result: usize,
    /// Whether its rows make much work however small it is.
    is_long: bool,
}

impl Reading {
    fn of(body: &Bytes) -> Self {
        Self { values: memory::of_answer(body, XML_NODES), result: 0, is_long: false }
    }
}

/// Lets rules read the answer while it has room.
fn catch(failure: &mut Failure, context: &ResponseContext<'_>) {
    if failure.answer.is_some() {
        let error = interpret::bpmn_error(failure, context);
        failure.caught = Some(Box::new(Caught { code: failure.code, error }));
        failure.answer = None;
    }
}

/// Masks what was made of an answer: it is large where the answer is.
fn redact(read: &mut Result<MappedData, Failure>, redactor: &Redactor) {
    match read {
        Ok(mapped) => redactor.redact_members(&mut mapped.data),
        Err(failure) => {
            if let Some(answer) = &mut failure.answer {
                redactor.redact_value(Arc::make_mut(answer));
            }
        }
    }
}

fn context<'a>(
    data: &'a Map<String, Value>,
    (element, connector): (&'a Element, &'a ResolvedConnector),
    (method, redactor): (&'a Method, &'a Redactor),
    limits: &'a Limits,
) -> Option<ResponseContext<'a>> {
    let [resource, of_connector] = connector.rules.as_ref().ok()?.of(&element.resource).ok()?;
    Some(ResponseContext {
        data,
        mapping: &element.mapping,
        rules: [&element.rules, resource, of_connector],
        method,
        ctx: limits.eval_context(clock::now_ms()),
        inline_bytes: limits.inline_bytes,
        redactor,
    })
}

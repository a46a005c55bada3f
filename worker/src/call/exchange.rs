//! An attempt that somebody looks at: besides its outcome, the answer as it came, masked.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::attempt::{self, Means};
use super::reading::Read;
use super::{Answer, Attempt, Calls, Permit, PreparedCall, reads};
use crate::interpret::{self, Response};
use crate::job::Failure;
use crate::memory;

pub use crate::interpret::{SeenAnswer, SeenBody};

/// An attempt and what came back.
#[derive(Debug)]
pub struct Exchange {
    /// The attempt, as a job would have made it.
    pub attempt: Attempt,
    /// The answer, whatever its status; `None` where there was none.
    pub answer: Option<SeenAnswer>,
}

impl Calls {
    /// Makes one attempt and keeps the answer for whoever asked for it.
    pub async fn exchange(&self, call: &PreparedCall<'_>, permit: Permit) -> Exchange {
        let seen = OnceLock::new();
        let means = Means { transport: &self.transport, memory: &self.memory, seen: Some(&seen) };
        let attempt = attempt::make(means, call, permit).await;
        self.catalog.note_call(&call.connector, &attempt);
        let answer = match seen.into_inner() {
            Some(response) => Some(seen_answer(call, response).await),
            None => None,
        };
        Exchange { attempt, answer }
    }
}

/// An attempt whose answer can be looked at once it is known what became of it.
#[derive(Debug)]
pub struct Watched {
    /// The attempt.
    pub attempt: Attempt,
    /// The answer as it came, with secrets: see [`super::kept()`].
    pub response: Option<Response>,
}

impl Calls {
    /// Makes one attempt, and holds the answer for whoever may want to look at it.
    pub async fn watched(&self, call: &PreparedCall<'_>, permit: Permit) -> Watched {
        let seen = OnceLock::new();
        let means = Means { transport: &self.transport, memory: &self.memory, seen: Some(&seen) };
        let attempt = attempt::make(means, call, permit).await;
        self.catalog.note_call(&call.connector, &attempt);
        Watched { attempt, response: seen.into_inner() }
    }
}

/// An answer that somebody has already, to be mapped without a call.
#[derive(Debug, Clone)]
pub struct GivenAnswer {
    /// The status line's number.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Its text.
    pub body: String,
}

impl Calls {
    /// Interprets an answer as if the call had got it; nothing is sent.
    ///
    /// # Errors
    /// The failure that a job would have ended with.
    pub async fn interpret(&self, call: &PreparedCall<'_>, given: GivenAnswer) -> Result<Answer, Failure> {
        let mut headers = http::HeaderMap::new();
        for (name, value) in &given.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), http::HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        // The text was decoded before it was handed out.
        if let Some(kind) = headers.get_mut(http::header::CONTENT_TYPE) {
            let media = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
            *kind = http::HeaderValue::from_str(&format!("{media}; charset=utf-8")).unwrap_or_else(|_| kind.clone());
        }
        let response = Response { status: given.status, headers, body: given.body.into(), warnings: Vec::new() };
        let Read { mapped, room } = call.interpreted(response, &self.memory).await?;
        Ok(Answer { status: given.status, mapped, room })
    }

    /// The top-level variables of the data that the call reads, whether it can be planned or not.
    pub fn reads(record: &Map<String, Value>, config: &Map<String, Value>) -> BTreeSet<String> {
        reads::reads(record, config)
    }
}

/// The answer with the secrets of the call masked; a large one in a thread of its own.
pub(super) async fn seen_answer(call: &PreparedCall<'_>, response: Response) -> SeenAnswer {
    let redactor = std::sync::Arc::clone(&call.plan.request.redactor);
    if response.body.len() < memory::LARGE {
        return interpret::seen(&response, &redactor);
    }
    memory::in_a_thread(move || interpret::seen(&response, &redactor)).await
}

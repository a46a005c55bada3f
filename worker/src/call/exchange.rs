//! An attempt that somebody looks at: besides its outcome, the answer as it came, masked.

use std::sync::OnceLock;

use super::attempt::{self, Means};
use super::{Attempt, Calls, Permit, PreparedCall};
use crate::interpret::{self, Response};
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
        let answer = match seen.into_inner() {
            Some(response) => Some(seen_answer(call, response).await),
            None => None,
        };
        Exchange { attempt, answer }
    }
}

/// The answer with the secrets of the call masked; a large one in a thread of its own.
async fn seen_answer(call: &PreparedCall<'_>, response: Response) -> SeenAnswer {
    let redactor = std::sync::Arc::clone(&call.plan.request.redactor);
    if response.body.len() < memory::LARGE {
        return interpret::seen(&response, &redactor);
    }
    memory::in_a_thread(move || interpret::seen(&response, &redactor)).await
}

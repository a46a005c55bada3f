//! How a request is carried.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::http::{Client, Session};
use crate::interpret::Response;
use crate::job::{Code, Failure, Retriable};
use crate::plan::RequestSpec;

/// The ways a request is carried.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Over the network, through the guard.
    Network(Client),
    /// The same; and what this process answers itself, such as collections of records, is answered here.
    NetworkAndProcess(Client, Arc<dyn InProcess>),
}

/// A request that this process answers itself.
#[derive(Debug, Clone, Copy)]
pub struct LocalRequest<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Path and query; the host means nothing.
    pub url: &'a Url,
    /// The whole body.
    pub body: &'a [u8],
    /// A media type.
    pub content_type: Option<&'a str>,
    /// The same over all attempts of a job.
    pub idempotency_key: Option<&'a str>,
    /// The job that asks.
    pub job: &'a str,
    /// The largest answer, bytes.
    pub limit: usize,
}

/// An answer that is waited for.
pub type LocalAnswer<'a> = Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + 'a>>;

/// Whatever of this process answers requests.
pub trait InProcess: Debug + Send + Sync {
    /// Answers a request; a status of any kind is an answer.
    fn answer<'a>(&'a self, request: LocalRequest<'a>) -> LocalAnswer<'a>;
}

impl Transport {
    /// What makes calls over the network.
    pub fn client(&self) -> &Client {
        match self {
            Self::Network(client) | Self::NetworkAndProcess(client, _) => client,
        }
    }

    /// Judges a destination as it is written.
    ///
    /// # Errors
    /// As [`Client::judge`].
    pub fn judge(&self, request: &RequestSpec) -> Result<(), Failure> {
        match self {
            Self::NetworkAndProcess(..) if request.in_process.is_some() => Ok(()),
            _ if request.in_process.is_some() => Err(nobody_answers()),
            _ => self.client().judge(request),
        }
    }

    /// Why a URL without variables would not be let out as things are now.
    pub fn refusal_of(&self, url: &Url) -> Option<String> {
        self.client().check_url(url).err().map(|denied| denied.to_string())
    }

    /// Judges a destination, and fetches a token where one is needed.
    ///
    /// # Errors
    /// As [`Client::admit`].
    pub async fn admit(&self, request: &RequestSpec) -> Result<(), Failure> {
        if request.in_process.is_some() {
            return self.judge(request);
        }
        self.client().admit(request).await
    }

    /// Sends a request and reads its answer by the deadline; a status of any kind is an answer.
    ///
    /// # Errors
    /// As [`Client::send_until`].
    pub async fn send(&self, request: &RequestSpec, deadline: Instant, session: &Session) -> Result<Response, Failure> {
        match (self, &request.in_process) {
            (_, None) => self.client().send_until(request, deadline, session).await,
            (Self::Network(_), Some(_)) => Err(nobody_answers()),
            (Self::NetworkAndProcess(client, process), Some(job)) => {
                let limit = client.response_bytes();
                let answer = answered_here(process.as_ref(), request, job, limit, deadline).await?;
                let mut room = session.share();
                // It is there already, with room or without.
                room.grow_to(answer.body.len()).await;
                Ok(Response { body: room.around(answer.body), ..answer })
            }
        }
    }
}

async fn answered_here(
    process: &dyn InProcess,
    request: &RequestSpec,
    job: &str,
    limit: usize,
    deadline: Instant,
) -> Result<Response, Failure> {
    let content_type = request.headers.iter().find(|(name, _)| name == http::header::CONTENT_TYPE);
    let local = LocalRequest {
        method: request.method.as_str(),
        url: request.raw_url(),
        body: request.raw_body(),
        content_type: content_type.and_then(|(_, value)| value.to_str().ok()),
        idempotency_key: request.idempotency_key.as_ref().and_then(|key| key.to_str().ok()),
        job,
        limit,
    };
    // The key makes it safe to ask again, whatever became of the change.
    timeout_at(deadline, process.answer(local)).await.unwrap_or_else(|_| {
        let message = format!("no answer within {:?}", request.timeout);
        Err(Failure::of_attempt(Code::Timeout, message, Retriable::Retry { after: None }))
    })
}

fn nobody_answers() -> Failure {
    let problem = "a relative URL needs `http.base_url`, which the operator has not set, and nothing here answers it";
    Failure::before_any_attempt(Code::Configuration, problem)
}

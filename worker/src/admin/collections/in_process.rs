//! Calls of jobs to collections, answered in this process: no network and no token, in the job's name (CONTRACT 6).

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;

use super::requests::{Request, answer};
use super::{Actor, Error};
use crate::call::{InProcess, LocalAnswer, LocalRequest};
use crate::interpret::Response;
use crate::job::{Code, Failure, Retriable};
use crate::store::{self, Store};

/// Opens the store when it is first needed.
pub type OpenStore = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Store, store::Error>> + Send>> + Send + Sync>;

/// The caller of all jobs: their keys are made of their ids, so that a job that runs again asks with the same one.
const CALLER: &str = "job";

/// Collections, as calls of jobs reach them.
pub struct LocalCollections {
    store: OnceCell<Store>,
    open: OpenStore,
}

impl fmt::Debug for LocalCollections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCollections").field("store", &self.store).finish_non_exhaustive()
    }
}

impl LocalCollections {
    /// Those of a store that is open, or of one that `open` opens when it is first needed.
    pub fn new(store: Option<Store>, open: OpenStore) -> Self {
        Self { store: OnceCell::new_with(store), open }
    }

    async fn respond(&self, local: LocalRequest<'_>) -> Result<Response, Failure> {
        let store =
            self.store.get_or_try_init(|| (self.open)()).await.map_err(|error| unavailable(&error.to_string()))?;
        let request = Request {
            method: local.method,
            path: local.url.path(),
            query: local.url.query().unwrap_or_default(),
            body: local.body,
            content_type: local.content_type,
            idempotency: local.idempotency_key.map(|key| (CALLER, key)),
            ..Request::default()
        };
        let actor = Actor { id: format!("job:{}", local.job), name: None, trail: None };
        let mut answer = answer(store, &request, &actor).await;
        let mut headers = HeaderMap::new();
        for (name, value) in std::mem::take(&mut answer.headers) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        let mut body = Vec::new();
        while let Some(part) = answer.body.next().await.map_err(|error| broken(&error))? {
            body.extend_from_slice(&part);
            if body.len() > local.limit {
                let message = format!(
                    "the answer has more than limits.response_bytes ({} bytes); ask for pages with `per_page`",
                    local.limit
                );
                return Err(Failure::of_attempt(Code::BadResponse, message, Retriable::Final));
            }
        }
        Ok(Response { status: answer.status, headers, body: Bytes::from(body), warnings: Vec::new() })
    }
}

impl InProcess for LocalCollections {
    fn answer<'a>(&'a self, request: LocalRequest<'a>) -> LocalAnswer<'a> {
        Box::pin(self.respond(request))
    }
}

fn unavailable(problem: &str) -> Failure {
    Failure::of_attempt(Code::Connect, problem.to_owned(), Retriable::Retry { after: None })
}

fn broken(error: &Error) -> Failure {
    Failure::of_attempt(Code::BadResponse, error.to_string(), Retriable::Retry { after: None })
}

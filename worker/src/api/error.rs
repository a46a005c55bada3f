//! What is answered instead of what was asked for (API 2).

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::{admin, store};

/// Before a service that is away is asked again, seconds.
const RETRY_AFTER: u64 = 5;

/// A refusal. In a box: handlers return it beside answers that are small.
#[derive(Debug)]
pub(super) struct Error(Box<Refusal>);

/// Status, code, message, and what else the body holds.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    /// `errors` of fields, by path; then whatever further members the body has.
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Error {
    /// A refusal with any status and code.
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self(Box::new(Refusal { status, code, message, members: Map::new(), headers: Vec::new() }))
    }

    /// 400: the body or the path cannot be read.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// 401; the text is ProcessMaker's.
    pub(super) fn unauthenticated() -> Self {
        let error = Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Unauthenticated.");
        error.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: the token may not.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    /// 404: there is no such route or thing.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 405, with the methods that there are.
    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", format!("use {allowed}"));
        match HeaderValue::from_str(allowed) {
            Ok(value) => error.with_header(header::ALLOW, value),
            Err(_) => error,
        }
    }

    /// 408: the body came too slowly.
    pub(super) fn body_timeout() -> Self {
        let error = Self::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", "the body of the request came too slowly");
        error.with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 409: it is in another state.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", message)
    }

    /// 409: the same idempotency key with other content.
    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "JOB_MISMATCH", message)
    }

    /// 412: it was changed since.
    pub(super) fn precondition_failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", message)
    }

    /// 413: the body is larger than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!(
            "the body is larger than {limit} bytes; the operator's setting api.body_bytes says how large it may be"
        );
        let error = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message);
        error.with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 415: another type than those that are read.
    pub(super) fn unsupported_media_type(given: &str, wanted: &str) -> Self {
        let message = format!("the body is `{given}`; send {wanted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
    }

    /// 422 of one field, by path or parameter.
    pub(super) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::shapeless(message.clone()).with_field(field, message)
    }

    /// 422 of several fields: `errors` by path.
    pub(super) fn invalid_fields(errors: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut error = Self::shapeless("The given data was invalid.");
        for (field, message) in errors {
            if error.0.members.is_empty() {
                error.0.message.clone_from(&message);
            }
            error = error.with_field(&field, message);
        }
        error
    }

    /// 422 of the body as a whole.
    pub(super) fn shapeless(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID", message)
    }

    /// 429, and when to come again, seconds from 1.
    pub(super) fn rate_limited(seconds: u64) -> Self {
        let error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            format!("too many requests; come again in {seconds} s"),
        );
        error.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// 500: a defect, of which nothing is told but where it is logged.
    pub(super) fn internal() -> Self {
        let message = "something went wrong here; the operator finds it in the log under the request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }

    /// 503: something that is needed is away.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
        error.with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER))
    }

    /// Adds what is wrong with a field.
    #[must_use]
    pub(super) fn with_field(mut self, field: &str, message: impl Into<String>) -> Self {
        let errors = self.0.members.entry("errors").or_insert_with(|| json!({}));
        if let Value::Object(errors) = errors
            && let Value::Array(list) = errors.entry(field).or_insert_with(|| json!([]))
        {
            list.push(Value::String(message.into()));
        }
        self
    }

    /// Adds a member of the body.
    #[must_use]
    pub(super) fn with_member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header.
    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The body of the answer; `request_id` is what log and audit name it by.
    pub(super) fn body(&self, request_id: &str) -> Value {
        let refusal = &self.0;
        let mut body = json!({"message": refusal.message, "code": refusal.code, "request_id": request_id});
        if let Value::Object(members) = &mut body {
            members.extend(refusal.members.clone());
        }
        body
    }

    /// The answer.
    pub(super) fn response(self, request_id: &str) -> Response {
        let body = self.body(request_id);
        let refusal = *self.0;
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = refusal.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in refusal.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "a request could not be answered");
            return Self::unavailable("the database cannot be reached; try again");
        }
        if let store::Error::Contradiction(problem) = error {
            return Self::conflict(problem);
        }
        tracing::error!(%error, "a request could not be answered");
        Self::internal()
    }
}

impl From<admin::Error> for Error {
    fn from(error: admin::Error) -> Self {
        match error {
            admin::Error::NotFound(message) => Self::not_found(message),
            admin::Error::Refused(message) => Self::conflict(message),
            admin::Error::InvalidInput(message) => Self::shapeless(message),
            admin::Error::InvalidRecord(invalid) => Self::shapeless(invalid.to_string()),
            admin::Error::Store(error) => error.into(),
            admin::Error::Unavailable(error) => {
                tracing::warn!(%error, "a request could not be answered");
                Self::unavailable("the database cannot be reached; try again")
            }
            admin::Error::Publish { what, source } => {
                tracing::warn!(error = %source, what, "a message could not be published");
                Self::unavailable(format!("the message of {what} could not be published; try again"))
            }
        }
    }
}

//! A request as a handler reads it: who asks, the parameters of its path and query, its body within limits (API 1, 2).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, Method, header};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::Api;
use super::access::Caller;
use super::error::Error;

/// How much of a body that is too large is still read, bytes, and for how long.
const DISCARDED: usize = 64 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(5);
/// What is reserved at most for a body that is announced but has not come, bytes.
const RESERVED: usize = 64 * 1024;

/// A request that was let in.
pub(super) struct Request {
    /// What all requests share.
    pub(super) api: Arc<Api>,
    /// Who asks; public routes have nobody.
    caller: Option<Caller>,
    /// By which log and audit name it.
    pub(super) id: String,
    /// As it was asked for; `HEAD` is answered as `GET`.
    pub(super) method: Method,
    /// The path as it was asked for, below `/api/1.0`.
    pub(super) path: String,
    /// The query's parameters, decoded; unknown ones are ignored.
    pub(super) query: Query,
    /// The query as it was asked for.
    pub(super) whole_query: String,
    /// Its headers.
    pub(super) headers: HeaderMap,
    parameters: Vec<(String, String)>,
    /// Behind a lock that nobody waits for: a body cannot be shared, and a request has to be, across awaits.
    body: Mutex<Body>,
}

impl Request {
    pub(super) fn new(
        api: Arc<Api>,
        caller: Option<Caller>,
        id: String,
        (method, path, query): (Method, &str, &str),
        parameters: Vec<(String, String)>,
        (headers, body): (HeaderMap, Body),
    ) -> Self {
        Self {
            api,
            caller,
            id,
            method,
            path: path.to_owned(),
            query: Query::parse(query),
            whole_query: query.to_owned(),
            headers,
            parameters,
            body: Mutex::new(body),
        }
    }

    /// Who asks.
    ///
    /// # Errors
    /// On a public route, which has nobody.
    pub(super) fn caller(&self) -> Result<&Caller, Error> {
        self.caller.as_ref().ok_or_else(Error::unauthenticated)
    }

    /// A parameter of the path, decoded; empty where the route has none of this name.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.as_str())
    }

    /// The media type of the body, in lower case and without parameters.
    pub(super) fn media_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let media = value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase();
        Some(media).filter(|media| !media.is_empty())
    }

    /// The body's bytes as they come, each within the silence that a body may have.
    pub(super) fn stream(&mut self) -> BodyDataStream {
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(body).into_data_stream()
    }

    /// The whole body, up to `limit` bytes.
    ///
    /// # Errors
    /// 413, by its `Content-Length` at once; 408 where it comes too slowly; 400 where it ends too early.
    pub(super) async fn bytes(&mut self, limit: usize) -> Result<Bytes, Error> {
        let announced = self.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > limit) {
            discard(self.stream());
            return Err(Error::too_large(limit));
        }
        let deadline = Instant::now() + self.api.config.api.body_timeout;
        let mut stream = self.stream();
        let mut whole = Vec::with_capacity(announced.unwrap_or(0).min(RESERVED));
        loop {
            match timeout_at(deadline, stream.next()).await {
                Err(_) => return Err(Error::body_timeout()),
                Ok(None) => return Ok(whole.into()),
                Ok(Some(Err(_))) => return Err(Error::bad_request("the body of the request broke off")),
                Ok(Some(Ok(chunk))) if whole.len() + chunk.len() > limit => {
                    discard(stream);
                    return Err(Error::too_large(limit));
                }
                Ok(Some(Ok(chunk))) => whole.extend_from_slice(&chunk),
            }
        }
    }

    /// The JSON of the body, up to `api.body_bytes`.
    ///
    /// # Errors
    /// 415 for another media type, 400 for what is not JSON, and as [`Self::bytes`].
    pub(super) async fn json(&mut self) -> Result<Value, Error> {
        let limit = self.api.config.api.body_bytes;
        self.json_up_to(limit).await
    }

    /// The same for bodies that may have another size.
    ///
    /// # Errors
    /// As [`Self::json`].
    pub(super) async fn json_up_to(&mut self, limit: usize) -> Result<Value, Error> {
        self.expect_json()?;
        let bytes = self.bytes(limit).await?;
        read_json(&bytes)
    }

    /// The members of a JSON object; `[]` is an empty one, as PHP writes it.
    ///
    /// # Errors
    /// 422 for another shape, and as [`Self::json`].
    pub(super) async fn object(&mut self) -> Result<Map<String, Value>, Error> {
        object(self.json().await?)
    }

    /// The same where all members are optional: no bytes are an empty object.
    ///
    /// # Errors
    /// As [`Self::object`].
    pub(super) async fn optional_object(&mut self) -> Result<Map<String, Value>, Error> {
        let bytes = self.bytes(self.api.config.api.body_bytes).await?;
        if bytes.is_empty() {
            return Ok(Map::new());
        }
        self.expect_json()?;
        object(read_json(&bytes)?)
    }

    /// No media type is JSON.
    ///
    /// # Errors
    /// 415 for another one.
    pub(super) fn expect_json(&self) -> Result<(), Error> {
        match self.media_type() {
            Some(given) if given != "application/json" && !given.ends_with("+json") => {
                Err(Error::unsupported_media_type(&given, "application/json"))
            }
            _ => Ok(()),
        }
    }
}

/// Reads on for a moment, and forgets what comes: a client that is still sending would find its connection reset, and might
/// never see the answer.
pub(super) fn discard(mut stream: BodyDataStream) {
    let discarding = async move {
        let mut left = DISCARDED;
        while let Some(Ok(chunk)) = stream.next().await
            && left > 0
        {
            left = left.saturating_sub(chunk.len());
        }
    };
    tokio::spawn(tokio::time::timeout(DISCARDING, discarding));
}

/// JSON of at most 128 levels.
///
/// # Errors
/// 400 where it is none.
pub(super) fn read_json(bytes: &[u8]) -> Result<Value, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::bad_request("the body is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| Error::bad_request(format!("the body is not JSON: {error}")))
}

/// The members of an object; `[]` is an empty one.
///
/// # Errors
/// 422 for another shape.
pub(super) fn object(value: Value) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(members) => Ok(members),
        Value::Array(items) if items.is_empty() => Ok(Map::new()),
        _ => Err(Error::shapeless("the body must be a JSON object")),
    }
}

/// The parameters of a query, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Parameters that did not come in a query.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The last value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a parameter that is there and not empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The words of a list with commas.
    pub(super) fn words(&self, name: &str) -> Vec<&str> {
        let words = self.get(name).unwrap_or_default().split(',').map(str::trim);
        words.filter(|word| !word.is_empty()).collect()
    }

    /// A whole number within a range; `default` where the parameter is absent or empty.
    ///
    /// # Errors
    /// 422 for anything else.
    pub(super) fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>, default: u64) -> Result<u64, Error> {
        let Some(text) = self.given(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            Error::invalid(name, format!("{name} must be a whole number from {least} to {most}"))
        })
    }

    /// Whether a switch is on: `1` or `true`.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }

    /// Seconds, as `wait` has them, at most `most`.
    ///
    /// # Errors
    /// 422 for what is no whole number.
    pub(super) fn seconds(&self, name: &str, most: Duration) -> Result<Duration, Error> {
        Ok(Duration::from_secs(self.number(name, 0..=u64::MAX, 0)?).min(most))
    }
}

/// A segment of a path, decoded.
///
/// # Errors
/// 400 for a bad escape, for what is no UTF-8, and for NUL.
pub(super) fn decoded(segment: &str) -> Result<String, Error> {
    let bad = || {
        Error::bad_request(
            "the path has a percent sign without two hexadecimal digits, bytes that are no UTF-8, or NUL",
        )
    };
    let mut rest = segment;
    while let Some((_, after)) = rest.split_once('%') {
        let is_escape = after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if !is_escape {
            return Err(bad());
        }
        rest = after;
    }
    let text = percent_decode_str(segment).decode_utf8().map_err(|_| bad())?;
    if text.contains('\0') { Err(bad()) } else { Ok(text.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once() {
        for (segment, text) in [
            ("a", Some("a")),
            ("a%2Fb", Some("a/b")),
            ("%C3%A9", Some("é")),
            ("%2525", Some("%25")),
            ("a+b", Some("a+b")),
        ] {
            assert_eq!(decoded(segment).ok().as_deref(), text, "{segment}");
        }
        for segment in ["%", "%2", "%zz", "%ff", "a%00b", "%%41"] {
            assert!(decoded(segment).is_err(), "{segment}");
        }
    }

    #[test]
    fn a_query_is_read_leniently_and_its_numbers_strictly() {
        let query = Query::parse("per_page=5&page=&x=%zz&filter=a+b&filter=c%26d&include=a,%20b,,");
        assert_eq!(query.get("filter"), Some("c&d"));
        assert_eq!(query.words("include"), ["a", "b"]);
        assert_eq!(query.number("per_page", 1..=10, 3).ok(), Some(5));
        assert_eq!(query.number("page", 1..=10, 3).ok(), Some(3));
        assert!(query.number("x", 1..=10, 3).is_err());
        assert!(Query::parse("page=0").number("page", 1..=10, 3).is_err());
    }

    #[test]
    fn an_empty_list_is_an_object_and_nothing_else_is() {
        assert!(object(serde_json::json!([])).is_ok_and(|members| members.is_empty()));
        for other in ["[1]", "1", "null", "\"x\""] {
            assert!(object(read_json(other.as_bytes()).unwrap()).is_err(), "{other}");
        }
        assert!(read_json(format!("{}{}", "[".repeat(200), "]".repeat(200)).as_bytes()).is_err());
    }
}

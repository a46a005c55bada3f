//! Answers that come in pages: where the next one is, when to stop, and what they are together (CONTRACT 7, `pagination`).

use http::HeaderMap;
use http::header::LINK;
use serde_json::{Map, Value};
use url::Url;

use super::body::Body;
use super::condition::Subject;
use super::rules::PreparedNext;
use super::source::{Answer, first_values};
use super::{Reading, Response, mapping};
use crate::job::{Code, Failure, Retriable};
use crate::plan::template::Escape;

/// The pages so far.
#[derive(Debug, Default)]
pub struct Pages {
    joined: Option<Value>,
    count: u32,
    bytes: usize,
    seen: Vec<Url>,
}

/// What follows a page.
#[derive(Debug, PartialEq)]
pub enum Page {
    /// There are no pages here: the answer is read as it stands.
    Whole,
    /// Another one.
    Next(Url),
    /// That was the last one; a word about those that were left, if any.
    Last(Option<String>),
}

impl Pages {
    /// Takes a page in and says what follows.
    ///
    /// # Errors
    /// A next page that is no URL or that was there before, a rule that cannot be evaluated, or more bytes than `limit`.
    pub fn take(
        &mut self,
        url: &Url,
        response: &Response,
        reading: &Reading<'_>,
        limit: usize,
    ) -> Result<Page, Failure> {
        let Some(rules) = reading.rule(|rules| rules.pagination.as_ref()) else { return Ok(Page::Whole) };
        let fail = |code: Code, problem: String| {
            let message = format!("pagination, page {}: {problem}", self.count + 1);
            super::answered(Failure::of_attempt(code, message, Retriable::Final), response)
        };
        if !super::is_success(response, None, reading)? {
            return Ok(Page::Whole);
        }
        let Ok(Body::Data(body)) = super::decoded(response, reading) else { return Ok(Page::Whole) };
        let bytes = self.bytes + response.body.len();
        if bytes > limit {
            let problem =
                format!("all pages together are larger than limits.response_bytes ({limit} bytes); ask for less");
            return Err(fail(Code::BadResponse, problem));
        }
        let members = Map::from_iter([
            ("status".to_owned(), Value::from(response.status)),
            ("headers".to_owned(), Value::Object(first_values(&response.headers))),
            ("body".to_owned(), body),
        ]);
        let body = members.get("body").unwrap_or(&Value::Null);
        let subject =
            Subject { status: Some(response.status), members: &members, data: reading.data, around: reading.around };
        let is_enough = rules.until.as_ref().map_or(Ok(false), |until| until.holds(&subject));
        let is_enough = is_enough.map_err(|e| fail(Code::Mapping, format!("until: {e}")))?;
        let next = match &rules.next {
            PreparedNext::Link => linked(&response.headers).map(|link| url.join(&link)),
            PreparedNext::Parameter(name) => has_items(body).then(|| Ok(counted_up(url, name))),
            PreparedNext::Path(path) => {
                let named = mapping::members_of(body);
                let answer = Answer::new(body, &named, response, reading.data, Escape::None, reading.around);
                let found = path.find(&answer).map_err(|e| fail(Code::Mapping, format!("next: {e}")))?;
                found.as_str().filter(|text| !text.trim().is_empty()).map(|text| url.join(text))
            }
        };
        let next = next.transpose().map_err(|e| fail(Code::Mapping, format!("the next page is no URL: {e}")))?;
        let again = next.as_ref().filter(|next| *next == url || self.seen.contains(next));
        if let Some(again) = again.filter(|_| !is_enough) {
            let problem = format!("{} was a page before: the pages go in a circle", crate::plan::redacted::url(again));
            return Err(fail(Code::Mapping, problem));
        }
        self.seen.push(url.clone());
        (self.count, self.bytes) = (self.count + 1, bytes);
        let body = members.into_iter().find(|(name, _)| name == "body").map(|(_, body)| body).unwrap_or_default();
        self.joined = Some(match self.joined.take() {
            None => body,
            Some(before) => joined(before, body),
        });
        match next {
            Some(_) if !is_enough && self.count >= rules.pages => {
                Ok(Page::Last(Some(format!("there are more than {} pages; the rest was not fetched", rules.pages))))
            }
            Some(next) if !is_enough => Ok(Page::Next(next)),
            _ => Ok(Page::Last(None)),
        }
    }

    /// All pages as one answer: the last one's status and headers, and the joined body.
    pub fn into_response(self, last: Response) -> Response {
        match self.joined {
            Some(body) if self.count > 1 => Response { body: body.to_string().into(), ..last },
            _ => last,
        }
    }

    /// How many were taken in.
    pub fn count(&self) -> u32 {
        self.count
    }
}

/// Lists one after the other, objects member by member, everything else from the later page.
fn joined(before: Value, after: Value) -> Value {
    match (before, after) {
        (Value::Array(mut list), Value::Array(more)) => {
            list.extend(more);
            Value::Array(list)
        }
        (Value::Object(mut map), Value::Object(more)) => {
            for (name, value) in more {
                // In place: the order of members is the first page's.
                let known = map.entry(name).or_insert(Value::Null);
                *known = joined(known.take(), value);
            }
            Value::Object(map)
        }
        (_, after) => after,
    }
}

/// Whether a page holds a list that is not empty: one without ends the counting.
fn has_items(body: &Value) -> bool {
    match body {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => map.values().any(has_items),
        _ => false,
    }
}

/// The same URL with its page parameter one higher; without one it was the first page.
fn counted_up(url: &Url, name: &str) -> Url {
    let page: u64 = url.query_pairs().find(|(key, _)| key == name).and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
    let next = page.saturating_add(1).to_string();
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    match pairs.iter_mut().find(|(key, _)| key == name) {
        Some((_, value)) => *value = next,
        None => pairs.push((name.to_owned(), next)),
    }
    let mut counted = url.clone();
    counted.query_pairs_mut().clear().extend_pairs(pairs);
    counted
}

/// The target with `rel="next"` of `Link` headers (RFC 8288).
fn linked(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(links).find_map(|(target, parameters)| {
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
        })?;
        relation.split_whitespace().any(|word| word.eq_ignore_ascii_case("next")).then(|| target.to_owned())
    })
}

/// `<target>; parameters` each; targets may hold commas.
fn links(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let end = after.find(",<").or_else(|| after.find(", <")).unwrap_or(after.len());
        let (parameters, more) = after.split_at_checked(end)?;
        rest = more;
        Some((target, parameters))
    })
}

//! Paginated answers: the URL of the next page, when to stop, and how pages are joined (CONTRACT 7, `pagination`).

use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::condition::Subject;
use super::rules::{CompiledNextPage, CompiledPagination};
use super::source::{Answer, Kind, condition_members};
use super::{Response, ResponseContext, mapping};
use crate::job::{Code, Failure, Retriable};
use crate::plan::redacted;
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
    /// The answer is not paginated and is interpreted as it is.
    Whole,
    /// Another one.
    Next(Url),
    /// That was the last one; a warning where more of them were not fetched.
    Last(Option<String>),
}

impl Pages {
    /// Adds a page and decides what follows it.
    ///
    /// # Errors
    /// A next page that is no URL or that was there before, a rule that cannot be evaluated, or more bytes than `limit`.
    pub fn add(
        &mut self,
        url: &Url,
        response: &Response,
        context: &ResponseContext<'_>,
        limit: usize,
    ) -> Result<Page, Failure> {
        let Some(rules) = context.rule(|rules| rules.pagination.as_ref()) else { return Ok(Page::Whole) };
        let shown = super::masked(response, context);
        if !super::is_success(&shown, None, context)? {
            return Ok(Page::Whole);
        }
        let Some(mut body) = super::unmasked_data(response, context) else { return Ok(Page::Whole) };
        let failure = |(code, problem): (Code, String)| {
            let message = format!("pagination, page {}: {problem}", self.count + 1);
            super::answered(Failure::of_attempt(code, message, Retriable::Final), response)
        };
        let bytes = self.bytes_with(response, limit).map_err(|problem| failure((Code::BadResponse, problem)))?;
        let mapping = |problem: String| failure((Code::Mapping, problem));
        // The address of the next page may hold a key of ours: it is read before that is masked.
        let next = next_page(rules, url, &body, response, context);
        context.redactor.redact_value(&mut body);
        let members = condition_members(&shown, body);
        let is_last = is_last(rules, response.status, &members, context).map_err(mapping)?;
        let next = next.map_err(mapping)?.filter(|_| !is_last);
        self.refuse_circle(url, next.as_ref()).map_err(mapping)?;

        self.seen.push(url.clone());
        (self.count, self.bytes) = (self.count + 1, bytes);
        self.join(members);
        Ok(match next {
            None => Page::Last(None),
            Some(_) if self.count >= rules.pages => {
                Page::Last(Some(format!("there are more than {} pages; the rest was not fetched", rules.pages)))
            }
            Some(next) => Page::Next(next),
        })
    }

    /// The bytes of all pages with this one.
    fn bytes_with(&self, response: &Response, limit: usize) -> Result<usize, String> {
        let bytes = self.bytes + response.body.len();
        if bytes > limit {
            return Err(format!(
                "all pages together are larger than limits.response_bytes ({limit} bytes); ask for less"
            ));
        }
        Ok(bytes)
    }

    fn refuse_circle(&self, url: &Url, next: Option<&Url>) -> Result<(), String> {
        match next.filter(|next| *next == url || self.seen.contains(next)) {
            Some(again) => Err(format!("{} was a page before: the pages go in a circle", redacted::url(again))),
            None => Ok(()),
        }
    }

    fn join(&mut self, mut members: Map<String, Value>) {
        let body = members.remove("body").unwrap_or_default();
        self.joined = Some(match self.joined.take() {
            None => body,
            Some(before) => joined(before, body),
        });
    }

    /// All pages as one answer: the last one's status and headers, and the joined body.
    pub fn into_response(self, last: Response) -> Response {
        match self.joined {
            Some(body) if self.count > 1 => {
                // What was joined is JSON in UTF-8, whatever the pages were.
                let mut headers = last.headers;
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Response { headers, body: body.to_string().into(), ..last }
            }
            _ => last,
        }
    }

    /// How many pages were added.
    pub fn count(&self) -> u32 {
        self.count
    }
}

/// The URL of the page after this one, where there is one.
fn next_page(
    rules: &CompiledPagination,
    url: &Url,
    body: &Value,
    response: &Response,
    context: &ResponseContext<'_>,
) -> Result<Option<Url>, String> {
    let next = match &rules.next {
        CompiledNextPage::Link => linked(&response.headers).map(|link| url.join(&link)),
        CompiledNextPage::Parameter(name) => has_items(body).then(|| Ok(counted_up(url, name))),
        CompiledNextPage::Path(path) => {
            let named = mapping::members_of(body);
            let answer = Answer::new(body, Kind::Data, &named, response, context.data, Escape::None, context.ctx);
            let found = path.find(&answer).map_err(|error| format!("next: {error}"))?;
            found.as_str().filter(|text| !text.trim().is_empty()).map(|text| url.join(text))
        }
    };
    next.transpose().map_err(|error| format!("the next page is no URL: {error}"))
}

/// Whether `until` ends the pages here.
fn is_last(
    rules: &CompiledPagination,
    status: u16,
    members: &Map<String, Value>,
    context: &ResponseContext<'_>,
) -> Result<bool, String> {
    let Some(until) = &rules.until else { return Ok(false) };
    let subject = Subject { status: Some(status), members, data: context.data, ctx: context.ctx };
    until.holds(&subject).map_err(|error| format!("until: {error}"))
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

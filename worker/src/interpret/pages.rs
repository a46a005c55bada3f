//! Paginated answers: the URL of the next page, when to stop, and how pages are joined (CONTRACT 7, `pagination`).

use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue};
use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::address;
use super::condition::Subject;
use super::rules::{CompiledNextPage, CompiledPagination};
use super::source::{Answer, DotPath, Kind, condition_members};
use super::{Response, ResponseContext, mapping};
use crate::job::{Code, Failure, Retriable};
use crate::plan::template::Escape;
use crate::plan::{UNRESERVED, redacted};

/// The pages so far, as they came: what is made of them takes many times as much.
#[derive(Debug, Default)]
pub struct Pages {
    list: Vec<Response>,
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
    /// There is no such page: the one before was the last; a warning where its answer had named this one.
    Past(Option<String>),
}

impl Pages {
    /// Whether answers are paginated.
    pub fn are_configured(context: &ResponseContext<'_>) -> bool {
        context.rule(|rules| rules.pagination.as_ref()).is_some()
    }

    /// Adds a page and decides what follows it.
    ///
    /// # Errors
    /// A next page that is no URL, a rule that cannot be evaluated, or more bytes than `limit`.
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
            return Ok(match response.status {
                404 if !self.list.is_empty() => Page::Past(rules.past(url)),
                _ => Page::Whole,
            });
        }
        let Some(mut body) = super::unmasked_data(response, context) else {
            if self.list.is_empty() {
                return Ok(Page::Whole);
            }
            // What was fetched is not lost for a page without content, nor for one that cannot be read.
            if response.body.trim_ascii().is_empty() {
                return Ok(Page::Past(None));
            }
            return Err(super::bad_response(response, context, "it is one of several pages, and is no data"));
        };
        let failure = |(code, problem): (Code, String)| {
            let message = format!("pagination, page {}: {problem}", self.list.len() + 1);
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
        self.seen.push(url.clone());
        // Who names a page that was there has no more of them.
        let next = next.filter(|next| !self.seen.contains(next));
        self.bytes = bytes;
        // Of its headers, which may be many, only what says how to read it.
        let headers = response.headers.get(CONTENT_TYPE).map(|kind| (CONTENT_TYPE, kind.clone())).into_iter().collect();
        self.list.push(Response { headers, warnings: Vec::new(), ..response.clone() });
        Ok(match next {
            None => Page::Last(None),
            Some(_) if self.count() >= rules.pages => {
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

    /// All pages as one answer: the last one's status and headers, and the joined body.
    pub fn into_response(self, last: Response, context: &ResponseContext<'_>) -> Response {
        if self.list.len() < 2 {
            return last;
        }
        let bodies = self.list.iter().map(|page| super::data(page, context).unwrap_or_default());
        let body = bodies.reduce(joined).unwrap_or_default();
        // What was joined is JSON in UTF-8, whatever the pages were.
        let mut headers = last.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Response { headers, body: body.to_string().into(), ..last }
    }

    /// What the pages take in memory once they are parsed, bytes.
    pub fn weight(&self, of: impl Fn(&[u8]) -> usize) -> usize {
        self.list.iter().map(|page| of(&page.body)).sum()
    }

    /// How many pages were added.
    pub fn count(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }
}

impl CompiledPagination {
    /// The warning of a page that is not there; whoever counts finds the end in this way.
    fn past(&self, url: &Url) -> Option<String> {
        let is_counted = matches!(self.next, CompiledNextPage::Parameter(_) | CompiledNextPage::Offset(_));
        (!is_counted).then(|| format!("the page {} is not there (404); the pages end before it", redacted::url(url)))
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
    let found = |path: &DotPath| {
        let named = mapping::members_of(body);
        let answer = Answer::new(body, Kind::Data, &named, response, context.data, Escape::None, context.ctx);
        path.find(&answer).map_err(|error| format!("next: {error}"))
    };
    let joined = |text: &str| url.join(text).map_err(|error| format!("the next page is no URL: {error}"));
    match &rules.next {
        CompiledNextPage::Link => linked(&response.headers).map(|link| joined(&link)).transpose(),
        CompiledNextPage::Parameter(name) => {
            let next = || with_parameter(url, name, &number(url, name, 1).saturating_add(1).to_string());
            Ok((items(body) > 0).then(next))
        }
        CompiledNextPage::Offset(name) => {
            let next = |items| with_parameter(url, name, &number(url, name, 0).saturating_add(items).to_string());
            Ok(Some(items(body)).filter(|items| *items > 0).map(next))
        }
        CompiledNextPage::Cursor { path, parameter } => {
            let cursor = match found(path)? {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            Ok(cursor.filter(|text| !text.trim().is_empty()).map(|text| with_parameter(url, parameter, &text)))
        }
        CompiledNextPage::Path(path) => match found(path)?.as_str().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) if !is_address(text) => Err(
                "next: the answer holds a cursor, no address; name the parameter that it goes into, `cursor: PARAMETER`"
                    .to_owned(),
            ),
            Some(text) => joined(text).map(Some),
            None => Ok(None),
        },
    }
}

/// Whether a text is meant as a URL, in whole or relative: a cursor taken for one would call an address that nobody has.
fn is_address(text: &str) -> bool {
    text.starts_with(['/', '?', '.']) || text.contains('?') || text.contains("://") || Url::parse(text).is_ok()
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

/// Lists one after the other, objects member by member, everything else from the later page. A page that says in another way
/// that it is empty ends a list, and does not replace it.
fn joined(before: Value, after: Value) -> Value {
    let is_nothing = match &after {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match (before, after) {
        (before @ (Value::Array(_) | Value::Object(_)), _) if is_nothing => before,
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

/// How many items a page holds: the length of its longest list. None ends the counting.
fn items(body: &Value) -> u64 {
    match body {
        Value::Array(list) => u64::try_from(list.len()).unwrap_or(u64::MAX),
        Value::Object(map) => map.values().map(items).max().unwrap_or(0),
        _ => 0,
    }
}

/// What a parameter of the URL counts to.
fn number(url: &Url, name: &str, absent: u64) -> u64 {
    url.query_pairs().find(|(key, _)| key == name).and_then(|(_, number)| number.parse().ok()).unwrap_or(absent)
}

/// The same URL with this parameter; all others stay as they are written.
fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let is_it = |pair: &str| form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(key, _)| key == name);
    let mut pairs: Vec<String> = Vec::new();
    let mut is_there = false;
    for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        if !is_it(pair) {
            pairs.push(pair.to_owned());
        } else if !is_there {
            is_there = true;
            let key = pair.split('=').next().unwrap_or_default();
            pairs.push(format!("{key}={}", encoded(value)));
        }
    }
    if !is_there {
        pairs.push(format!("{}={}", encoded(name), encoded(value)));
    }
    let mut changed = url.clone();
    changed.set_query(Some(&pairs.join("&")));
    changed
}

/// The target with `rel="next"` of `Link` headers (RFC 8288).
fn linked(headers: &HeaderMap) -> Option<String> {
    let values: Vec<String> = headers.get_all(LINK).iter().map(address).collect();
    values.iter().flat_map(|value| links(value)).find_map(|(target, relation)| {
        relation.split_whitespace().any(|word| word.eq_ignore_ascii_case("next")).then_some(target)
    })
}

/// `<target>; name=value; name="quoted, value"` each: the targets with their relations.
fn links(value: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        let (parameters, more) = split_unquoted(after, ',');
        // Of several relations the first counts (RFC 8288, 3.3).
        let mut relation = None;
        let mut left = parameters;
        while !left.is_empty() {
            let (parameter, others) = split_unquoted(left, ';');
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("rel") && relation.is_none() {
                relation = Some(value.trim().trim_matches(['"', '\'']).to_owned());
            }
            left = others;
        }
        links.push((target.trim().to_owned(), relation.unwrap_or_default()));
        rest = more;
    }
    links
}

/// What stands before and after the first such character that is not between quotes.
fn split_unquoted(text: &str, at: char) -> (&str, &str) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if character == at && !is_quoted => {
                let (before, after) = text.split_at_checked(index).unwrap_or((text, ""));
                return (before, after.get(at.len_utf8()..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, "")
}

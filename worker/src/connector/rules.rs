//! The members that element, resource and connector have in common: what counts as what, and what follows from it (CONTRACT 7).

use std::time::Duration;

use serde_json::{Map, Value};

use super::resource::whole;
use super::spelling::{flag, member, object, required_text, rows, text};
use super::{Condition, Invalid, Rate, RetryMembers, duration};

/// Whether a resource says that it may be called twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatRule {
    /// `repeat: safe`: the third party honours the key, or does not mind.
    Safe,
    /// `repeat: unsafe`: even where the method would allow it.
    Unsafe,
}

/// `answer`: what the body of an answer is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// JSON where it is JSON; else XML or bytes by content type where rows map them; else text.
    Auto,
    /// JSON and nothing else.
    Json,
    /// Text, whatever it looks like.
    Text,
    /// XML as data.
    Xml,
    /// Bytes, handed on as base64.
    Binary,
}

/// A row of `errorMapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// The failures it is for.
    pub when: Condition,
    /// The BPMN error's code.
    pub code: String,
    /// Mustache over the request data, `status`, `code` and `body`.
    pub message: Option<String>,
}

/// Where the next page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    /// `next`: a path into the answer, to a URL.
    Path(String),
    /// `page`: a query parameter that counts.
    Parameter(String),
    /// `link: true`: the header `Link` with `rel="next"` (RFC 8288).
    Link,
}

/// `pagination`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pagination {
    /// Where the next page is.
    pub next: NextPage,
    /// When to stop although there is one.
    pub until: Option<Condition>,
    /// How many pages at most.
    pub pages: u32,
}

/// `poll`: what follows a `202` that names a place to ask at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Between two questions, where the third party asks for no longer one.
    pub wait: Duration,
    /// When the answer is the final one.
    pub until: Option<Condition>,
    /// How many questions at most.
    pub tries: u32,
}

/// The members that element, resource and connector have in common (CONTRACT 7).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// `repeat`.
    pub repeat: Option<RepeatRule>,
    /// `retry`.
    pub retry: RetryMembers,
    /// `success`.
    pub success: Option<Condition>,
    /// `errorMapping`.
    pub error_mapping: Vec<ErrorRow>,
    /// `escape: html`, ProcessMaker's way.
    pub escape_html: Option<bool>,
    /// `answer`.
    pub answer: Option<AnswerKind>,
    /// `pagination`.
    pub pagination: Option<Pagination>,
    /// `poll`.
    pub poll: Option<Poll>,
    /// `rate`; not of elements.
    pub rate: Option<Rate>,
}

/// Pages that are fetched where nothing is said.
const PAGES: u32 = 100;
/// Questions that are asked where nothing is said.
const TRIES: u32 = 60;
/// The wait between them.
const WAIT: Duration = Duration::from_secs(5);

impl Rules {
    /// Reads the members of CONTRACT 7 from an element's configuration, a resource or a connector.
    ///
    /// # Errors
    /// The first member that cannot be used.
    pub fn read(of: &Map<String, Value>, place: &str) -> Result<Self, Invalid> {
        Ok(Self {
            repeat: choice(of, "repeat", place, &[("safe", RepeatRule::Safe), ("unsafe", RepeatRule::Unsafe)])?,
            retry: RetryMembers::read(of, place)?,
            success: condition(of, "success", place)?,
            error_mapping: error_rows(of, place)?,
            escape_html: choice(of, "escape", place, &[("html", true), ("slot", false)])?,
            answer: choice(of, "answer", place, &ANSWERS)?,
            pagination: pagination(of, place)?,
            poll: poll(of, place)?,
            rate: Rate::read(of, place)?,
        })
    }
}

const ANSWERS: [(&str, AnswerKind); 5] = [
    ("auto", AnswerKind::Auto),
    ("json", AnswerKind::Json),
    ("text", AnswerKind::Text),
    ("xml", AnswerKind::Xml),
    ("binary", AnswerKind::Binary),
];

/// One of a few words.
fn choice<T: Copy>(
    of: &Map<String, Value>,
    name: &str,
    place: &str,
    choices: &[(&str, T)],
) -> Result<Option<T>, Invalid> {
    let Some(written) = text(of, name, place)?.filter(|t| !t.trim().is_empty()) else { return Ok(None) };
    if let Some((_, chosen)) = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(written.trim())) {
        return Ok(Some(*chosen));
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    Err(Invalid::new(member(place, name), format!("`{written}` is not {}", words.join(" or "))))
}

fn condition(of: &Map<String, Value>, name: &str, place: &str) -> Result<Option<Condition>, Invalid> {
    Ok(text(of, name, place)?.filter(|t| !t.trim().is_empty()).map(|t| Condition::read(&t)))
}

fn error_rows(of: &Map<String, Value>, place: &str) -> Result<Vec<ErrorRow>, Invalid> {
    let rows = rows(of, "errorMapping", place)?.unwrap_or_default();
    rows.into_iter()
        .enumerate()
        .map(|(index, row)| {
            let place = member(place, &format!("errorMapping.{index}"));
            Ok(ErrorRow {
                when: Condition::read(&required_text(row, "when", &place)?),
                code: required_text(row, "code", &place)?,
                message: text(row, "message", &place)?.filter(|m| !m.is_empty()),
            })
        })
        .collect()
}

fn pagination(of: &Map<String, Value>, place: &str) -> Result<Option<Pagination>, Invalid> {
    let Some(members) = object(of, "pagination", place)? else { return Ok(None) };
    let place = member(place, "pagination");
    let written = |name: &str| Ok(text(members, name, &place)?.filter(|t| !t.trim().is_empty()));
    let link = flag(members, "link", &place)?.unwrap_or(false);
    let next = match (written("next")?, written("page")?, link) {
        (Some(path), None, false) => NextPage::Path(path),
        (None, Some(parameter), false) => NextPage::Parameter(parameter),
        (None, None, true) => NextPage::Link,
        _ => {
            let problem = "needs one of: next (a path to the next URL), page (a parameter that counts), link: true";
            return Err(Invalid::new(place, problem));
        }
    };
    let pages = at_least_one(members, "pages", &place)?.unwrap_or(PAGES);
    Ok(Some(Pagination { next, until: condition(members, "until", &place)?, pages }))
}

fn poll(of: &Map<String, Value>, place: &str) -> Result<Option<Poll>, Invalid> {
    let nothing = Map::new();
    let members = match of.get("poll") {
        None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
        Some(Value::Bool(true)) => &nothing,
        // PHP writes an empty object so.
        Some(Value::Array(list)) if list.is_empty() => &nothing,
        _ => object(of, "poll", place)?.unwrap_or(&nothing),
    };
    let place = member(place, "poll");
    let wait = duration(members.get("wait")).map_err(|e| Invalid::new(member(&place, "wait"), e))?;
    Ok(Some(Poll {
        wait: wait.unwrap_or(WAIT),
        until: condition(members, "until", &place)?,
        tries: at_least_one(members, "tries", &place)?.unwrap_or(TRIES),
    }))
}

fn at_least_one(of: &Map<String, Value>, name: &str, place: &str) -> Result<Option<u32>, Invalid> {
    let written = text(of, name, place)?.filter(|t| !t.trim().is_empty());
    match written.map(|t| whole(&t, &member(place, name))).transpose()? {
        Some(0) => Err(Invalid::new(member(place, name), "is at least 1")),
        number => Ok(number),
    }
}

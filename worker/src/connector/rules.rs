//! The members that element, resource and connector have in common (CONTRACT 7).

use std::time::Duration;

use serde_json::{Map, Value};

use super::lenient::Reader;
use super::{Condition, Invalid, Rate, RetryMembers};

/// `repeat`: whether a request may be sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatRule {
    /// `repeat: safe`: the third party honours the idempotency key, or a repetition does no harm.
    Safe,
    /// `repeat: unsafe`: not even where the method is idempotent.
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
    /// Bytes, mapped as base64.
    Binary,
}

/// `arrays`: how a list is written into a query or a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrays {
    /// `to[0]=a&to[1]=b`.
    #[default]
    Php,
    /// `to=a&to=b`.
    Repeat,
    /// `to=a,b`.
    Comma,
}

/// `space`: how a space in a value is written into a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Space {
    /// `+`, as forms write it.
    #[default]
    Plus,
    /// `%20`.
    Percent,
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
    /// `next` with `cursor`: a path into the answer, to a value that goes into a query parameter.
    Cursor {
        /// The path.
        path: String,
        /// The parameter's name.
        parameter: String,
    },
    /// `page`: a query parameter that counts pages.
    Parameter(String),
    /// `offset`: a query parameter that counts items.
    Offset(String),
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

/// `poll`: how the URL that a `202` names is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// The wait before each poll, where the third party does not ask for a longer one.
    pub wait: Duration,
    /// When the answer is the final one.
    pub until: Option<Condition>,
    /// How many polls at most.
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
    /// `arrays`.
    pub arrays: Option<Arrays>,
    /// `space`.
    pub space: Option<Space>,
    /// `pagination`.
    pub pagination: Option<Pagination>,
    /// `poll`.
    pub poll: Option<Poll>,
    /// `rate`; not of elements.
    pub rate: Option<Rate>,
}

/// The default of `pages`.
const PAGES: u32 = 100;
/// The default of `tries`.
const TRIES: u32 = 60;
/// The default of `poll.wait`.
const WAIT: Duration = Duration::from_secs(5);

impl Rules {
    /// Reads the members of CONTRACT 7 from an element's configuration, a resource or a connector.
    ///
    /// # Errors
    /// The first member that cannot be used.
    pub(super) fn read(of: &Reader<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            repeat: of.choice("repeat", &[("safe", RepeatRule::Safe), ("unsafe", RepeatRule::Unsafe)])?,
            retry: RetryMembers::read(of)?,
            success: condition(of, "success")?,
            error_mapping: error_rows(of)?,
            escape_html: of.choice("escape", &[("html", true), ("slot", false)])?,
            answer: of.choice("answer", &ANSWERS)?,
            arrays: of.choice("arrays", &ARRAYS)?,
            space: of.choice("space", &[("%20", Space::Percent), ("+", Space::Plus)])?,
            pagination: pagination(of)?,
            poll: poll(of)?,
            rate: Rate::read(of)?,
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

const ARRAYS: [(&str, Arrays); 3] = [("php", Arrays::Php), ("repeat", Arrays::Repeat), ("comma", Arrays::Comma)];

fn condition(of: &Reader<'_>, name: &str) -> Result<Option<Condition>, Invalid> {
    Ok(of.filled_text(name)?.map(|text| Condition::read(&text)))
}

fn error_rows(of: &Reader<'_>) -> Result<Vec<ErrorRow>, Invalid> {
    let row = |row: Reader<'_>| {
        Ok(ErrorRow {
            when: Condition::read(&row.required_text("when")?),
            code: row.required_text("code")?,
            message: row.text("message")?.filter(|message| !message.is_empty()),
        })
    };
    of.rows("errorMapping")?.unwrap_or_default().into_iter().map(row).collect()
}

fn pagination(of: &Reader<'_>) -> Result<Option<Pagination>, Invalid> {
    let Some(of) = of.object("pagination")? else { return Ok(None) };
    let link = of.flag("link")?.unwrap_or(false);
    let (path, cursor) = (of.filled_text("next")?, of.filled_text("cursor")?);
    let (page, offset) = (of.filled_text("page")?, of.filled_text("offset")?);
    let next = match (path, page, offset, link) {
        (Some(path), None, None, false) => match cursor {
            Some(parameter) => NextPage::Cursor { path, parameter },
            None => NextPage::Path(path),
        },
        _ if cursor.is_some() => {
            let problem = "needs `next`, a path to the cursor in the answer, and none of page, offset, link";
            return Err(of.invalid("cursor", problem));
        }
        (None, Some(parameter), None, false) if counts_items(&parameter) => {
            let problem = format!("`{parameter}` counts items, not pages; write `offset: {parameter}`");
            return Err(of.invalid("page", problem));
        }
        (None, Some(parameter), None, false) => NextPage::Parameter(parameter),
        (None, None, Some(parameter), false) => NextPage::Offset(parameter),
        (None, None, None, true) => NextPage::Link,
        _ => {
            let problem = "needs one of: next (a path to the next URL, or with cursor: parameter to a cursor), page (a \
                           parameter that counts pages), offset (a parameter that counts items), link: true";
            return Err(of.invalid_object(problem));
        }
    };
    let pages = at_least_one(&of, "pages")?.unwrap_or(PAGES);
    Ok(Some(Pagination { next, until: condition(&of, "until")?, pages }))
}

/// Names that APIs have for the number of items that are skipped: counted by one, the pages would overlap.
fn counts_items(parameter: &str) -> bool {
    let name: String = parameter.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    name.ends_with("offset") || matches!(name.as_str(), "skip" | "startat" | "startindex" | "startrow")
}

fn poll(of: &Reader<'_>) -> Result<Option<Poll>, Invalid> {
    let nothing = Map::new();
    let defaults = || Reader::new(&nothing, of.path_of("poll"));
    let of = match of.value("poll") {
        None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
        Some(Value::Bool(true)) => defaults(),
        // PHP writes an empty object as a list.
        _ => of.object("poll")?.unwrap_or_else(defaults),
    };
    Ok(Some(Poll {
        wait: of.duration("wait")?.unwrap_or(WAIT),
        until: condition(&of, "until")?,
        tries: at_least_one(&of, "tries")?.unwrap_or(TRIES),
    }))
}

fn at_least_one(of: &Reader<'_>, name: &str) -> Result<Option<u32>, Invalid> {
    match of.whole(name)? {
        Some(0) => Err(of.invalid(name, "is at least 1")),
        number => Ok(number),
    }
}

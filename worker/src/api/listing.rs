//! Lists: by page with a total, as ProcessMaker's clients read them (API 4), and by cursor, where a total would read a whole
//! table (API 6).

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::request::Request;
use super::respond;
use super::service::BASE;

/// Rows of a page unless asked for otherwise.
const PER_PAGE: u64 = 10;
/// The longest page of a list with a total: more is this many.
const LONGEST_PAGE: u64 = 10_000;
/// The longest page of a list by cursor.
const LONGEST_CURSOR_PAGE: u64 = 1_000;

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// Which part of a list is asked for, in which order.
#[derive(Debug)]
pub(super) struct Listing {
    /// As given.
    filter: String,
    /// In lower case.
    needle: String,
    pub(super) order_by: String,
    pub(super) direction: Order,
    pub(super) per_page: u64,
    pub(super) page: u64,
}

impl Listing {
    /// Reads the query; `orders` are what the list can be ordered by, the first one unless asked for otherwise.
    ///
    /// # Errors
    /// 422 that names the parameter.
    pub(super) fn read(request: &Request, orders: &[&str]) -> Result<Self, Error> {
        let query = &request.query;
        let filter = query.get("filter").unwrap_or_default().to_owned();
        let order_by = query.given("order_by").or(orders.first().copied()).unwrap_or_default();
        if !orders.contains(&order_by) {
            return Err(Error::invalid("order_by", format!("order_by must be one of {}", orders.join(", "))));
        }
        let direction = match query.given("order_direction").map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            Some(_) => return Err(Error::invalid("order_direction", "order_direction must be asc or desc")),
        };
        Ok(Self {
            needle: filter.to_lowercase(),
            filter,
            order_by: order_by.to_owned(),
            direction,
            per_page: query.number("per_page", 1..=u64::MAX, PER_PAGE)?.min(LONGEST_PAGE),
            page: query.number("page", 1..=u64::MAX, 1)?,
        })
    }

    /// The filter in lower case.
    pub(super) fn needle(&self) -> &str {
        &self.needle
    }

    /// Whether the filter is part of one of these texts, in any case.
    pub(super) fn matches<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        self.needle.is_empty() || texts.into_iter().any(|text| text.to_lowercase().contains(&self.needle))
    }

    /// How many rows are before the page.
    pub(super) fn offset(&self) -> u64 {
        (self.page - 1).saturating_mul(self.per_page)
    }

    /// The rows of the page.
    pub(super) fn page_of<'a, T>(&self, rows: &'a [T]) -> &'a [T] {
        let begin = usize::try_from(self.offset()).unwrap_or(usize::MAX).min(rows.len());
        let end = begin.saturating_add(usize::try_from(self.per_page).unwrap_or(usize::MAX)).min(rows.len());
        rows.get(begin..end).unwrap_or_default()
    }

    /// The answer with its envelope, its `ETag`, or 304.
    pub(super) fn answer(&self, request: &Request, page: Vec<Value>, total: usize) -> Response {
        respond::cacheable(&request.headers, &self.envelope(request, page, total))
    }

    /// A page in its envelope.
    pub(super) fn envelope(&self, request: &Request, page: Vec<Value>, total: usize) -> Value {
        let meta = self.meta(request, page.len(), total);
        Value::Object(Map::from_iter([("meta".to_owned(), meta), ("data".to_owned(), Value::Array(page))]))
    }

    fn meta(&self, request: &Request, count: usize, total: usize) -> Value {
        let pages = (total as u64).div_ceil(self.per_page).max(1);
        let (from, to) = match count as u64 {
            0 => (None, None),
            count => (Some(self.offset() + 1), Some(self.offset() + count)),
        };
        let order = if self.direction == Order::Descending { "desc" } else { "asc" };
        json!({
            "filter": self.filter, "sort_by": self.order_by, "sort_order": order, "count": count, "total_pages": pages,
            "current_page": self.page, "from": from, "last_page": pages, "path": format!("{BASE}{}", request.path),
            "per_page": self.per_page, "to": to, "total": total,
        })
    }
}

/// Where a list by cursor goes on.
#[derive(Debug)]
pub(super) struct Cursor {
    per_page: u64,
    /// What `next` of the page before said.
    pub(super) after: Option<String>,
}

/// A page of a list by cursor.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) rows: Vec<T>,
    length: u64,
    next: Option<String>,
}

impl Cursor {
    /// Reads the query.
    ///
    /// # Errors
    /// 422 that names the parameter.
    pub(super) fn read(request: &Request) -> Result<Self, Error> {
        let per_page = request.query.number("per_page", 1..=u64::MAX, PER_PAGE)?.min(LONGEST_CURSOR_PAGE);
        Ok(Self { per_page, after: request.query.given("after").map(ToOwned::to_owned) })
    }

    /// How many rows are to be read: one more than the page has, which tells whether there is another one.
    pub(super) fn fetched(&self) -> i64 {
        i64::try_from(self.per_page + 1).unwrap_or(i64::MAX)
    }

    /// The page of the rows that were read; `key` is where a row is in the list.
    pub(super) fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let most = usize::try_from(self.per_page).unwrap_or(usize::MAX);
        let is_last = rows.len() <= most;
        rows.truncate(most);
        let next = if is_last { None } else { rows.last().map(key) };
        Page { rows, length: self.per_page, next }
    }
}

impl<T> Page<T> {
    /// The answer with its envelope, its `ETag`, or 304.
    pub(super) fn answer(&self, request: &Request, data: Vec<Value>) -> Response {
        let path = format!("{BASE}{}", request.path);
        let meta = json!({"count": data.len(), "per_page": self.length, "path": path, "next": self.next});
        let answer = Map::from_iter([("data".to_owned(), Value::Array(data)), ("meta".to_owned(), meta)]);
        let answer = Value::Object(answer);
        respond::cacheable(&request.headers, &answer)
    }
}

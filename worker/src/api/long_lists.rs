//! Long lists of connectors as they were written: front ends that choose from all of them ask for ten thousand again and again,
//! and making that list takes longer than everything else that a list needs.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use moka::sync::Cache;

use super::respond;

/// Bytes of all that are kept.
const KEPT: u64 = 48 * 1024 * 1024;
/// Pages from here on are long.
const LONG: u64 = 1_000;

/// Lists by what was asked for.
pub(super) struct LongLists(Cache<Asked, Arc<List>>);

/// What was asked for, and by whom: the query, and the connectors that a token is limited to.
pub(super) type Asked = (String, Option<Vec<String>>);

/// A list, and the changes of connectors that are in it.
struct List {
    revision: i64,
    text: String,
    tag: String,
}

impl Default for LongLists {
    fn default() -> Self {
        let size = |_: &Asked, list: &Arc<List>| u32::try_from(list.text.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(KEPT).weigher(size).build())
    }
}

impl LongLists {
    /// Whether a page of this length is kept.
    pub(super) fn keep(per_page: u64) -> bool {
        per_page >= LONG
    }

    /// The answer, where no connector has changed since it was made.
    pub(super) fn answer(&self, headers: &HeaderMap, asked: &Asked, revision: i64) -> Option<Response> {
        let list = self.0.get(asked).filter(|list| list.revision == revision)?;
        Some(respond::cached(headers, list.text.clone(), &list.tag))
    }

    /// Keeps a list that was read after this revision was, and answers it.
    pub(super) fn keep_and_answer(&self, headers: &HeaderMap, asked: Asked, revision: i64, text: String) -> Response {
        let tag = respond::etag_of(text.as_bytes());
        self.0.insert(asked, Arc::new(List { revision, text: text.clone(), tag: tag.clone() }));
        respond::cached(headers, text, &tag)
    }
}

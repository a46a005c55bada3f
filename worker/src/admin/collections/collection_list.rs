//! Lists of collections (API 4).

use serde_json::{Value, json};

use super::{Collection, Error, to_json};
use crate::collections::problems::Problems;

/// A page of collections.
const PER_PAGE: u64 = 10;
const MOST_PER_PAGE: u64 = 10_000;

/// What a list of collections is asked for (API 4).
pub(super) struct CollectionQuery {
    filter: String,
    order_by: String,
    is_descending: bool,
    per_page: u64,
    page: u64,
}

impl CollectionQuery {
    /// Reads the parameters of the list.
    pub(super) fn parse<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let mut query = Self {
            filter: String::new(),
            order_by: "id".to_owned(),
            is_descending: false,
            per_page: PER_PAGE,
            page: 1,
        };
        let mut problems = Problems::default();
        let number = |value: &str| value.parse::<u64>().ok().filter(|number| *number > 0);
        for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
            match (name, value.to_ascii_lowercase().as_str(), number(value)) {
                ("filter", ..) => value.clone_into(&mut query.filter),
                ("order_by", "id" | "name" | "created_at" | "updated_at", _) => value.clone_into(&mut query.order_by),
                ("order_by", ..) => problems.add(name, "must be id, name, created_at or updated_at"),
                ("order_direction", direction @ ("asc" | "desc"), _) => query.is_descending = direction == "desc",
                ("order_direction", ..) => problems.add(name, "must be asc or desc"),
                ("per_page", _, Some(number)) => query.per_page = number.min(MOST_PER_PAGE),
                ("page", _, Some(number)) => query.page = number,
                ("per_page" | "page", ..) => problems.add(name, "must be a number from 1"),
                _ => {}
            }
        }
        problems.into_result()?;
        Ok(query)
    }

    /// The page that is asked for of all collections.
    pub(super) fn page(&self, mut all: Vec<Collection>, path: &str) -> Value {
        let wanted = self.filter.to_lowercase();
        all.retain(|collection| {
            let description = collection.rules.definition().description.clone().unwrap_or_default();
            collection.name.to_lowercase().contains(&wanted) || description.to_lowercase().contains(&wanted)
        });
        match self.order_by.as_str() {
            "name" => all.sort_by(|left, right| left.name.cmp(&right.name)),
            "created_at" => all.sort_by_key(|collection| collection.created_at),
            "updated_at" => all.sort_by_key(|collection| collection.updated_at),
            _ => {}
        }
        if self.is_descending {
            all.reverse();
        }
        let number = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let (total, offset) = (number(all.len()), (self.page - 1).saturating_mul(self.per_page));
        let (skip, take) =
            (usize::try_from(offset).unwrap_or(usize::MAX), usize::try_from(self.per_page).unwrap_or(usize::MAX));
        let shown: Vec<Value> = all.iter().skip(skip).take(take).map(|c| Value::Object(to_json(c))).collect();
        let (count, pages) = (number(shown.len()), total.div_ceil(self.per_page).max(1));
        let range = (count > 0).then(|| (offset + 1, offset + count));
        json!({"data": shown, "meta": {
            "filter": self.filter, "sort_by": self.order_by, "sort_order": if self.is_descending { "desc" } else { "asc" },
            "count": count, "total_pages": pages, "current_page": self.page, "from": range.map(|range| range.0),
            "last_page": pages, "path": path, "per_page": self.per_page, "to": range.map(|range| range.1), "total": total,
        }})
    }
}

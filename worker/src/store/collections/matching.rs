//! Which records the rows of an import are about.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::imports::{Import, Match, Row};
use super::session::{Bind, binds, list};
use super::write::Writing;
use crate::collections::rules::{Slot, entry};
use crate::collections::value::GroupKey;
use crate::store::Error;

/// The records that each row matches.
pub(super) async fn find_matches(
    writing: &mut Writing<'_>,
    import: &Import,
    rows: &[Row],
) -> Result<Vec<Vec<i64>>, Error> {
    let mut candidates: Vec<Vec<i64>> = Vec::with_capacity(rows.len());
    let indexed = match import.key.as_ref().and_then(|key| key.slot.as_ref()) {
        Some(slot) => in_index(writing, slot, rows).await?,
        None => HashMap::new(),
    };
    for row in rows {
        candidates.push(match (&row.key, &import.key) {
            (Match::Id(id), _) => vec![*id],
            (Match::Value(value), Some(key)) if key.slot.is_some() => {
                indexed.get(&GroupKey::of(Some(value))).cloned().unwrap_or_default()
            }
            (Match::Value(value), Some(key)) => key.candidates(value),
            _ => Vec::new(),
        });
    }
    let all: Vec<i64> = candidates.iter().flatten().copied().collect::<HashSet<_>>().into_iter().collect();
    let records = writing.current(&all, import.number).await?;
    for (row, candidates) in rows.iter().zip(&mut candidates) {
        candidates.retain(|id| match (&row.key, &import.key, records.get(id)) {
            (Match::Id(_), _, record) => record.is_some(),
            (Match::Value(value), Some(key), Some(record)) => {
                let held = record.data.as_object().and_then(|data| key.field.find(data));
                GroupKey::of(held) == GroupKey::of(Some(value))
            }
            _ => false,
        });
    }
    Ok(candidates)
}

/// Which records the index has for the keys of rows, old and new values of records that the import changes included.
async fn in_index(writing: &mut Writing<'_>, slot: &Slot, rows: &[Row]) -> Result<HashMap<GroupKey, Vec<i64>>, Error> {
    let mut values: HashMap<i64, Vec<&Value>> = HashMap::new();
    for row in rows {
        if let Match::Value(value) = &row.key
            && let Some(entry) = entry(slot, value)
        {
            values.entry(entry.kind).or_default().push(value);
        }
    }
    let mut found: HashMap<GroupKey, Vec<i64>> = HashMap::new();
    for (kind, values) in values {
        let column = match kind {
            3 => "number",
            4 => "text",
            _ => "",
        };
        let condition =
            if column.is_empty() { String::new() } else { format!("AND {column} IN {}", list(4, values.len())) };
        let statement = format!(
            "SELECT DISTINCT record_id, number, text FROM collection_index
            WHERE collection_id = $1 AND slot = $2 AND kind = {kind} AND record_id >= $3 {condition}"
        );
        let mut binds = binds![writing.row.id, slot.number, writing.row.floor];
        if !column.is_empty() {
            binds.extend(values.iter().filter_map(|value| entry(slot, value)).map(|entry| match entry.text {
                Some(text) => Bind::from(text),
                None => Bind::from(entry.number),
            }));
        }
        let hits: Vec<(i64, Option<f64>, Option<String>)> = writing.session.rows(statement, binds).await?;
        for value in values {
            let Some(wanted) = entry(slot, value) else { continue };
            let is_hit = |(_, number, text): &&(i64, Option<f64>, Option<String>)| {
                *number == wanted.number && *text == wanted.text
            };
            let ids = hits.iter().filter(is_hit).map(|(id, ..)| *id).collect();
            found.insert(GroupKey::of(Some(value)), ids);
        }
    }
    Ok(found)
}

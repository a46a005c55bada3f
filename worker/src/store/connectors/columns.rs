//! What connectors are listed by: columns that are made from the record.

use serde_json::{Map, Value};

use super::{CHANGED, Connectors};
use crate::store::Error;
use crate::store::database::on;
use crate::store::dead_letters::without_nul;

/// The value of a member of credentials that was never set.
const UNSET: &str = "********";
/// Rows that are indexed in one transaction.
const BATCH: i64 = 500;

/// The columns of one connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) description: String,
    pub(super) kind: String,
    pub(super) authtype: String,
    pub(super) status: String,
    pub(super) asset_type: Option<String>,
    /// Ids between commas: `,1,4,`; empty where there are none.
    pub(super) categories: String,
    /// In lower case.
    pub(super) search: String,
    /// A JSON list.
    pub(super) credentials_set: String,
}

impl Columns {
    /// The columns of a record and its credentials, of which the names are told.
    pub(super) fn of(record: &Map<String, Value>, credentials: Option<&Map<String, Value>>) -> Self {
        let text = |name: &str| match record.get(name) {
            Some(Value::String(text)) => without_nul(text),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let word = |name: &str, usual: &str| {
            let text = text(name).trim().to_ascii_uppercase();
            if text.is_empty() { usual.to_owned() } else { text }
        };
        let (description, authtype) = (text("description"), word("authtype", "NONE"));
        let ids: Vec<String> = category_ids(record).iter().map(ToString::to_string).collect();
        let set = credentials.into_iter().flatten().filter(|(_, value)| value.as_str() != Some(UNSET));
        let mut names: Vec<&String> = set.map(|(name, _)| name).collect();
        names.sort();
        Self {
            // A separator that no text has: a filter finds nothing across two members.
            search: format!("{}\u{1f}{description}\u{1f}{authtype}", text("name")).to_lowercase(),
            description,
            kind: word("type", "REST"),
            authtype,
            status: word("status", "ACTIVE"),
            asset_type: Some(text("asset_type")).filter(|kind| !kind.is_empty()),
            categories: if ids.is_empty() { String::new() } else { format!(",{},", ids.join(",")) },
            credentials_set: serde_json::to_string(&names).unwrap_or_default(),
        }
    }
}

/// The categories that a record names (COMPATIBILITY 4.1): a number, or ids with commas.
pub(super) fn category_ids(record: &Map<String, Value>) -> Vec<i64> {
    let text = match record.get("data_source_category_id") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    text.split(',').filter_map(|id| id.trim().parse().ok()).collect()
}

/// uuid, record, credentials, version.
type Unindexed = (String, String, Option<Vec<u8>>, i64);

const UNINDEXED: &str =
    "SELECT uuid, record, credentials, version FROM connectors WHERE indexed_version <> version LIMIT $1";
const INDEX: &str = "UPDATE connectors SET description = $2, type = $3, authtype = $4, status = $5, asset_type = $6,
    categories = $7, search = $8, credentials_set = $9, indexed_version = version WHERE uuid = $1";

impl Connectors<'_> {
    /// Fills the columns of connectors that an older version wrote.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn index(self) -> Result<(), Error> {
        loop {
            let first: Vec<Unindexed> = on!(&self.0.database, read db =>
                sqlx::query_as(UNINDEXED).bind(1_i64).fetch_all(db).await?)?;
            if first.is_empty() {
                return Ok(());
            }
            let begin = self.0.database.begin();
            on!(&self.0.database, write db => {
                let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
                sqlx::query(CHANGED).execute(&mut *transaction).await?;
                let rows: Vec<Unindexed> =
                    sqlx::query_as(UNINDEXED).bind(BATCH).fetch_all(&mut *transaction).await?;
                for (uuid, record, sealed, _) in &rows {
                    let columns = self.columns_of(uuid, record, sealed.as_deref());
                    sqlx::query(INDEX)
                        .bind(uuid).bind(&columns.description).bind(&columns.kind).bind(&columns.authtype)
                        .bind(&columns.status).bind(&columns.asset_type).bind(&columns.categories).bind(&columns.search)
                        .bind(&columns.credentials_set)
                        .execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
            })?;
        }
    }

    /// A record that cannot be read, or credentials that no key here opens, are listed without what is in them.
    fn columns_of(self, uuid: &str, record: &str, sealed: Option<&[u8]>) -> Columns {
        let credentials = sealed.and_then(|sealed| self.0.opened(uuid, record, sealed).ok());
        let record: Map<String, Value> = serde_json::from_str(record).unwrap_or_default();
        Columns::of(&record, credentials.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_tell_what_a_record_says() {
        let Value::Object(record) = json!({
            "name": "GRÜN", "description": "a\u{0}b", "status": "inactive", "data_source_category_id": "1, 4,x",
            "asset_type": "",
        }) else {
            unreachable!()
        };
        let Value::Object(credentials) = json!({"username": "u", "password": "canary", "hosts": UNSET}) else {
            unreachable!()
        };
        let columns = Columns::of(&record, Some(&credentials));
        assert_eq!(columns.search, format!("grün\u{1f}{}\u{1f}none", without_nul("a\u{0}b")));
        assert_eq!((columns.kind.as_str(), columns.status.as_str()), ("REST", "INACTIVE"));
        assert_eq!((columns.categories.as_str(), columns.asset_type), (",1,4,", None));
        assert_eq!(columns.credentials_set, r#"["password","username"]"#);
        assert_eq!(category_ids(&Map::from_iter([("data_source_category_id".to_owned(), json!(2))])), [2]);
    }
}

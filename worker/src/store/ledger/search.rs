//! The ledger as it is searched: any combination of filters, page by page.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::JobRow;
use crate::store::Error;
use crate::store::database::on;
use crate::store::jobs::Jobs;

/// Which jobs are wanted; `None` filters nothing.
#[derive(Debug, Clone, Default)]
pub struct JobSearch {
    /// A state of the ledger, or `queued`.
    pub state: Option<String>,
    /// `completed`, `failed` or `cancelled`.
    pub status: Option<String>,
    /// The code it failed with.
    pub code: Option<String>,
    /// The request's id.
    pub request: Option<String>,
    /// The engine.
    pub engine: Option<String>,
    /// What a connector may be called: uuid, id, name.
    pub connectors: Option<Vec<String>>,
    /// The resource.
    pub resource: Option<String>,
    /// The BPMN process id.
    pub process: Option<String>,
    /// The version of that process.
    pub version: Option<String>,
    /// The element's id.
    pub element: Option<String>,
    /// Beginning of a job's or a request's id.
    pub beginning: Option<String>,
    /// Whether it has ended, whatever became of it.
    pub has_ended: Option<bool>,
    /// First seen at this time or later, epoch milliseconds.
    pub from: Option<i64>,
    /// First seen at this time or before.
    pub to: Option<i64>,
    /// Those after this place of the list: first seen, id.
    pub after: Option<(i64, String)>,
    /// At most.
    pub limit: i64,
}

/// A value that is bound.
enum Bind {
    Text(String),
    Number(i64),
}

/// A statement with its values, in their order.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    binds: Vec<Bind>,
}

impl Conditions {
    /// Adds a condition, in which `?` stands for each of the values.
    fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Bind>) {
        let mut sql = condition.to_owned();
        for value in values {
            self.binds.push(value);
            sql = sql.replacen('?', &format!("${}", self.binds.len()), 1);
        }
        self.sql.push(sql);
    }

    fn text(&mut self, condition: &str, value: Option<&String>) {
        if let Some(value) = value {
            // Nothing stored has a NUL, and PostgreSQL rejects a statement with one.
            self.add(condition, [Bind::Text(value.replace('\0', "\u{fffd}"))]);
        }
    }
}

impl JobSearch {
    fn conditions(&self) -> Conditions {
        const QUEUED: &str = "(state = 'waiting' AND attempt = 0 AND made_by IS NOT NULL AND waits_for IS NULL)";
        let mut found = Conditions::default();
        match self.state.as_deref() {
            Some("queued") => found.add(QUEUED, []),
            Some("waiting") => found.add(&format!("state = 'waiting' AND NOT {QUEUED}"), []),
            _ => found.text("state = ?", self.state.as_ref()),
        }
        match self.status.as_deref() {
            Some("completed") => found.add("state IN ('answered', 'published') AND code IS NULL", []),
            Some("failed") => found.add("state IN ('answered', 'published') AND code IS NOT NULL", []),
            Some(_) => found.add("state = 'cancelled'", []),
            None => {}
        }
        found.text("code = ?", self.code.as_ref());
        found.text("request = ?", self.request.as_ref());
        found.text("engine = ?", self.engine.as_ref());
        found.text("resource = ?", self.resource.as_ref());
        found.text("process = ?", self.process.as_ref());
        found.text("version = ?", self.version.as_ref());
        found.text("element = ?", self.element.as_ref());
        if let Some(connectors) = &self.connectors {
            let places = vec!["?"; connectors.len().max(1)].join(", ");
            let names = connectors.iter().map(|name| Bind::Text(name.replace('\0', "\u{fffd}")));
            let none = connectors.is_empty().then(|| Bind::Text(String::new()));
            found.add(&format!("connector IN ({places})"), names.chain(none));
        }
        if let Some(beginning) = &self.beginning {
            let length = i64::try_from(beginning.chars().count()).unwrap_or(i64::MAX);
            let text = || Bind::Text(beginning.replace('\0', "\u{fffd}"));
            let values = [Bind::Number(length), text(), Bind::Number(length), text()];
            let begins = "(substr(id, 1, CAST(? AS INTEGER)) = ? OR substr(request, 1, CAST(? AS INTEGER)) = ?)";
            found.add(begins, values);
        }
        match self.has_ended {
            Some(true) => found.add("state NOT IN ('sending', 'waiting')", []),
            Some(false) => found.add("state IN ('sending', 'waiting')", []),
            None => {}
        }
        if let Some(from) = self.from {
            found.add("created_at >= ?", [Bind::Number(from)]);
        }
        if let Some(to) = self.to {
            found.add("created_at <= ?", [Bind::Number(to)]);
        }
        if let Some((at, id)) = &self.after {
            let values = [Bind::Number(*at), Bind::Number(*at), Bind::Text(id.replace('\0', "\u{fffd}"))];
            found.add("(created_at < ? OR (created_at = ? AND id > ?))", values);
        }
        found
    }
}

impl Jobs<'_> {
    /// How many jobs there are, whatever the place and the limit.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count(self, wanted: &JobSearch) -> Result<i64, Error> {
        let Conditions { sql, binds } = JobSearch { after: None, ..wanted.clone() }.conditions();
        let conditions = if sql.is_empty() { "1 = 1".to_owned() } else { sql.join(" AND ") };
        let statement = AssertSqlSafe(format!("SELECT COUNT(*) FROM jobs WHERE {conditions}")).into_sql_str();
        on!(&self.0.database, read db => {
            let mut query = sqlx::query_scalar(statement.clone());
            for bind in &binds {
                query = match bind {
                    Bind::Text(text) => query.bind(text),
                    Bind::Number(number) => query.bind(*number),
                };
            }
            query.fetch_one(db).await?
        })
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn search(self, wanted: &JobSearch) -> Result<Vec<JobRow>, Error> {
        let Conditions { sql, binds } = wanted.conditions();
        let conditions = if sql.is_empty() { "1 = 1".to_owned() } else { sql.join(" AND ") };
        let limit = binds.len() + 1;
        let statement =
            format!("SELECT jobs.* FROM jobs WHERE {conditions} ORDER BY created_at DESC, id LIMIT ${limit}");
        let statement = AssertSqlSafe(statement).into_sql_str();
        on!(&self.0.database, read db => {
            let mut query = sqlx::query_as(statement.clone());
            for bind in &binds {
                query = match bind {
                    Bind::Text(text) => query.bind(text),
                    Bind::Number(number) => query.bind(*number),
                };
            }
            query.bind(wanted.limit).fetch_all(db).await?
        })
    }
}

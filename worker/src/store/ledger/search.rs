//! The ledger as it is searched: any combination of filters, page by page.
//!
//! What many jobs have is found among the newest ones, by the index that lists are ordered by. What few have would make that index
//! lead to each row of the ledger, one by one: older jobs are read as the table has them instead, once. An index for each filter
//! would cost every job.

use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::JobRow;
use super::queries::UNPUBLISHED;
use crate::store::Error;
use crate::store::database::{AnyRow, Plan, on};
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

/// How many of the newest jobs are read in the list's order, before the others are read in the table's.
const NEWEST: i64 = 10_000;

/// A value that is bound.
#[derive(Clone)]
enum Bind {
    Text(String),
    Number(i64),
}

/// Conditions with their values, in their order.
#[derive(Clone, Default)]
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

    fn all(&self) -> String {
        if self.sql.is_empty() { "1 = 1".to_owned() } else { self.sql.join(" AND ") }
    }
}

/// The column that lists are ordered by; as an expression no index stands for it.
fn created_at(plan: Plan) -> &'static str {
    match plan {
        Plan::Index => "created_at",
        Plan::WholeTable => "+created_at",
    }
}

impl JobSearch {
    /// What is asked of a job besides when it was seen.
    fn filters(&self) -> Conditions {
        const QUEUED: &str = "(state = 'waiting' AND attempt = 0 AND made_by IS NOT NULL AND waits_for IS NULL)";
        let mut found = Conditions::default();
        match self.state.as_deref() {
            // An index tells which jobs wait, and the outbox which results may not have been published.
            Some("queued") => found.add(&format!("due_at IS NOT NULL AND {QUEUED}"), []),
            Some("waiting") => found.add(&format!("due_at IS NOT NULL AND state = 'waiting' AND NOT {QUEUED}"), []),
            Some("answered") => found.add(&format!("state = 'answered' AND id IN {UNPUBLISHED}"), []),
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
        found
    }

    /// When jobs of the page were first seen.
    fn span(&self, found: &mut Conditions, plan: Plan) {
        let created_at = created_at(plan);
        if let Some(from) = self.from {
            found.add(&format!("{created_at} >= ?"), [Bind::Number(from)]);
        }
        if let Some(to) = self.to {
            found.add(&format!("{created_at} <= ?"), [Bind::Number(to)]);
        }
        if let Some((at, id)) = &self.after {
            let values = [Bind::Number(*at), Bind::Number(*at), Bind::Text(id.replace('\0', "\u{fffd}"))];
            found.add(&format!("{created_at} <= ?"), [Bind::Number(*at)]);
            found.add(&format!("({created_at} < ? OR ({created_at} = ? AND id > ?))"), values);
        }
    }
}

impl Jobs<'_> {
    /// How many jobs there are, whatever the place and the limit.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count(self, wanted: &JobSearch) -> Result<i64, Error> {
        let wanted = JobSearch { after: None, ..wanted.clone() };
        let mut conditions = wanted.filters();
        wanted.span(&mut conditions, Plan::WholeTable);
        let statement = format!("SELECT COUNT(*) FROM jobs WHERE {}", conditions.all());
        let counted: Vec<(i64,)> = self.read(Plan::WholeTable, statement, &conditions).await?;
        Ok(counted.first().map_or(0, |(count,)| *count))
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn search(self, wanted: &JobSearch) -> Result<Vec<JobRow>, Error> {
        self.found(wanted, "*").await
    }

    /// The places of jobs in that list, first seen and id: short enough for thousands at once, where a filter that few jobs pass
    /// makes each page read the whole ledger.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn places(self, wanted: &JobSearch) -> Result<Vec<(i64, String)>, Error> {
        self.found(wanted, "created_at, id").await
    }

    async fn found<T: AnyRow>(self, wanted: &JobSearch, columns: &str) -> Result<Vec<T>, Error> {
        let filters = wanted.filters();
        let edge = if filters.sql.is_empty() { None } else { self.edge(wanted).await? };
        let mut newest = filters.clone();
        if let Some(edge) = edge {
            newest.add("created_at >= ?", [Bind::Number(edge)]);
        }
        let mut rows = self.list_by(wanted, columns, (newest, Plan::Index), wanted.limit).await?;
        let missing = wanted.limit - i64::try_from(rows.len()).unwrap_or(wanted.limit);
        if let Some(edge) = edge
            && missing > 0
        {
            let mut older = filters;
            older.add("+created_at < ?", [Bind::Number(edge)]);
            rows.extend(self.list_by(wanted, columns, (older, Plan::WholeTable), missing).await?);
        }
        Ok(rows)
    }

    /// When the last of the newest jobs of a span was first seen; `None` where the span has no more than those.
    async fn edge(self, wanted: &JobSearch) -> Result<Option<i64>, Error> {
        let mut span = Conditions::default();
        wanted.span(&mut span, Plan::Index);
        let all = span.all();
        let statement =
            format!("SELECT created_at FROM jobs WHERE {all} ORDER BY created_at DESC LIMIT 1 OFFSET {NEWEST}");
        let edge: Vec<(i64,)> = self.read(Plan::Index, statement, &span).await?;
        Ok(edge.first().map(|(at,)| *at))
    }

    async fn list_by<T: AnyRow>(
        self,
        wanted: &JobSearch,
        columns: &str,
        (mut conditions, plan): (Conditions, Plan),
        limit: i64,
    ) -> Result<Vec<T>, Error> {
        wanted.span(&mut conditions, plan);
        let (all, created_at) = (conditions.all(), created_at(plan));
        let statement = format!("SELECT {columns} FROM jobs WHERE {all} ORDER BY {created_at} DESC, id LIMIT {limit}");
        self.read(plan, statement, &conditions).await
    }

    async fn read<T: AnyRow>(self, plan: Plan, statement: String, conditions: &Conditions) -> Result<Vec<T>, Error> {
        let statement = AssertSqlSafe(statement).into_sql_str();
        let begin = self.0.database.begin_to_read(plan);
        on!(&self.0.database, read db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let mut query = sqlx::query_as(statement.clone());
            for bind in &conditions.binds {
                query = match bind {
                    Bind::Text(text) => query.bind(text),
                    Bind::Number(number) => query.bind(*number),
                };
            }
            let rows = query.fetch_all(&mut *transaction).await?;
            transaction.commit().await?;
            rows
        })
    }
}

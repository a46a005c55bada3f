//! Deployed tasks: what an element of a process is configured to do, by version (CONTRACT 5).

use serde::Serialize;
use serde_json::Value;

use super::audit::{self, Entry};
use super::database::on;
use super::{Error, Inner};

/// One version of a process's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Deployment {
    /// The BPMN process id.
    pub process: String,
    /// A number that counts up, or a label.
    pub version: String,
    /// How many tasks it has.
    pub elements: i64,
    /// Where it was read from.
    pub file: String,
    /// When, epoch milliseconds.
    pub deployed_at: i64,
    /// The process's name in the file; `None` without one, and for what was deployed before it was kept.
    #[serde(skip)]
    pub name: Option<String>,
}

/// A process that is to be deployed.
#[derive(Debug, Clone, Copy)]
pub struct NewDeployment<'a> {
    /// The BPMN process id.
    pub process: &'a str,
    /// Its name in the file.
    pub name: Option<&'a str>,
    /// Instead of the next number.
    pub label: Option<&'a str>,
    /// Where it was read from, for people.
    pub file: &'a str,
    /// The file, byte for byte.
    pub body: &'a [u8],
    /// `config` and `errorHandling` by element.
    pub tasks: &'a [(String, Value)],
}

/// Deployments take turns: each one locks this row first.
const TAKE_TURN: &str = "UPDATE revisions SET value = value + 1 WHERE name = 'deployments'";
const VERSIONS: &str = "SELECT version, MAX(sequence) FROM deployed_tasks WHERE process = $1 GROUP BY version";
/// What stands for a version that was removed: its number or label is never given to other content.
const REMOVED: &str = "";
const REMOVE: &str = "DELETE FROM deployed_tasks WHERE process = $1 AND version = $2 AND element <> ''";
const TASKS: &str = "SELECT element, task FROM deployed_tasks WHERE process = $1 AND version = $2 ORDER BY element";
const INSERT: &str = "INSERT INTO deployed_tasks (process, version, element, sequence, task, file, deployed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const INSERT_FILE: &str = "INSERT INTO deployed_files (process, version, body, name) VALUES ($1, $2, $3, $4)";
const REMOVE_FILE: &str = "DELETE FROM deployed_files WHERE process = $1 AND version = $2";

/// Deployed models: the tasks of a process, by version.
#[derive(Debug, Clone, Copy)]
pub struct Models<'a>(pub(super) &'a Inner);

impl Models<'_> {
    /// Stores a process's tasks under the next number, or under `label`; returns the version.
    ///
    /// # Errors
    /// When the label is taken by other content, or the database cannot be reached.
    pub async fn deploy(self, new: &NewDeployment<'_>, entry: &Entry) -> Result<String, Error> {
        let NewDeployment { process, name, label, file, body, tasks } = *new;
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let versions: Vec<(String, i64)> =
                sqlx::query_as(VERSIONS).bind(process).fetch_all(&mut *transaction).await?;
            if let Some(label) = label.filter(|label| versions.iter().any(|(version, _)| version == label)) {
                let known = sqlx::query_as(TASKS).bind(process).bind(label).fetch_all(&mut *transaction).await?;
                return same(process, label, &known, tasks);
            }
            let (version, sequence) = next(label, &versions);
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            for (element, task) in tasks {
                sqlx::query(INSERT)
                    .bind(process).bind(&version).bind(element).bind(sequence).bind(task.to_string()).bind(file).bind(now)
                    .execute(&mut *transaction).await?;
            }
            sqlx::query(INSERT_FILE)
                .bind(process).bind(&version).bind(body).bind(name).execute(&mut *transaction).await?;
            let entry = Entry { target: format!("{process}/{version}"), ..entry.clone() };
            audit::append!(transaction, &entry, now);
            transaction.commit().await?;
            version
        })
    }

    /// All deployments, by process, the newest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<Vec<Deployment>, Error> {
        let statement = "SELECT t.process, t.version, COUNT(*) AS elements, MIN(t.file) AS file,
            MIN(t.deployed_at) AS deployed_at, MIN(f.name) AS name FROM deployed_tasks t
            LEFT JOIN deployed_files f ON f.process = t.process AND f.version = t.version
            WHERE t.element <> '' GROUP BY t.process, t.version ORDER BY t.process, MAX(t.sequence) DESC";
        on!(&self.0.database, read db => sqlx::query_as(statement).fetch_all(db).await?)
    }

    /// The task of an element, of a version or the newest one, and which version that is.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find_task(
        self,
        process: &str,
        version: Option<&str>,
        element: &str,
    ) -> Result<Option<(String, Value)>, Error> {
        // The newest version decides, also when it no longer has the element.
        let statement =
            "SELECT version, task FROM deployed_tasks WHERE process = $1 AND element = $2 AND version = COALESCE($3,
            (SELECT version FROM deployed_tasks WHERE process = $1 AND element <> '' ORDER BY sequence DESC LIMIT 1))";
        let task: Option<(String, String)> = on!(&self.0.database, read db => sqlx::query_as(statement)
            .bind(process).bind(element).bind(version).fetch_optional(db).await?)?;
        task.map(|(version, text)| Ok((version, read(&text)?))).transpose()
    }

    /// All tasks of a version, by element; none when it is not deployed.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn tasks(self, process: &str, version: &str) -> Result<Vec<(String, Value)>, Error> {
        let rows: Vec<(String, String)> = on!(&self.0.database, read db =>
            sqlx::query_as(TASKS).bind(process).bind(version).fetch_all(db).await?)?;
        let rows = rows.into_iter().filter(|(element, _)| element != REMOVED);
        rows.map(|(element, task)| Ok((element, read(&task)?))).collect()
    }

    /// The file of a version as it was deployed; `None` for one that was deployed before files were kept.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn file(self, process: &str, version: &str) -> Result<Option<Vec<u8>>, Error> {
        let statement = "SELECT body FROM deployed_files WHERE process = $1 AND version = $2";
        on!(&self.0.database, read db =>
            sqlx::query_scalar(statement).bind(process).bind(version).fetch_optional(db).await?)
    }

    /// Removes a version, whose name is not given again; whether it was there.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove(self, process: &str, version: &str, entry: &Entry) -> Result<bool, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
            let versions: Vec<(String, i64)> =
                sqlx::query_as(VERSIONS).bind(process).fetch_all(&mut *transaction).await?;
            let removed = sqlx::query(REMOVE).bind(process).bind(version).execute(&mut *transaction).await?;
            let Some((_, sequence)) = versions.iter().find(|(known, _)| known == version) else { return Ok(false) };
            if removed.rows_affected() == 0 {
                return Ok(false);
            }
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(INSERT)
                .bind(process).bind(version).bind(REMOVED).bind(sequence).bind("null").bind("").bind(now)
                .execute(&mut *transaction).await?;
            sqlx::query(REMOVE_FILE).bind(process).bind(version).execute(&mut *transaction).await?;
            audit::append!(transaction, entry, now);
            transaction.commit().await?;
            true
        })
    }
}

fn read(task: &str) -> Result<Value, Error> {
    serde_json::from_str(task).map_err(|source| Error::damaged("a deployed task".to_owned(), source))
}

/// The label, or the number of the deployment; a number that somebody used as a label is passed over.
fn next(label: Option<&str>, versions: &[(String, i64)]) -> (String, i64) {
    let last = versions.iter().map(|(_, sequence)| *sequence).max().unwrap_or(0);
    let sequence = last + 1;
    let free = |number: &String| !versions.iter().any(|(version, _)| version == number);
    // One number more than there are versions: one of them is free.
    let candidates = sequence..=sequence + i64::try_from(versions.len()).unwrap_or(i64::MAX - sequence);
    let number = || candidates.map(|number| number.to_string()).find(free).unwrap_or_else(|| sequence.to_string());
    (label.map_or_else(number, ToOwned::to_owned), sequence)
}

/// Deploying the same twice is fine; a label never changes its meaning under running requests.
fn same(process: &str, label: &str, known: &[(String, String)], tasks: &[(String, Value)]) -> Result<String, Error> {
    let mut given: Vec<(String, String)> =
        tasks.iter().map(|(element, task)| (element.clone(), task.to_string())).collect();
    given.sort();
    if known == given {
        return Ok(label.to_owned());
    }
    let what = match known {
        [(element, _)] if element == REMOVED => "was removed",
        _ => "is deployed with other content",
    };
    Err(Error::Contradiction(format!("version {label} of process `{process}` {what}; choose another label")))
}

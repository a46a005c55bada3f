//! What the newest versions of deployed models are configured with, for whoever asks what they use.

use serde_json::Value;

use super::Error;
use super::database::on;
use super::models::Models;

/// An element of the newest version of a process, as it was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestTask {
    /// The BPMN process id.
    pub process: String,
    /// The newest version.
    pub version: String,
    /// The element's id.
    pub element: String,
    /// `config` and `errorHandling`.
    pub task: Value,
}

const NEWEST: &str = "SELECT t.process, t.version, t.element, t.task FROM deployed_tasks t
    JOIN (SELECT process, MAX(sequence) AS sequence FROM deployed_tasks WHERE element <> '' GROUP BY process) n
    ON n.process = t.process AND n.sequence = t.sequence WHERE t.element <> '' ORDER BY t.process, t.element";

impl Models<'_> {
    /// The tasks of the newest version of each process.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn newest_tasks(self) -> Result<Vec<NewestTask>, Error> {
        let rows: Vec<(String, String, String, String)> =
            on!(&self.0.database, read db => sqlx::query_as(NEWEST).fetch_all(db).await?)?;
        let read = |(process, version, element, task): (String, String, String, String)| {
            let task = serde_json::from_str(&task)
                .map_err(|source| Error::damaged(format!("element {element} of process `{process}`"), source))?;
            Ok(NewestTask { process, version, element, task })
        };
        rows.into_iter().map(read).collect()
    }
}

//! Which elements of the newest versions of deployed models use a connector.

use serde_json::{Value, json};

use crate::store::{self, NewestTask, Store, StoredConnector};

/// The elements of a version that use something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The BPMN process id.
    pub process: String,
    /// Its newest version.
    pub version: String,
    /// The ids of the elements.
    pub elements: Vec<String>,
}

/// What the newest versions of all models refer to.
#[derive(Debug)]
pub struct ModelUses(Vec<(String, NewestTask)>);

/// What the newest versions of all models refer to.
///
/// # Errors
/// When the database cannot be reached.
pub async fn of_models(store: &Store) -> Result<ModelUses, store::Error> {
    let tasks = store.models().newest_tasks().await?;
    let referring = tasks.into_iter().filter_map(|task| Some((reference(&task.task)?, task)));
    Ok(ModelUses(referring.collect()))
}

/// The connector that a deployed task names; its configuration may be a text that a model could not be read from.
fn reference(task: &Value) -> Option<String> {
    match task.get("config")?.get("dataSource")? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl ModelUses {
    /// The elements that name this connector, by process.
    pub fn of(&self, connector: &StoredConnector) -> Vec<Use> {
        let naming = self.0.iter().filter(|(reference, _)| names(reference, connector));
        grouped(naming.map(|(_, task)| task))
    }
}

/// Elements by process and version, in the order in which they come.
pub fn grouped<'a>(tasks: impl Iterator<Item = &'a NewestTask>) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    for task in tasks {
        match uses.iter_mut().find(|one| one.process == task.process && one.version == task.version) {
            Some(one) => one.elements.push(task.element.clone()),
            None => uses.push(Use {
                process: task.process.clone(),
                version: task.version.clone(),
                elements: vec![task.element.clone()],
            }),
        }
    }
    uses
}

/// Whether a reference means this connector: a number is never a name.
fn names(reference: &str, connector: &StoredConnector) -> bool {
    let number = reference.strip_prefix("data_source-").unwrap_or(reference).parse::<i64>();
    match number {
        Ok(number) => number == connector.id,
        Err(_) => reference.eq_ignore_ascii_case(&connector.uuid) || reference == connector.name,
    }
}

impl Use {
    /// As the API answers it.
    pub fn json(&self) -> Value {
        json!({"process": self.process, "version": self.version, "elements": self.elements})
    }
}

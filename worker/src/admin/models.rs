//! Deploying models, and looking at what is deployed (CONTRACT 5).

use bpmn_ext::ConnectorTask;
use serde_json::{Map, Value, json};

use super::{By, Error};
use crate::store::{Deployment, NewDeployment, Store};

/// A process whose tasks were stored.
#[derive(Debug)]
pub struct Deployed {
    /// The BPMN process id.
    pub process: String,
    /// A number that counts up, or the label that was given.
    pub version: String,
    /// How many connector tasks it has.
    pub elements: usize,
}

/// A deployed version of a process with its connector tasks.
#[derive(Debug)]
pub struct Version {
    /// What it is.
    pub deployment: Deployment,
    /// `config` and `errorHandling` by element.
    pub tasks: Map<String, Value>,
}

/// Stores a model's connector tasks, process by process, under the next version or under `label`; `file` is for people,
/// `body` its bytes.
///
/// # Errors
/// When the label is taken by other content, or the database cannot be reached.
pub async fn deploy(
    store: &Store,
    (file, body): (&str, &[u8]),
    tasks: &[ConnectorTask],
    label: Option<&str>,
    by: &By,
) -> Result<Vec<Deployed>, Error> {
    let mut deployed = Vec::new();
    let (model, _) = bpmn_ext::read(body);
    for (process, tasks) in by_process(tasks) {
        let entry = by.entry("model.deployed", process, json!({"elements": tasks.len()}));
        let name = model.processes.iter().find(|known| known.id == process).and_then(|known| known.name.as_deref());
        let new = NewDeployment { process, name, label, file, body, tasks: &tasks };
        let version = store.models().deploy(&new, &entry).await?;
        deployed.push(Deployed { process: process.to_owned(), version, elements: tasks.len() });
    }
    Ok(deployed)
}

/// The tasks of each process as they are stored, in the order in which the model has them.
fn by_process(tasks: &[ConnectorTask]) -> Vec<(&str, Vec<(String, Value)>)> {
    let mut groups: Vec<(&str, Vec<(String, Value)>)> = Vec::new();
    for task in tasks {
        let stored = (task.element.clone(), json!({"config": task.config, "errorHandling": task.error_handling}));
        match groups.iter_mut().find(|(process, _)| *process == task.process) {
            Some((_, group)) => group.push(stored),
            None => groups.push((&task.process, vec![stored])),
        }
    }
    groups
}

/// The deployed versions of a process, or of all, the newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn versions(store: &Store, process: Option<&str>) -> Result<Vec<Deployment>, Error> {
    let all = store.models().list().await?;
    Ok(all.into_iter().filter(|found| process.is_none_or(|process| found.process == process)).collect())
}

/// A deployed version, or the newest one.
///
/// # Errors
/// When it is not deployed, or the database cannot be reached.
pub async fn find(store: &Store, process: &str, version: Option<&str>) -> Result<Version, Error> {
    let known = versions(store, Some(process)).await?;
    let wanted = |found: &&Deployment| version.is_none_or(|version| found.version == version);
    let Some(deployment) = known.iter().find(wanted).cloned() else {
        return Err(not_deployed(process, version, &known));
    };
    let tasks = store.models().tasks(&deployment.process, &deployment.version).await?;
    Ok(Version { deployment, tasks: tasks.into_iter().collect() })
}

/// Removes a version: jobs that still name it fail, and its name is not given again.
///
/// # Errors
/// When it is not deployed, or the database cannot be reached.
pub async fn remove(store: &Store, process: &str, version: &str, by: &By) -> Result<(), Error> {
    let entry = by.entry("model.removed", &format!("{process}/{version}"), json!({}));
    if store.models().remove(process, version, &entry).await? {
        return Ok(());
    }
    Err(not_deployed(process, Some(version), &versions(store, Some(process)).await?))
}

fn not_deployed(process: &str, version: Option<&str>, known: &[Deployment]) -> Error {
    let versions: Vec<&str> = known.iter().map(|found| found.version.as_str()).collect();
    Error::NotFound(match version {
        Some(version) if !versions.is_empty() => {
            format!("version {version} of process `{process}` is not deployed; there are: {}", versions.join(", "))
        }
        _ => format!("nothing of process `{process}` is deployed"),
    })
}

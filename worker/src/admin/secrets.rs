//! Setting and removing named secrets, and what names them.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::connectors::usage::grouped;
use super::{By, Error};
use crate::connector::bound_origin;
use crate::job::is_name;
use crate::plan::{SHORTEST, Secrets};
use crate::store::{NewestTask, SecretRefusal, Store};

/// Whether a secret can have this name and these hosts.
///
/// # Errors
/// What is wrong with them.
pub fn check(name: &str, hosts: &[String]) -> Result<(), Error> {
    if !is_name(name) {
        let problem = format!("`{name}` is no name for a secret; it must be 1 to 64 of A-Z a-z 0-9 _ -");
        return Err(Error::InvalidInput(problem));
    }
    match hosts.iter().find(|host| bound_origin(host).is_none()) {
        Some(host) => {
            let problem = format!(
                "`{host}` is not a host; write api.example.com, api.example.com:8443 or http://api.example.com:8080"
            );
            Err(Error::InvalidInput(problem))
        }
        None => Ok(()),
    }
}

/// What is to be known about a secret that can be set: how far it is protected.
pub fn warnings(value: &SecretString, hosts: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    if value.expose_secret().len() < SHORTEST {
        warnings.push(format!(
            "the value has fewer than {SHORTEST} characters: it cannot be told from ordinary text, and is not masked in answers"
        ));
    }
    if hosts.is_empty() {
        warnings.push("without --host, every process author may have it sent anywhere".to_owned());
    }
    warnings
}

/// Sets a secret: what is absent stays as it is. One that is new needs a value; without hosts it may be sent anywhere.
///
/// # Errors
/// When name, value or hosts cannot be used, or the database cannot be reached.
pub async fn set(
    store: &Store,
    name: &str,
    (value, hosts): (Option<&SecretString>, Option<&[String]>),
    by: &By,
) -> Result<(), Error> {
    check(name, hosts.unwrap_or_default())?;
    if value.is_some_and(|value| value.expose_secret().is_empty()) {
        return Err(Error::InvalidInput(format!("the value of secret `{name}` is empty")));
    }
    let given = [("value", value.is_some()), ("hosts", hosts.is_some())];
    let changed: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(member, _)| *member).collect();
    let entry = |is_new: bool| {
        let action = if is_new { "secret.created" } else { "secret.updated" };
        by.entry(action, name, json!({"changed": changed}))
    };
    match store.secrets().put(name, (value, hosts), entry).await? {
        Ok(()) => Ok(()),
        Err(SecretRefusal::NoValue) => Err(Error::InvalidInput(format!("secret `{name}` is new and needs a value"))),
    }
}

/// Removes a secret.
///
/// # Errors
/// When there is none of this name, or the database cannot be reached.
pub async fn remove(store: &Store, name: &str, by: &By) -> Result<(), Error> {
    if store.secrets().remove(name, &by.entry("secret.deleted", name, json!({}))).await? {
        return Ok(());
    }
    Err(Error::NotFound(format!("there is no secret `{name}`")))
}

/// What names secrets: connectors, and elements of the newest versions of models.
#[derive(Debug, Default)]
pub struct SecretUses {
    /// Id and name of a connector, and the secrets that its record and credentials name.
    connectors: Vec<(i64, String, BTreeSet<String>)>,
    tasks: Vec<(NewestTask, BTreeSet<String>)>,
}

/// Looks for everything that names a secret.
///
/// # Errors
/// When the database cannot be reached.
pub async fn uses(store: &Store) -> Result<SecretUses, Error> {
    let mut connectors = Vec::new();
    for stored in store.connectors().list().await? {
        let mut named = Secrets::named_in(&Value::Object(stored.record.clone()).to_string());
        if stored.has_credentials
            && let Ok(Some(credentials)) = store.connectors().credentials(&stored.uuid).await
        {
            named.extend(Secrets::named_in(&Value::Object(credentials).to_string()));
        }
        if !named.is_empty() {
            connectors.push((stored.id, stored.name, named));
        }
    }
    let tasks = store.models().newest_tasks().await?.into_iter();
    let tasks = tasks.map(|task| {
        let named = Secrets::named_in(&task.task.to_string());
        (task, named)
    });
    Ok(SecretUses { connectors, tasks: tasks.filter(|(_, named)| !named.is_empty()).collect() })
}

impl SecretUses {
    /// What names this secret: connectors by id and name, models by process, version and elements.
    pub fn of(&self, name: &str) -> Vec<Value> {
        let connectors = self.connectors.iter().filter(|(_, _, named)| named.contains(name));
        let mut uses: Vec<Value> = connectors.map(|(id, of, _)| json!({"id": id, "name": of})).collect();
        let tasks = self.tasks.iter().filter(|(_, named)| named.contains(name)).map(|(task, _)| task);
        uses.extend(grouped(tasks).into_iter().map(|one| {
            let mut shown = one.json();
            shown["name"] = json!(one.process);
            shown
        }));
        uses
    }
}

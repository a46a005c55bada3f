//! Setting and removing named secrets.

use secrecy::{ExposeSecret, SecretString};

use super::Error;
use crate::connector::bound_origin;
use crate::job::is_name;
use crate::plan::SHORTEST;
use crate::store::Store;

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

/// Sets a secret, or replaces it whole; without hosts it may be sent anywhere.
///
/// # Errors
/// When name, value or hosts cannot be used, or the database cannot be reached.
pub async fn set(store: &Store, name: &str, value: &SecretString, hosts: &[String]) -> Result<(), Error> {
    check(name, hosts)?;
    if value.expose_secret().is_empty() {
        return Err(Error::InvalidInput(format!("the value of secret `{name}` is empty")));
    }
    Ok(store.secrets().set(name, value, hosts).await?)
}

/// Removes a secret.
///
/// # Errors
/// When there is none of this name, or the database cannot be reached.
pub async fn remove(store: &Store, name: &str) -> Result<(), Error> {
    if store.secrets().remove(name).await? {
        return Ok(());
    }
    Err(Error::NotFound(format!("there is no secret `{name}`")))
}

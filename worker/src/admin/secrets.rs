//! Setting and removing named secrets.

use secrecy::{ExposeSecret, SecretString};

use super::Error;
use crate::job::is_name;
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
    match hosts.iter().find(|host| host.is_empty() || host.contains([',', '/', ' '])) {
        Some(host) => {
            let problem = format!("`{host}` is not a host; write api.example.com or api.example.com:8443");
            Err(Error::InvalidInput(problem))
        }
        None => Ok(()),
    }
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

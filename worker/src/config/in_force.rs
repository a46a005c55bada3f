//! The settings in force, for people: each by its name, where it was set, secrets masked.

use std::collections::BTreeMap;

use config::{Value, ValueKind};
use serde::Serialize;
use url::Url;

/// What the `config` crate calls a value that a variable set.
pub(super) const ENVIRONMENT: &str = "the environment";
/// Shown instead of a secret.
const MASK: &str = "********";
/// Settings that are secrets, and addresses that may hold a password. [`super::Config`] keeps the same ones as `SecretString`.
pub(super) const SECRETS: [&str; 2] = ["vault.key", "vault.old_keys"];
pub(super) const ADDRESSES: [&str; 3] = [ADDRESS_LIST, "database.url", "http.proxy"];
/// The one of them that may be several addresses, separated by commas.
const ADDRESS_LIST: &str = "amqp.url";

/// Where a setting was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file that `--config` names.
    File,
    /// A variable.
    Environment,
    /// The command line.
    Flag,
}

/// One setting as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// `section.key`.
    pub name: String,
    /// Its value, masked where it is a secret.
    pub value: serde_json::Value,
    /// Where it was set.
    pub origin: Origin,
}

/// All settings of `sources`, in the order of their names; `flags` were set on the command line, and what the process made of a
/// default that depends on others stands in `derived`.
pub(super) fn in_force(sources: &Value, flags: &[&str], derived: &BTreeMap<&str, serde_json::Value>) -> Vec<Setting> {
    let mut settings = Vec::new();
    collect("", sources, &mut |name, value| {
        let origin = match value.origin() {
            _ if flags.contains(&name) => Origin::Flag,
            None => Origin::Default,
            Some(ENVIRONMENT) => Origin::Environment,
            Some(_) => Origin::File,
        };
        let value = derived.get(name).cloned().unwrap_or_else(|| json(value));
        settings.push(Setting { value: masked(name, value), name: name.to_owned(), origin });
    });
    settings.sort_by(|one, other| one.name.cmp(&other.name));
    settings
}

fn collect(name: &str, value: &Value, take: &mut impl FnMut(&str, &Value)) {
    let ValueKind::Table(members) = &value.kind else { return take(name, value) };
    for (key, member) in members {
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        collect(&name, member, take);
    }
}

fn json(value: &Value) -> serde_json::Value {
    value.clone().try_deserialize().unwrap_or_default()
}

fn masked(name: &str, value: serde_json::Value) -> serde_json::Value {
    let is_set = !matches!(&value, serde_json::Value::String(text) if text.is_empty())
        && !matches!(&value, serde_json::Value::Array(items) if items.is_empty());
    match value.as_str() {
        _ if SECRETS.contains(&name) && is_set => MASK.into(),
        Some(text) if name == ADDRESS_LIST && is_set => {
            let shown: Option<Vec<String>> = text.split(',').map(|address| without_password(address.trim())).collect();
            shown.map_or_else(|| MASK.to_owned(), |shown| shown.join(",")).into()
        }
        Some(text) if ADDRESSES.contains(&name) && is_set => {
            without_password(text).unwrap_or_else(|| MASK.to_owned()).into()
        }
        _ => value,
    }
}

/// An address without its password and without its query, which may hold another one; nothing where a password may stand in
/// another part: `#`, `/`, `?` or `,` unescaped in a password end the part that it belongs to, so that it is read as a port or a path.
fn without_password(address: &str) -> Option<String> {
    if address.starts_with("sqlite:") {
        return address.split('?').next().map(str::to_owned);
    }
    let mut url = Url::parse(address).ok()?;
    if address.contains('@') && url.username().is_empty() && url.password().is_none() {
        return None;
    }
    url.set_query(None);
    if url.password().is_some() {
        url.set_password(Some(MASK)).ok()?;
    }
    Some(url.into())
}

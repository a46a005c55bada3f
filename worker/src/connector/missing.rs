//! What credentials lack: members that are needed and not there, as opposed to members that are wrong.

use serde_json::{Map, Value, json};

use super::{Credentials, Invalid};

/// What stands for a value that is not told; a stored member with this value was never set.
pub const UNSET: &str = "********";
/// Members that one kind of credentials can need, and a few more.
const MOST: usize = 10;

/// The members that credentials of this `authtype` need and lack, and those that were never set, by name; none when they can be
/// used. What is needed in one of several ways is told by the one that is most usual.
///
/// # Errors
/// What is wrong with the members that are there.
pub fn missing_members(authtype: &str, of: &Map<String, Value>) -> Result<Vec<String>, Invalid> {
    let (mut filled, mut missing) = (of.clone(), unset(of));
    // A member that was never set may be one that is needed: it is told once.
    for name in &missing {
        filled.insert(name.clone(), placeholder(name));
    }
    for _ in 0..MOST {
        let Err(invalid) = Credentials::read(authtype, &filled) else { return Ok(missing) };
        let Some(name) = lacking(authtype, &filled, &invalid) else { return Err(invalid) };
        filled.insert(name.clone(), placeholder(&name));
        missing.push(name);
    }
    Err(Invalid::new("credentials", "lack more than they hold"))
}

fn unset(of: &Map<String, Value>) -> Vec<String> {
    of.iter().filter(|(_, value)| value.as_str() == Some(UNSET)).map(|(name, _)| name.clone()).collect()
}

/// A value that fits a member's rules: for most of them any text does.
fn placeholder(name: &str) -> Value {
    match name {
        "hosts" => json!(["example.com"]),
        "verify_certificate" => json!(true),
        "expired_statuses" => json!("403"),
        "client_auth" => json!("basic"),
        "in" => json!("header"),
        _ => json!("https://example.com/"),
    }
}

/// The member that a problem is about, where the problem is that it is not there.
fn lacking(authtype: &str, of: &Map<String, Value>, invalid: &Invalid) -> Option<String> {
    let is_blank = |name: &str| match of.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    if let Some(name) = invalid.path.strip_prefix("credentials.") {
        return is_blank(name).then(|| name.to_owned());
    }
    if invalid.path != "credentials" {
        return None;
    }
    // Kinds that need one of several members say so of the whole.
    let ways: &[&str] = match authtype {
        "OAUTH2_CLIENT_CREDENTIALS" => &["client_secret", "private_key", "client_certificate"],
        "HEADERS" => return of.keys().all(|name| is_common(name)).then(|| "Authorization".to_owned()),
        _ => return None,
    };
    if ways.iter().all(|name| is_blank(name)) { ways.first().map(|name| (*name).to_owned()) } else { None }
}

/// Members that any kind takes and that are no header.
fn is_common(name: &str) -> bool {
    ["verify_certificate", "hosts", "client_certificate", "client_key"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_apart_from_what_is_wrong() {
        for (authtype, members, missing) in [
            ("NONE", json!({}), Some(vec![])),
            ("BASIC", json!({"username": "u", "password": "p"}), Some(vec![])),
            ("BASIC", json!({"username": "u", "password": UNSET, "hosts": UNSET}), Some(vec!["password", "hosts"])),
            (
                "OAUTH2_PASSWORD",
                json!({"url": UNSET, "client_id": "c", "username": "u"}),
                Some(vec!["url", "password"]),
            ),
            ("OAUTH2_BEARER", json!({}), Some(vec!["token"])),
            ("API_KEY", json!({"name": "X-Key"}), Some(vec!["value"])),
            ("OAUTH2_CLIENT_CREDENTIALS", json!({"client_id": "c"}), Some(vec!["url", "client_secret"])),
            ("AWS_SIGV4", json!({"region": "r", "service": "s"}), Some(vec!["access_key_id", "secret_access_key"])),
            ("HEADERS", json!({"hosts": ["a.example"]}), Some(vec!["Authorization"])),
            ("OAUTH2_PASSWORD", json!({"url": "nonsense"}), None),
            ("OAUTH2_BEARER", json!({"token": "t", "tokn": "t"}), None),
            ("NONSENSE", json!({}), None),
        ] {
            let Value::Object(members) = members else { unreachable!() };
            let found = missing_members(authtype, &members).ok();
            let missing = missing.map(|names| names.into_iter().map(ToOwned::to_owned).collect::<Vec<String>>());
            assert_eq!(found, missing, "{authtype} {members:?}");
        }
    }
}

//! What becomes of credentials when a record is written: masked members keep what is stored, and the whole must fit `authtype`.

use serde_json::{Map, Value};

use crate::connector::{Credentials, Invalid, missing_members};

/// What stands for a value that is not told.
pub use crate::connector::UNSET as MASK;

/// Members that are no secrets.
const SETTINGS: [&str; 11] = [
    "hosts",
    "verify_certificate",
    "url",
    "authorize_url",
    "scope",
    "audience",
    "client_auth",
    "in",
    "name",
    "region",
    "service",
];
/// One more of them, which is about answers.
const EXPIRED: &str = "expired_statuses";

/// The credentials that a record has after it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merged {
    /// The whole; `None` for none.
    pub(super) credentials: Option<Map<String, Value>>,
    /// They are not the ones that were stored.
    pub(super) changed: bool,
    /// Members that calls need and that are not there.
    pub(super) missing: Vec<String>,
}

/// What a caller gave, over what is stored: an object replaces, its masked members stay; text, null and absence keep all; an
/// empty object removes. `incomplete` lets members be missing.
///
/// # Errors
/// The members that cannot be kept or used.
pub(super) fn merged(
    given: Option<&Value>,
    stored: Option<&Map<String, Value>>,
    authtype: &str,
    incomplete: bool,
) -> Result<Merged, Vec<Invalid>> {
    let mut left_out = Vec::new();
    let credentials = match given {
        None | Some(Value::Null | Value::String(_)) => stored.cloned(),
        Some(Value::Array(list)) if list.is_empty() => None,
        Some(Value::Object(members)) if members.is_empty() => None,
        Some(Value::Object(members)) => {
            let mut whole = Map::new();
            for (name, value) in members {
                let kept = stored.and_then(|stored| stored.get(name)).filter(|kept| *kept != MASK);
                match (value.as_str() == Some(MASK), kept) {
                    (false, _) => drop(whole.insert(name.clone(), value.clone())),
                    (true, Some(kept)) => drop(whole.insert(name.clone(), kept.clone())),
                    (true, None) => {
                        left_out.push(name.clone());
                        // Kept as one that was never set, so that nothing is sent without it.
                        whole.insert(name.clone(), value.clone());
                    }
                }
            }
            Some(whole).filter(|whole| whole.values().any(|value| value != MASK))
        }
        Some(_) => return Err(vec![Invalid::new("credentials", "must be an object")]),
    };
    if !left_out.is_empty() && !incomplete {
        let unknown = |name: &String| {
            Invalid::new(
                format!("credentials.{name}"),
                format!("is {MASK}, and there is no stored value that it could keep"),
            )
        };
        return Err(left_out.iter().map(unknown).collect());
    }
    let members = credentials.clone().unwrap_or_default();
    let mut missing = Vec::new();
    if incomplete {
        missing = missing_members(authtype, &members).map_err(|invalid| vec![invalid])?;
    } else {
        Credentials::read(authtype, &members).map_err(|invalid| vec![invalid])?;
    }
    Ok(Merged { changed: credentials.as_ref() != stored, credentials, missing })
}

/// The members that are no secrets, as they are; for templates of headers there are none.
pub fn settings(authtype: &str, credentials: &Map<String, Value>) -> Map<String, Value> {
    let is_setting = |name: &str| match authtype {
        // Each of its members is a header, whatever it is called.
        "HEADERS" => matches!(name, "hosts" | "verify_certificate"),
        _ => name == EXPIRED || SETTINGS.contains(&name),
    };
    let shown = credentials.iter().filter(|(name, value)| is_setting(name) && *value != MASK);
    shown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_given_replaces_and_what_is_masked_stays() {
        let stored = object(json!({"username": "u", "password": "p"}));
        for (given, becomes) in [
            (json!({"username": "v", "password": MASK}), Ok(Some(json!({"username": "v", "password": "p"})))),
            (json!({"username": MASK, "password": MASK}), Ok(Some(json!({"username": "u", "password": "p"})))),
            (json!(MASK), Ok(Some(json!({"username": "u", "password": "p"})))),
            (json!(null), Ok(Some(json!({"username": "u", "password": "p"})))),
            (json!({"username": "v"}), Ok(Some(json!({"username": "v"})))),
            (json!({"password": "", "username": ""}), Err(vec!["credentials.username"])),
            (
                json!({"username": "v", "password": "w", "token": MASK, "x": MASK}),
                Err(vec!["credentials.token", "credentials.x"]),
            ),
            (json!({}), Err(vec!["credentials.username"])),
            (json!(1), Err(vec!["credentials"])),
        ] {
            let merged = merged(Some(&given), Some(&stored), "BASIC", false);
            let paths = |all: Vec<Invalid>| all.into_iter().map(|invalid| invalid.path).collect::<Vec<_>>();
            let found = merged.map(|merged| merged.credentials.map(Value::Object)).map_err(paths);
            assert_eq!(
                found,
                becomes.map_err(|all: Vec<&str>| all.into_iter().map(ToOwned::to_owned).collect()),
                "{given}"
            );
        }
        let removed = merged(Some(&json!({})), Some(&stored), "NONE", false).unwrap();
        assert_eq!((removed.credentials, removed.changed), (None, true));
        let kept = merged(None, Some(&stored), "BASIC", false).unwrap();
        assert!(!kept.changed);
    }

    #[test]
    fn incomplete_ones_say_what_they_lack_and_nothing_wrong_passes() {
        let lacking = |given: Value, authtype| merged(Some(&given), None, authtype, true).map(|merged| merged.missing);
        assert_eq!(lacking(json!({"username": "u", "password": MASK}), "BASIC"), Ok(vec!["password".to_owned()]));
        assert_eq!(lacking(json!(null), "OAUTH2_BEARER"), Ok(vec!["token".to_owned()]));
        assert!(lacking(json!({"token": "t", "tokn": 1}), "OAUTH2_BEARER").is_err());
    }

    #[test]
    fn settings_hold_no_secret() {
        let all = object(json!({
            "hosts": ["a.example"], "url": "https://a.example/token", "client_id": "c", "client_secret": "s", "value": "v",
            "name": "X-Key", "password": "p", "token": "t", "expired_statuses": "403",
        }));
        let names: Vec<String> = settings("API_KEY", &all).keys().cloned().collect();
        assert_eq!(names, ["hosts", "url", "name", "expired_statuses"]);
        assert!(settings("HEADERS", &object(json!({"name": "secret", "url": "secret"}))).is_empty());
    }
}

//! Credentials as they are typed in and kept sealed (sheet 4.2, CONTRACT 7).

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::Invalid;
use super::spelling::{flag, member, required_text};

/// How a connector proves who is asking.
#[derive(Debug, Clone)]
pub enum Scheme {
    /// `NONE`.
    None,
    /// `BASIC`.
    Basic {
        /// `username`.
        username: String,
        /// `password`.
        password: SecretString,
    },
    /// `OAUTH2_BEARER`.
    Bearer {
        /// `token`.
        token: SecretString,
    },
}

/// A connector's credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// How it proves who is asking.
    pub scheme: Scheme,
    /// `verify_certificate`; true unless said otherwise.
    pub verify_certificate: bool,
    /// `hosts`: where the credential may be sent; empty means anywhere the connector points to.
    pub hosts: Vec<String>,
}

impl Credentials {
    /// Reads `authtype` and `credentials` of a record.
    ///
    /// # Errors
    /// An unknown `authtype`, a missing member, or a member that only later versions know. Never quotes a value.
    pub fn read(authtype: &str, of: &Map<String, Value>) -> Result<Self, Invalid> {
        let place = "credentials";
        for unknown in ["client_certificate", "client_key"] {
            if of.get(unknown).is_some_and(|v| !v.is_null()) {
                return Err(Invalid::new(member(place, unknown), "is not supported by this version"));
            }
        }
        let secret = |name: &str| required_text(of, name, place).map(SecretString::from);
        let scheme = match authtype {
            "" | "NONE" => Scheme::None,
            "BASIC" => Scheme::Basic { username: required_text(of, "username", place)?, password: secret("password")? },
            "OAUTH2_BEARER" => Scheme::Bearer { token: secret("token")? },
            other => {
                let problem = format!("`{other}` is not supported by this version; write NONE, BASIC or OAUTH2_BEARER");
                return Err(Invalid::new("authtype", problem));
            }
        };
        Ok(Self {
            scheme,
            verify_certificate: flag(of, "verify_certificate", place)?.unwrap_or(true),
            hosts: hosts(of, place)?,
        })
    }

    /// Whether the credential may be sent to `host` (and `port`, where the list names one).
    pub fn may_go_to(&self, host: &str, port: Option<u16>) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|allowed| {
                allowed.eq_ignore_ascii_case(host)
                    || port.is_some_and(|port| allowed.eq_ignore_ascii_case(&format!("{host}:{port}")))
            })
    }
}

fn hosts(of: &Map<String, Value>, place: &str) -> Result<Vec<String>, Invalid> {
    let wrong = || Invalid::new(member(place, "hosts"), "must be a list of host names");
    match of.get("hosts") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(one.split(',').map(|h| h.trim().to_owned()).collect()),
        Some(Value::Array(list)) => {
            list.iter().map(|host| host.as_str().map(ToOwned::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

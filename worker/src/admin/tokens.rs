//! Access tokens of the API: making, listing and revoking them (API 3).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{By, Error};
use crate::clock;
use crate::store::{self, NewToken, NewTokenError, Store, Token};

/// What all tokens begin with.
const PREFIX: &str = "dct_";
/// The name of the token that the first start makes.
const FIRST: &str = "admin";
/// The longest name, characters.
const LONGEST_NAME: usize = 255;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See connectors, categories, jobs, dead letters, models; lint.
    Read,
    /// Run connectors; see and cancel jobs that the same caller made.
    Execute,
    /// Both, and change all that.
    Manage,
    /// Everything, tokens and audit too.
    Admin,
}

/// All scopes, the weakest first.
pub const SCOPES: [Scope; 4] = [Scope::Read, Scope::Execute, Scope::Manage, Scope::Admin];

impl Scope {
    /// As tokens name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Execute => "execute",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }

    /// Whether a token of this scope may do what needs `needed`.
    pub fn covers(self, needed: Self) -> bool {
        match self {
            Self::Admin => true,
            Self::Manage => needed != Self::Admin,
            Self::Read | Self::Execute => self == needed,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        SCOPES.into_iter().find(|scope| scope.name() == text).ok_or(())
    }
}

/// A token that somebody asks for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Unique among those that are valid.
    pub name: String,
    /// At least one.
    pub scopes: Vec<Scope>,
    /// References of connectors that it is limited to: uuids, numbers or names.
    pub connectors: Option<Vec<String>>,
    /// Epoch milliseconds.
    pub expires_at: Option<i64>,
}

/// A token that was made; its secret is shown once.
#[derive(Debug)]
pub struct CreatedToken {
    /// `dct_…`
    pub secret: String,
    /// Its row.
    pub token: Token,
}

/// Why a token is not made: which member, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A member that cannot be used.
    #[error("{message}")]
    Invalid {
        /// `name`, `scopes`, `connectors` or `expires_at`.
        member: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl CreateError {
    fn invalid(member: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { member, message: message.into() }
    }
}

/// Makes a token.
///
/// # Errors
/// When a member cannot be used, or the database cannot be reached.
pub async fn create(store: &Store, request: TokenRequest, by: &By) -> Result<CreatedToken, CreateError> {
    let TokenRequest { name, mut scopes, connectors, expires_at } = request;
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(CreateError::invalid(
            "name",
            format!("a name has 1 to {LONGEST_NAME} characters and no control characters"),
        ));
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(CreateError::invalid("scopes", "a token needs a scope: read, execute, manage or admin"));
    }
    if expires_at.is_some_and(|end| end <= clock::now_ms()) {
        return Err(CreateError::invalid("expires_at", "this time has passed; name one in the future"));
    }
    let connectors = match connectors {
        None => None,
        Some(_) if scopes.contains(&Scope::Admin) => {
            return Err(CreateError::invalid(
                "connectors",
                "a token with the scope admin cannot be limited to connectors",
            ));
        }
        Some(references) if references.is_empty() => {
            return Err(CreateError::invalid(
                "connectors",
                "name a connector, or leave connectors out for all of them",
            ));
        }
        Some(references) => Some(uuids(store, &references).await?),
    };
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let new = NewToken { name, scopes: scopes.join(" "), connectors, expires_at };
    let secret = secret()?;
    let entry = by.entry("token.created", "", json!({"name": new.name, "scopes": scopes}));
    match store.tokens().create(&new, &store::token_hash(&secret), entry).await {
        Ok(token) => Ok(CreatedToken { secret, token }),
        Err(NewTokenError::Store(error)) => Err(error.into()),
        Err(taken @ NewTokenError::NameTaken(_)) => Err(CreateError::invalid("name", taken.to_string())),
    }
}

/// Makes the token for an administrator on a database that never had a token; returns its secret.
///
/// # Errors
/// When the database cannot be reached.
pub async fn create_first(store: &Store, by: &By) -> Result<Option<String>, store::Error> {
    let new =
        NewToken { name: FIRST.to_owned(), scopes: Scope::Admin.name().to_owned(), connectors: None, expires_at: None };
    let secret = secret()?;
    let entry = by.entry("token.created", "", json!({"name": new.name, "scopes": [new.scopes]}));
    let created = store.tokens().create_first(&new, &store::token_hash(&secret), entry).await?;
    Ok(created.map(|_| secret))
}

/// The token with this id, else the valid one with this name, else the newest one with it.
///
/// # Errors
/// When there is none, or the database cannot be reached.
pub async fn find(store: &Store, reference: &str) -> Result<Token, Error> {
    let tokens = store.tokens().list().await?;
    let by_id = tokens.iter().find(|token| token.id.to_string() == reference);
    let mut named: Vec<&Token> = tokens.iter().filter(|token| token.name == reference).collect();
    named.sort_by_key(|token| (token.revoked_at.is_some(), -token.id));
    let found = by_id.or_else(|| named.first().copied());
    found.cloned().ok_or_else(|| Error::NotFound(format!("there is no token `{reference}`")))
}

/// Revokes a token; whether it was not revoked before.
///
/// # Errors
/// When the database cannot be reached.
pub async fn revoke(store: &Store, token: &Token, by: &By) -> Result<bool, Error> {
    let entry = by.entry("token.revoked", &token.id.to_string(), json!({"name": token.name}));
    Ok(store.tokens().revoke(token.id, &entry).await?)
}

/// Whether a token is valid at `now`, epoch milliseconds, and may do this with the connector of this uuid.
pub fn may(token: &Token, scope: Scope, connector: &str, now: i64) -> bool {
    let is_valid = token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now);
    let limit: Option<Vec<String>> =
        token.connectors.as_deref().map(|list| serde_json::from_str(list).unwrap_or_default());
    let may_see = limit.is_none_or(|limit| limit.iter().any(|own| own.eq_ignore_ascii_case(connector)));
    let scopes = token.scopes.split(' ').filter_map(|own| own.parse::<Scope>().ok());
    is_valid && may_see && scopes.into_iter().any(|own| own.covers(scope))
}

/// A token as API and command line show it, without its secret.
pub fn shown(token: &Token) -> Value {
    let time = |at: Option<i64>| at.map(clock::rfc3339);
    let connectors: Value =
        token.connectors.as_deref().and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    let scopes: Vec<&str> = token.scopes.split(' ').collect();
    json!({
        "id": token.id, "name": token.name, "scopes": scopes, "connectors": connectors, "created_by": token.created_by,
        "created_at": clock::rfc3339(token.created_at), "expires_at": time(token.expires_at),
        "last_used_at": time(token.last_used_at), "revoked_at": time(token.revoked_at),
    })
}

/// The uuids of connectors that references name, as a JSON list.
async fn uuids(store: &Store, references: &[String]) -> Result<String, CreateError> {
    let mut uuids = Vec::new();
    for reference in references {
        let found = store.connectors().find(reference).await?;
        let missing = || CreateError::invalid("connectors", format!("there is no connector `{reference}`"));
        uuids.push(found.ok_or_else(missing)?.uuid);
    }
    uuids.sort();
    uuids.dedup();
    Ok(json!(uuids).to_string())
}

/// 32 random bytes behind the prefix, 47 characters in all.
fn secret() -> Result<String, store::Error> {
    let mut bytes = [0; 32];
    let failed = |error| store::Error::Key(format!("the system gives no random numbers: {error}"));
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cover_what_they_say() {
        use Scope::{Admin, Execute, Manage, Read};
        for (own, covered) in [
            (Read, vec![Read]),
            (Execute, vec![Execute]),
            (Manage, vec![Read, Execute, Manage]),
            (Admin, SCOPES.to_vec()),
        ] {
            let found: Vec<Scope> = SCOPES.into_iter().filter(|needed| own.covers(*needed)).collect();
            assert_eq!(found, covered, "{own}");
        }
    }
}

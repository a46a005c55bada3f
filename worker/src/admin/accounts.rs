//! Connecting accounts of third parties: a browser is sent to an authorization server and comes back with a code (API 8;
//! RFC 6749, 4.1; RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use url::Url;

use super::By;
use super::connectors::authtype;
use super::tokens::{self, Scope};
use crate::call::ResolvedConnector;
use crate::clock;
use crate::connector::{AUTHORIZATION_CODE, Grant, Invalid, OAuth2};
use crate::http::{AuthorizationCode, Client, ConnectedAccount};
use crate::job::Failure;
use crate::plan::{CredentialId, PreparedCredentials};
use crate::store::{self, Account, AccountRequest, RefreshToken, Store, StoredConnector};

/// How long somebody may take at the third party.
pub const EXPIRES_IN: Duration = Duration::from_mins(10);
/// How long the exchange of a code may take.
const EXCHANGE: Duration = Duration::from_secs(15);
/// The longest scope that is kept, characters.
const LONGEST_SCOPE: usize = 4_096;

/// Who wants to connect an account, and where their browser goes.
#[derive(Debug, Clone)]
pub struct Away {
    /// As the audit log names them.
    pub actor: String,
    /// When their token ends, epoch milliseconds.
    pub until: Option<i64>,
    /// Where the browser comes back to with the code.
    pub redirect_uri: Url,
    /// Where it goes in the end.
    pub return_url: Option<Url>,
}

/// Why nobody is sent anywhere.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What of the connector cannot be used.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The database, or a key.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a browser brought back.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    /// `state`.
    pub state: String,
    /// `code`, unless the server says `error`.
    pub code: Option<SecretString>,
}

/// What became of a browser that came back.
#[derive(Debug)]
pub struct Finished {
    /// Where it goes now.
    pub return_url: Option<String>,
    /// Whether an account is connected now.
    pub is_connected: bool,
}

/// Why no account was connected.
#[derive(Debug, thiserror::Error)]
enum NotConnected {
    #[error("the state was used before")]
    Used,
    #[error("the state is older than ten minutes")]
    Old,
    #[error("whoever asked for it may not do so any more")]
    RightLost,
    #[error("the connector's credentials are not those any more that it was asked for with")]
    Changed,
    #[error("the third party gave no code")]
    NoCode,
    #[error("{}", .0.message)]
    Refused(Box<Failure>),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Where a browser has to go so that somebody connects an account of the third party; what it needs to come back is stored.
///
/// # Errors
/// When the connector does not call in the name of an account, or lacks what that takes.
pub async fn begin(store: &Store, connector: &StoredConnector, away: Away) -> Result<Url, Refusal> {
    let credentials = prepared(store, connector).await?;
    let (oauth, page) = credentials.oauth().and_then(authorize_url).ok_or_else(not_an_account)?;
    let (state, verifier) = (random()?, random()?);
    let Away { actor, until, redirect_uri, return_url } = away;
    let url = sent_to(page, oauth, &redirect_uri, (&state, &verifier));
    let request = AccountRequest {
        connector: connector.uuid.clone(),
        credentials_version: connector.credentials_version,
        actor,
        actor_until: until,
        return_url: return_url.map(String::from),
        verifier,
        redirect_uri: redirect_uri.into(),
    };
    store.accounts().send(&state, &request).await?;
    Ok(url)
}

/// The page on which an account is connected, with everything that the server has to know.
fn sent_to(page: &Url, oauth: &OAuth2, back: &Url, (state, verifier): (&SecretString, &SecretString)) -> Url {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()));
    let mut own =
        vec![("response_type", "code"), ("client_id", oauth.client_id.as_str()), ("redirect_uri", back.as_str())];
    own.extend(oauth.scope.as_deref().map(|scope| ("scope", scope)));
    own.extend(oauth.audience.as_deref().map(|audience| ("audience", audience)));
    own.extend([
        ("state", state.expose_secret()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    let mut url = page.clone();
    url.set_fragment(None);
    // What the designer wrote into the URL stays, unless it would be there twice.
    let kept: Vec<(String, String)> = page
        .query_pairs()
        .filter(|(name, _)| !own.iter().any(|(own, _)| own == name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(own);
    url
}

/// Takes what a browser brought back, and exchanges the code for the tokens of the account; `None` where the state is not known.
///
/// # Errors
/// When the database cannot be reached.
pub async fn finish(
    store: &Store,
    client: &Client,
    returned: Returned,
    request_id: &str,
) -> Result<Option<Finished>, store::Error> {
    let Some(taken) = store.accounts().take(&returned.state).await? else { return Ok(None) };
    let request = taken.request;
    let connected = if taken.was_used {
        Err(NotConnected::Used)
    } else if u128::try_from(taken.age).is_ok_and(|age| age > EXPIRES_IN.as_millis()) {
        Err(NotConnected::Old)
    } else {
        connect(store, client, (&request, returned.code), request_id).await
    };
    match &connected {
        Ok(()) => {}
        Err(NotConnected::Store(error)) => return Err(error.clone()),
        Err(reason) => tracing::warn!(connector = request.connector, %reason, "an account was not connected"),
    }
    Ok(Some(Finished { return_url: request.return_url, is_connected: connected.is_ok() }))
}

async fn connect(
    store: &Store,
    client: &Client,
    (request, code): (&AccountRequest, Option<SecretString>),
    request_id: &str,
) -> Result<(), NotConnected> {
    if !may_still(store, request).await? {
        return Err(NotConnected::RightLost);
    }
    let found = store.connectors().find(&request.connector).await?;
    let is_same = |found: &StoredConnector| found.credentials_version == request.credentials_version;
    let connector = found.filter(is_same).ok_or(NotConnected::Changed)?;
    let credentials = prepared(store, &connector).await.map_err(|refusal| match refusal {
        Refusal::Invalid(_) => NotConnected::Changed,
        Refusal::Store(error) => error.into(),
    })?;
    let (Some(oauth), Some(asking)) = (credentials.oauth(), credentials.token_request(EXCHANGE)) else {
        return Err(NotConnected::Changed);
    };
    let redirect_uri = Url::parse(&request.redirect_uri).map_err(|_| NotConnected::Changed)?;
    let verifier = request.verifier.clone();
    let code = AuthorizationCode { code: code.ok_or(NotConnected::NoCode)?, verifier, redirect_uri };
    let exchanged = client.exchange_code(asking, &code).await;
    let ConnectedAccount { tokens, scope } = exchanged.map_err(|failure| NotConnected::Refused(Box::new(failure)))?;
    let tokens = RefreshToken {
        refresh_token: tokens.refresh_token,
        access_token: tokens.access_token,
        lifetime: tokens.lifetime,
    };
    let scope = scope.as_deref().map(printable).or_else(|| oauth.scope.clone());
    let by = By { actor: request.actor.clone(), request_id: Some(request_id.to_owned()) };
    let entry = by.entry("account.connected", &connector.uuid, json!({}));
    let version = (connector.uuid.as_str(), connector.credentials_version);
    let settings = oauth.settings_hash();
    let is_stored = store.accounts().connect(version, (&settings, scope.as_deref()), &tokens, &entry).await?;
    if is_stored { Ok(()) } else { Err(NotConnected::Changed) }
}

/// Whether whoever asked may still change the connector. What an identity provider says of somebody cannot be looked up again:
/// it holds until their token ends.
async fn may_still(store: &Store, request: &AccountRequest) -> Result<bool, store::Error> {
    let now = clock::now_ms();
    let Some(id) = request.actor.strip_prefix("token:").and_then(|id| id.parse().ok()) else {
        return Ok(request.actor_until.is_some_and(|until| until > now));
    };
    let token = store.tokens().find(id).await?;
    Ok(token.is_some_and(|token| tokens::may(&token, Scope::Manage, &request.connector, now)))
}

/// The account that calls of a connector are made in the name of; `None` while there is none.
///
/// # Errors
/// When the database cannot be reached.
pub async fn connected(store: &Store, connector: &StoredConnector) -> Result<Option<Account>, store::Error> {
    let Some(account) = store.accounts().find(&connector.uuid).await? else { return Ok(None) };
    match prepared(store, connector).await {
        Ok(credentials) => {
            Ok(credentials.oauth().is_some_and(|oauth| oauth.settings_hash() == account.settings).then_some(account))
        }
        Err(Refusal::Invalid(_) | Refusal::Store(store::Error::Decrypt(_))) => Ok(None),
        Err(Refusal::Store(error)) => Err(error),
    }
}

/// Forgets the account of a connector, if there is one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn disconnect(store: &Store, connector: &StoredConnector, by: &By) -> Result<(), store::Error> {
    let entry = by.entry("account.disconnected", &connector.uuid, json!({}));
    store.accounts().disconnect(&connector.uuid, &entry).await.map(drop)
}

/// An account as the API shows it.
pub fn shown(account: Option<&Account>) -> Value {
    json!({
        "connected": account.is_some(), "connected_at": account.map(|account| clock::rfc3339(account.connected_at)),
        "scope": account.and_then(|account| account.scope.as_deref()),
    })
}

/// The credentials of a connector that calls in the name of an account.
async fn prepared(store: &Store, connector: &StoredConnector) -> Result<PreparedCredentials, Refusal> {
    if authtype(&connector.record) != AUTHORIZATION_CODE {
        return Err(not_an_account().into());
    }
    let credentials: Map<String, Value> = store.connectors().credentials(&connector.uuid).await?.unwrap_or_default();
    let id = CredentialId { connector: connector.uuid.clone(), version: connector.credentials_version };
    let resolved = ResolvedConnector::new(&connector.record, &credentials, id);
    if let Some(lacking) = resolved.lacking.first() {
        return Err(Invalid::new(format!("credentials.{lacking}"), "is missing; set it first").into());
    }
    Ok(resolved.credentials?)
}

fn authorize_url(oauth: &OAuth2) -> Option<(&OAuth2, &Url)> {
    match &oauth.grant {
        Grant::Account { authorize_url, .. } => Some((oauth, authorize_url)),
        Grant::Password { .. } | Grant::ClientCredentials | Grant::Refresh { .. } => None,
    }
}

fn not_an_account() -> Invalid {
    Invalid::new("authtype", format!("must be {AUTHORIZATION_CODE}, for which an account is connected"))
}

/// A scope as it can be stored and shown.
fn printable(scope: &str) -> String {
    scope.chars().filter(|c| !c.is_control()).take(LONGEST_SCOPE).collect()
}

/// 256 random bits.
fn random() -> Result<SecretString, store::Error> {
    let mut bytes = [0; 32];
    let failed = |error| store::Error::Key(format!("the system gives no random numbers: {error}"));
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{Credentials, Scheme};

    #[test]
    fn the_page_is_asked_with_everything_once() {
        let Value::Object(members) = json!({
            "authorize_url": "https://a.example/authorize?prompt=consent&state=old#top", "url": "https://a.example/token",
            "client_id": "me & you", "scope": "read write",
        }) else {
            unreachable!()
        };
        let Scheme::OAuth2(oauth) = Credentials::read(AUTHORIZATION_CODE, &members).unwrap().scheme else { panic!() };
        let (_, page) = authorize_url(&oauth).unwrap();
        let back = Url::parse("http://127.0.0.1:8080/api/1.0/oauth/callback").unwrap();
        // The verifier and the challenge of RFC 7636, appendix B.
        let secrets = (SecretString::from("s"), SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        let url = sent_to(page, &oauth, &back, (&secrets.0, &secrets.1));
        assert_eq!(
            url.as_str(),
            "https://a.example/authorize?prompt=consent&response_type=code&client_id=me+%26+you&redirect_uri=\
             http%3A%2F%2F127.0.0.1%3A8080%2Fapi%2F1.0%2Foauth%2Fcallback&scope=read+write&state=s&\
             code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        );
    }
}

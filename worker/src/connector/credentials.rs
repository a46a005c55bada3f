//! Credentials as people enter them; they are stored encrypted (COMPATIBILITY 4.2, CONTRACT 7).
//!
//! Knows which members each `authtype` takes; must not know how a credential is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::{Origin, Url, form_urlencoded};

use super::lenient::Reader;
use super::{Invalid, StatusList};
use crate::job::hex;

/// How a connector authenticates.
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
    /// `API_KEY`.
    ApiKey {
        /// `in`.
        location: KeyLocation,
        /// `name`.
        name: String,
        /// `value`.
        value: SecretString,
    },
    /// `DIGEST`, RFC 7616.
    Digest {
        /// `username`.
        username: String,
        /// `password`.
        password: SecretString,
    },
    /// `AWS_SIGV4`.
    Aws(AwsKeys),
    /// `HEADERS`: header names and their templates.
    Headers(Vec<(String, SecretString)>),
    /// `OAUTH2_PASSWORD`, `OAUTH2_CLIENT_CREDENTIALS`, `OAUTH2_REFRESH`, `OAUTH2_AUTHORIZATION_CODE`.
    OAuth2(Box<OAuth2>),
}

/// `in` of an `API_KEY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLocation {
    /// A header, the default.
    Header,
    /// A query parameter.
    Query,
}

/// `AWS_SIGV4`.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// `access_key_id`.
    pub access_key_id: String,
    /// `secret_access_key`.
    pub secret_access_key: SecretString,
    /// `session_token`, of temporary keys.
    pub session_token: Option<SecretString>,
    /// `region`.
    pub region: String,
    /// `service`.
    pub service: String,
}

/// Where a token comes from, and for what (RFC 6749).
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// `url`: the token endpoint; http or https.
    pub url: Url,
    /// `client_id`.
    pub client_id: String,
    /// How the client proves itself there.
    pub client: ClientProof,
    /// `scope`.
    pub scope: Option<String>,
    /// `audience`.
    pub audience: Option<String>,
    /// What a token is requested with.
    pub grant: Grant,
    /// Further members, which go to the token endpoint as they are.
    pub further: Vec<(String, String)>,
    /// `expired_statuses`: what means an expired token at the third party, in addition to 401.
    pub expired: Option<StatusList>,
}

impl OAuth2 {
    /// `client_id` and a `client_secret` as Basic authentication carries them: both are form-encoded first (RFC 6749, 2.3.1).
    pub fn basic_pair(&self, secret: &SecretString) -> SecretString {
        let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        STANDARD.encode(format!("{}:{}", part(&self.client_id), part(secret.expose_secret()))).into()
    }

    /// What the tokens of an account depend on, as a hash: they are of no use with another server, client or scope. The
    /// client's proof may be replaced.
    pub fn settings_hash(&self) -> String {
        let authorize_url = match &self.grant {
            Grant::Account { authorize_url, .. } => Some(authorize_url.as_str()),
            Grant::Password { .. } | Grant::ClientCredentials | Grant::Refresh { .. } => None,
        };
        let settings =
            json!([authorize_url, self.url.as_str(), self.client_id, self.scope, self.audience, self.further,]);
        hex(&Sha256::digest(settings.to_string()))
    }
}

/// How an OAuth client proves itself to the token endpoint.
#[derive(Debug, Clone)]
pub enum ClientProof {
    /// Not at all: a public client.
    None,
    /// `client_secret` among the form's fields.
    Body(SecretString),
    /// `client_secret` as the password of Basic authentication: `client_auth: basic`.
    Basic(SecretString),
    /// `private_key`: a signed assertion (RFC 7523).
    PrivateKey {
        /// PEM.
        key: SecretString,
        /// `key_id`: what the authorization server knows the key by.
        id: Option<String>,
    },
}

/// What a token is requested with.
#[derive(Debug, Clone)]
pub enum Grant {
    /// `OAUTH2_PASSWORD`.
    Password {
        /// `username`.
        username: String,
        /// `password`.
        password: SecretString,
    },
    /// `OAUTH2_CLIENT_CREDENTIALS`.
    ClientCredentials,
    /// `OAUTH2_REFRESH`.
    Refresh {
        /// `refresh_token`: the first one; the authorization server may replace it at every use.
        refresh_token: SecretString,
    },
    /// `OAUTH2_AUTHORIZATION_CODE`: the refresh token of an account that somebody connected.
    Account {
        /// `authorize_url`: where a browser is sent to connect one; http or https.
        authorize_url: Url,
        /// Which connection, as the store counts them; `None` while there is none.
        connection: Option<i64>,
    },
}

/// `client_certificate` and `client_key`: the client certificate of TLS connections.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// PEM, the chain.
    pub certificate: String,
    /// PEM.
    pub key: SecretString,
}

/// A connector's credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// How it authenticates.
    pub scheme: Scheme,
    /// The client certificate of TLS connections.
    pub identity: Option<ClientIdentity>,
    /// `verify_certificate`; true by default.
    pub verify_certificate: bool,
    /// `hosts`: where the credential may be sent; empty means anywhere the connector points to. The token endpoint is
    /// part of the credential and need not be among them.
    pub hosts: Vec<String>,
}

/// The `authtype` of connectors that call in the name of an account.
pub const AUTHORIZATION_CODE: &str = "OAUTH2_AUTHORIZATION_CODE";
/// Members that any `authtype` takes.
const COMMON: [&str; 4] = ["verify_certificate", "hosts", "client_certificate", "client_key"];
/// Members that OAuth kinds read, and secrets of other kinds, which a changed `authtype` may have left there.
const OAUTH2: [&str; 17] = [
    "url",
    "authorize_url",
    "client_id",
    "client_secret",
    "client_auth",
    "private_key",
    "key_id",
    "scope",
    "audience",
    "username",
    "password",
    "refresh_token",
    "expired_statuses",
    "token",
    "access_key_id",
    "secret_access_key",
    "session_token",
];
/// Members that only other kinds read.
const OTHERS: [&str; 5] = ["name", "value", "in", "region", "service"];

impl Credentials {
    /// Reads `authtype` and `credentials` of a record.
    ///
    /// # Errors
    /// An unknown `authtype`, or a member that is missing or mistyped. Never quotes a value.
    pub fn read(authtype: &str, of: &Map<String, Value>) -> Result<Self, Invalid> {
        let of = &Reader::new(of, "credentials");
        let scheme = scheme(authtype, of)?;
        refuse_unknown(authtype, of)?;
        Ok(Self {
            scheme,
            identity: identity(of)?,
            verify_certificate: of.flag("verify_certificate")?.unwrap_or(true),
            hosts: hosts(of)?,
        })
    }

    /// Uses the tokens of this connection of an account, if these are what they are for.
    #[must_use]
    pub fn with_account(mut self, settings: &str, connection: i64) -> Self {
        if let Scheme::OAuth2(oauth) = &mut self.scheme
            && oauth.settings_hash() == settings
            && let Grant::Account { connection: own, .. } = &mut oauth.grant
        {
            *own = Some(connection);
        }
        self
    }

    /// Whether nothing is sent with a request.
    pub fn proves_nothing(&self) -> bool {
        matches!(self.scheme, Scheme::None) && self.identity.is_none()
    }

    /// Whether the credential may be sent to this URL: the scheme and the port matter where the list names them.
    pub fn may_go_to(&self, url: &Url) -> bool {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let is_named = |allowed: &String| {
            (allowed.contains("://") && is_bound_to(allowed, url))
                || allowed.eq_ignore_ascii_case(host)
                || allowed.eq_ignore_ascii_case(&format!("{host}:{port}"))
        };
        self.hosts.is_empty() || self.hosts.iter().any(is_named)
    }
}

/// The origin that a host of a secret stands for: `host`, `host:port` or `http://host:port`; https unless written, and the
/// scheme's own port unless written.
pub fn bound_origin(host: &str) -> Option<Origin> {
    let (scheme, authority) = host.split_once("://").unwrap_or(("https", host));
    let is_authority = !authority.is_empty() && !authority.contains(['/', '?', '#', '@', '\\', ',', ' ']);
    let url = Url::parse(&format!("{scheme}://{authority}/")).ok()?;
    (is_authority && matches!(url.scheme(), "http" | "https")).then(|| url.origin())
}

/// Whether a host of a secret is the one of this URL.
pub fn is_bound_to(host: &str, url: &Url) -> bool {
    bound_origin(host).is_some_and(|origin| origin == url.origin())
}

fn scheme(authtype: &str, of: &Reader<'_>) -> Result<Scheme, Invalid> {
    Ok(match authtype {
        "" | "NONE" => Scheme::None,
        "BASIC" => basic(of)?,
        "OAUTH2_BEARER" => Scheme::Bearer { token: secret(of, "token")? },
        "API_KEY" => {
            Scheme::ApiKey { location: key_location(of)?, name: of.required_text("name")?, value: secret(of, "value")? }
        }
        "DIGEST" => {
            // As with BASIC, it may be empty, though not forgotten.
            let password = of.text("password")?.ok_or_else(|| of.invalid("password", "is missing"))?;
            Scheme::Digest { username: of.required_text("username")?, password: password.into() }
        }
        "AWS_SIGV4" => Scheme::Aws(AwsKeys {
            access_key_id: of.required_text("access_key_id")?,
            secret_access_key: secret(of, "secret_access_key")?,
            session_token: optional(of, "session_token")?.map(SecretString::from),
            region: of.required_text("region")?,
            service: of.required_text("service")?,
        }),
        "HEADERS" => Scheme::Headers(headers(of)?),
        "OAUTH2_PASSWORD" => {
            let grant = Grant::Password { username: of.required_text("username")?, password: secret(of, "password")? };
            Scheme::OAuth2(Box::new(oauth2(of, grant)?))
        }
        "OAUTH2_CLIENT_CREDENTIALS" => Scheme::OAuth2(Box::new(client_credentials(of)?)),
        "OAUTH2_REFRESH" => {
            let grant = Grant::Refresh { refresh_token: secret(of, "refresh_token")? };
            Scheme::OAuth2(Box::new(oauth2(of, grant)?))
        }
        AUTHORIZATION_CODE => {
            let authorize_url = endpoint(of, "authorize_url", "the page on which an account is connected")?;
            Scheme::OAuth2(Box::new(oauth2(of, Grant::Account { authorize_url, connection: None })?))
        }
        other => {
            let problem = format!(
                "`{other}` is not known; write NONE, BASIC, OAUTH2_BEARER, OAUTH2_PASSWORD, OAUTH2_CLIENT_CREDENTIALS, \
                 OAUTH2_REFRESH, OAUTH2_AUTHORIZATION_CODE, API_KEY, DIGEST, AWS_SIGV4 or HEADERS"
            );
            return Err(Invalid::new("authtype", problem));
        }
    })
}

/// Either may be empty (RFC 7617, 2): APIs take a key as one of them.
fn basic(of: &Reader<'_>) -> Result<Scheme, Invalid> {
    let [username, password] = ["username", "password"].map(|name| of.text(name).map(Option::unwrap_or_default));
    let (username, password) = (username?, password?);
    if username.is_empty() && password.is_empty() {
        return Err(of.invalid("username", "is missing, and so is `password`; one of them may be empty"));
    }
    Ok(Scheme::Basic { username, password: password.into() })
}

fn oauth2(of: &Reader<'_>, grant: Grant) -> Result<OAuth2, Invalid> {
    Ok(OAuth2 {
        url: endpoint(of, "url", "the token endpoint")?,
        client_id: of.required_text("client_id")?,
        client: client_proof(of)?,
        scope: optional(of, "scope")?,
        audience: optional(of, "audience")?,
        grant,
        further: further(of)?,
        expired: expired(of)?,
    })
}

/// A URL of the authorization server.
fn endpoint(of: &Reader<'_>, name: &str, what: &str) -> Result<Url, Invalid> {
    let url = Url::parse(&of.required_text(name)?).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| of.invalid(name, format!("must be the http or https URL of {what}")))
}

/// What no other rule reads goes to the token endpoint: APIs differ in what they want to know there.
fn further(of: &Reader<'_>) -> Result<Vec<(String, String)>, Invalid> {
    let read = |name: &&String| !COMMON.contains(&name.as_str()) && !OAUTH2.contains(&name.as_str());
    let mut further = Vec::new();
    for name in of.names().filter(read) {
        let text = match of.value(name) {
            Some(Value::Bool(flag)) => Some(flag.to_string()),
            _ => optional(of, name)?,
        };
        if name == "grant_type" && text.is_some() {
            return Err(of.invalid(name, "is what `authtype` says; leave it out"));
        }
        further.extend(text.map(|text| (name.clone(), text)));
    }
    Ok(further)
}

fn expired(of: &Reader<'_>) -> Result<Option<StatusList>, Invalid> {
    let list = optional(of, "expired_statuses")?.map(|text| StatusList::parse(&text)).transpose();
    list.map_err(|problem| of.invalid("expired_statuses", problem))
}

/// A member that nobody reads is a slip of the pen; one that another `authtype` has may be left over from it.
fn refuse_unknown(authtype: &str, of: &Reader<'_>) -> Result<(), Invalid> {
    if authtype == "HEADERS" || authtype.starts_with("OAUTH2_") && authtype != "OAUTH2_BEARER" {
        return Ok(());
    }
    let is_known = |name: &str| [&COMMON[..], &OAUTH2, &OTHERS].concat().contains(&name);
    let is_empty = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    match of.names().find(|name| !is_known(name) && !is_empty(of.value(name))) {
        Some(name) => Err(of.invalid(name, format!("is no member of {authtype} credentials"))),
        None => Ok(()),
    }
}

fn client_credentials(of: &Reader<'_>) -> Result<OAuth2, Invalid> {
    let found = oauth2(of, Grant::ClientCredentials)?;
    if matches!(found.client, ClientProof::None) && identity(of)?.is_none() {
        let problem = "must hold `client_secret`, `private_key` or a `client_certificate`";
        return Err(of.invalid_object(problem));
    }
    Ok(found)
}

fn client_proof(of: &Reader<'_>) -> Result<ClientProof, Invalid> {
    let secret = optional(of, "client_secret")?.map(SecretString::from);
    let key = optional(of, "private_key")?.map(SecretString::from);
    let way = optional(of, "client_auth")?.unwrap_or_default().to_ascii_lowercase();
    match (secret, key, way.as_str()) {
        (Some(_), Some(_), _) => {
            Err(of.invalid_object("holds `client_secret` and `private_key`; one of them is enough"))
        }
        (None, Some(key), _) => Ok(ClientProof::PrivateKey { key, id: optional(of, "key_id")? }),
        (Some(secret), None, "" | "body") => Ok(ClientProof::Body(secret)),
        (Some(secret), None, "basic") => Ok(ClientProof::Basic(secret)),
        (Some(_), None, _) => Err(of.invalid("client_auth", "must be body or basic")),
        (None, None, _) => Ok(ClientProof::None),
    }
}

fn key_location(of: &Reader<'_>) -> Result<KeyLocation, Invalid> {
    match optional(of, "in")?.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "header" => Ok(KeyLocation::Header),
        "query" => Ok(KeyLocation::Query),
        _ => Err(of.invalid("in", "must be header or query")),
    }
}

/// Every member that is not one of [`COMMON`] is a header.
fn headers(of: &Reader<'_>) -> Result<Vec<(String, SecretString)>, Invalid> {
    let named = of.names().filter(|name| !COMMON.contains(&name.as_str()));
    let headers = named.map(|name| Ok((name.clone(), secret(of, name)?))).collect::<Result<Vec<_>, _>>()?;
    if headers.is_empty() {
        return Err(of.invalid_object("must hold header names and their values"));
    }
    Ok(headers)
}

fn identity(of: &Reader<'_>) -> Result<Option<ClientIdentity>, Invalid> {
    match (optional(of, "client_certificate")?, optional(of, "client_key")?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(ClientIdentity { certificate, key: SecretString::from(key) })),
        (Some(_), None) => Err(of.invalid("client_key", "is missing next to `client_certificate`")),
        (None, Some(_)) => Err(of.invalid("client_certificate", "is missing next to `client_key`")),
    }
}

fn secret(of: &Reader<'_>, name: &str) -> Result<SecretString, Invalid> {
    of.required_text(name).map(SecretString::from)
}

/// An empty text counts as absent: designers' tools write every field.
fn optional(of: &Reader<'_>, name: &str) -> Result<Option<String>, Invalid> {
    Ok(of.text(name)?.filter(|text| !text.is_empty()))
}

fn hosts(of: &Reader<'_>) -> Result<Vec<String>, Invalid> {
    let wrong = || of.invalid("hosts", "must be a list of host names");
    match of.value("hosts") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(one.split(',').map(|h| h.trim().to_owned()).collect()),
        Some(Value::Array(list)) => {
            list.iter().map(|host| host.as_str().map(ToOwned::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

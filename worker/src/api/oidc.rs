//! Tokens of an identity provider: JWTs that one of its keys signed (API 3; RFC 7515, RFC 7519).

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http::Method;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::access::{Caller, Identity, Scope};
use crate::clock;
use crate::config::Oidc as Settings;
use crate::http::{self as client, Client};
use crate::plan::RequestSpec;
use crate::store::{self, Store};

/// How far two clocks may differ, milliseconds.
const LEEWAY: i64 = 60_000;
/// Before a provider is asked again for a key that it did not have.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// How long the provider has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The signatures that are accepted; never `none`, and none that a shared secret makes.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Why a token could not be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The provider, and none of its keys is known.
    #[error("the identity provider cannot be reached: {0}")]
    Provider(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// An identity provider, with its keys as they were last read.
pub(super) struct Oidc {
    issuer: String,
    audience: String,
    settings: Settings,
    client: Client,
    /// As they were last read; nobody waits for the provider to look at them.
    known: RwLock<Option<Arc<JwkSet>>>,
    /// When the provider was last asked; held while it is.
    asked: Mutex<Option<Instant>>,
}

impl Oidc {
    /// The provider of the settings; `None` where there is none. The operator named it: it may be in a private range.
    ///
    /// # Errors
    /// When a certificate authority file cannot be read.
    pub(super) fn new(settings: &Settings, of_calls: client::Settings) -> Result<Option<Self>, client::Error> {
        let (Some(issuer), Some(audience)) = (settings.issuer.clone(), settings.audience.clone()) else {
            return Ok(None);
        };
        let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
        let client = Client::new(client::Settings { allow_net: everywhere, own_addresses: Vec::new(), ..of_calls })?;
        Ok(Some(Self {
            issuer,
            audience,
            settings: settings.clone(),
            client,
            known: RwLock::default(),
            asked: Mutex::default(),
        }))
    }

    /// Whose token it is; `None` where it is not valid.
    ///
    /// # Errors
    /// When the provider or the database cannot be reached.
    pub(super) async fn caller(&self, token: &str, store: &Store) -> Result<Option<Caller>, Error> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
            return Ok(None);
        }
        let Some(kid) = header.kid else { return Ok(None) };
        let Some(key) = self.key(&kid, header.alg).await? else { return Ok(None) };
        let Some(claims) = self.claims(token, header.alg, &key) else { return Ok(None) };
        self.caller_of(&claims, store).await
    }

    /// The claims of a token that this key signed for this audience, and that is valid now.
    fn claims(&self, token: &str, algorithm: Algorithm, key: &Jwk) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(algorithm);
        // The library reads times with fractions as no numbers, and takes a list of issuers.
        validation.validate_exp = false;
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        let decoded = decode::<Map<String, Value>>(token, &DecodingKey::from_jwk(key).ok()?, &validation);
        let claims = decoded.ok()?.claims;
        let is_issuer = claims.get("iss").and_then(Value::as_str) == Some(self.issuer.as_str());
        (is_issuer && is_current(&claims, clock::now_ms())).then_some(claims)
    }

    async fn caller_of(&self, claims: &Map<String, Value>, store: &Store) -> Result<Option<Caller>, Error> {
        let Some(subject) = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty()) else {
            return Ok(None);
        };
        let prefix = self.settings.scope_prefix.as_str();
        let words = words(claims.get(&self.settings.scope_claim));
        let mut scopes: Vec<Scope> = words.iter().filter_map(|word| word.strip_prefix(prefix)?.parse().ok()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let limit = self.settings.connectors_claim.as_ref().and_then(|claim| claims.get(claim));
        let connectors = match limit {
            // An administrator cannot be limited.
            _ if scopes.contains(&Scope::Admin) => None,
            None => None,
            Some(references) => Some(uuids(store, &self::words(Some(references))).await?),
        };
        let name = ["name", "preferred_username"].into_iter().find_map(|claim| claims.get(claim)?.as_str());
        Ok(Some(Caller {
            identity: Identity::Oidc(subject.to_owned()),
            name: name.unwrap_or(subject).to_owned(),
            scopes,
            connectors,
            expires_at: milliseconds(claims.get("exp")),
        }))
    }

    /// The provider's key of this id for this kind of signature; an id that is not known is asked for, at most every ten
    /// seconds. Known keys serve while the provider is away or slow.
    async fn key(&self, kid: &str, algorithm: Algorithm) -> Result<Option<Jwk>, Error> {
        if let Some(found) = self.keys_named(kid) {
            return Ok(found.into_iter().find(|key| fits(key, algorithm)));
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(found) = self.keys_named(kid) {
            return Ok(found.into_iter().find(|key| fits(key, algorithm)));
        }
        let unknown = |error: Error| if self.known().is_some() { Ok(None) } else { Err(error) };
        if asked.is_some_and(|asked| asked.elapsed() < ASK_AGAIN) {
            return unknown(Error::Provider("it did not answer a moment ago".to_owned()));
        }
        *asked = Some(Instant::now());
        match self.fetched().await {
            Ok(fetched) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(fetched));
                Ok(self.keys_named(kid).unwrap_or_default().into_iter().find(|key| fits(key, algorithm)))
            }
            Err(error) => {
                tracing::warn!(%error, "the keys of the identity provider cannot be read");
                unknown(error)
            }
        }
    }

    fn known(&self) -> Option<Arc<JwkSet>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The known keys of an id, of which there may be one a kind; `None` where there are none.
    fn keys_named(&self, kid: &str) -> Option<Vec<Jwk>> {
        let known = self.known()?;
        let named = known.keys.iter().filter(|key| key.common.key_id.as_deref() == Some(kid));
        Some(named.cloned().collect::<Vec<_>>()).filter(|keys| !keys.is_empty())
    }

    async fn fetched(&self) -> Result<JwkSet, Error> {
        let url = match &self.settings.jwks_url {
            Some(url) => url.clone(),
            None => self.discovered().await?,
        };
        let keys = self.get(url).await?;
        // A key of a kind that is not known here must not cost the others.
        let keys = keys.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        Ok(JwkSet { keys })
    }

    /// Where the provider's discovery document says that its keys are (`OpenID` Connect Discovery 1.0, 4).
    async fn discovered(&self) -> Result<Url, Error> {
        let place = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let problem = |error: String| Error::Provider(format!("{place}: {error}"));
        let document = self.get(Url::parse(&place).map_err(|error| problem(error.to_string()))?).await?;
        if document.get("issuer").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(problem("its issuer is another one".to_owned()));
        }
        let url = document.get("jwks_uri").and_then(Value::as_str).unwrap_or_default();
        Url::parse(url).map_err(|error| problem(format!("jwks_uri: {error}")))
    }

    async fn get(&self, url: Url) -> Result<Value, Error> {
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !is_loopback {
            return Err(Error::Provider(format!("{url} is not https")));
        }
        let place = url.to_string();
        let problem = |error: String| Error::Provider(format!("{place}: {error}"));
        let answer = self.client.send(&RequestSpec::new(Method::GET, url, PATIENCE)).await;
        let answer = answer.map_err(|failure| problem(failure.message))?;
        if answer.status != 200 {
            return Err(problem(format!("status {}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|error| problem(error.to_string()))
    }
}

/// Whether the claims are valid at this time, with the leeway (RFC 7519 4.1.4, 4.1.5).
fn is_current(claims: &Map<String, Value>, now: i64) -> bool {
    let has_begun = match claims.get("nbf") {
        None => true,
        begin => milliseconds(begin).is_some_and(|begin| begin <= now.saturating_add(LEEWAY)),
    };
    has_begun && milliseconds(claims.get("exp")).is_some_and(|end| end > now.saturating_sub(LEEWAY))
}

/// A claim's time, which is seconds and may have a fraction, as epoch milliseconds.
fn milliseconds(claim: Option<&Value>) -> Option<i64> {
    let seconds = claim?.as_f64().filter(|seconds| seconds.is_finite())?;
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is far away in either direction")]
    Some((seconds * 1_000.0) as i64)
}

/// Whether a key is one for this kind of signature.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_for_signatures = key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let is_named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    let is_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            algorithm,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(_) => algorithm == Algorithm::EdDSA,
        _ => false,
    };
    is_for_signatures && is_named && is_kind
}

/// The words of a claim: a text with blanks between them, or a list.
fn words(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(text)) => text.split_ascii_whitespace().map(ToOwned::to_owned).collect(),
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The uuids of connectors; what is none limits to nothing.
async fn uuids(store: &Store, references: &[String]) -> Result<Vec<String>, store::Error> {
    let mut uuids = Vec::new();
    for reference in references {
        uuids.extend(store.connectors().find(reference).await?.map(|found| found.uuid));
    }
    Ok(uuids)
}

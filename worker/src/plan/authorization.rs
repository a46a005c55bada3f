//! A connector's credentials on one request: whether they may go there, and as what (COMPATIBILITY 4.2, CONTRACT 7).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, Method};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::headers::header;
use super::prepared::parse;
use super::redacted::is_secret;
use super::redactor::{MASK, Redactor, SHORTEST};
use super::request::RequestSpec;
use super::template::{Escape, Scope, Template};
use crate::connector::{
    AwsKeys, ClientIdentity, ClientProof, Credentials, Grant, Invalid, KeyLocation, OAuth2, Scheme,
};

/// How the request authenticates.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// Not at all.
    None,
    /// `Authorization: Basic`, RFC 7617.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// `Authorization: Bearer`, RFC 6750.
    Bearer(SecretString),
    /// Headers of its own, an API key among them.
    Headers(Vec<(HeaderName, SecretString)>),
    /// A query parameter, added when the request is sent.
    QueryKey {
        /// The parameter's name.
        name: String,
        /// Its value.
        value: SecretString,
    },
    /// An answer to the server's challenge, RFC 7616.
    Digest {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A signature over the request, AWS version 4.
    Aws(Arc<AwsKeys>),
    /// A token that is fetched before the request is claimed.
    OAuth2(Arc<OAuth2>),
}

impl Authorization {
    /// Masks what templates of the credential came to: whole, and without the scheme that it begins with. What consists of
    /// request data alone is the request's own.
    pub(super) fn mask_rendered(&self, redactor: &Redactor, credentials: &PreparedCredentials) {
        let (Self::Headers(rendered), SharedParts::Headers(templates)) = (self, &credentials.shared) else { return };
        let secret = |template: &Template| !template.is_constant() && !constant_parts(template).is_empty();
        for ((_, value), _) in rendered.iter().zip(templates).filter(|(_, (_, template))| secret(template)) {
            redactor.add(value);
            redactor.add(&without_scheme(value.expose_secret()).into());
        }
    }

    /// The headers that it will add, with masked values.
    pub(super) fn redacted_headers(&self) -> Vec<(String, String)> {
        let authorization = |text: String| vec![("authorization".to_owned(), text)];
        match self {
            Self::None => Vec::new(),
            Self::Basic { .. } => authorization(format!("Basic {MASK}")),
            Self::Bearer(_) | Self::OAuth2(_) => authorization(format!("Bearer {MASK}")),
            Self::Digest { .. } => authorization(format!("Digest {MASK}")),
            Self::Aws(_) => authorization(format!("AWS4-HMAC-SHA256 {MASK}")),
            Self::Headers(headers) => {
                let filled = headers.iter().filter(|(_, value)| !value.expose_secret().trim().is_empty());
                filled.map(|(name, _)| (name.as_str().to_owned(), MASK.to_owned())).collect()
            }
            Self::QueryKey { name, .. } => vec![(format!("(query) {name}"), MASK.to_owned())],
        }
    }
}

/// Which credential this is: tokens and connections belong to exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CredentialId {
    /// The connector's uuid, or its name where it comes from a file.
    pub connector: String,
    /// Counts the changes of its credentials.
    pub version: i64,
}

/// Credentials with their templates parsed, once for all jobs that use this version of them.
#[derive(Debug)]
pub struct PreparedCredentials {
    pub(super) id: Arc<CredentialId>,
    pub(super) credentials: Credentials,
    pub(super) identity: Option<Arc<ClientIdentity>>,
    /// Masks their secret values.
    pub(super) redactor: Arc<Redactor>,
    shared: SharedParts,
}

impl PreparedCredentials {
    /// The names of its headers as they were written.
    pub(super) fn header_names(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match &self.credentials.scheme {
            Scheme::ApiKey { location: KeyLocation::Header, name, .. } => (Some(name.as_str()), None),
            Scheme::Headers(headers) => (None, Some(headers.iter().map(|(name, _)| name.as_str()))),
            _ => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

/// What requests share instead of copying it.
#[derive(Debug)]
enum SharedParts {
    Nothing,
    Headers(Vec<(HeaderName, Template)>),
    Aws(Arc<AwsKeys>),
    OAuth2(Arc<OAuth2>),
}

impl PreparedCredentials {
    /// Prepares credentials.
    ///
    /// # Errors
    /// A header's name that is not one or is reserved, or a template that does not parse.
    pub fn new(credentials: Credentials, id: CredentialId) -> Result<Self, Invalid> {
        let shared = match &credentials.scheme {
            Scheme::Headers(headers) => SharedParts::Headers(headers.iter().map(parsed).collect::<Result<_, _>>()?),
            Scheme::ApiKey { location: KeyLocation::Header, name, value } => {
                SharedParts::Headers(vec![(name_of(name)?, Template::literal(value.expose_secret()))])
            }
            Scheme::Aws(keys) => SharedParts::Aws(Arc::new(keys.clone())),
            Scheme::OAuth2(oauth) => SharedParts::OAuth2(Arc::new(OAuth2::clone(oauth))),
            _ => SharedParts::Nothing,
        };
        let identity = credentials.identity.clone().map(Arc::new);
        let mut confidential = secret_values(&credentials);
        if let SharedParts::Headers(headers) = &shared {
            confidential.extend(headers.iter().flat_map(|(_, template)| constant_parts(template)));
        }
        let redactor = Arc::new(Redactor::of(&confidential));
        Ok(Self { id: Arc::new(id), credentials, identity, redactor, shared })
    }

    /// A request to the token endpoint of OAuth credentials, with everything but its body; `None` for other credentials.
    pub fn token_request(&self, timeout: Duration) -> Option<RequestSpec> {
        let SharedParts::OAuth2(oauth) = &self.shared else { return None };
        let mut spec = RequestSpec::new(Method::POST, oauth.url.clone(), timeout);
        spec.authorization = Authorization::OAuth2(Arc::clone(oauth));
        spec.credential = Arc::clone(&self.id);
        spec.identity.clone_from(&self.identity);
        spec.redactor = Arc::new(Redactor::default().with_base(&self.redactor));
        spec.verify_certificate = self.credentials.verify_certificate;
        Some(spec)
    }

    /// The settings of OAuth credentials.
    pub fn oauth(&self) -> Option<&OAuth2> {
        match &self.shared {
            SharedParts::OAuth2(oauth) => Some(oauth),
            SharedParts::Nothing | SharedParts::Headers(_) | SharedParts::Aws(_) => None,
        }
    }

    /// What goes with a request to `url`.
    pub(super) fn authorization(&self, url: &Url, data: &Scope<'_>) -> Result<Authorization, Invalid> {
        let host = url.host_str().unwrap_or_default();
        if !self.credentials.proves_nothing() && !self.credentials.may_go_to(url) {
            let problem =
                format!("the credential may not be sent to `{host}`; add it to `credentials.hosts` or change the URL");
            return Err(Invalid::new("credentials.hosts", problem));
        }
        Ok(match (&self.credentials.scheme, &self.shared) {
            (_, SharedParts::Headers(headers)) => Authorization::Headers(rendered(headers, data)?),
            (_, SharedParts::Aws(keys)) => Authorization::Aws(Arc::clone(keys)),
            (_, SharedParts::OAuth2(oauth)) => Authorization::OAuth2(Arc::clone(oauth)),
            (Scheme::Basic { username, password }, _) => {
                Authorization::Basic { username: username.clone(), password: password.clone() }
            }
            (Scheme::Digest { username, password }, _) => {
                Authorization::Digest { username: username.clone(), password: password.clone() }
            }
            (Scheme::Bearer { token }, _) => Authorization::Bearer(token.clone()),
            (Scheme::ApiKey { name, value, .. }, _) => {
                Authorization::QueryKey { name: name.clone(), value: value.clone() }
            }
            _ => Authorization::None,
        })
    }
}

/// The secret values of credentials; those of headers are templates and not among them.
pub fn secret_values(credentials: &Credentials) -> Vec<SecretString> {
    let mut all: Vec<SecretString> = credentials.identity.iter().map(|identity| identity.key.clone()).collect();
    match &credentials.scheme {
        // Values of headers are templates: see `constant_parts`.
        Scheme::None | Scheme::Headers(_) => {}
        // Without a password the pair is the user's name, which is no secret (CONTRACT 6).
        Scheme::Basic { password, .. } if password.expose_secret().is_empty() => {}
        Scheme::Basic { username, password } => {
            all.push(STANDARD.encode(format!("{username}:{}", password.expose_secret())).into());
            all.push(password.clone());
        }
        Scheme::Digest { password, .. } => all.push(password.clone()),
        Scheme::Bearer { token } => all.push(token.clone()),
        Scheme::ApiKey { value, .. } => all.push(value.clone()),
        Scheme::Aws(keys) => {
            all.push(keys.secret_access_key.clone());
            all.extend(keys.session_token.clone());
        }
        Scheme::OAuth2(oauth) => {
            match &oauth.client {
                ClientProof::None => {}
                ClientProof::Body(secret) => all.push(secret.clone()),
                ClientProof::Basic(secret) => all.extend([secret.clone(), oauth.basic_pair(secret)]),
                ClientProof::PrivateKey { key, .. } => all.push(key.clone()),
            }
            match &oauth.grant {
                Grant::ClientCredentials | Grant::Account { .. } => {}
                Grant::Password { password, .. } => all.push(password.clone()),
                Grant::Refresh { refresh_token } => all.push(refresh_token.clone()),
            }
            let secret = oauth.further.iter().filter(|(name, _)| is_secret(name));
            all.extend(secret.map(|(_, value)| SecretString::from(value.as_str())));
        }
    }
    all
}

/// What a header's template holds besides variables: a key, or a part of one, unless that is too short.
fn constant_parts(template: &Template) -> Vec<SecretString> {
    if template.is_constant() {
        let whole: String = template.texts().collect();
        return vec![without_scheme(&whole).into(), whole.into()];
    }
    let parts = template.texts().map(|text| without_scheme(text).trim());
    parts.filter(|part| part.len() >= SHORTEST).map(SecretString::from).collect()
}

/// Without `Bearer` and the like, which is no secret.
fn without_scheme(value: &str) -> &str {
    match value.trim_start().split_once(' ') {
        Some((scheme, rest)) if !rest.contains(' ') && scheme.chars().all(|c| c.is_ascii_alphabetic()) => rest,
        _ => value,
    }
}

fn parsed((name, value): &(String, SecretString)) -> Result<(HeaderName, Template), Invalid> {
    Ok((name_of(name)?, parse(value.expose_secret(), &format!("credentials.{name}"))?))
}

/// The name, checked like that of a configured header.
fn name_of(name: &str) -> Result<HeaderName, Invalid> {
    header(name, "").map(|(name, _)| name)
}

fn rendered(headers: &[(HeaderName, Template)], data: &Scope<'_>) -> Result<Vec<(HeaderName, SecretString)>, Invalid> {
    let one = |(name, template): &(HeaderName, Template)| {
        let path = format!("credentials.{name}");
        let value = template.render(data, Escape::None).map_err(|e| Invalid::new(path, e.to_string()))?;
        header(name.as_str(), &value)?;
        Ok((name.clone(), SecretString::from(value)))
    };
    headers.iter().map(one).collect()
}

//! Who asks, and what they may (API 3).

use axum::http::{HeaderMap, header};

pub(super) use crate::admin::tokens::Scope;

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// A token of this installation, by its id.
    Token(i64),
    /// A subject of the identity provider.
    Oidc(String),
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Whose token it is.
    pub(super) identity: Identity,
    /// As people know them.
    pub(super) name: String,
    /// As given, sorted.
    pub(super) scopes: Vec<Scope>,
    /// The uuids of the connectors that the token is limited to.
    pub(super) connectors: Option<Vec<String>>,
    /// Epoch milliseconds.
    pub(super) expires_at: Option<i64>,
}

impl Caller {
    /// As audit and records name them: `token:<id>`, `oidc:<sub>`.
    pub(super) fn actor(&self) -> String {
        match &self.identity {
            Identity::Token(id) => format!("token:{id}"),
            Identity::Oidc(subject) => format!("oidc:{subject}"),
        }
    }

    /// Whether one of their scopes covers this one.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| own.covers(scope))
    }

    /// Whether the token is not limited to other connectors.
    pub(super) fn may_see(&self, uuid: &str) -> bool {
        self.connectors.as_ref().is_none_or(|connectors| connectors.iter().any(|own| own.eq_ignore_ascii_case(uuid)))
    }

    /// Whether the token is limited to some connectors.
    pub(super) fn is_limited(&self) -> bool {
        self.connectors.is_some()
    }
}

/// The bearer token of a request: one header, the scheme in any case.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_header_is_a_token() {
        for (values, token) in [
            (vec!["Bearer x"], Some("x")),
            (vec!["bEARER  x "], Some("x")),
            (vec!["Basic x"], None),
            (vec!["Bearer"], None),
            (vec!["Bearer x", "Bearer x"], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bearer(&headers), token, "{values:?}");
        }
    }
}

//! The `Authorization` header of a scheme.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use secrecy::ExposeSecret;

use crate::plan::Authorization;

/// The header, marked so that it is never printed; `None` where nobody asks who calls.
pub(super) fn header(authorization: &Authorization) -> Result<Option<HeaderValue>, String> {
    let text = match authorization {
        Authorization::None => return Ok(None),
        Authorization::Basic { username, password } => {
            format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose_secret())))
        }
        Authorization::Bearer(token) => format!("Bearer {}", token.expose_secret()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| "the credential holds a line break".to_owned())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

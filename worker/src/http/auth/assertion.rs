//! A client that proves itself by a signed assertion instead of a secret: `private_key_jwt` (RFC 7523, `OpenID` Connect 9).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{SignatureAlgorithm, SignatureScheme};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// How long an assertion may be used, seconds.
const LIFETIME: i64 = 300;

/// The assertion, a JWT; the problem never quotes the key.
pub(super) fn signed(
    client_id: &str,
    audience: &str,
    key: &SecretString,
    key_id: Option<&str>,
    now_ms: i64,
) -> Result<SecretString, String> {
    let der = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
        .map_err(|_| "`private_key` is not a private key in PEM".to_owned())?;
    let key = any_supported_type(&der).map_err(|_| "`private_key` is of a kind that cannot sign".to_owned())?;
    let (scheme, name, half) = match key.algorithm() {
        SignatureAlgorithm::RSA => (SignatureScheme::RSA_PKCS1_SHA256, "RS256", None),
        SignatureAlgorithm::ED25519 => (SignatureScheme::ED25519, "EdDSA", None),
        _ => elliptic(key.as_ref()).ok_or("`private_key` is on a curve that JWTs do not know")?,
    };
    let signer = key.choose_scheme(&[scheme]).ok_or_else(|| format!("`private_key` cannot sign {name}"))?;
    let mut header = json!({"alg": name, "typ": "JWT"});
    if let Some(id) = key_id {
        header["kid"] = json!(id);
    }
    let now = now_ms.div_euclid(1_000);
    let claims = json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": uuid::Uuid::new_v4().to_string(),
        "iat": now, "exp": now + LIFETIME,
    });
    let encoded = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encoded(&header), encoded(&claims));
    let signature = signer.sign(text.as_bytes()).map_err(|_| "the assertion cannot be signed".to_owned())?;
    let signature = match half {
        Some(half) => fixed_width(&signature, half).ok_or("the assertion cannot be signed")?,
        None => signature,
    };
    Ok(SecretString::from(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

/// The scheme of an elliptic key, its name in a JWT, and how many bytes each half of its signature has.
fn elliptic(key: &dyn rustls::sign::SigningKey) -> Option<(SignatureScheme, &'static str, Option<usize>)> {
    [
        (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256", Some(32)),
        (SignatureScheme::ECDSA_NISTP384_SHA384, "ES384", Some(48)),
        (SignatureScheme::ECDSA_NISTP521_SHA512, "ES512", Some(66)),
    ]
    .into_iter()
    .find(|(scheme, ..)| key.choose_scheme(&[*scheme]).is_some())
}

/// TLS writes a signature as two DER integers, JWTs as two numbers of fixed width (RFC 7518, 3.4).
fn fixed_width(der: &[u8], half: usize) -> Option<Vec<u8>> {
    let (_, body) = element(der, 0x30)?;
    let (rest, first) = element(body, 0x02)?;
    let (_, second) = element(rest, 0x02)?;
    let mut fixed = Vec::with_capacity(half * 2);
    for number in [first, second] {
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        fixed.extend(std::iter::repeat_n(0, half.checked_sub(digits.len())?));
        fixed.extend_from_slice(digits);
    }
    Some(fixed)
}

/// What follows a DER element, and what it holds.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der {
        [found, 0x81, length, rest @ ..] if *found == tag => (*length, rest),
        [found, length, rest @ ..] if *found == tag && *length < 0x80 => (*length, rest),
        _ => return None,
    };
    let (inside, after) = rest.split_at_checked(usize::from(length))?;
    Some((after, inside))
}

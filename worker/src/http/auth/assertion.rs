//! Client authentication by a signed assertion instead of a secret: `private_key_jwt` (RFC 7523, `OpenID` Connect 9).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// How long an assertion may be used, seconds.
const LIFETIME: i64 = 300;

/// Elliptic curves, by the name of their signatures in a JWT (RFC 7518, 3.4).
const CURVES: [(&str, &EcdsaSigningAlgorithm); 3] = [
    ("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
    ("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
    ("ES512", &ECDSA_P521_SHA512_FIXED_SIGNING),
];

/// The assertion, a JWT; the error never quotes the key.
pub(super) fn signed(
    client_id: &str,
    audience: &str,
    key: &SecretString,
    key_id: Option<&str>,
    now_ms: i64,
) -> Result<SecretString, &'static str> {
    let der = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
        .map_err(|_| "`private_key` is not a private key in PEM")?;
    let key = Key::parse(der.secret_der())
        .ok_or("`private_key` is none that can sign: RSA, Ed25519, or a curve P-256, P-384 or P-521")?;
    let mut header = json!({"alg": key.algorithm(), "typ": "JWT"});
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
    let signature = key.sign(text.as_bytes()).ok_or("the assertion cannot be signed")?;
    Ok(SecretString::from(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

enum Key {
    Rsa(RsaKeyPair),
    Ecdsa(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    /// From PKCS #8, PKCS #1 or SEC 1.
    fn parse(der: &[u8]) -> Option<Self> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)) {
            return Some(Self::Rsa(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Some(Self::Ed25519(key));
        }
        CURVES.into_iter().find_map(|(name, algorithm)| {
            let key = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
            Some(Self::Ecdsa(name, key))
        })
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ecdsa(name, _) => name,
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ecdsa(_, key) => Some(key.sign(&SystemRandom::new(), text).ok()?.as_ref().to_vec()),
            Self::Ed25519(key) => Some(key.try_sign(text).ok()?.as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };
    use rcgen::PublicKeyData as _;

    use super::*;

    #[test]
    fn every_kind_of_key_signs_under_its_own_name() {
        let kinds: [(_, &str, &dyn VerificationAlgorithm); 5] = [
            (&rcgen::PKCS_RSA_SHA256, "RS256", &RSA_PKCS1_2048_8192_SHA256),
            (&rcgen::PKCS_ED25519, "EdDSA", &ED25519),
            (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256", &ECDSA_P256_SHA256_FIXED),
            (&rcgen::PKCS_ECDSA_P384_SHA384, "ES384", &ECDSA_P384_SHA384_FIXED),
            (&rcgen::PKCS_ECDSA_P521_SHA512, "ES512", &ECDSA_P521_SHA512_FIXED),
        ];
        for (kind, name, verified_by) in kinds {
            let key = rcgen::KeyPair::generate_for(kind).unwrap();
            let pem = SecretString::from(key.serialize_pem());
            let assertion = signed("id", "https://a.example/token", &pem, None, 0).unwrap();
            let (text, signature) = assertion.expose_secret().rsplit_once('.').unwrap();
            let header = URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap();
            assert_eq!(header, format!("{{\"alg\":\"{name}\",\"typ\":\"JWT\"}}").as_bytes());
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let public = UnparsedPublicKey::new(verified_by, key.der_bytes());
            public.verify(text.as_bytes(), &signature).unwrap_or_else(|_| panic!("{name}"));
        }
    }

    #[test]
    fn a_key_that_cannot_sign_is_refused_without_being_quoted() {
        for (key, expected) in [
            ("secret", "not a private key in PEM"),
            ("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "none that can sign"),
        ] {
            let problem = signed("id", "a", &SecretString::from(key), None, 0).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}

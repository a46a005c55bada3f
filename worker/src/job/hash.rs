//! The hash that identifies the content of a job, and the key that identifies its call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::canonical::{self, Fragment};

/// SHA-256 of a job's canonical JSON (RFC 8785) without its `deadline` (CONTRACT 2).
pub(super) fn job_hash<'a>(members: impl Iterator<Item = (&'a str, Fragment<'a>)>) -> [u8; 32] {
    let mut text = Vec::with_capacity(2_048);
    canonical::object(members.filter(|(name, _)| *name != "deadline").collect(), &mut text);
    Sha256::digest(text).into()
}

/// The `Idempotency-Key` of every attempt of a job: derived from engine and job id alone, so that it survives a lost ledger.
pub fn idempotency_key(engine: &str, job_id: &str) -> String {
    let mut sha = Sha256::new();
    sha.update(b"data-connector.idempotency-key.v1\0");
    sha.update(engine);
    sha.update(b"\0");
    sha.update(job_id);
    URL_SAFE_NO_PAD.encode(sha.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(json: &str) -> [u8; 32] {
        let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
        job_hash(members.iter().map(|(name, value)| (name.as_str(), Fragment::Value(value))))
    }

    #[test]
    fn order_space_and_deadline_do_not_matter_and_everything_else_does() {
        let one = hash(r#"{"id":"1","data":{"a":1.0,"b":"\u00e9"}}"#);
        assert_eq!(one, hash(r#"{ "data": {"b":"é","a":1}, "id":"1", "deadline":"2026-01-01T00:00:00Z"}"#));
        assert_ne!(one, hash(r#"{"id":"1","data":{"a":2,"b":"é"}}"#));
        assert_ne!(one, hash(r#"{"id":"1","data":{"a":1,"b":"é"},"unknown":true}"#));
    }

    #[test]
    fn the_key_tells_engines_and_jobs_apart_and_stays_the_same() {
        assert_eq!(idempotency_key("default", "42"), idempotency_key("default", "42"));
        assert_ne!(idempotency_key("default", "42"), idempotency_key("other", "42"));
        assert_ne!(idempotency_key("a", "bc"), idempotency_key("ab", "c"));
        assert_eq!(idempotency_key("default", "42").len(), 43);
    }
}

//! From what a configuration file can hold to the types that settings mean.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

/// A time, whole seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    u64::deserialize(value).map(Duration::from_secs)
}

/// A path; none when it is empty.
pub(super) fn optional_path<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(optional_text(value)?.map(PathBuf::from))
}

/// A secret; none when it is empty.
pub(super) fn optional_secret<'de, D: Deserializer<'de>>(value: D) -> Result<Option<SecretString>, D::Error> {
    Ok(optional_text(value)?.map(SecretString::from))
}

/// A URL of any scheme; none when it is empty.
pub(super) fn optional_url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Url>, D::Error> {
    let Some(text) = optional_text(value)? else { return Ok(None) };
    Url::parse(&text).map(Some).map_err(|e| D::Error::custom(format!("`{text}` is not a URL: {e}")))
}

/// A text; none when it is empty.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(value)?).filter(|text| !text.is_empty()))
}

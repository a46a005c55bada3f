//! Texts of other tools as records of connectors, which import takes then; nothing is stored.

pub use crate::import::{Conversion, Error, Kind, LeftOut, Position, TEXT_BYTES, data};

/// Converts a text of a kind, or of the kind that it looks like; `name` names the first record. A large text takes a second
/// and several times its size in memory: it is not for the threads that serve others.
///
/// # Errors
/// A mistake in the text with its place, or that it is of another kind.
pub fn convert(text: &str, kind: Option<Kind>, name: Option<&str>) -> Result<Conversion, Error> {
    crate::import::convert(text, kind, name)
}

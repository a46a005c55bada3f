//! Findings about a model, judged by the connectors of the store and by the worker's own parsers.

mod languages;
mod lookup;

use std::collections::HashSet;

use bpmn_ext::Diagnostic;
use bpmn_ext::lint::LintContext;

use super::Error;
use crate::store::{Store, StoredConnector};

pub use languages::Languages;
pub use lookup::Lookup;

/// What is wrong in a model, or works otherwise than it was meant; `variables` are those that a request begins with, where
/// that is known.
///
/// # Errors
/// When the database cannot be reached.
#[expect(clippy::implicit_hasher, reason = "the rules take this one")]
pub async fn lint(
    store: &Store,
    model: &[u8],
    queues: &[String],
    variables: Option<&HashSet<String>>,
) -> Result<Vec<Diagnostic>, Error> {
    let lookup = of_store(store).await?;
    let context =
        LintContext { connectors: Some(&lookup), queues: Some(queues), variables, language: Some(&Languages) };
    Ok(bpmn_ext::lint::lint(model, &context))
}

/// The connectors of the store.
///
/// # Errors
/// When the database cannot be reached.
pub async fn of_store(store: &Store) -> Result<Lookup, Error> {
    let records: Vec<_> = store.connectors().list().await?.iter().map(StoredConnector::export).collect();
    Ok(Lookup::of_records(&records))
}

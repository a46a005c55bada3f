//! What the audit log says of changes of collections.

use serde_json::Value;

use super::write::Writing;
use super::{Actor, Trail};
use crate::store::Error;
use crate::store::audit::Entry;

impl Writing<'_> {
    /// Says in the audit log what is done to the collection, when that is said of this actor's changes.
    pub(super) async fn note(&mut self, action: &'static str, detail: Value) -> Result<(), Error> {
        match entry_of(self.actor, action, &self.row.uuid, detail) {
            Some(entry) => self.session.append(&entry, self.now).await,
            None => Ok(()),
        }
    }
}

/// The entry of the audit log for what an actor does to a collection; `detail` holds no values.
pub(super) fn entry_of(actor: &Actor, action: &'static str, uuid: &str, detail: Value) -> Option<Entry> {
    let Trail { request_id } = actor.trail.clone()?;
    Some(Entry { actor: actor.id.clone(), action, target: uuid.to_owned(), detail, request_id })
}

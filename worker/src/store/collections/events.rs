//! Events of changes (COLLECTIONS 7): stored in the change's transaction, and taken from there once RabbitMQ has them.

use serde_json::{Value, json};

use super::session::{Bind, binds, list, read};
use super::write::Writing;
use super::{Collections, StoredRecord};
use crate::collections::date::millisecond_text;
use crate::store::Error;

/// An event as it is stored until it is sent.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// Its place in the order of events.
    pub id: i64,
    /// The collection.
    pub collection_id: i64,
    /// The record; 0 is the collection itself.
    pub record_id: i64,
    /// Its identity, also when it is sent twice.
    pub event_id: String,
    /// `collection.<collection id>.<created|updated|deleted|truncated>`
    pub routing_key: String,
    /// JSON.
    pub body: String,
}

/// A row of the table.
pub(super) type Told = Vec<Bind>;

const INSERT: &str = "INSERT INTO collection_events (collection_id, record_id, event_id, routing_key, body)";

impl Writing<'_> {
    pub(super) fn tell_created(&mut self, record: &StoredRecord) {
        if self.rules.definition().signals[0] {
            self.tell(record.id, "created", json!({"record": state(record)}), (record.created_at, &record.created_by));
        }
    }

    pub(super) fn tell_updated(&mut self, before: &StoredRecord, after: &StoredRecord) {
        if self.rules.definition().signals[1] {
            let previous = json!({"version": before.version, "data": before.data});
            let event = json!({"record": state(after), "previous": previous});
            self.tell(after.id, "updated", event, (after.updated_at, &after.updated_by));
        }
    }

    pub(super) fn tell_deleted(&mut self, record: &StoredRecord) {
        if self.rules.definition().signals[2] {
            let actor = self.actor.id.clone();
            self.tell(record.id, "deleted", json!({"record": state(record)}), (self.now, &actor));
        }
    }

    pub(super) fn tell_truncated(&mut self, count: i64) {
        if self.rules.definition().signals[2] {
            let actor = self.actor.id.clone();
            self.tell(0, "truncated", json!({"count": count}), (self.now, &actor));
        }
    }

    fn tell(&mut self, record: i64, what: &str, rest: Value, (at, by): (i64, &str)) {
        let id = uuid::Uuid::now_v7().to_string();
        let subject = if record == 0 { "collection" } else { "record" };
        let mut event = json!({
            "id": id, "event": format!("{subject}.{what}"), "at": millisecond_text(at), "by": by,
            "collection": {"id": self.row.id, "uuid": self.row.uuid, "name": self.row.name},
        });
        if let (Some(event), Value::Object(rest)) = (event.as_object_mut(), rest) {
            event.extend(rest);
        }
        let key = format!("collection.{}.{what}", self.row.id);
        self.told.push(binds![self.row.id, record, id, key, event.to_string()]);
    }

    /// Stores what was told so far.
    pub(super) async fn store_events(&mut self) -> Result<(), Error> {
        let told = std::mem::take(&mut self.told);
        self.session.insert(INSERT, told, "").await
    }
}

fn state(record: &StoredRecord) -> Value {
    json!({"id": record.id, "version": record.version, "data": record.data})
}

impl Collections<'_> {
    /// The first events that were not sent, in order.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn unsent(self, limit: i64) -> Result<Vec<Event>, Error> {
        let statement = "SELECT id, collection_id, record_id, event_id, routing_key, body FROM collection_events
            ORDER BY id LIMIT $1";
        read(&self.0.database, statement.to_owned(), binds![limit]).await
    }

    /// Forgets events that RabbitMQ has.
    ///
    /// # Errors
    /// When the database cannot be reached: they are sent once more.
    pub async fn sent(self, ids: &[i64]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let statement = format!("DELETE FROM collection_events WHERE id IN {}", list(1, ids.len()));
        let binds = ids.iter().map(|id| Bind::from(*id)).collect();
        super::tasks::write_once(self.0, statement, binds).await.map(drop)
    }
}

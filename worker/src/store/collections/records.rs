//! Single records: read, made, changed and removed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rows::{RECORD, RecordRow, VISIBLE};
use super::session::{binds, in_time, read};
use super::write::{Applied, Change, Writing};
use super::{Actor, Collection, CollectionError, Collections, Idempotency, StoredRecord};
use crate::fault;
use crate::store::Error;

/// Which versions of a record may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Any that there is.
    Any,
    /// One of these.
    Versions(Vec<i64>),
}

/// What was written, or had been by the same request before.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The record after the change; of a deletion its last state.
    pub record: StoredRecord,
    /// Its title then.
    pub title: String,
    /// The same request had been answered before.
    pub replayed: bool,
}

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    record: StoredRecord,
    /// Answers that were kept before there were titles have none.
    #[serde(default)]
    title: String,
}

impl Collections<'_> {
    /// A record.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn record(self, collection: &Collection, id: i64) -> Result<Option<StoredRecord>, Error> {
        let statement = format!("{RECORD} WHERE collection_id = $1 AND id >= $2 AND id = $3 AND {VISIBLE}");
        let rows: Vec<RecordRow> =
            read(&self.0.database, statement, binds![collection.id, collection.floor, id]).await?;
        rows.first().map(|row| row.seen(&collection.rules)).transpose()
    }

    /// Makes a record.
    ///
    /// # Errors
    /// When the data does not fit, the collection is gone, or the database cannot be reached.
    pub async fn insert(
        self,
        collection: i64,
        data: Map<String, Value>,
        actor: &Actor,
        request: Option<&Idempotency>,
    ) -> Result<Written, CollectionError> {
        self.change(collection, Change::Create(data), (actor, request), None).await
    }

    /// Replaces the data of a record.
    ///
    /// # Errors
    /// As of [`Self::insert`]; when there is no such record, or it is at another version.
    pub async fn replace(
        self,
        (collection, record): (i64, i64),
        data: Map<String, Value>,
        (actor, request): (&Actor, Option<&Idempotency>),
        if_match: Option<&IfMatch>,
    ) -> Result<Written, CollectionError> {
        self.change(collection, Change::Replace(record, data), (actor, request), if_match.map(|m| (record, m))).await
    }

    /// Merges a patch (RFC 7396) into the data of a record: patches of different members all survive.
    ///
    /// # Errors
    /// As of [`Self::replace`].
    pub async fn merge(
        self,
        (collection, record): (i64, i64),
        patch: Map<String, Value>,
        (actor, request): (&Actor, Option<&Idempotency>),
        if_match: Option<&IfMatch>,
    ) -> Result<Written, CollectionError> {
        self.change(collection, Change::Merge(record, patch), (actor, request), if_match.map(|m| (record, m))).await
    }

    async fn change(
        self,
        collection: i64,
        change: Change,
        (actor, request): (&Actor, Option<&Idempotency>),
        condition: Option<(i64, &IfMatch)>,
    ) -> Result<Written, CollectionError> {
        let work = async {
            let mut writing = match Writing::begin_once::<Kept>(self.0, collection, actor, request).await? {
                Ok(writing) => writing,
                Err(kept) => return Ok(kept.written(true)),
            };
            if let Some((id, if_match)) = condition {
                let current = writing.find(id).await?.ok_or(CollectionError::NoRecord)?;
                if_match.check(current.version)?;
            }
            let applied = writing.apply(vec![change], None).await?.pop();
            let record = match applied {
                Some(Applied::Created(record) | Applied::Updated(record) | Applied::Unchanged(record)) => record,
                Some(Applied::Refused(error)) => return Err(error.into()),
                Some(Applied::Missing) | None => return Err(CollectionError::NoRecord),
            };
            let kept = Kept { title: writing.title(&record), record };
            writing.session.keep(request, &kept).await?;
            writing.commit().await?;
            fault::at("collections changed").await;
            Ok(kept.written(false))
        };
        in_time(work).await
    }

    /// Removes a record for good.
    ///
    /// # Errors
    /// When there is no such record, it is at another version, or the database cannot be reached.
    pub async fn delete(
        self,
        (collection, record): (i64, i64),
        (actor, request): (&Actor, Option<&Idempotency>),
        if_match: Option<&IfMatch>,
    ) -> Result<Written, CollectionError> {
        let work = async {
            let mut writing = match Writing::begin_once::<Kept>(self.0, collection, actor, request).await? {
                Ok(writing) => writing,
                Err(kept) => return Ok(kept.written(true)),
            };
            let record = writing.find(record).await?.ok_or(CollectionError::NoRecord)?;
            if let Some(if_match) = if_match {
                if_match.check(record.version)?;
            }
            writing.remove(&record).await?;
            let kept = Kept { title: writing.title(&record), record };
            writing.session.keep(request, &kept).await?;
            writing.commit().await?;
            Ok(kept.written(false))
        };
        in_time(work).await
    }
}

impl Kept {
    fn written(self, replayed: bool) -> Written {
        Written { record: self.record, title: self.title, replayed }
    }
}

impl IfMatch {
    fn check(&self, version: i64) -> Result<(), CollectionError> {
        match self {
            Self::Any => Ok(()),
            Self::Versions(versions) if versions.contains(&version) => Ok(()),
            Self::Versions(_) => Err(CollectionError::Precondition { version }),
        }
    }
}

//! Dead letters: whole messages with the reason, for people.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::audit::{self, Entry};
use super::database::on;
use super::{Error, Inner};

/// A letter to store.
#[derive(Debug, Clone)]
pub struct NewDeadLetter {
    /// The message's id.
    pub message_id: Option<String>,
    /// A code of CONTRACT 3, or the broker's reason.
    pub reason: String,
    /// What happened, for people.
    pub detail: Option<String>,
    /// The job, where it is known.
    pub job_id: Option<String>,
    /// How many attempts were made.
    pub attempts: Option<i64>,
    /// Where the message had been published.
    pub exchange: Option<String>,
    /// With which key.
    pub routing_key: Option<String>,
    /// All properties.
    pub properties: Value,
    /// The original bytes.
    pub body: Vec<u8>,
}

/// A stored letter.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// When it arrived, epoch milliseconds.
    pub arrived_at: i64,
    /// When it was published again.
    pub replayed_at: Option<i64>,
    /// Everything else.
    pub letter: NewDeadLetter,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    message_id: Option<String>,
    reason: String,
    detail: Option<String>,
    job_id: Option<String>,
    attempts: Option<i64>,
    exchange: Option<String>,
    routing_key: Option<String>,
    properties: String,
    body: Vec<u8>,
    arrived_at: i64,
    replayed_at: Option<i64>,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            arrived_at: row.arrived_at,
            replayed_at: row.replayed_at,
            letter: NewDeadLetter {
                message_id: row.message_id,
                reason: row.reason,
                detail: row.detail,
                job_id: row.job_id,
                attempts: row.attempts,
                exchange: row.exchange,
                routing_key: row.routing_key,
                properties: serde_json::from_str(&row.properties).unwrap_or(Value::Null),
                body: row.body,
            },
        }
    }
}

/// How often this message was published again; the same content dying once more after that is another death.
const REPLAYS: &str = "SELECT COUNT(*) FROM dead_letters WHERE replayed_at IS NOT NULL
    AND (message_id = $1 OR ($1 IS NULL AND message_id IS NULL AND body = $2))";
const INSERT: &str = "INSERT INTO dead_letters (fingerprint, message_id, reason, detail, job_id, attempts, exchange,
    routing_key, properties, body, arrived_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (fingerprint) DO UPDATE SET arrived_at = excluded.arrived_at WHERE dead_letters.replayed_at IS NULL";

/// Dead letters, for people.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetters<'a>(pub(super) &'a Inner);

impl DeadLetters<'_> {
    /// Stores a letter. One with the same id, properties and bytes that is delivered again before it was replayed is the same
    /// letter; the same message that died again after a replay is a new one.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn add(self, letter: NewDeadLetter) -> Result<(), Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let properties = letter.properties.to_string();
        let optional = |text: &Option<String>| text.as_deref().map(without_nul);
        let message_id = optional(&letter.message_id);
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            let replays: i64 =
                sqlx::query_scalar(REPLAYS).bind(&message_id).bind(&letter.body).fetch_one(&mut *transaction).await?;
            sqlx::query(INSERT)
                .bind(fingerprint(&letter, replays)).bind(&message_id).bind(without_nul(&letter.reason))
                .bind(optional(&letter.detail)).bind(optional(&letter.job_id)).bind(letter.attempts)
                .bind(optional(&letter.exchange)).bind(optional(&letter.routing_key)).bind(without_nul(&properties))
                .bind(&letter.body).bind(now)
                .execute(&mut *transaction).await?;
            transaction.commit().await?;
        })
    }

    /// Letters, the newest first; those that were published again only with `replayed_too`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self, replayed_too: bool, limit: u32) -> Result<Vec<DeadLetter>, Error> {
        self.page(replayed_too, None, i64::from(limit)).await
    }

    /// The same, those before the letter with this number.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn page(self, replayed_too: bool, before: Option<i64>, limit: i64) -> Result<Vec<DeadLetter>, Error> {
        let statement = "SELECT * FROM dead_letters WHERE id < $3 AND ($1 = 1 OR replayed_at IS NULL)
            ORDER BY id DESC LIMIT $2";
        let rows: Vec<Row> = on!(&self.0.database, read db => sqlx::query_as(statement)
            .bind(i64::from(replayed_too)).bind(limit).bind(before.unwrap_or(i64::MAX)).fetch_all(db).await?)?;
        Ok(rows.into_iter().map(DeadLetter::from).collect())
    }

    /// How many letters were not published again, and how many of them are parked jobs; ten thousand at most.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count(self) -> Result<(usize, usize), Error> {
        let statement =
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN j.state = 'parked' THEN 1 ELSE 0 END), 0) AS BIGINT)
            FROM (SELECT id, job_id FROM dead_letters WHERE replayed_at IS NULL ORDER BY id DESC LIMIT 10000) AS d
            LEFT JOIN jobs j ON j.id = d.job_id";
        let (letters, parked): (i64, i64) =
            on!(&self.0.database, read db => sqlx::query_as(statement).fetch_one(db).await?)?;
        Ok((usize::try_from(letters).unwrap_or(0), usize::try_from(parked).unwrap_or(0)))
    }

    /// One letter.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn find(self, id: i64) -> Result<Option<DeadLetter>, Error> {
        let statement = "SELECT * FROM dead_letters WHERE id = $1";
        let row: Option<Row> =
            on!(&self.0.database, read db => sqlx::query_as(statement).bind(id).fetch_optional(db).await?)?;
        Ok(row.map(DeadLetter::from))
    }

    /// Removes letters; returns the numbers of those that were there.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove(self, ids: &[i64], entry: &Entry) -> Result<Vec<i64>, Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let mut removed = Vec::new();
            for id in ids {
                let deleted = sqlx::query("DELETE FROM dead_letters WHERE id = $1").bind(*id);
                if deleted.execute(&mut *transaction).await?.rows_affected() > 0 {
                    let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
                    let entry = Entry { target: id.to_string(), ..entry.clone() };
                    audit::append!(transaction, &entry, now);
                    removed.push(*id);
                }
            }
            transaction.commit().await?;
            removed
        })
    }

    /// Notes that a letter was published again; one that has arrived anew since it was read is not marked.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn mark_replayed(self, letter: &DeadLetter, entry: &Entry) -> Result<(), Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        let statement = "UPDATE dead_letters SET replayed_at = $2 WHERE id = $1 AND arrived_at = $3";
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            sqlx::query(statement)
                .bind(letter.id).bind(now).bind(letter.arrived_at).execute(&mut *transaction).await?;
            audit::append!(transaction, entry, now);
            transaction.commit().await?;
        })
    }
}

/// What the broker counts up whenever it delivers a message once more.
const COUNTERS: [&str; 2] = ["x-acquired-count", "x-delivery-count"];

fn fingerprint(letter: &NewDeadLetter, replays: i64) -> Vec<u8> {
    let mut properties = letter.properties.clone();
    if let Some(headers) = properties.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| !COUNTERS.contains(&name.as_str()));
    }
    let mut sha = Sha256::new();
    for part in [letter.message_id.as_deref().unwrap_or_default(), &letter.reason, &properties.to_string()] {
        sha.update(part.len().to_be_bytes());
        sha.update(part);
    }
    sha.update(replays.to_be_bytes());
    sha.update(&letter.body);
    sha.finalize().to_vec()
}

/// Replaces NUL, which a text of PostgreSQL cannot have; the message's own bytes are stored as they are.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

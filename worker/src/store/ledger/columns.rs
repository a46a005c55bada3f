//! What a batch writes, column by column: name, type and value of each stand in one line, and both a statement's text and
//! its arguments are made from these lines.

use std::borrow::Borrow;

use serde::Serialize;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Encode, Postgres, Type};

use super::rows::history_bytes;
use super::{ClaimRequest, Record, StoredJob, StoredResult};
use crate::store::Error;

/// A column of rows that are written from values of type `T`.
pub(super) struct Column<T> {
    name: &'static str,
    value: Value<T>,
}

/// How a column's value is found; which one tells the column's type.
enum Value<T> {
    Text(fn(&T) -> Option<&str>),
    Number(fn(&T) -> Option<i64>),
    Bytes(fn(&T) -> Option<&[u8]>),
}

fn text<T>(name: &'static str, value: fn(&T) -> Option<&str>) -> Column<T> {
    Column { name, value: Value::Text(value) }
}

fn number<T>(name: &'static str, value: fn(&T) -> Option<i64>) -> Column<T> {
    Column { name, value: Value::Number(value) }
}

fn bytes<T>(name: &'static str, value: fn(&T) -> Option<&[u8]>) -> Column<T> {
    Column { name, value: Value::Bytes(value) }
}

/// The columns of a claim's new row that come from its request.
pub(super) fn claim_columns() -> [Column<ClaimRequest>; 13] {
    [
        text("id", |claim| Some(&claim.id)),
        bytes("job_hash", |claim| Some(&claim.job_hash)),
        number("attempt", |claim| Some(i64::from(claim.attempt.max(1)))),
        number("repeat_safe", |claim| Some(i64::from(claim.repeat_safe))),
        text("idempotency_key", |claim| Some(&claim.idempotency_key)),
        bytes("request_hash", |claim| claim.request_hash.as_ref().map(<[u8; 32]>::as_slice)),
        text("engine", |claim| Some(&claim.engine)),
        text("process", |claim| claim.process.as_deref()),
        text("version", |claim| claim.version.as_deref()),
        text("request", |claim| Some(&claim.request)),
        text("element", |claim| Some(&claim.element)),
        text("connector", |claim| claim.connector.as_deref()),
        text("resource", |claim| claim.resource.as_deref()),
    ]
}

/// A record as the values of its columns.
pub(super) struct RecordColumns<'a> {
    pub(super) id: &'a str,
    fence: i64,
    pub(super) state: &'static str,
    /// From now until the next attempt is due, milliseconds.
    wait: Option<i64>,
    is_silence: bool,
    history: Option<Vec<u8>>,
    code: Option<&'a str>,
    http_status: Option<i64>,
    duration_ms: Option<i64>,
    pub(super) result: Option<&'a StoredResult>,
    job: Option<&'a StoredJob>,
    exchange: Option<&'a [u8]>,
}

impl<'a> RecordColumns<'a> {
    /// Those that the job's row is updated from, by [`RECORD`].
    pub(super) fn of_job() -> [Column<Self>; 9] {
        [
            text("id", |record| Some(record.id)),
            number("fence", |record| Some(record.fence)),
            text("state", |record| Some(record.state)),
            number("wait", |record| record.wait),
            number("is_silence", |record| Some(i64::from(record.is_silence))),
            bytes("history", |record| record.history.as_deref()),
            text("code", |record| record.code),
            number("http_status", |record| record.http_status),
            number("duration_ms", |record| record.duration_ms),
        ]
    }

    /// Those of the payload's row, replaced by [`REPLACE_PAYLOAD`].
    pub(super) fn of_payload() -> [Column<Self>; 5] {
        [
            bytes("result", |record| record.result.map(|result| result.body.as_slice())),
            bytes("reply_address", |record| record.result.map(|result| result.reply_address.as_slice())),
            bytes("job", |record| record.job.map(|job| job.body.as_slice())),
            text("queue", |record| record.job.map(|job| job.queue.as_str())),
            bytes("exchange", |record| record.exchange),
        ]
    }

    pub(super) fn of(record: &'a Record) -> Self {
        match record {
            Record::Waiting { id, fence, wait_ms, history, is_silence } => Self {
                id,
                fence: *fence,
                state: "waiting",
                wait: Some(i64::try_from(*wait_ms).unwrap_or(i64::MAX).min(LONGEST_MS)),
                is_silence: *is_silence,
                history: history_bytes(history),
                code: None,
                http_status: None,
                duration_ms: None,
                result: None,
                job: None,
                exchange: None,
            },
            Record::Answered { id, fence, code, http_status, duration_ms, history, result, job, exchange, send } => {
                Self {
                    id,
                    fence: *fence,
                    state: if *send { "answered" } else { "published" },
                    wait: None,
                    is_silence: false,
                    history: history_bytes(history),
                    code: code.as_deref(),
                    http_status: http_status.map(i64::from),
                    duration_ms: Some(i64::try_from(*duration_ms).unwrap_or(i64::MAX)),
                    result: Some(result),
                    job: Some(job),
                    exchange: exchange.as_deref(),
                }
            }
        }
    }
}

/// Updates rows from records `u` at the time of `clock`. A job that was cancelled keeps its state, with what it ended with.
pub(super) const RECORD: &str =
    "UPDATE jobs SET state = CASE jobs.state WHEN 'cancelled' THEN jobs.state ELSE u.state END,
    due_at = CASE WHEN jobs.state <> 'cancelled' AND u.state = 'waiting' THEN clock.now + u.wait END,
    silent_since = CASE WHEN u.is_silence = 1 THEN jobs.silent_since END,
    history = u.history, code = u.code, http_status = u.http_status, duration_ms = u.duration_ms, updated_at = clock.now
    FROM u, clock WHERE jobs.id = u.id AND jobs.fence = u.fence AND jobs.state IN ('sending', 'cancelled')";

/// What becomes of a payload that is there already.
pub(super) const REPLACE_PAYLOAD: &str = "ON CONFLICT (job_id) DO UPDATE SET result = excluded.result,
    reply_address = excluded.reply_address, stored_at = excluded.stored_at, job = excluded.job, queue = excluded.queue,
    exchange = excluded.exchange";

/// A hundred years, so that sums fit.
const LONGEST_MS: i64 = 100 * 366 * 86_400_000;

/// `id, fence, …`
pub(super) fn names<T>(columns: &[Column<T>]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// `SELECT value->>0 AS id, substr($5, value->>1, value->>2) AS job_hash, … FROM …`: rows of [`JsonRows`].
pub(super) fn from_json<T>(columns: &[Column<T>], rows: &str, bytes: &str) -> String {
    let mut places = 0..;
    let mut place = || places.next().unwrap_or_default();
    let value = |column: &Column<T>| match column.value {
        Value::Text(_) | Value::Number(_) => format!("value->>{} AS {}", place(), column.name),
        Value::Bytes(_) => format!("substr({bytes}, value->>{}, value->>{}) AS {}", place(), place(), column.name),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    format!("SELECT {} FROM jsonb_each(jsonb({rows}))", values.join(", "))
}

/// `UNNEST($2::TEXT[], $3::BIGINT[], …) AS u (id, fence, …)`
pub(super) fn unnest<T>(columns: &[Column<T>], first: usize) -> String {
    let typed = |(number, column): (usize, &Column<T>)| match column.value {
        Value::Text(_) => format!("${number}::TEXT[]"),
        Value::Number(_) => format!("${number}::BIGINT[]"),
        Value::Bytes(_) => format!("${number}::BYTEA[]"),
    };
    let arrays: Vec<String> = (first..).zip(columns).map(typed).collect();
    format!("UNNEST({}) AS u ({})", arrays.join(", "), names(columns))
}

/// Adds one array for each column, for [`unnest`].
pub(super) fn add_arrays<T>(
    arguments: &mut PgArguments,
    columns: &[Column<T>],
    rows: &[impl Borrow<T>],
) -> Result<(), Error> {
    let rows = || rows.iter().map(Borrow::borrow);
    for column in columns {
        match column.value {
            Value::Text(of) => add(arguments, rows().map(of).collect::<Vec<_>>())?,
            Value::Number(of) => add(arguments, rows().map(of).collect::<Vec<_>>())?,
            Value::Bytes(of) => add(arguments, rows().map(of).collect::<Vec<_>>())?,
        }
    }
    Ok(())
}

/// Adds one argument to a statement for PostgreSQL.
pub(super) fn add<'t, V>(arguments: &mut PgArguments, value: V) -> Result<(), Error>
where
    V: Encode<'t, Postgres> + Type<Postgres>,
{
    arguments.add(value).map_err(|error| sqlx::Error::Encode(error).into())
}

/// Rows as one JSON array of arrays, for [`from_json`]. Bytes, which JSON cannot hold, are in one buffer for all rows of a
/// batch, and here is where they begin, from 1, and how many they are.
pub(super) struct JsonRows {
    text: Vec<u8>,
}

impl JsonRows {
    pub(super) fn new() -> Self {
        Self { text: vec![b'['] }
    }

    /// Adds a row; its columns may be given in several pieces.
    pub(super) fn add<T>(&mut self, columns: &[&[Column<T>]], row: &T, bytes: &mut Vec<u8>) {
        self.separate();
        self.text.push(b'[');
        for column in columns.iter().copied().flatten() {
            match column.value {
                Value::Text(of) => self.value(of(row)),
                Value::Number(of) => self.value(of(row)),
                Value::Bytes(of) => {
                    let found = of(row);
                    self.value(found.map(|_| bytes.len() + 1));
                    self.value(found.map(<[u8]>::len));
                    bytes.extend_from_slice(found.unwrap_or_default());
                }
            }
        }
        self.text.push(b']');
    }

    fn value(&mut self, value: impl Serialize) {
        self.separate();
        serde_json::to_writer(&mut self.text, &value).unwrap_or_default();
    }

    /// A comma, but for the first of an array.
    fn separate(&mut self) {
        if !self.text.ends_with(b"[") {
            self.text.push(b',');
        }
    }

    /// The whole array.
    pub(super) fn text(mut self) -> String {
        self.text.push(b']');
        String::from_utf8(self.text).unwrap_or_default()
    }
}

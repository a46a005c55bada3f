//! What a batch writes, column by column: name, type and value of each stand in one line, and both a statement's text and
//! its arguments are made from these lines.

use std::borrow::Borrow;

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Encode, Postgres, Type};

use super::rows::history_bytes;
use super::{ClaimRequest, Record, StoredJob, StoredResult};
use crate::store::Error;

/// A column of rows that are written from values of type `T`.
pub(super) struct Column<T> {
    name: &'static str,
    pub(super) value: Value<T>,
}

/// How a column's value is found; which one tells the column's type.
pub(super) enum Value<T> {
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
    /// Those that the job's row is updated from.
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

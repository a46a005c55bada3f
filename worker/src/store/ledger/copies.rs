//! Where further copies of a job want its result: a list of addresses in the job's row, which an ordinary job has not.

use sqlx::Connection as _;

use super::decide::Decision;
use super::rows::Row;
use super::{ClaimRequest, StoredResult, Verdict};
use crate::store::Error;
use crate::store::database::{Database, on};

/// Addresses that one job keeps; whoever names more of them comes back for the result.
const MOST: usize = 100;

/// The addresses of a row.
pub(super) fn read(copies: Option<&[u8]>) -> Vec<Vec<u8>> {
    let texts: Vec<String> = copies.and_then(|copies| serde_json::from_slice(copies).ok()).unwrap_or_default();
    texts.into_iter().map(String::into_bytes).collect()
}

fn write(copies: &[Vec<u8>]) -> Vec<u8> {
    let texts: Vec<_> = copies.iter().map(|address| String::from_utf8_lossy(address)).collect();
    serde_json::to_vec(&texts).unwrap_or_default()
}

/// The addresses with one more; `None` where it is among them.
fn with(copies: Option<&[u8]>, address: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut copies = read(copies);
    (!copies.iter().any(|known| known == address)).then(|| {
        copies.push(address.to_vec());
        copies
    })
}

/// Whether a copy's address is with its job already.
pub(super) fn is_registered(row: &Row, request: &ClaimRequest) -> bool {
    request.is_registered && with(row.copies.as_deref(), &request.reply_address).is_none()
}

/// Leaves a copy's address with a job that has not ended. One that finds no room there is not dropped.
pub(super) fn register(verdict: Verdict, row: &Row, request: &ClaimRequest, busy_ms: u64) -> Decision {
    match (with(row.copies.as_deref(), &request.reply_address), verdict) {
        (Some(copies), verdict) if copies.len() <= MOST => Decision::Register { verdict, copies: write(&copies) },
        (Some(_), Verdict::Stale) => Decision::Refuse(Verdict::Busy { for_ms: busy_ms }),
        (_, verdict) => Decision::Refuse(verdict),
    }
}

/// The stored result for a copy that asks for it once more: it goes where this copy wants it. Whoever has just stored it
/// sends it everywhere else, unless this is the same message, delivered again.
pub(super) fn answer(row: &Row, request: &ClaimRequest, stored: StoredResult) -> Verdict {
    let is_first = stored.reply_address == request.reply_address;
    let copies = if is_first && row.state == "answered" { stored.copies } else { Vec::new() };
    let result = StoredResult { reply_address: request.reply_address.clone(), copies, ..stored };
    // What was returned has been tried everywhere.
    if is_first || row.state != "answered" || row.returns > 0 {
        Verdict::Answered(result)
    } else {
        Verdict::AnsweredElsewhere(result)
    }
}

/// Arguments: job, addresses.
pub(super) const REGISTER: &str = "UPDATE jobs SET copies = $2 WHERE id = $1";
/// Locks the row of a job that has ended.
const LOCK: &str = "UPDATE jobs SET updated_at = updated_at WHERE id = $1 AND state IN ('answered', 'published')
    RETURNING state, copies";
const MAIN: &str = "SELECT reply_address FROM payloads WHERE job_id = $1";
const READDRESS: &str = "UPDATE payloads SET reply_address = $2 WHERE job_id = $1";
const RETURNED: &str = "UPDATE jobs SET state = 'answered', copies = $2, returns = returns + 1, updated_at = $3,
    send_at = $3 + CASE WHEN returns < 7 THEN $4 * (1 << CAST(returns AS INTEGER)) ELSE $5 END WHERE id = $1";

/// Notes that the result of a job that has ended was returned for one of its copies: it is sent there again, each time after
/// a longer wait, and elsewhere only if nobody had it yet.
pub(super) async fn returned(database: &Database, id: &str, address: &[u8], waits: (i64, i64)) -> Result<(), Error> {
    let (begin, clock) = (database.begin(), database.clock());
    on!(database, write db => {
        let mut transaction = db.begin_with(begin).await?;
        let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
        let ended: Option<(String, Option<Vec<u8>>)> =
            sqlx::query_as(LOCK).bind(id).fetch_optional(&mut *transaction).await?;
        let main: Option<Vec<u8>> = sqlx::query_scalar(MAIN).bind(id).fetch_optional(&mut *transaction).await?;
        if let (Some((state, copies)), Some(main)) = (ended, main) {
            let copies = if state == "published" {
                sqlx::query(READDRESS).bind(id).bind(address).execute(&mut *transaction).await?;
                None
            } else if main == address {
                copies
            } else {
                with(copies.as_deref(), address).map(|copies| write(&copies)).or(copies)
            };
            sqlx::query(RETURNED).bind(id).bind(copies).bind(now).bind(waits.0).bind(waits.1)
                .execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    })
}

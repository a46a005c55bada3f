//! The two databases behind one name: opening, migrating, and the clock.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{Executor, FromRow, PgConnection, PgPool, Pool, SqlitePool};

use super::Error;
use super::sqlite_writer::SqliteWriter;

pub(super) static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// How long a statement waits for a connection, and a SQLite one for another process.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a statement or transaction may take: a network that swallows packets says nothing for a quarter of an hour.
pub(super) const STATEMENT: Duration = Duration::from_secs(10);
/// Connections of one process, besides one for the ledger's batches and now and then one that drops old rows.
const CONNECTIONS: u32 = 5;

/// What a statement may carry over TLS, bytes, so that it fits into one record of 16 KiB with its framing. The second
/// record of a statement waits 40 ms for the server's acknowledgement of the first (Nagle's algorithm, RFC 896, with
/// delayed acknowledgements, RFC 1122 section 4.2.3.2), and the driver cannot switch that off.
pub(super) const ONE_RECORD: usize = 12 * 1024;
/// How long SQLite's log becomes, pages, before whoever commits next writes it to its file: 16 MiB. Imports do so themselves before
/// it is that long.
pub(super) const CHECKPOINT_PAGES: &str = "4000";

/// Rows are found by an index. A planner without statistics, as after a restore, would read ten million rows every few
/// seconds, with all processors, and compile the statement first.
const PLANS: &str = "SET enable_seqscan = off; SET jit = off; SET max_parallel_workers_per_gather = 0";

/// How a statement finds its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// By an index.
    Index,
    /// By reading all of them.
    WholeTable,
}

/// An open database.
#[derive(Debug, Clone)]
pub(super) enum Database {
    /// A file.
    Sqlite { writer: SqliteWriter, readers: SqlitePool },
    /// For everything but the ledger's batches, which have a connection of their own.
    Postgres(PgPool),
}

/// Runs `$body` on a connection of whichever database is open, where `$db` is a `&mut SqliteConnection` or a `&mut
/// PgConnection`: the body is compiled once for each, which a function with a closure cannot do. The value is a `Result`.
///
/// `on!(database, write db => sqlx::query(statement).execute(db).await?)` becomes, for each database that there is,
///
/// ```text
/// let mut connection = pool.acquire().await?;
/// let done = timeout(STATEMENT, async { Ok(sqlx::query(statement).execute(&mut *connection).await?) }).await;
/// // No answer in time, or a broken stream: the connection is closed, otherwise it goes back to the pool.
/// ```
///
/// `read` may use any connection, `write` one that writes, `ledger` that of a `LedgerConnection`; `over` takes a
/// [`ConnectionSource`] itself. In a box, since whoever waits for it would be as large as all that any driver may do.
macro_rules! on {
    ($database:expr, write $db:ident => $body:expr) => {
        match $database {
            $crate::store::database::Database::Sqlite { writer, .. } => $crate::store::database::on!(over writer, $db => $body),
            $crate::store::database::Database::Postgres(pool) => $crate::store::database::on!(over pool, $db => $body),
        }
    };
    ($database:expr, read $db:ident => $body:expr) => {
        match $database {
            $crate::store::database::Database::Sqlite { readers, .. } => $crate::store::database::on!(over readers, $db => $body),
            $crate::store::database::Database::Postgres(pool) => $crate::store::database::on!(over pool, $db => $body),
        }
    };
    ($connection:expr, ledger $db:ident => $body:expr) => {
        match $connection {
            $crate::store::ledger::connection::LedgerConnection::Sqlite(session) => $crate::store::database::on!(over &session.writer, $db => $body),
            $crate::store::ledger::connection::LedgerConnection::Postgres(session) => $crate::store::database::on!(over session, $db => $body),
        }
    };
    (over $source:expr, $db:ident => $body:expr) => {
        Box::pin(async {
            let mut source = $source;
            let mut connection = $crate::store::database::ConnectionSource::take(&mut source).await?;
            let work = async {
                let $db = &mut *connection;
                Ok::<_, $crate::store::Error>($body)
            };
            let done = tokio::time::timeout($crate::store::database::STATEMENT, work).await;
            let done = done.unwrap_or_else(|_| Err($crate::store::database::too_slow()));
            let is_usable = !done.as_ref().is_err_and($crate::store::Error::is_transient);
            $crate::store::database::ConnectionSource::put_back(&mut source, connection, is_usable);
            done
        })
        .await
    };
}
pub(super) use on;

/// What a row of either database is read as.
pub(super) trait AnyRow: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> AnyRow for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Where connections come from and go back to.
pub(super) trait ConnectionSource {
    /// What gives access to a connection.
    type Connection;

    async fn take(&mut self) -> Result<Self::Connection, Error>;

    fn put_back(&mut self, connection: Self::Connection, is_usable: bool);
}

impl<DB: sqlx::Database> ConnectionSource for &Pool<DB> {
    type Connection = PoolConnection<DB>;

    async fn take(&mut self) -> Result<Self::Connection, Error> {
        Ok(self.acquire().await?)
    }

    fn put_back(&mut self, mut connection: Self::Connection, is_usable: bool) {
        if !is_usable {
            // Otherwise the pool would ping it, perhaps for ever.
            connection.close_on_drop();
        }
    }
}

/// No answer in time.
pub(super) fn too_slow() -> Error {
    Error::unreachable(sqlx::Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        format!("no answer within {} s", STATEMENT.as_secs()),
    )))
}

/// Prepares every connection to PostgreSQL. A statement that nobody waits for any more ends at the server too: it would go on
/// with its locks, and a late claim could be granted after it was rolled back.
pub(super) async fn prepare(db: &mut PgConnection) -> sqlx::Result<()> {
    db.execute(sqlx::raw_sql(PLANS)).await?;
    let limit = "SELECT set_config('statement_timeout', $1, false)";
    sqlx::query(limit).bind(STATEMENT.as_millis().to_string()).execute(db).await.map(drop)
}

/// A database that was opened; locked until its key is known.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) lock: Option<File>,
    /// A SQLite file's name, with which those of its lock and key begin.
    pub(super) file_prefix: Option<String>,
}

/// Own certificate authorities and a client certificate for PostgreSQL, PEM files.
#[derive(Debug, Clone, Default)]
pub struct DatabaseTls {
    /// Authorities; with them the server's certificate and name are verified.
    pub ca_file: Option<PathBuf>,
    /// Who we are.
    pub client_certificate: Option<PathBuf>,
    /// Its key.
    pub client_key: Option<PathBuf>,
}

pub(super) async fn open(url: &SecretString, tls: &DatabaseTls, migrate: bool) -> Result<Opened, Error> {
    let text = url.expose_secret();
    if let Some(file) = text.strip_prefix("sqlite:") {
        let file = file.strip_prefix("//").unwrap_or(file);
        // A ledger in memory would be gone with the process.
        if file.is_empty() || file.contains(":memory:") { Err(Error::Url) } else { open_sqlite(Path::new(file)).await }
    } else if is_postgres(text) {
        open_postgres(text, tls, migrate).await
    } else {
        Err(Error::Url)
    }
}

/// Whether a URL names a database of PostgreSQL.
pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

async fn open_sqlite(file: &Path) -> Result<Opened, Error> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // Nobody else may read the credentials and the key in it.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| Error::file(folder, source))?;
    }
    // SQLite's own locks do not cover "create the file, set its mode, migrate it, create its key" by several processes.
    let mut lock_file = file.as_os_str().to_owned();
    lock_file.push(".lock");
    let lock = locked(Path::new(&lock_file)).await?;
    let problem = |source| Error::file(file, source);
    let made = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file);
    made.map_err(problem)?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE);
    let writing = options.clone().pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
    let writer = sqlite_pool(1).connect_with(writing).await.map_err(|error| problem(std::io::Error::other(error)))?;
    // Its commits wait for no disk, and it moves its pages from the log to the file itself, when nobody waits for it.
    let unsynced = options.clone().synchronous(SqliteSynchronous::Normal).pragma("wal_autocheckpoint", "0");
    let stager = sqlite_pool(1).connect_lazy_with(unsynced);
    let readers = sqlite_pool(CONNECTIONS).connect_lazy_with(options.pragma("query_only", "on"));
    SQLITE.run(&writer).await.map_err(migration_failed)?;
    Ok(Opened {
        database: Database::Sqlite { writer: SqliteWriter::new(writer, stager), readers },
        lock: Some(lock),
        file_prefix: Some(file.display().to_string()),
    })
}

/// A connection to a file does not break while nobody uses it, and asking its thread takes as long as a statement.
fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).test_before_acquire(false)
}

fn postgres_pool() -> PgPoolOptions {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    pool.after_connect(|db, _| Box::pin(prepare(db)))
}

pub(super) async fn locked(path: &Path) -> Result<File, Error> {
    let problem = |source| Error::file(path, source);
    let lock = File::create(path).map_err(problem)?;
    let waiting = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    waiting.await.map_err(|e| problem(std::io::Error::other(e)))?.map_err(problem)
}

async fn open_postgres(url: &str, tls: &DatabaseTls, migrate: bool) -> Result<Opened, Error> {
    let mut options: PgConnectOptions = url.parse().map_err(|_| Error::Url)?;
    if let Some(file) = &tls.ca_file {
        options = options.ssl_root_cert(file).ssl_mode(PgSslMode::VerifyFull);
    }
    if let (Some(certificate), Some(key)) = (&tls.client_certificate, &tls.client_key) {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    options = options.application_name("data-connector");
    if migrate {
        // Not prepared as others are: a migration may take longer than a statement.
        let pool = connect(PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE), options.clone()).await?;
        POSTGRES.run(&pool).await.map_err(migration_failed)?;
        pool.close().await;
    }
    let pool = connect(postgres_pool(), options).await?;
    check_schema(&pool).await?;
    Ok(Opened { database: Database::Postgres(pool), lock: None, file_prefix: None })
}

/// A database that does not let us in is as good as unreachable, whatever it says.
async fn connect(pool: PgPoolOptions, options: PgConnectOptions) -> Result<PgPool, Error> {
    pool.connect_with(options).await.map_err(Error::unreachable)
}

async fn check_schema(pool: &PgPool) -> Result<(), Error> {
    let applied: Result<Vec<i64>, sqlx::Error> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version").fetch_all(pool).await;
    let applied = match applied {
        Ok(applied) => applied,
        // "There is no such table": nothing has been migrated here.
        Err(sqlx::Error::Database(problem)) if problem.code().as_deref() == Some("42P01") => {
            return Err(Error::NotMigrated);
        }
        Err(error) => return Err(error.into()),
    };
    let known: Vec<i64> = POSTGRES.iter().map(|migration| migration.version).collect();
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Err(Error::OtherSchema(Arc::new(MigrateError::VersionMissing(*newer))));
    }
    if applied.len() < known.len() { Err(Error::NotMigrated) } else { Ok(()) }
}

fn migration_failed(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => error.into(),
        other => Error::OtherSchema(Arc::new(other)),
    }
}

/// Whether a transaction was given up for another one, as PostgreSQL does when two wait for each other (`40P01`, `40001`).
pub(super) fn is_conflict(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| matches!(code.as_ref(), "40P01" | "40001"))
}

/// Whether a database's own error may be gone at the next try, over another connection: restarts, locks, a standby that
/// takes over, full disks, and statements that were prepared before a migration (`0A000`, `26000`).
pub(super) fn is_transient(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    let postgres =
        ["08", "0A000", "25006", "26000", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class));
    // SQLite: busy, locked, I/O error, full, cannot open, and their extended codes.
    let sqlite = code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14));
    if code.len() == 5 { postgres } else { sqlite }
}

impl Database {
    /// This database for the runtime that calls, which makes its own connections; a SQLite file is written over those that there are.
    pub(super) fn for_this_runtime(&self) -> Self {
        match self {
            Self::Sqlite { writer, readers } => Self::Sqlite {
                writer: writer.clone(),
                readers: sqlite_pool(CONNECTIONS).connect_lazy_with((*readers.connect_options()).clone()),
            },
            Self::Postgres(pool) => {
                Self::Postgres(postgres_pool().connect_lazy_with((*pool.connect_options()).clone()))
            }
        }
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => SQLITE_BEGIN,
            Self::Postgres(_) => POSTGRES_BEGIN,
        }
    }

    /// Begins a transaction that reads: with `Plan::WholeTable` tables may be read from their beginning to their end.
    pub(super) fn begin_to_read(&self, plan: Plan) -> &'static str {
        match (self, plan) {
            (Self::Sqlite { .. }, _) => "BEGIN",
            (Self::Postgres(_), Plan::Index) => POSTGRES_BEGIN,
            (Self::Postgres(_), Plan::WholeTable) => "BEGIN; SET LOCAL enable_seqscan = on",
        }
    }

    /// Reads this database's clock, epoch milliseconds.
    pub(super) fn clock(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => SQLITE_NOW,
            Self::Postgres(_) => POSTGRES_NOW,
        }
    }

    /// Epoch milliseconds by this database's clock.
    pub(super) async fn now(&self) -> Result<i64, Error> {
        let clock = self.clock();
        on!(self, read db => sqlx::query_scalar(clock).fetch_one(db).await?)
    }

    /// The ledger's id and the value that only the right key recognises; both are made at first use.
    pub(super) async fn identity(&self, check: &[u8]) -> Result<(String, Vec<u8>), Error> {
        let id = uuid::Uuid::new_v4().to_string().into_bytes();
        let make = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        let read = "SELECT value FROM meta WHERE name = $1";
        let (id, check): (Vec<u8>, Vec<u8>) = on!(self, write db => {
            for (name, value) in [("ledger_id", id.as_slice()), ("vault_check", check)] {
                sqlx::query(make).bind(name).bind(value).execute(&mut *db).await?;
            }
            let id = sqlx::query_scalar(read).bind("ledger_id").fetch_one(&mut *db).await?;
            (id, sqlx::query_scalar(read).bind("vault_check").fetch_one(&mut *db).await?)
        })?;
        Ok((String::from_utf8_lossy(&id).into_owned(), check))
    }

    /// Ends all connections; what is under way is finished first.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Takes SQLite's lock at once, since it cannot be waited for later.
pub(super) const SQLITE_BEGIN: &str = "BEGIN IMMEDIATE";
/// PostgreSQL's.
pub(super) const POSTGRES_BEGIN: &str = "BEGIN";
/// SQLite's clock, to the millisecond.
pub(super) const SQLITE_NOW: &str = "SELECT CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)";
/// PostgreSQL's.
pub(super) const POSTGRES_NOW: &str = "SELECT now_ms()";

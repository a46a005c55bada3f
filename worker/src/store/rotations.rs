//! How far rotations of the keys have come, for whoever asked for one and looks from elsewhere.

use super::Error;
use super::bulk::{DIED, SILENT};
use super::database::on;
use super::keys::Keys;

/// A rotation that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Rotation {
    /// A uuid.
    pub id: String,
    /// Values that were to be encrypted again when it began.
    pub count: i64,
    /// Values that were.
    pub done: i64,
    /// `running`, `stopped` or `done`.
    pub state: String,
    /// Why it stopped by itself.
    pub error: Option<String>,
    /// Epoch milliseconds.
    pub updated_at: i64,
}

/// How a rotation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationState {
    /// Somebody stopped it, or it failed.
    Stopped,
    /// Nothing is left.
    Done,
}

impl RotationState {
    fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

const START: &str = "INSERT INTO key_rotations (id, count, state, updated_at) VALUES ($1, $2, 'running', $3)";
const PROGRESS: &str = "UPDATE key_rotations SET done = $2, updated_at = $3 WHERE id = $1 AND state = 'running'";
const END: &str =
    "UPDATE key_rotations SET state = $2, error = $3, updated_at = $4 WHERE id = $1 AND state = 'running'";
const GOES_ON: &str = "UPDATE key_rotations SET updated_at = $2 WHERE id = $1 AND state = 'running'";
const FIND: &str = "SELECT id, count, done, state, error, updated_at FROM key_rotations WHERE id = $1";

impl Keys<'_> {
    /// Notes that a rotation began.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn rotation_began(self, id: &str, count: i64) -> Result<(), Error> {
        let now = self.0.database.now().await?;
        on!(&self.0.database, write db => {
            sqlx::query(START).bind(id).bind(count).bind(now).execute(db).await?;
        })
    }

    /// Notes how many values were encrypted again; whether it is to go on.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn rotation_came_to(self, id: &str, done: i64) -> Result<bool, Error> {
        let now = self.0.database.now().await?;
        on!(&self.0.database, write db => {
            sqlx::query(PROGRESS).bind(id).bind(done).bind(now).execute(db).await?.rows_affected() > 0
        })
    }

    /// Notes that a rotation ended, unless it had before.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn rotation_ended(self, id: &str, state: RotationState, error: Option<&str>) -> Result<(), Error> {
        let now = self.0.database.now().await?;
        on!(&self.0.database, write db => {
            sqlx::query(END).bind(id).bind(state.name()).bind(error).bind(now).execute(db).await?;
        })
    }

    /// Notes that a rotation goes on.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn rotation_goes_on(self, id: &str) -> Result<(), Error> {
        let now = self.0.database.now().await?;
        on!(&self.0.database, write db => {
            sqlx::query(GOES_ON).bind(id).bind(now).execute(db).await?;
        })
    }

    /// The rotation with this id; one whose process has died is stopped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn rotation(self, id: &str) -> Result<Option<Rotation>, Error> {
        let clock = self.0.database.clock();
        on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let found: Option<Rotation> = sqlx::query_as(FIND).bind(id).fetch_optional(db).await?;
            found.map(|found| {
                let has_died = found.state == "running" && found.updated_at < now - SILENT;
                if !has_died {
                    return found;
                }
                Rotation { state: RotationState::Stopped.name().to_owned(), error: Some(DIED.to_owned()), ..found }
            })
        })
    }
}

//! What an import did, row by row where rows failed (COLLECTIONS 6).

use serde::Serialize;

/// How many problems are told.
const TOLD: usize = 1_000;

/// One problem of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// The physical line on which the row begins, from 1; `None` in JSON.
    pub line: Option<u64>,
    /// The number of the record, from 1.
    pub record: u64,
    /// Where in it; `None` for the whole.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `all` or `each`.
    pub mode: &'static str,
    /// Nothing was stored, whatever it says.
    pub dry_run: bool,
    /// How many rows were read.
    pub read: u64,
    /// How many made a record.
    pub created: u64,
    /// How many changed one.
    pub updated: u64,
    /// How many would have left one as it was.
    pub unchanged: u64,
    /// How many were passed over, since their record was there.
    pub skipped: u64,
    /// How many failed.
    pub failed: u64,
    /// Reading ended before the end of the file.
    pub aborted: bool,
    /// The first 1,000 problems.
    pub errors: Vec<RowError>,
    /// There were more.
    pub errors_truncated: bool,
}

impl Report {
    /// Adds a problem, as long as there is room.
    pub fn tell(&mut self, error: RowError) {
        if self.errors.len() < TOLD {
            self.errors.push(error);
        } else {
            self.errors_truncated = true;
        }
    }

    /// Whether any row failed, or not all were read.
    pub fn has_failures(&self) -> bool {
        self.failed > 0 || self.aborted
    }

    /// What is answered where nothing was stored.
    pub fn refusal(&self) -> String {
        let ended = if self.aborted { "reading ended early, and " } else { "" };
        format!("{ended}{} of {} rows failed; nothing was stored", self.failed, self.read)
    }

    /// The HTTP status: with `all`, one bad row is the failure of the whole.
    pub fn status(&self) -> u16 {
        if self.mode == "all" && self.has_failures() { 422 } else { 200 }
    }
}

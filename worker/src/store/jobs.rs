//! Jobs as people and periodic tasks ask for them: lists, single jobs, counts, replays.

use super::Inner;

/// The ledger's jobs; a worker's own claims and records go through [`super::ledger::LedgerHandle`].
#[derive(Debug, Clone, Copy)]
pub struct Jobs<'a>(pub(super) &'a Inner);

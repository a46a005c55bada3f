//! What waits for the database together, cut so that a statement can hold it.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Claim, ClaimRequest, Record, Recorded, Said};
use crate::store::Error;

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;
/// A question, and where its answer goes.
pub(super) type Asked<Q, T> = (Arc<Q>, Answer<T>);

/// Results that were taken, attempts that ended, and jobs that are about to be worked on; of each kind an id stands once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) published: Vec<String>,
    pub(super) records: Vec<Asked<Record, Recorded>>,
    pub(super) claims: Vec<Asked<ClaimRequest, Claim>>,
}

/// A batch without those who ask.
pub(super) struct Questions {
    pub(super) published: Vec<String>,
    pub(super) records: Vec<Arc<Record>>,
    pub(super) claims: Vec<Arc<ClaimRequest>>,
}

/// What was written of a batch, in its order; `None` has to be looked at first.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) records: Vec<Option<Recorded>>,
    pub(super) claims: Vec<Option<Said>>,
}

impl Batch {
    /// Sorted by id, so that workers with the same jobs in hand wait for each other instead of locking up.
    pub(super) fn sort(&mut self) {
        self.published.sort();
        self.records.sort_by(|(a, _), (b, _)| a.id().cmp(b.id()));
        self.claims.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.published.is_empty() && self.records.is_empty() && self.claims.is_empty()
    }

    pub(super) fn questions(&self) -> Questions {
        Questions {
            published: self.published.clone(),
            records: self.records.iter().map(|(record, _)| Arc::clone(record)).collect(),
            claims: self.claims.iter().map(|(claim, _)| Arc::clone(claim)).collect(),
        }
    }

    /// Parts that carry `most` bytes at most, but for those of a single question; the last part comes first.
    pub(super) fn parts(self, most: usize) -> Vec<Self> {
        let mut left = most.saturating_sub(self.published.iter().map(String::len).sum());
        let mut parts = Vec::new();
        let mut part = Self { published: self.published, ..Self::default() };
        for record in self.records {
            part.make_room(record.0.bytes(), &mut left, most, &mut parts);
            part.records.push(record);
        }
        for claim in self.claims {
            part.make_room(claim.0.bytes(), &mut left, most, &mut parts);
            part.claims.push(claim);
        }
        if !part.is_empty() {
            parts.push(part);
        }
        parts.reverse();
        parts
    }

    fn make_room(&mut self, size: usize, left: &mut usize, most: usize, parts: &mut Vec<Self>) {
        if size > *left && !self.is_empty() {
            parts.push(std::mem::take(self));
            *left = most;
        }
        *left = left.saturating_sub(size);
    }

    /// Takes a part out, so that what a database refuses is found; `None` where there is but one question, or one kind of
    /// mark.
    pub(super) fn split(&mut self) -> Option<Self> {
        let mut other = Self::default();
        match (self.published.len(), self.records.len(), self.claims.len()) {
            (published, records, claims) if claims > 0 && published + records > 0 => {
                other.claims = std::mem::take(&mut self.claims);
            }
            (published, records, _) if records > 0 && published > 0 => {
                other.records = std::mem::take(&mut self.records);
            }
            (_, _, claims) if claims > 1 => other.claims = self.claims.split_off(claims / 2),
            (_, records, _) if records > 1 => other.records = self.records.split_off(records / 2),
            _ => return None,
        }
        Some(other)
    }

    /// Tells everybody who asks that it failed.
    pub(super) fn fail(self, error: &Error) {
        self.records.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.again()))));
        self.claims.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.again()))));
    }
}

//! Pending ledger operations, split into batches that fit one statement.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::decide::Reply;
use super::{Claim, ClaimRequest, Record, Recorded};
use crate::store::Error;

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;
/// An operation, and where its answer goes.
pub(super) type Waiting<Q, T> = (Arc<Q>, Answer<T>);

/// Results that were published, attempts that ended, and jobs that are about to be worked on; of each kind an id occurs once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) published: Vec<String>,
    pub(super) records: Vec<Waiting<Record, Recorded>>,
    pub(super) claims: Vec<Waiting<ClaimRequest, Claim>>,
}

/// A batch without those who wait for answers.
pub(super) struct BatchView {
    pub(super) published: Vec<String>,
    pub(super) records: Vec<Arc<Record>>,
    pub(super) claims: Vec<Arc<ClaimRequest>>,
}

/// Kinds of operations: what was published, what ended, what is new.
pub(super) const PUBLISHED: usize = 1;
pub(super) const RECORDS: usize = 2;
pub(super) const CLAIMS: usize = 4;

impl BatchView {
    /// The kinds that there are in it, added up.
    pub(super) fn kinds(&self) -> usize {
        let is_there = |is_empty: bool, kind| if is_empty { 0 } else { kind };
        is_there(self.published.is_empty(), PUBLISHED)
            | is_there(self.records.is_empty(), RECORDS)
            | is_there(self.claims.is_empty(), CLAIMS)
    }
}

/// What was written of a batch, in its order; `None` has to be looked at first.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) records: Vec<Option<Recorded>>,
    pub(super) claims: Vec<Option<Reply>>,
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

    pub(super) fn view(&self) -> BatchView {
        BatchView {
            published: self.published.clone(),
            records: self.records.iter().map(|(record, _)| Arc::clone(record)).collect(),
            claims: self.claims.iter().map(|(claim, _)| Arc::clone(claim)).collect(),
        }
    }

    /// Parts that carry `most` bytes at most, but for those of a single operation; the last part comes first.
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

    /// What to write instead of a batch that was not written, the last one first: the same again after a conflict, each half
    /// of what was rejected; the batch itself where nothing is left to try.
    pub(super) fn instead(mut self, error: &Error) -> Result<Vec<Self>, Self> {
        match error {
            Error::Conflict(_) => Ok(vec![self]),
            Error::Rejected(_) => match self.split() {
                Some(other) => Ok(vec![other, self]),
                None => Err(self),
            },
            _ => Err(self),
        }
    }

    /// Takes a part out, so that the operation that the database rejects is found; `None` where there is but one, or only
    /// marks.
    fn split(&mut self) -> Option<Self> {
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

    /// Answers everybody who waits with the error.
    pub(super) fn fail(self, error: &Error) {
        self.records.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.clone()))));
        self.claims.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.clone()))));
    }
}

#[cfg(test)]
mod tests {
    use super::super::model_test::request;
    use super::*;

    fn batch(published: usize, records: usize, claims: usize) -> Batch {
        let id = |n: usize| format!("j{n:03}");
        let record =
            |id| Arc::new(Record::Waiting { id, fence: 1, wait_ms: 1, history: Vec::new(), is_silence: false });
        Batch {
            published: (0..published).map(id).collect(),
            records: (0..records).map(|n| (record(id(n)), oneshot::channel().0)).collect(),
            claims: (0..claims)
                .map(|n| (Arc::new(ClaimRequest { id: id(n), ..request(1, true) }), oneshot::channel().0))
                .collect(),
        }
    }

    fn closed() -> Arc<sqlx::Error> {
        Arc::new(sqlx::Error::PoolClosed)
    }

    fn ids(parts: &[Batch]) -> [Vec<String>; 3] {
        [
            parts.iter().flat_map(|part| part.published.clone()).collect(),
            parts.iter().flat_map(|part| part.records.iter().map(|(record, _)| record.id().to_owned())).collect(),
            parts.iter().flat_map(|part| part.claims.iter().map(|(claim, _)| claim.id.clone())).collect(),
        ]
    }

    fn bytes(part: &Batch) -> usize {
        let marks: usize = part.published.iter().map(String::len).sum();
        let records: usize = part.records.iter().map(|(record, _)| record.bytes()).sum();
        marks + records + part.claims.iter().map(|(claim, _)| claim.bytes()).sum::<usize>()
    }

    #[test]
    fn parts_hold_everything_in_its_order_and_no_more_than_they_may() {
        for most in [1, 700, 2_000, usize::MAX] {
            let mut parts = batch(40, 9, 9).parts(most);
            parts.reverse();
            assert_eq!(ids(&parts), ids(&[batch(40, 9, 9)]), "{most}");
            for part in &parts {
                let operations = part.records.len() + part.claims.len();
                let is_one = operations + usize::from(!part.published.is_empty()) == 1;
                assert!(bytes(part) <= most || is_one, "{} of {most}", bytes(part));
            }
            assert_eq!(parts.len() == 1, most == usize::MAX, "{most}: {}", parts.len());
        }
        assert!(batch(0, 0, 0).parts(1).is_empty());
    }

    #[test]
    fn a_batch_is_written_again_whole_after_a_conflict_only() {
        let again = batch(1, 2, 3).instead(&Error::Conflict(closed())).unwrap();
        assert_eq!((again.len(), ids(&again)), (1, ids(&[batch(1, 2, 3)])));
        let given_up = batch(1, 2, 3).instead(&Error::Unreachable(closed())).unwrap_err();
        assert_eq!(ids(&[given_up]), ids(&[batch(1, 2, 3)]));
    }

    #[test]
    fn what_is_rejected_is_split_down_to_single_operations() {
        let (mut open, mut single) = (vec![batch(3, 5, 6)], Vec::new());
        while let Some(part) = open.pop() {
            match part.instead(&Error::Rejected(closed())) {
                Ok(others) => open.extend(others),
                Err(part) => single.push(part),
            }
        }
        assert_eq!(ids(&single), ids(&[batch(3, 5, 6)]));
        assert_eq!(single.len(), 1 + 5 + 6);
    }
}

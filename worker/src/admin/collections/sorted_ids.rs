//! The ids of records in the order of their sort keys, kept in little memory.

use crate::collections::order_key;
use crate::collections::value::SortKey;

/// Ids with the bytes that they are ordered by.
#[derive(Debug, Default)]
pub(super) struct SortedIds {
    is_descending: bool,
    keys: Vec<u8>,
    entries: Vec<Entry>,
}

/// An id, and where its bytes are.
#[derive(Debug, Clone, Copy)]
struct Entry {
    begin: u32,
    length: u32,
    id: i64,
}

impl SortedIds {
    /// None yet.
    pub(super) fn new(is_descending: bool) -> Self {
        Self { is_descending, ..Self::default() }
    }

    /// Adds an id with its keys.
    pub(super) fn push(&mut self, keys: &[SortKey], id: i64) {
        let begin = self.keys.len();
        order_key::append(keys, self.is_descending, &mut self.keys);
        let place = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.entries.push(Entry { begin: place(begin), length: place(self.keys.len() - begin), id });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What they take in memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() + self.entries.len() * size_of::<Entry>()
    }

    /// Forgets all but the first ones.
    pub(super) fn keep_first(&mut self, count: usize) {
        self.sort();
        self.entries.truncate(count);
        let mut keys = Vec::new();
        for entry in &mut self.entries {
            let key = key(&self.keys, entry);
            entry.begin = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            keys.extend_from_slice(key);
        }
        self.keys = keys;
    }

    /// Ids in their order, `offset` of them passed over.
    pub(super) fn page(mut self, offset: u64, limit: u64) -> Vec<i64> {
        self.sort();
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.entries.iter().skip(number(offset)).take(number(limit)).map(|entry| entry.id).collect()
    }

    /// Equals by id ascending, whatever the direction.
    fn sort(&mut self) {
        let keys = &self.keys;
        self.entries.sort_unstable_by(|left, right| key(keys, left).cmp(key(keys, right)).then(left.id.cmp(&right.id)));
    }
}

fn key<'a>(keys: &'a [u8], entry: &Entry) -> &'a [u8] {
    let begin = usize::try_from(entry.begin).unwrap_or(usize::MAX);
    let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
    keys.get(begin..begin.saturating_add(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_ones_are_the_first_ones_of_all() {
        for is_descending in [false, true] {
            let mut ids = SortedIds::new(is_descending);
            for id in 0..1_000 {
                ids.push(&[SortKey::of(Some(&json!(id * 7 % 100)))], id);
                if ids.len() > 40 {
                    ids.keep_first(20);
                    assert!(ids.bytes() <= 20 * (size_of::<Entry>() + 11));
                }
            }
            let first: Vec<i64> = if is_descending { vec![57, 157, 257, 357] } else { vec![0, 100, 200, 300] };
            assert_eq!(ids.page(0, 4), first);
        }
    }
}

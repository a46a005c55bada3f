//! The first place of a piece with `_` in a text, in time that grows with the text, not with text times piece: one bit for each
//! character of the piece says whether the text so far ends with the piece up to there (shift-and, Baeza-Yates and Gonnet).

use std::collections::HashMap;

const BITS: usize = u64::BITS as usize;

/// What is looked for, prepared.
#[derive(Debug)]
pub(super) struct Search {
    /// The places at which a character may stand, for those that the piece names.
    places: HashMap<char, Vec<u64>>,
    /// The places at which any may.
    any: Vec<u64>,
    /// The last place.
    last: usize,
}

impl Search {
    /// A search for characters, `None` of them being any; there is at least one.
    pub(super) fn new(piece: &[Option<char>]) -> Self {
        let mut any = vec![0; piece.len().div_ceil(BITS)];
        for (place, _) in piece.iter().enumerate().filter(|(_, character)| character.is_none()) {
            any[place / BITS] |= 1 << (place % BITS);
        }
        let mut places: HashMap<char, Vec<u64>> = HashMap::new();
        for (place, character) in piece.iter().enumerate() {
            if let Some(character) = character {
                places.entry(*character).or_insert_with(|| any.clone())[place / BITS] |= 1 << (place % BITS);
            }
        }
        Self { places, any, last: piece.len().saturating_sub(1) }
    }

    /// What is left of a text after the first place of the piece in it.
    pub(super) fn strip_first_from<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut ends = vec![0_u64; self.any.len()];
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let places = self.places.get(&character).unwrap_or(&self.any);
            let mut carried = 1;
            for (word, allowed) in ends.iter_mut().zip(places) {
                let shifted = (*word << 1) | carried;
                carried = *word >> (BITS - 1);
                *word = shifted & allowed;
            }
            if ends[self.last / BITS] >> (self.last % BITS) & 1 == 1 {
                return Some(rest.as_str());
            }
        }
        None
    }
}

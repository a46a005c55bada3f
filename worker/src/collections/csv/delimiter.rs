//! Which character separates the cells of a file whose sender did not say so.

/// What may separate cells, the preferred one first.
const CANDIDATES: [u8; 3] = [b',', b';', b'\t'];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell, where a quote opens it.
    #[default]
    Begin,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell.
    Quote,
}

/// Looks for the end of the header, and counts the candidates outside of quotes on the way. Each byte is looked at once,
/// whatever the pieces in which they come.
#[derive(Debug, Default)]
pub(super) struct HeaderScan {
    state: State,
    at: usize,
    has_text: bool,
    counts: [usize; CANDIDATES.len()],
}

impl HeaderScan {
    /// Whether the header, the first line that is not blank, ends within the bytes that are there so far.
    pub(super) fn ends_within(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes.get(self.at..).unwrap_or_default() {
            self.at += 1;
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Begin | State::Quote, b'"') | (State::Quoted, _) => State::Quoted,
                (_, b'\n') if self.has_text => return true,
                (_, b'\n') => State::Begin,
                (_, byte) => match CANDIDATES.iter().zip(&mut self.counts).find(|(candidate, _)| *candidate == byte) {
                    Some((_, count)) => {
                        *count += 1;
                        State::Begin
                    }
                    None => State::Plain,
                },
            };
            self.has_text |= !matches!(byte, b'\r' | b'\n');
        }
        false
    }

    /// The most frequent candidate so far; the preferred one where it is a draw.
    pub(super) fn most_frequent(&self) -> u8 {
        let most = self.counts.iter().max().copied().unwrap_or_default();
        CANDIDATES.iter().zip(self.counts).find(|(_, count)| *count == most).map_or(b',', |(candidate, _)| *candidate)
    }
}

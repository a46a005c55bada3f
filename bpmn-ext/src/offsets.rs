//! Bytes of a text to bytes of the file that it was decoded from, and back. Knows how many bytes each character takes; must
//! not know where encodings are declared.

/// How many bytes of the file the characters of the text take.
#[derive(Debug)]
pub(crate) enum Widths {
    /// As many as in the text.
    Utf8,
    /// One each.
    One,
    /// Two, or four outside of the basic multilingual plane.
    Utf16,
    /// As listed, in the order of the text.
    Each(Vec<u8>),
}

/// Bytes of the text between two checkpoints, and so the most that a look-up counts.
const STRIDE: usize = 256;

/// A byte of the file, and how many characters begin before it.
#[derive(Debug, Clone, Copy, Default)]
struct Checkpoint {
    file: usize,
    characters: usize,
}

/// Where each byte of a text is in its file.
#[derive(Debug)]
pub(crate) struct Offsets {
    /// Bytes before the text: those of the byte order mark.
    skipped: usize,
    widths: Widths,
    /// One every [`STRIDE`] bytes of the text; none for UTF-8.
    checkpoints: Vec<Checkpoint>,
}

impl Offsets {
    pub(crate) fn new(text: &str, skipped: usize, widths: Widths) -> Self {
        let mut offsets = Self { skipped, widths, checkpoints: Vec::new() };
        if !matches!(offsets.widths, Widths::Utf8) {
            let mut at = Checkpoint { file: skipped, characters: 0 };
            for chunk in text.as_bytes().chunks(STRIDE) {
                offsets.checkpoints.push(at);
                at = chunk.iter().fold(at, |at, byte| offsets.after(at, *byte));
            }
        }
        offsets
    }

    /// The byte of the file at which the character at byte `at` of the text begins.
    pub(crate) fn in_file(&self, text: &str, at: usize) -> usize {
        let chunk = (at / STRIDE).min(self.checkpoints.len().saturating_sub(1));
        let Some(from) = self.checkpoints.get(chunk) else { return at + self.skipped };
        let between = text.as_bytes().get(chunk * STRIDE..at).unwrap_or_default();
        between.iter().fold(*from, |at, byte| self.after(at, *byte)).file
    }

    /// The byte of the text whose character begins at byte `at` of the file.
    pub(crate) fn in_text(&self, text: &str, at: usize) -> usize {
        if self.checkpoints.is_empty() {
            return at.saturating_sub(self.skipped);
        }
        let chunk = self.checkpoints.partition_point(|checkpoint| checkpoint.file <= at).saturating_sub(1);
        let mut found = self.checkpoints.get(chunk).copied().unwrap_or_default();
        for (index, byte) in text.as_bytes().iter().enumerate().skip(chunk * STRIDE) {
            if !is_continuation(*byte) && found.file >= at {
                return index;
            }
            found = self.after(found, *byte);
        }
        text.len()
    }

    /// The checkpoint after this byte of the text.
    fn after(&self, at: Checkpoint, byte: u8) -> Checkpoint {
        if is_continuation(byte) {
            return at;
        }
        let width = match &self.widths {
            Widths::Utf8 | Widths::One => 1,
            // Characters that take four bytes in UTF-8 are those that take two units in UTF-16.
            Widths::Utf16 => 2 + 2 * usize::from(byte >= 0b1111_0000),
            Widths::Each(widths) => widths.get(at.characters).copied().unwrap_or_default().into(),
        };
        Checkpoint { file: at.file + width, characters: at.characters + 1 }
    }
}

/// Whether it is a continuation byte of a character in UTF-8 (RFC 3629).
pub(crate) fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a character.
    type Width = fn(char) -> usize;

    #[test]
    fn every_character_is_found_in_the_file_and_back() {
        let text = "aä€🦀\n".repeat(200);
        let each: Vec<u8> = text.chars().map(|c| if c == 'ä' { 3 } else { 1 }).collect();
        let cases: [(Widths, Width); 4] = [
            (Widths::Utf8, char::len_utf8),
            (Widths::One, |_| 1),
            (Widths::Utf16, |c| 2 * c.len_utf16()),
            (Widths::Each(each), |c| if c == 'ä' { 3 } else { 1 }),
        ];
        for (widths, width) in cases {
            let name = format!("{widths:?}");
            let offsets = Offsets::new(&text, 2, widths);
            let mut file = 2;
            for (at, character) in text.char_indices() {
                assert_eq!((offsets.in_file(&text, at), offsets.in_text(&text, file)), (file, at), "{name:.20}");
                file += width(character);
            }
            assert_eq!((offsets.in_file(&text, text.len()), offsets.in_text(&text, file)), (file, text.len()));
        }
    }

    #[test]
    fn an_empty_text_is_at_the_start() {
        for widths in [Widths::Utf8, Widths::Utf16] {
            let offsets = Offsets::new("", 2, widths);
            assert_eq!((offsets.in_file("", 0), offsets.in_text("", 2)), (2, 0));
        }
    }
}

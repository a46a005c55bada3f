//! `LIKE`: case counts, `%` is any run of characters, `_` any one, a backslash makes the next one literal.

use super::like_search::Search;

/// A pattern for a whole text.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The pieces between `%`; one more than there are `%`.
    pieces: Vec<Piece>,
}

/// What stands between two `%`.
#[derive(Debug)]
enum Piece {
    /// No `_` in it.
    Text(String),
    /// `None` is `_`.
    Characters(Vec<Option<char>>, Search),
}

/// What of a pattern says how its texts begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning<'a> {
    /// It is this text.
    Whole(&'a str),
    /// Whatever begins with this text, which may be empty.
    Any(&'a str),
    /// It begins with this text, and more is asked.
    AndMore(String),
}

impl Pattern {
    pub(super) fn new(source: &str) -> Self {
        let mut pieces = vec![Vec::new()];
        let mut characters = source.chars();
        while let Some(character) = characters.next() {
            let last = pieces.len() - 1;
            match character {
                '%' => pieces.push(Vec::new()),
                '_' => pieces[last].push(None),
                '\\' => pieces[last].push(Some(characters.next().unwrap_or('\\'))),
                literal => pieces[last].push(Some(literal)),
            }
        }
        Self { pieces: pieces.into_iter().map(Piece::new).collect() }
    }

    /// Whether it matches a whole text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((first, others)) = self.pieces.split_first() else { return text.is_empty() };
        let Some(mut rest) = first.strip_from(text) else { return false };
        let Some((last, between)) = others.split_last() else { return rest.is_empty() };
        // The earliest place for each piece leaves the most to the next ones.
        for piece in between {
            match piece.strip_first_from(rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        last.ends(rest)
    }

    /// How its texts begin.
    pub(super) fn beginning(&self) -> Beginning<'_> {
        match self.pieces.as_slice() {
            [Piece::Text(whole)] => Beginning::Whole(whole),
            [Piece::Text(beginning), Piece::Text(end)] if end.is_empty() => Beginning::Any(beginning),
            [Piece::Text(beginning), ..] => Beginning::AndMore(beginning.clone()),
            [Piece::Characters(characters, _), ..] => {
                Beginning::AndMore(characters.iter().map_while(|character| *character).collect())
            }
            [] => Beginning::Whole(""),
        }
    }
}

impl Piece {
    fn new(characters: Vec<Option<char>>) -> Self {
        if let Some(text) = characters.iter().copied().collect() {
            return Self::Text(text);
        }
        let search = Search::new(&characters);
        Self::Characters(characters, search)
    }

    /// What is left of a text that begins with the piece.
    fn strip_from<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self {
            Self::Text(piece) => text.strip_prefix(piece.as_str()),
            Self::Characters(characters, _) => {
                let mut rest = text.chars();
                let is_here =
                    characters.iter().all(|wanted| rest.next().is_some_and(|c| wanted.is_none_or(|w| w == c)));
                is_here.then_some(rest.as_str())
            }
        }
    }

    /// What is left of a text after the first place of the piece in it.
    fn strip_first_from<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self {
            Self::Text(piece) => text.split_once(piece.as_str()).map(|(_, after)| after),
            Self::Characters(_, search) => search.strip_first_from(text),
        }
    }

    /// Whether a text ends with the piece.
    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Text(piece) => text.ends_with(piece.as_str()),
            Self::Characters(characters, _) => {
                let mut rest = text.chars();
                characters.iter().rev().all(|wanted| rest.next_back().is_some_and(|c| wanted.is_none_or(|w| w == c)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "ABC", false),
            ("abc", "abcd", false),
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("%", "a\nb", true),
            ("a%", "a", true),
            ("%b", "ab\r\nb", true),
            ("_", "\n", true),
            ("_", "é", true),
            ("_", "😀", true),
            ("_", "", false),
            ("__", "a", false),
            ("a_c%", "abcd", true),
            ("%a_c%", "xxaabcd", true),
            ("%a_c%", "xxac", false),
            ("%_", "", false),
            ("%_é_%", "aéb", true),
            ("%ab%ab%", "abab", true),
            ("%ab%ab%", "aba", false),
            ("%aba%ba", "ababa", true),
            ("%aba%aba", "ababa", false),
            ("a%a", "a", false),
            ("a%_a", "aa", false),
            ("a%_a", "aba", true),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            (r"a\_b", "a_b", true),
            (r"a\_b", "axb", false),
            (r"a\\b", r"a\b", true),
            (r"a\b", "ab", true),
            (r"a\", r"a\", true),
            (r"%\", r"x\", true),
            ("%%%", "abc", true),
            ("%%_%%", "", false),
            ("%a_a%b%", "xaaaab", true),
            ("%a_é_c%", "aaéécxaxéxc!", true),
            ("%a_é_c%", "aaéxxcaxéxx", false),
            ("%_b%_b%", "abbb", true),
            ("%_b%_b%", "abb", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text:?}");
        }
    }

    /// More characters than a word has bits.
    #[test]
    fn long_pieces_are_found() {
        for length in [62, 63, 64, 65, 127, 128, 129, 300] {
            let piece = format!("{}x", "a_".repeat(length / 2));
            let text = format!("{}x", "ab".repeat(length));
            assert!(Pattern::new(&format!("%{piece}%")).matches(&format!("{text}more")), "{length}");
            assert!(!Pattern::new(&format!("%{piece}%")).matches(&text.replace('x', "y")), "{length}");
            assert!(!Pattern::new(&format!("%{piece}_%")).matches(&text), "{length}");
        }
    }

    #[test]
    fn patterns_tell_how_their_texts_begin() {
        for (pattern, beginning) in [
            ("abc", Beginning::Whole("abc")),
            (r"a\%", Beginning::Whole("a%")),
            ("ab%", Beginning::Any("ab")),
            ("%", Beginning::Any("")),
            ("ab%c", Beginning::AndMore("ab".to_owned())),
            ("ab%%", Beginning::AndMore("ab".to_owned())),
            ("a_b%", Beginning::AndMore("a".to_owned())),
            ("_", Beginning::AndMore(String::new())),
        ] {
            assert_eq!(Pattern::new(pattern).beginning(), beginning, "{pattern}");
        }
    }
}

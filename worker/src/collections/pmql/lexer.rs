//! Tokens of a query. The longest token counts; what no token begins with is one of its own, for the parser to refuse.

use std::fmt;

use crate::collections::number::json_number_length;
use crate::collections::path::bare_length;
use crate::collections::quoted;

/// One token, and after how many bytes of the query it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) start: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind<'a> {
    /// A keyword, a function, an own field, `data`, or none of them.
    Word(&'a str),
    /// A number in JSON's grammar.
    Number(&'a str),
    /// A text in quotes, without them and decoded.
    Text(String),
    /// A text that no quote ends.
    Unclosed,
    /// An operator, a bracket, a comma, a sign, or a character that is none of these.
    Symbol(&'a str),
    /// Nothing is left.
    End,
}

impl fmt::Display for TokenKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(source) | Self::Symbol(source) => write!(f, "`{}`", shortened(source)),
            Self::Number(source) => write!(f, "the number {}", shortened(source)),
            Self::Text(text) => write!(f, "the text \"{}\"", shortened(text)),
            Self::Unclosed => f.write_str("a text without a quote at its end"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// A message shows so many characters of what somebody wrote.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 40;
    let cut: String = text.chars().take(LENGTH).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

const SYMBOLS_OF_TWO: [&str; 5] = ["==", "!=", "<>", "<=", ">="];

/// Reads a query from its beginning to its end.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// The whole query.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// What is left, and after how many bytes it begins.
    pub(super) fn rest(&self) -> (&'a str, usize) {
        (self.text.get(self.offset..).unwrap_or_default(), self.offset)
    }

    /// Goes on after so many bytes.
    pub(super) fn skip(&mut self, length: usize) {
        self.offset += length;
    }

    fn skip_space(&mut self) -> &'a str {
        let (rest, _) = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.offset += rest.len() - trimmed.len();
        trimmed
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Token<'a> {
        let rest = self.skip_space();
        let start = self.offset;
        let (kind, length) = token(rest);
        self.offset += length;
        Token { kind, start }
    }

    /// The next token, which stays the next one.
    pub(super) fn peek(&self) -> Token<'a> {
        self.clone().next()
    }

    /// The next token where a sign is one: after `NOW`, `-1` is no number.
    pub(super) fn sign(&mut self) -> Option<(char, usize)> {
        let sign = self.skip_space().chars().next().filter(|first| matches!(first, '+' | '-'))?;
        let start = self.offset;
        self.offset += 1;
        Some((sign, start))
    }

    /// The next token where it is `digits ["." digits]`.
    pub(super) fn decimal(&mut self) -> Option<(&'a str, usize)> {
        let rest = self.skip_space();
        let digits_at = |at: usize| rest.bytes().skip(at).take_while(u8::is_ascii_digit).count();
        let mut length = digits_at(0);
        if length == 0 {
            return None;
        }
        if rest.as_bytes().get(length) == Some(&b'.') && digits_at(length + 1) > 0 {
            length += 1 + digits_at(length + 1);
        }
        let start = self.offset;
        self.offset += length;
        Some((rest.get(..length)?, start))
    }
}

/// The token at the beginning of `rest`, and its length in bytes.
fn token(rest: &str) -> (TokenKind<'_>, usize) {
    let Some(first) = rest.chars().next() else { return (TokenKind::End, 0) };
    let of_length = |length: usize| rest.get(..length).unwrap_or(rest);
    if let Some(length) = json_number_length(rest.as_bytes()) {
        return (TokenKind::Number(of_length(length)), length);
    }
    if matches!(first, '"' | '\'') {
        return quoted::read(rest)
            .map_or((TokenKind::Unclosed, rest.len()), |(text, length)| (TokenKind::Text(text), length));
    }
    let word = bare_length(rest);
    if word > 0 {
        return (TokenKind::Word(of_length(word)), word);
    }
    let two = SYMBOLS_OF_TWO.iter().any(|symbol| rest.starts_with(symbol));
    let length = if two { 2 } else { first.len_utf8() };
    (TokenKind::Symbol(of_length(length)), length)
}

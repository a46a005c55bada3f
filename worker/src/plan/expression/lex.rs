//! Text to tokens.

use super::{LENGTH, Problem};

/// Names, signs and constants of one expression: what bounds the depth of its tree.
const TOKENS: usize = 600;

/// A token and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number(serde_json::Number),
    Text(String),
    Name(String),
    Sign(&'static str),
    End,
}

/// Longer ones before their beginnings.
const SIGNS: [&str; 40] = [
    "===", "!==", "**", "==", "!=", "<=", ">=", "&&", "||", "..", "??", "?:", "?.", "+", "-", "*", "/", "%", "~", "<",
    ">", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}", "&", "|", "^", "=", ";", "@", "#", "$",
];

pub(super) fn tokens(source: &str) -> Result<Vec<Token>, Problem> {
    if source.len() > LENGTH {
        return Err(Problem::new(0, format!("the expression is longer than {LENGTH} bytes")));
    }
    let mut found = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let at = source.len() - rest.len();
        let (kind, after) = match first {
            '\'' | '"' => {
                text(rest, first).ok_or_else(|| Problem::new(at, "the text that begins here is never closed"))?
            }
            '0'..='9' => number(rest).ok_or_else(|| Problem::new(at, "is not a number"))?,
            c if c.is_alphabetic() || c == '_' => name(rest),
            _ => sign(rest).ok_or_else(|| Problem::new(at, format!("`{first}` is not part of the language")))?,
        };
        if found.len() == TOKENS {
            return Err(Problem::new(at, format!("the expression has more than {TOKENS} names, signs and constants")));
        }
        found.push(Token { at, kind });
        rest = after.trim_start();
    }
    found.push(Token { at: source.len(), kind: Kind::End });
    Ok(found)
}

fn sign(rest: &str) -> Option<(Kind, &str)> {
    SIGNS.iter().find_map(|sign| Some((Kind::Sign(sign), rest.strip_prefix(sign)?)))
}

fn name(rest: &str) -> (Kind, &str) {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (Kind::Name(name.to_owned()), after)
}

/// Digits with a fraction and an exponent; `1..3` is a range, not a fraction.
fn number(rest: &str) -> Option<(Kind, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(rest);
    let fraction = rest.get(end..)?.strip_prefix('.').map_or(0, digits);
    if fraction > 0 {
        end += 1 + fraction;
    }
    if let Some(exponent) = rest.get(end..)?.strip_prefix(['e', 'E']) {
        let signed = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits(signed) > 0 {
            end += 1 + (exponent.len() - signed.len()) + digits(signed);
        }
    }
    let (number, after) = rest.split_at_checked(end)?;
    let parsed = match number.parse::<i128>() {
        Ok(whole) => serde_json::Number::from_i128(whole)?,
        Err(_) => serde_json::Number::from_f64(number.parse().ok()?)?,
    };
    Some((Kind::Number(parsed), after))
}

fn text(rest: &str, quote: char) -> Option<(Kind, &str)> {
    let mut read = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            _ if character == quote => return Some((Kind::Text(read), rest.get(index + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => read.push('\n'),
                't' => read.push('\t'),
                'r' => read.push('\r'),
                other if other == quote || other == '\\' => read.push(other),
                // A pattern's `\d` stays what it is.
                other => read.extend(['\\', other]),
            },
            other => read.push(other),
        }
    }
    None
}

//! Commands as `cmd.exe` reads a line and a program its arguments: carets and percent signs first, then quotes and
//! backslashes.

use super::super::marked;
use super::super::position::Fault;
use super::posix::unclosed;
use super::{Command, Part, Word};

/// Whether a text was written for `cmd.exe`: it ends lines with a caret, or escapes quotes with it.
pub(super) fn is_written_for(text: &str) -> bool {
    text.contains("^\"") || text.lines().any(|line| line.trim_end().ends_with('^'))
}

/// A character and where it stands, as `cmd.exe` hands it on; operators apart.
enum Passed {
    Character(char, usize),
    Variable(String),
    Operator(&'static str),
}

pub(super) fn parts(text: &str) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    let mut line: Vec<Passed> = Vec::new();
    for passed in passed_on(text) {
        match passed {
            Passed::Operator(operator) => {
                end(&mut parts, std::mem::take(&mut line), operator)?;
            }
            other => line.push(other),
        }
    }
    end(&mut parts, line, "")?;
    Ok(parts)
}

fn end(parts: &mut Vec<Part>, line: Vec<Passed>, operator: &'static str) -> Result<(), Fault> {
    let words = words(line)?;
    if !words.is_empty() {
        parts.push(Part { command: Command { words, ..Command::default() }, operator });
    }
    Ok(())
}

/// What `cmd.exe` makes of a text: a quote that a caret escapes does not begin a quoted text.
fn passed_on(text: &str) -> Vec<Passed> {
    let mut out = Vec::new();
    let mut characters = text.char_indices().peekable();
    let mut quoted = false;
    while let Some((at, character)) = characters.next() {
        match character {
            '^' if !quoted => {
                if let Some((_, '\r')) = characters.peek() {
                    characters.next();
                }
                match characters.next() {
                    // The line goes on, and its first character stands for itself.
                    Some((_, '\n')) => {
                        let first =
                            characters.next_if(|(_, next)| !next.is_whitespace() && *next != '^' && *next != '"');
                        out.push(Passed::Character(' ', at));
                        out.extend(first.map(|(at, first)| Passed::Character(first, at)));
                    }
                    Some((at, escaped)) => out.push(Passed::Character(escaped, at)),
                    None => {}
                }
            }
            '"' => {
                quoted = !quoted;
                out.push(Passed::Character('"', at));
            }
            '\n' => {
                quoted = false;
                out.push(Passed::Operator(""));
            }
            '&' | '|' if !quoted => {
                characters.next_if(|(_, next)| *next == character);
                out.push(Passed::Operator(if character == '&' { "&" } else { "|" }));
            }
            '%' => match variable(text.get(at + 1..).unwrap_or_default()) {
                Some(name) => {
                    // The name, of which every character is a byte, and the other percent sign.
                    characters.nth(name.len());
                    out.push(Passed::Variable(name.to_owned()));
                }
                None => out.push(Passed::Character('%', at)),
            },
            other => out.push(Passed::Character(other, at)),
        }
    }
    out
}

/// `NAME%`: capitals, and long enough to be no percent-encoded byte.
fn variable(after: &str) -> Option<&str> {
    let length = after.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_').count();
    let (name, rest) = after.split_at_checked(length)?;
    let is_name = length > 2 && name.starts_with(|first: char| first.is_ascii_uppercase());
    (is_name && rest.starts_with('%')).then_some(name)
}

/// The arguments of a line, as programs split it: backslashes count before a quote only, and two quotes inside quotes are one.
fn words(line: Vec<Passed>) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<usize> = None;
    let mut backslashes = 0;
    let mut line = line.into_iter().peekable();
    while let Some(passed) = line.next() {
        let (character, at) = match passed {
            Passed::Character(character, at) => (character, at),
            Passed::Variable(name) => {
                let current = word.get_or_insert_default();
                flush(current, &mut backslashes);
                current.text.push_str(&marked::variable(&name));
                continue;
            }
            Passed::Operator(_) => continue,
        };
        if character == '\\' {
            backslashes += 1;
            word.get_or_insert_with(|| Word { text: String::new(), at });
            continue;
        }
        if character == '"' {
            let current = word.get_or_insert_with(|| Word { text: String::new(), at });
            let escaped = backslashes % 2 == 1;
            current.text.extend(std::iter::repeat_n('\\', backslashes / 2));
            backslashes = 0;
            if escaped {
                current.text.push('"');
            } else if quote.is_some() && matches!(line.peek(), Some(Passed::Character('"', _))) {
                line.next();
                current.text.push('"');
            } else {
                quote = if quote.is_some() { None } else { Some(at) };
            }
            continue;
        }
        if let Some(current) = word.as_mut() {
            flush(current, &mut backslashes);
        }
        if character.is_whitespace() && quote.is_none() {
            words.extend(word.take());
        } else {
            word.get_or_insert_with(|| Word { text: String::new(), at }).text.push(character);
        }
    }
    if let Some(current) = word.as_mut() {
        flush(current, &mut backslashes);
    }
    words.extend(word);
    match quote {
        Some(at) => Err(unclosed(at)),
        None => Ok(words),
    }
}

fn flush(word: &mut Word, backslashes: &mut usize) {
    word.text.extend(std::iter::repeat_n('\\', *backslashes));
    *backslashes = 0;
}

//! A command's words as options and URLs.

use super::super::position::Fault;
use super::Word;
use super::options::{long_name, takes_value};

/// An option with its value, or a URL, and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    /// The long name; `url` for a URL.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) at: usize,
}

/// The arguments of a command, without its name.
pub(super) fn read(words: &[Word]) -> Result<Vec<Argument>, Fault> {
    let mut arguments = Vec::new();
    let mut words = words.iter().skip(1);
    let mut only_urls = false;
    while let Some(word) = words.next() {
        let mut push = |name: &str, value: &str, at: usize| {
            arguments.push(Argument { name: name.to_owned(), value: value.to_owned(), at });
        };
        if only_urls || !word.text.starts_with('-') || word.text == "-" {
            push("url", &word.text, word.at);
        } else if word.text == "--" {
            only_urls = true;
        } else if let Some(name) = word.text.strip_prefix("--") {
            if takes_value(name) {
                let value = words.next().ok_or_else(|| no_value(word))?;
                push(name, &value.text, value.at);
            } else {
                push(name, "", word.at);
            }
        } else {
            let mut letters = word.text.chars();
            letters.next();
            while let Some(letter) = letters.next() {
                let Some(name) = long_name(letter) else {
                    push(&format!("-{letter}"), "", word.at);
                    continue;
                };
                if !takes_value(name) {
                    push(name, "", word.at);
                    continue;
                }
                let joined = letters.as_str();
                if joined.is_empty() {
                    let value = words.next().ok_or_else(|| no_value(word))?;
                    push(name, &value.text, value.at);
                } else {
                    push(name, joined, word.at);
                }
                break;
            }
        }
    }
    Ok(arguments)
}

fn no_value(word: &Word) -> Fault {
    Fault::new(word.at, format!("the option `{}` needs a value after it", word.text))
}

//! cURL commands, as shells, browsers and documentation write them.

mod arguments;
mod data;
mod options;
mod placeholders;
mod posix;
mod request;
mod windows;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::marked;
use super::position::Fault;
use super::record::{Auth, Draft};
use super::report::{Report, quoted};

pub(super) use data::{Fields, file, object};

/// A word of a command: a marked text, and where it begins.
#[derive(Debug, Default, Clone, PartialEq)]
struct Word {
    text: String,
    at: usize,
}

/// A command with what a shell hands to it.
#[derive(Debug, Default)]
struct Command {
    words: Vec<Word>,
    /// Standard input, where the text holds it.
    input: Option<String>,
    redirections: Vec<String>,
}

/// A command and what follows it.
#[derive(Debug)]
struct Part {
    command: Command,
    operator: &'static str,
}

/// Whether a text begins with a cURL command, after comments, assignments and a prompt.
pub(super) fn looks_like(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first_word = |line: &'_ str| {
        let line = line.trim_start_matches(['$', '>', '%']).trim_start();
        line.split_whitespace().find(|word| !is_before_command(word)).map(is_curl)
    };
    lines.take(50).find_map(first_word).unwrap_or(false)
}

/// `sudo` and assignments.
fn is_before_command(word: &str) -> bool {
    let is_assignment = word
        .split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    matches!(word, "sudo" | "time" | "export") || is_assignment
}

fn is_curl(word: &str) -> bool {
    let name = word.trim_start_matches('^').rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.trim_matches(['"', '\'']).to_ascii_lowercase();
    name == "curl" || name == "curl.exe"
}

/// The records of all commands: one for each host and credential.
pub(super) fn read(text: &str, report: &mut Report) -> Result<Vec<Map<String, Value>>, Fault> {
    let text = marked::clean(text);
    let parts = if windows::is_written_for(&text) { windows::parts(&text)? } else { posix::parts(&text)? };
    let mut drafts = Drafts::default();
    let mut piped: Option<&'static str> = None;
    for part in parts {
        let command = part.command;
        let first = command.words.first().map(|word| word.text.clone()).unwrap_or_default();
        if is_curl(&first) {
            for redirection in &command.redirections {
                report.left_out(quoted(redirection), "files are not part of a call");
            }
            request::read(&command, &mut drafts, report)?;
        } else {
            let why = match piped {
                Some("|" | "|&") => {
                    "what another program makes of the answer is not part of a call; map it in the element"
                }
                Some("&") => "`&` outside of quotes ends a command; put the URL into quotes if this belongs to it",
                _ => "only cURL commands are read",
            };
            let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).take(20).collect();
            report.left_out(quoted(&marked::shown(&words.join(" "))), why);
        }
        piped = Some(part.operator);
    }
    if drafts.list.is_empty() && report.first_reason().is_none() {
        return Err(Fault::new(0, "no cURL command was found"));
    }
    Ok(drafts.list.into_iter().map(|draft| draft.into_record(report)).collect())
}

/// Records in the making, by host and credential.
#[derive(Debug, Default)]
struct Drafts {
    list: Vec<Draft>,
    known: HashMap<String, usize>,
    budget: Budget,
}

impl Drafts {
    /// The record of a host and a credential.
    fn of(&mut self, origin: &str, host: &str, auth: Auth) -> Option<&mut Draft> {
        let next = self.list.len();
        let index = *self.known.entry(format!("{origin} {}", auth.key())).or_insert(next);
        if index == next {
            self.list.push(Draft { name: host.to_owned(), auth, ..Draft::default() });
        }
        self.list.get_mut(index)
    }
}

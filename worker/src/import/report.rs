//! What changes on the way and what does not come over: told once, with the resources that it is about.

use std::collections::HashMap;

use serde::Serialize;

use crate::job::{Limit, brief};

/// What a record cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What it is, and of which resource.
    pub what: String,
    /// Why, and what to do about it.
    pub why: String,
}

/// Resources that one entry names; of further ones it says how many there are.
const NAMED: usize = 5;
/// Characters of a name or value that an entry quotes.
const QUOTED: usize = 80;

/// What is told about a conversion, in the order in which it came up.
#[derive(Debug, Default)]
pub(super) struct Report {
    changed: Vec<(String, About)>,
    left_out: Vec<(String, String, About)>,
    known: HashMap<(bool, String, String), usize>,
}

/// The resources that an entry is about.
#[derive(Debug, Default)]
struct About {
    names: Vec<String>,
    count: usize,
}

impl About {
    fn add(&mut self, resource: &str) {
        if resource.is_empty() || self.names.last().is_some_and(|last| last == resource) {
            return;
        }
        self.count += 1;
        if self.names.len() < NAMED {
            self.names.push(resource.to_owned());
        }
    }

    fn text(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
        let more = match self.count - self.names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if names.is_empty() { String::new() } else { format!(" ({}{more})", names.join(", ")) }
    }
}

impl Report {
    /// Something is written in another way: a sentence without its full stop.
    pub(super) fn changed(&mut self, sentence: impl Into<String>) {
        self.changed_in("", sentence);
    }

    /// The same, of a resource.
    pub(super) fn changed_in(&mut self, resource: &str, sentence: impl Into<String>) {
        let sentence = sentence.into();
        let index = *self.known.entry((true, sentence.clone(), String::new())).or_insert(self.changed.len());
        if index == self.changed.len() {
            self.changed.push((sentence, About::default()));
        }
        if let Some((_, about)) = self.changed.get_mut(index) {
            about.add(resource);
        }
    }

    /// Something does not come over.
    pub(super) fn left_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left_out_of("", what, why);
    }

    /// The same, of a resource.
    pub(super) fn left_out_of(&mut self, resource: &str, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        let next = self.left_out.len();
        let index = *self.known.entry((false, what.clone(), why.clone())).or_insert(next);
        if index == next {
            self.left_out.push((what, why, About::default()));
        }
        if let Some((.., about)) = self.left_out.get_mut(index) {
            about.add(resource);
        }
    }

    /// Why the first thing that does not come over does not.
    pub(super) fn first_reason(&self) -> Option<&str> {
        self.left_out.first().map(|(_, why, _)| why.as_str())
    }

    /// All that was told.
    pub(super) fn finish(self) -> (Vec<String>, Vec<LeftOut>) {
        let changed = self.changed.iter().map(|(sentence, about)| format!("{sentence}{}.", about.text())).collect();
        let left_out = self.left_out.into_iter();
        let left_out = left_out.map(|(what, why, about)| LeftOut { what: format!("{what}{}", about.text()), why });
        (changed, left_out.collect())
    }
}

/// A name or value as messages quote it.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", brief(text, Limit::Characters(QUOTED)).escape_debug())
}

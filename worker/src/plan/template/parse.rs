//! Text to nodes, after the public mustache specification: interpolation, sections, inverted sections, comments,
//! delimiters, and lines that hold nothing but a tag.

use super::super::secrets::Secrets;
use super::TemplateError;

/// The longest template, bytes.
const LENGTH: usize = 256 * 1024;
/// The deepest nesting of sections.
const DEPTH: usize = 32;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Variable { name: Name, filters: Vec<Filter>, escaped: bool },
    Section { name: Name, inverted: bool, nodes: Vec<Node> },
}

/// A dotted name; empty parts mean `.`, the current value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    pub(super) parts: Vec<String>,
}

impl Name {
    fn parse(text: &str) -> Self {
        let parts = if text == "." { Vec::new() } else { text.split('.').map(ToOwned::to_owned).collect() };
        Self { parts }
    }

    pub(super) fn text(&self) -> String {
        if self.parts.is_empty() { ".".to_owned() } else { self.parts.join(".") }
    }
}

/// What follows a `|` (COMPATIBILITY 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    Json,
    Xml,
    Serialize,
    Base64,
    Html64,
    Key,
}

impl Filter {
    const ALL: [(&str, Self); 6] = [
        ("json", Self::Json),
        ("xml", Self::Xml),
        ("serialize", Self::Serialize),
        ("base64", Self::Base64),
        ("html64", Self::Html64),
        ("key", Self::Key),
    ];

    /// The filter of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, filter)| *filter)
    }
}

enum Token {
    Text(String),
    /// `position` in bytes.
    Tag {
        kind: Kind,
        body: String,
        position: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Escaped,
    Raw,
    Section,
    Inverted,
    Close,
    Comment,
    Delimiters,
    Partial,
}

impl Kind {
    /// Tags that leave no trace of a line they stand alone on.
    fn can_stand_alone(self) -> bool {
        !matches!(self, Self::Escaped | Self::Raw)
    }
}

pub(super) fn parse(source: &str) -> Result<Vec<Node>, TemplateError> {
    if source.len() > LENGTH {
        let problem = format!("the template has {} bytes; at most {LENGTH} are read", source.len());
        return Err(TemplateError::Syntax { position: 1, problem });
    }
    let nodes = nodes(source).map_err(|Problem { at, text }| {
        // Characters are counted only here: counting them for each tag would take the square of the length.
        let position = source.get(..at).map_or(0, |before| before.chars().count()) + 1;
        TemplateError::Syntax { position, problem: text }
    })?;
    refuse_altered_secrets(&nodes, false)?;
    Ok(nodes)
}

fn nodes(source: &str) -> Result<Vec<Node>, Problem> {
    let mut tokens = tokens(source)?;
    drop_standalone_lines(&mut tokens);
    build(tokens)
}

/// A mistake, and where it begins, in bytes.
struct Problem {
    at: usize,
    text: String,
}

fn syntax(at: usize, text: impl Into<String>) -> Problem {
    Problem { at, text: text.into() }
}

fn tokens(source: &str) -> Result<Vec<Token>, Problem> {
    let (mut open, mut close) = ("{{".to_owned(), "}}".to_owned());
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some((text, after)) = rest.split_once(&open) {
        let position = source.len() - rest.len() + text.len();
        tokens.push(Token::Text(text.to_owned()));
        let (kind, body, remaining) = tag(after, &close)
            .ok_or_else(|| syntax(position, format!("`{open}` is never closed; write `{close}` where it ends")))?;
        if kind == Kind::Delimiters {
            (open, close) = delimiters(&body, position)?;
        }
        tokens.push(Token::Tag { kind, body, position });
        rest = remaining;
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok(tokens)
}

/// The kind of a tag, its content, and the rest of the text; `after` begins behind the opening delimiter.
fn tag<'a>(after: &'a str, close: &str) -> Option<(Kind, String, &'a str)> {
    if let Some(raw) = after.strip_prefix('{').filter(|_| close == "}}") {
        let (body, rest) = raw.split_once("}}}")?;
        return Some((Kind::Raw, body.trim().to_owned(), rest));
    }
    if let Some(change) = after.strip_prefix('=') {
        let (body, rest) = change.split_once(&format!("={close}"))?;
        return Some((Kind::Delimiters, body.trim().to_owned(), rest));
    }
    let (inside, rest) = after.split_once(close)?;
    let kinds = [
        ('#', Kind::Section),
        ('^', Kind::Inverted),
        ('/', Kind::Close),
        ('!', Kind::Comment),
        ('>', Kind::Partial),
        ('&', Kind::Raw),
    ];
    let found = kinds.iter().find_map(|(sigil, kind)| Some((*kind, inside.trim_start().strip_prefix(*sigil)?)));
    let (kind, body) = found.unwrap_or((Kind::Escaped, inside));
    Some((kind, body.trim().to_owned(), rest))
}

fn delimiters(body: &str, position: usize) -> Result<(String, String), Problem> {
    let mut parts = body.split_whitespace();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(open), Some(close), None) if !body.contains('=') => Ok((open.to_owned(), close.to_owned())),
        _ => Err(syntax(position, "new delimiters are written {{=<% %>=}}")),
    }
}

/// A line with nothing but white space and one tag that is not a variable disappears (mustache specification, "standalone").
fn drop_standalone_lines(tokens: &mut [Token]) {
    let alone: Vec<usize> = (0..tokens.len()).filter(|index| stands_alone(tokens, *index)).collect();
    for index in alone {
        if let Some(Token::Text(before)) = index.checked_sub(1).and_then(|i| tokens.get_mut(i)) {
            before.truncate(before.rfind('\n').map_or(0, |newline| newline + 1));
        }
        if let Some(Token::Text(after)) = tokens.get_mut(index + 1) {
            *after = after.split_once('\n').map_or_else(String::new, |(_, rest)| rest.to_owned());
        }
    }
}

fn stands_alone(tokens: &[Token], index: usize) -> bool {
    let Some(Token::Tag { kind, .. }) = tokens.get(index) else { return false };
    let (Some(Token::Text(before)), Some(Token::Text(after))) =
        (index.checked_sub(1).and_then(|i| tokens.get(i)), tokens.get(index + 1))
    else {
        return false;
    };
    let starts_line = match before.rsplit_once('\n') {
        Some((_, indent)) => is_blank(indent),
        None => is_blank(before) && index == 1,
    };
    let ends_line = match after.split_once('\n') {
        Some((tail, _)) => is_blank(tail.strip_suffix('\r').unwrap_or(tail)),
        None => is_blank(after) && index + 2 == tokens.len(),
    };
    kind.can_stand_alone() && starts_line && ends_line
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c == '\t')
}

struct Open {
    name: String,
    inverted: bool,
    position: usize,
    before: Vec<Node>,
}

fn build(tokens: Vec<Token>) -> Result<Vec<Node>, Problem> {
    let mut nodes = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for token in tokens {
        let (kind, body, position) = match token {
            Token::Text(text) => {
                if !text.is_empty() {
                    nodes.push(Node::Text(text));
                }
                continue;
            }
            Token::Tag { kind, body, position } => (kind, body, position),
        };
        match kind {
            Kind::Escaped | Kind::Raw => nodes.push(variable(&body, kind == Kind::Escaped, position)?),
            Kind::Section | Kind::Inverted => {
                if open.len() == DEPTH {
                    return Err(syntax(position, format!("sections are nested more than {DEPTH} deep")));
                }
                named(&body, position)?;
                let before = std::mem::take(&mut nodes);
                open.push(Open { name: body, inverted: kind == Kind::Inverted, position, before });
            }
            Kind::Close => close(&mut nodes, open.pop(), &body, position)?,
            // There is nowhere to load partials from: they are empty, as in ProcessMaker.
            Kind::Comment | Kind::Delimiters | Kind::Partial => {}
        }
    }
    match open.pop() {
        Some(left) => {
            Err(syntax(left.position, format!("the section `{0}` is never closed; write {{{{/{0}}}}}", left.name)))
        }
        None => Ok(nodes),
    }
}

fn close(nodes: &mut Vec<Node>, open: Option<Open>, name: &str, position: usize) -> Result<(), Problem> {
    let Some(open) = open else {
        return Err(syntax(position, format!("{{{{/{name}}}}} closes a section that was not opened")));
    };
    if open.name != name {
        return Err(syntax(position, format!("{{{{/{name}}}}} closes `{}`; sections must nest", open.name)));
    }
    let inside = std::mem::replace(nodes, open.before);
    nodes.push(Node::Section { name: Name::parse(name), inverted: open.inverted, nodes: inside });
    Ok(())
}

/// A secret is inserted as it is: not through a filter, and not in a section, which may be a filter or tell whether there is a
/// value.
fn refuse_altered_secrets(nodes: &[Node], in_section: bool) -> Result<(), TemplateError> {
    for node in nodes {
        let (name, place) = match node {
            Node::Text(_) => continue,
            Node::Variable { name, filters, .. } if !filters.is_empty() => (name, Some("a filter")),
            Node::Variable { name, .. } => (name, in_section.then_some("a section")),
            Node::Section { name, nodes, .. } => {
                refuse_altered_secrets(nodes, true)?;
                (name, Some("a section"))
            }
        };
        if let Some(place) = place.filter(|_| name.parts.first().is_some_and(|name| Secrets::is_reference(name))) {
            return Err(TemplateError::Secret { name: name.text(), place });
        }
    }
    Ok(())
}

fn named(body: &str, position: usize) -> Result<(), Problem> {
    if body.is_empty() { Err(syntax(position, "the tag names no variable")) } else { Ok(()) }
}

fn variable(body: &str, escaped: bool, position: usize) -> Result<Node, Problem> {
    let mut parts = body.split('|').map(str::trim);
    let name = parts.next().unwrap_or_default();
    named(name, position)?;
    let filters = parts
        .map(|name| {
            let known = || Filter::ALL.map(|(name, _)| name).join(", ");
            let unknown = || syntax(position, format!("the filter `{name}` is not known; there are: {}", known()));
            Filter::named(name).ok_or_else(unknown)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Node::Variable { name: Name::parse(name), filters, escaped })
}

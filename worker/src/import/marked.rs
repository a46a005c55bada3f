//! Texts in which variables are marked: what a shell, a collection or a document puts values into.
//!
//! A marked text can be split and searched like any other; only at the end it becomes a mustache template, in which what was
//! no variable stands for itself.

/// What a variable's name stands between: characters that no text holds (Unicode, noncharacters).
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// A text without marks of its own.
pub(super) fn clean(text: &str) -> String {
    if text.contains([OPEN, CLOSE]) { text.replace([OPEN, CLOSE], "\u{fffd}") } else { text.to_owned() }
}

/// A variable as a part of a marked text; its name is written as [`variable_name`] says.
pub(super) fn variable(name: &str) -> String {
    format!("{OPEN}{}{CLOSE}", variable_name(name))
}

/// The name that a variable has in templates and expressions: letters, digits, `_` and `-`.
pub(super) fn variable_name(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let name: String = name.chars().take(128).map(kept).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Whether a text holds a variable.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains(OPEN)
}

/// The name, where the text is one variable and nothing else.
pub(super) fn only_variable(text: &str) -> Option<&str> {
    text.strip_prefix(OPEN)?.strip_suffix(CLOSE).filter(|name| !name.contains([OPEN, CLOSE]))
}

/// The text with its variables as people write them, for messages.
pub(super) fn shown(text: &str) -> String {
    text.replace(OPEN, "{{").replace(CLOSE, "}}")
}

/// A mustache template of a marked text.
pub(super) fn template(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split(OPEN);
    let first = pieces.next().unwrap_or_default();
    let mut literal = first;
    for piece in pieces {
        let (name, after) = piece.split_once(CLOSE).unwrap_or((piece, ""));
        push_literal(&mut out, literal, true);
        out.push_str("{{");
        out.push_str(name);
        out.push_str("}}");
        literal = after;
    }
    push_literal(&mut out, literal, false);
    out
}

/// A mustache template that stands for a text as it is.
pub(super) fn literal(text: &str) -> String {
    template(&clean(text))
}

/// Braces that would begin a tag stand between changed delimiters.
fn push_literal(out: &mut String, text: &str, before_variable: bool) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        out.push_str("{{=<% %>=}}{{<%={{ }}=%>");
        rest = after;
    }
    match rest.strip_suffix('{').filter(|_| before_variable) {
        Some(before) => {
            out.push_str(before);
            out.push_str("{{=<% %>=}}{<%={{ }}=%>");
        }
        None => out.push_str(rest),
    }
}

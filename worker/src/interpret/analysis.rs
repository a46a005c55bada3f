//! Static analysis of a configuration's texts for lint: the variables that they read, and the position of mistakes.
//!
//! Uses the parsers that jobs run with; must not know how a text is written in a model.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::connector::{Condition, RowFormat};
use crate::plan::expression::{Expression, ExpressionError};
use crate::plan::template::{Template, TemplateError};
use crate::plan::{Feel, FeelError, Secrets};

use super::jmes_path;
use super::path_error::PathError;
use super::source::DotPath;

/// Why a text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    /// The bytes of the text that are wrong; empty at its end where something is missing there.
    pub at: Range<usize>,
    /// What is wrong and what to write.
    pub problem: String,
}

/// The variables of the request's data that a row's text reads; a path reads the answer only.
///
/// # Errors
/// Why every job with this text would fail.
pub fn row_variables(format: RowFormat, text: &str) -> Result<BTreeSet<String>, TextError> {
    match format {
        RowFormat::Feel => match Feel::parse(text) {
            Ok(Feel::Parsed(expression)) => Ok(expression.variables()),
            Ok(Feel::Rendered(template)) => Ok(of_request(&template)),
            Err(FeelError::Template(error)) => Err(in_template(text, error)),
            Err(FeelError::Expression(error)) => Err(in_expression(text, error)),
        },
        RowFormat::JmesPath | RowFormat::DotPath if !text.contains("{{") => {
            path(format, text).map(|()| BTreeSet::new())
        }
        _ => template(text),
    }
}

/// Whether a path parses; blanks around it mean nothing.
fn path(format: RowFormat, text: &str) -> Result<(), TextError> {
    let path = text.trim();
    // Nothing and zero mean the whole answer (COMPATIBILITY 4.7).
    let parsed = match format {
        _ if matches!(path, "" | "0" | "$status") => Ok(()),
        RowFormat::JmesPath => jmes_path::parse(path).map(drop),
        _ => DotPath::parse(path).map(drop),
    };
    parsed.map_err(|error| {
        let TextError { at, problem } = in_path(path, error);
        let before = text.len() - text.trim_start().len();
        TextError { at: at.start + before..at.end + before, problem }
    })
}

/// The same of `success` and `when`: a list of statuses, or an expression.
///
/// # Errors
/// Why every job with this text would fail.
pub fn condition_variables(text: &str) -> Result<BTreeSet<String>, TextError> {
    match Condition::read(text) {
        Condition::Statuses(_) => Ok(BTreeSet::new()),
        Condition::Expression(_) => Expression::parse(text).map(|expression| expression.variables()).map_err(|error| {
            let TextError { at, problem } = in_expression(text, error);
            let problem = format!("is neither a list of statuses (404, 4xx, 400-404) nor an expression: {problem}");
            TextError { at, problem }
        }),
    }
}

fn template(text: &str) -> Result<BTreeSet<String>, TextError> {
    Template::parse(text).map(|template| of_request(&template)).map_err(|error| in_template(text, error))
}

/// Secrets look like variables and are left out.
fn of_request(template: &Template) -> BTreeSet<String> {
    template.variables().into_iter().filter(|name| !Secrets::is_reference(name)).collect()
}

/// The tag that is wrong.
fn in_template(text: &str, error: TemplateError) -> TextError {
    let TemplateError::Syntax { position, problem } = error else {
        return TextError { at: 0..text.len(), problem: error.to_string() };
    };
    let start = byte_of(text, position);
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find("}}").map_or(rest.len().min(2), |end| end + 2);
    TextError { at: start..start + length, problem }
}

fn in_expression(text: &str, error: ExpressionError) -> TextError {
    TextError { at: word_at(text, byte_of(text, error.position)), problem: error.problem }
}

fn in_path(text: &str, error: PathError) -> TextError {
    TextError { at: error.at.map_or(0..text.len(), |at| word_at(text, at)), problem: error.problem }
}

/// The byte of a character that is counted from 1.
fn byte_of(text: &str, position: usize) -> usize {
    text.char_indices().nth(position.saturating_sub(1)).map_or(text.len(), |(at, _)| at)
}

/// The word that begins at a byte, or the one character.
fn word_at(text: &str, at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    at..at + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Result<BTreeSet<String>, TextError> {
        match format {
            "condition" => condition_variables(text),
            "mustache" => row_variables(RowFormat::Mustache, text),
            "feel" => row_variables(RowFormat::Feel, text),
            "jmespath" => row_variables(RowFormat::JmesPath, text),
            _ => row_variables(RowFormat::DotPath, text),
        }
    }

    #[test]
    fn variables_of_texts_in_every_language() {
        for (format, text, expected) in [
            ("mustache", "{{a.b}} {{{c | json}}} {{#d}}{{e}}{{/d}} {{^f}}-{{/f}} {{.}}", "a c d f"),
            ("mustache", "Bearer {{secret:token}}", ""),
            ("feel", "a.b + c['d'] ? [e, {f: -g}] : not h", "a c e g h"),
            ("feel", "a ?? date(b) matches '^x'", "b"),
            ("feel", "{{a}} + b", "a"),
            ("condition", "4xx,503", ""),
            ("condition", "status == 200 and body.ok", "body status"),
            ("path", "a.b", ""),
            ("path", "{{a}}.b", "a"),
            ("jmespath", "a[0].b", ""),
            ("jmespath", "", ""),
        ] {
            let found = read(format, text).unwrap();
            assert_eq!(found.into_iter().collect::<Vec<_>>().join(" "), expected, "{format}: {text}");
        }
    }

    #[test]
    fn mistakes_are_found_at_their_words() {
        for (format, text, wrong, problem) in [
            ("mustache", "ä {{a | jsn}} b", "{{a | jsn}}", "the filter `jsn` is not known; there are: json"),
            ("mustache", "ä {{a} b", "{{", "`{{` is never closed"),
            ("mustache", "{{#a}}x", "{{#a}}", "the section `a` is never closed"),
            ("feel", "ä + lenght(b)", "lenght", "`lenght`"),
            ("feel", "ä +", "", "a value is expected here"),
            ("feel", "{{a", "{{", "`{{` is never closed"),
            ("condition", "4xx or", "xx", "is neither a list of statuses"),
            ("path", "$.ä[?", "", "is not a JSONPath"),
            ("path", "$.ä[x]", "[", "is not a JSONPath"),
            ("path", "  $.ä[x] ", "[", "is not a JSONPath"),
            ("jmespath", "a..b", ".", "is not JMESPath"),
            ("jmespath", &"(".repeat(30), &"(".repeat(30), "nests deeper"),
        ] {
            let error = read(format, text).unwrap_err();
            assert_eq!(text.get(error.at.clone()), Some(wrong), "{format}: {text}: {error:?}");
            assert!(error.problem.contains(problem), "{format}: {text}: {error:?}");
        }
    }
}

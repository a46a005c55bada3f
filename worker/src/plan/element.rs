//! An element's outgoing rows with their templates and expressions parsed, once for all jobs that carry this configuration.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::connector::{ElementConfig, Invalid, OutboundKind, OutboundRow, RowFormat};

use super::expression::EvalContext;
use super::feel::Feel;
use super::form_fields;
use super::prepared::parse;
use super::template::{Escape, Scope, Template};
use super::value::weight;

/// What all rows of one kind may render to, bytes: each of them may name all of the request's data.
const ROWS_BYTES: usize = 16 * 1024 * 1024;
/// Outgoing rows of one element.
const ROWS: usize = 1_000;

/// A configuration that is ready to be planned with.
#[derive(Debug)]
pub struct PreparedElement {
    /// As it was read.
    pub config: ElementConfig,
    rows: Option<Vec<PreparedRow>>,
}

/// A row with its key and value parsed.
#[derive(Debug)]
pub(super) struct PreparedRow {
    pub(super) kind: OutboundKind,
    /// Mustache of a header's name; the others are literal.
    pub(super) key: Template,
    name: String,
    value: Source,
    path: String,
}

#[derive(Debug)]
enum Source {
    Mustache(Template),
    Feel(Feel),
}

impl PreparedElement {
    /// Parses every outgoing row.
    ///
    /// # Errors
    /// The first row that does not parse, by its path in the configuration.
    pub fn new(config: ElementConfig) -> Result<Self, Invalid> {
        if config.outbound.as_ref().is_some_and(|rows| rows.len() > ROWS) {
            return Err(Invalid::new("outboundConfig", format!("has more than {ROWS} rows")));
        }
        let rows = config
            .outbound
            .as_ref()
            .map(|rows| rows.iter().enumerate().map(|(index, row)| prepare(index, row)).collect::<Result<Vec<_>, _>>());
        let rows = rows.transpose()?;
        Ok(Self { config, rows })
    }

    /// The rows; `None` is not the same as empty (COMPATIBILITY 4.5).
    pub(super) fn rows(&self) -> Option<&[PreparedRow]> {
        self.rows.as_deref()
    }
}

fn prepare(index: usize, row: &OutboundRow) -> Result<PreparedRow, Invalid> {
    let path = format!("outboundConfig.{index} ({})", row.key);
    let value = match row.format {
        RowFormat::Feel => Source::Feel(Feel::parse(&row.value).map_err(|e| Invalid::new(&path, e.to_string()))?),
        _ => Source::Mustache(parse(&row.value, &path)?),
    };
    let key = parse(&row.key, &path)?.closed_to_secrets("a name").map_err(|e| Invalid::new(&path, e.to_string()))?;
    Ok(PreparedRow { kind: row.kind, key, name: row.key.clone(), value, path })
}

impl PreparedRow {
    /// What is wrong with it, under its path.
    pub(super) fn refused(&self, problem: String) -> Invalid {
        Invalid::new(&self.path, problem)
    }

    /// Whether its value holds a secret.
    fn holds_secret(&self) -> bool {
        matches!(&self.value, Source::Mustache(template) if template.secret().is_some())
    }

    /// The value as neutral text, or typed where it is an expression: escaped only where it is finally inserted (CONTRACT 6).
    pub(super) fn value(&self, data: &Scope<'_>, ctx: EvalContext<'_>, html: bool) -> Result<Value, Invalid> {
        let wrong = |problem: String| Invalid::new(&self.path, problem);
        match &self.value {
            Source::Mustache(template) => {
                let escape = if html { Escape::Html } else { Escape::None };
                template.render(data, escape).map(Value::from).map_err(|e| wrong(e.to_string()))
            }
            Source::Feel(feel) => feel.evaluate(data, ctx).map_err(|e| wrong(e.to_string())),
        }
    }

    /// A part of a header, as it stands.
    pub(super) fn header(&self, data: &Scope<'_>) -> Result<(String, String), Invalid> {
        let wrong = |problem: String| Invalid::new(&self.path, problem);
        let key = self.key.render(data, Escape::None).map_err(|e| wrong(e.to_string()))?;
        match &self.value {
            Source::Mustache(value) => Ok((key, value.render(data, Escape::None).map_err(|e| wrong(e.to_string()))?)),
            // Rows of headers are read as mustache, whatever they say (COMPATIBILITY 4.5).
            Source::Feel(_) => Err(wrong("a header is mustache".to_owned())),
        }
    }
}

/// The rendered rows of one kind: all of them in order, and the last of each name for templates.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) list: Vec<(String, Value)>,
    pub(super) members: Map<String, Value>,
    /// Those of them that hold a secret.
    pub(super) secret: BTreeSet<String>,
}

pub(super) fn rendered(
    rows: Option<&[PreparedRow]>,
    kind: OutboundKind,
    data: &Scope<'_>,
    ctx: EvalContext<'_>,
    html: bool,
) -> Result<Rendered, Invalid> {
    let (mut rendered, mut bytes) = (Rendered::default(), 0_usize);
    for row in rows.unwrap_or_default().iter().filter(|row| row.kind == kind) {
        let value = row.value(data, ctx, html)?;
        form_fields::check(&row.path, &row.name, &value)?;
        bytes = bytes.saturating_add(weight(&value, ROWS_BYTES));
        if bytes > ROWS_BYTES {
            let problem = format!("the rows up to this one render to more than {ROWS_BYTES} bytes; send less");
            return Err(Invalid::new(&row.path, problem));
        }
        if row.holds_secret() {
            rendered.secret.insert(row.name.clone());
        }
        rendered.members.insert(row.name.clone(), value.clone());
        rendered.list.push((row.name.clone(), value));
    }
    Ok(rendered)
}

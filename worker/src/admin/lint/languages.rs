//! The languages of rows as the worker reads them, for rules about a model's texts.

use bpmn_ext::Format;
use bpmn_ext::lint::{Language, TextError};

use crate::connector::RowFormat;
use crate::interpret::{condition_variables, row_variables};

/// The worker's own parsers.
pub struct Languages;

impl Language for Languages {
    fn variables(&self, format: Format, text: &str) -> Result<Vec<String>, TextError> {
        let read = match format {
            Format::Mustache => row_variables(RowFormat::Mustache, text),
            Format::Path => row_variables(RowFormat::DotPath, text),
            Format::Feel => row_variables(RowFormat::Feel, text),
            Format::Jmespath => row_variables(RowFormat::JmesPath, text),
            Format::Condition => condition_variables(text),
        };
        let names = read.map(|names| names.into_iter().collect());
        names.map_err(|misread| TextError { span: misread.at, problem: misread.problem })
    }
}

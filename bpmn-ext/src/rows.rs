//! The configuration of an element row by row, each text with its span, in the same shape for all dialects. Knows that
//! shape; must not know how a dialect writes it.

use crate::spanned_text::SpannedText;

/// The language of a text in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `{{name}}` (COMPATIBILITY 4.6); the default of inputs.
    Mustache,
    /// A dot path as in ProcessMaker or, with a leading `$`, JSONPath (CONTRACT 6); the default of outputs.
    Path,
    /// ProcessMaker's expression language, which is not the FEEL of DMN (COMPATIBILITY 4.6).
    Feel,
    /// JMESPath.
    Jmespath,
    /// A list of statuses, or an expression over the response (CONTRACT 3): the language of `when` and `success`, which no
    /// row can choose.
    Condition,
}

impl Format {
    /// The format that a model names; the default for a name that is not known, which the worker refuses.
    pub(crate) fn from_name(name: Option<&str>, default: Self) -> Self {
        match name {
            Some("mustache") => Self::Mustache,
            Some("feel") => Self::Feel,
            Some("jmespath") => Self::Jmespath,
            Some("dotNotation") => Self::Path,
            _ => default,
        }
    }
}

/// Where an input goes (COMPATIBILITY 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputKind {
    Param,
    Header,
    Body,
}

impl InputKind {
    /// The kind of this name, in upper or lower case as the worker accepts it.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_uppercase().as_str() {
            "PARAM" => Some(Self::Param),
            "HEADER" => Some(Self::Header),
            "BODY" => Some(Self::Body),
            _ => None,
        }
    }
}

/// A value of the call that is made from request data.
#[derive(Debug)]
pub(crate) struct Input<'e, 'a> {
    pub(crate) kind: InputKind,
    pub(crate) key: SpannedText<'e, 'a>,
    pub(crate) value: SpannedText<'e, 'a>,
    pub(crate) format: Format,
}

/// A variable that is set from the response.
#[derive(Debug)]
pub(crate) struct Output<'e, 'a> {
    /// Its place among all outputs of the element, from 0.
    pub(crate) at: usize,
    pub(crate) variable: SpannedText<'e, 'a>,
    pub(crate) source: Option<SpannedText<'e, 'a>>,
    pub(crate) format: Format,
}

/// The BPMN error that a failure is mapped onto.
#[derive(Debug)]
pub(crate) struct ErrorRow<'e, 'a> {
    /// Its place among all error mappings of the element, from 0.
    pub(crate) at: usize,
    pub(crate) when: Option<SpannedText<'e, 'a>>,
    pub(crate) code: Option<SpannedText<'e, 'a>>,
    pub(crate) message: Option<SpannedText<'e, 'a>>,
}

/// The whole configuration of one element.
#[derive(Debug, Default)]
pub(crate) struct Rows<'e, 'a> {
    pub(crate) connector: Option<SpannedText<'e, 'a>>,
    pub(crate) resource: Option<SpannedText<'e, 'a>>,
    pub(crate) queue: Option<SpannedText<'e, 'a>>,
    pub(crate) inputs: Vec<Input<'e, 'a>>,
    pub(crate) outputs: Vec<Output<'e, 'a>>,
    pub(crate) errors: Vec<ErrorRow<'e, 'a>>,
    /// Which responses are successes.
    pub(crate) success: Option<SpannedText<'e, 'a>>,
    /// The number of attempts as configured.
    pub(crate) attempts: Option<SpannedText<'e, 'a>>,
    /// The number of attempts, the first included; ProcessMaker's number does not include it.
    pub(crate) attempts_total: Option<u64>,
    /// `repeat`.
    pub(crate) repeat: Option<SpannedText<'e, 'a>>,
    /// Other members that are a text or a number, by name.
    pub(crate) others: Vec<(String, SpannedText<'e, 'a>)>,
}

impl<'e, 'a> Rows<'e, 'a> {
    /// The error codes that failures are mapped onto, each with the place of its row.
    pub(crate) fn error_codes(&self) -> impl Iterator<Item = (usize, &SpannedText<'e, 'a>)> {
        self.errors.iter().filter_map(|row| Some((row.at, row.code.as_ref()?)))
    }
}

impl Input<'_, '_> {
    /// Its path in diagnostics.
    pub(crate) fn path(&self) -> String {
        input_path(self.key.text())
    }
}

/// The path of an input of this key in diagnostics.
pub(crate) fn input_path(key: &str) -> String {
    format!("inputs.{key}")
}

impl Output<'_, '_> {
    /// The path of one of its cells in diagnostics.
    pub(crate) fn path(&self, cell: &str) -> String {
        format!("outputs.{}.{cell}", self.at)
    }
}

impl ErrorRow<'_, '_> {
    /// The path of one of its cells in diagnostics.
    pub(crate) fn path(&self, cell: &str) -> String {
        format!("errors.{}.{cell}", self.at)
    }
}

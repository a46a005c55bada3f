//! What an element configures, row by row, each text with its place: the same for all spellings.
//!
//! Knows the shape only; the spellings fill it.

use crate::written::Written;

/// In which language a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `{{name}}` (sheet 4.6); the default of inputs.
    Mustache,
    /// ProcessMaker's path or, with a leading `$`, JSONPath (CONTRACT 6); the default of outputs.
    Path,
    /// ProcessMaker's expression language, which is not OMG's (sheet 4.6).
    Feel,
    /// JMESPath.
    Jmespath,
    /// A list of statuses, or an expression over the answer (CONTRACT 3): no row's, but that of `when` and `success`.
    Condition,
}

impl Format {
    /// As models name it; a name that nobody knows is the default's business, and the worker's.
    pub(crate) fn named(name: Option<&str>, default: Self) -> Self {
        match name {
            Some("mustache") => Self::Mustache,
            Some("feel") => Self::Feel,
            Some("jmespath") => Self::Jmespath,
            Some("dotNotation") => Self::Path,
            _ => default,
        }
    }
}

/// Where an input goes (sheet 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Param,
    Header,
    Body,
}

impl Kind {
    /// In any case, as the worker reads it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_uppercase().as_str() {
            "PARAM" => Some(Self::Param),
            "HEADER" => Some(Self::Header),
            "BODY" => Some(Self::Body),
            _ => None,
        }
    }
}

/// Request data to the call.
#[derive(Debug)]
pub(crate) struct Input<'e, 'a> {
    pub(crate) kind: Kind,
    pub(crate) key: Written<'e, 'a>,
    pub(crate) value: Written<'e, 'a>,
    pub(crate) format: Format,
}

/// The answer to request data.
#[derive(Debug)]
pub(crate) struct Output<'e, 'a> {
    pub(crate) variable: Written<'e, 'a>,
    pub(crate) source: Option<Written<'e, 'a>>,
    pub(crate) format: Format,
}

/// A failure to an error of the process.
#[derive(Debug)]
pub(crate) struct ErrorRow<'e, 'a> {
    pub(crate) when: Option<Written<'e, 'a>>,
    pub(crate) code: Option<Written<'e, 'a>>,
    pub(crate) message: Option<Written<'e, 'a>>,
}

/// Everything that one element configures.
#[derive(Debug, Default)]
pub(crate) struct Rows<'e, 'a> {
    pub(crate) connector: Option<Written<'e, 'a>>,
    pub(crate) resource: Option<Written<'e, 'a>>,
    pub(crate) queue: Option<Written<'e, 'a>>,
    pub(crate) inputs: Vec<Input<'e, 'a>>,
    pub(crate) outputs: Vec<Output<'e, 'a>>,
    pub(crate) errors: Vec<ErrorRow<'e, 'a>>,
    /// Which answers are good ones.
    pub(crate) success: Option<Written<'e, 'a>>,
    /// All attempts, the first included, where the element says so.
    pub(crate) attempts: Option<Written<'e, 'a>>,
    /// How many that text means: ProcessMaker counts without the first.
    pub(crate) attempts_total: Option<u64>,
    /// `repeat`.
    pub(crate) repeat: Option<Written<'e, 'a>>,
    /// Texts of other members, by name.
    pub(crate) others: Vec<(String, Written<'e, 'a>)>,
}

impl<'e, 'a> Rows<'e, 'a> {
    /// Codes that failures are mapped onto.
    pub(crate) fn error_codes(&self) -> impl Iterator<Item = &Written<'e, 'a>> {
        self.errors.iter().filter_map(|row| row.code.as_ref())
    }
}

//! What rules need to know that is not in the model. Knows its shape; must not know where it comes from.

use std::collections::HashSet;
use std::ops::Range;

use crate::rows::Format;

/// What rules need to know that is not in the model; rules that need a part that is `None` find nothing.
#[derive(Default)]
pub struct LintContext<'s> {
    /// The known connectors.
    pub connectors: Option<&'s dyn Connectors>,
    /// Queues that workers consume, including `default`.
    pub queues: Option<&'s [String]>,
    /// Variables that a request has from its start.
    pub variables: Option<&'s HashSet<String>>,
    /// The parser of texts.
    pub language: Option<&'s dyn Language>,
}

/// A look-up of connectors.
pub trait Connectors {
    /// The connector of this name, uuid or id.
    fn find(&self, reference: &str) -> Option<KnownConnector>;
    /// The names of all connectors, for suggestions.
    fn names(&self) -> Vec<String>;
}

/// What rules need to know of a connector.
#[derive(Debug, Clone, Default)]
pub struct KnownConnector {
    /// Its name.
    pub name: String,
    /// Its resources.
    pub resources: Vec<KnownResource>,
}

/// What rules need to know of a resource.
#[derive(Debug, Clone, Default)]
pub struct KnownResource {
    /// Its name.
    pub name: String,
    /// Its HTTP method, in upper case.
    pub method: String,
    /// Declared parameters; `None` when it has no such list, and any parameter is sent (COMPATIBILITY 4.4).
    pub params: Option<Vec<Key>>,
    /// Declared headers.
    pub headers: Vec<Key>,
    /// Variables of its URL.
    pub url_variables: Vec<String>,
    /// Variables of its body; `None` when it has none.
    pub body_variables: Option<Vec<String>>,
    /// Error codes that it or its connector maps failures onto.
    pub error_codes: Vec<String>,
    /// Whether it or its connector declares that a call may be repeated.
    pub is_repeat_safe: bool,
    /// The number of attempts, the first included, unless the element configures it.
    pub attempts: u64,
}

/// A declared parameter or header.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Whether it is always sent.
    pub is_required: bool,
    /// Whether it has a default value.
    pub has_default: bool,
}

/// The languages of texts, as the worker parses them.
pub trait Language {
    /// The top-level variables that a text reads.
    ///
    /// # Errors
    /// Why the text cannot be parsed.
    fn variables(&self, format: Format, text: &str) -> Result<Vec<String>, TextError>;
}

/// Why a text cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    /// The bytes of the text that are wrong.
    pub span: Range<usize>,
    /// What is wrong and what to write.
    pub problem: String,
}

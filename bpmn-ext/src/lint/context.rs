//! What rules need to know beside the model. Knows shapes only; whoever calls fills them.

use std::collections::HashSet;
use std::ops::Range;

use crate::rows::Format;

/// What is at hand beside the model; a rule whose part is missing says nothing.
#[derive(Default)]
pub struct Surroundings<'s> {
    /// Where connectors are looked up.
    pub connectors: Option<&'s dyn Connectors>,
    /// Queues that workers take jobs from, `default` among them.
    pub queues: Option<&'s [String]>,
    /// Variables that a request begins with.
    pub variables: Option<&'s HashSet<String>>,
    /// The languages of rows.
    pub language: Option<&'s dyn Language>,
}

/// Where connectors are looked up.
pub trait Connectors {
    /// The connector of this name, uuid or id.
    fn find(&self, reference: &str) -> Option<KnownConnector>;
    /// Names of all, for "did you mean".
    fn names(&self) -> Vec<String>;
}

/// A connector, as far as rules ask.
#[derive(Debug, Clone, Default)]
pub struct KnownConnector {
    /// Its name.
    pub name: String,
    /// Its resources.
    pub resources: Vec<KnownResource>,
}

/// A resource, as far as rules ask.
#[derive(Debug, Clone, Default)]
pub struct KnownResource {
    /// Its name.
    pub name: String,
    /// In capitals.
    pub method: String,
    /// Declared parameters; `None` when it has no such list, and any parameter is sent (sheet 4.4).
    pub params: Option<Vec<Key>>,
    /// Declared headers.
    pub headers: Vec<Key>,
    /// Variables of its URL.
    pub url_variables: Vec<String>,
    /// Variables of its body; `None` when it has none.
    pub body_variables: Option<Vec<String>>,
    /// Codes that it, or its connector, maps failures onto.
    pub error_codes: Vec<String>,
    /// It, or its connector, says that it may be called twice.
    pub is_repeat_safe: bool,
    /// All attempts, the first included, unless the element says otherwise.
    pub attempts: u64,
}

/// A declared parameter or header.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// It is sent in any case.
    pub is_required: bool,
    /// It has a value of its own.
    pub has_default: bool,
}

/// The languages of rows, as the worker understands them.
pub trait Language {
    /// The top-level variables that a text reads.
    ///
    /// # Errors
    /// Why the text cannot be used.
    fn variables(&self, format: Format, text: &str) -> Result<Vec<String>, Mistake>;
}

/// Why a text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The bytes of the text that are wrong.
    pub at: Range<usize>,
    /// What is wrong and what to write.
    pub problem: String,
}

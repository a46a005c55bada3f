//! Mustache as ProcessMaker's designers write it (COMPATIBILITY 4.6): parsed once, rendered with the escaping of the slot.
//!
//! Knows the public mustache specification; must not know where a rendered text goes.

mod escape;
mod filter;
mod names;
mod parse;
mod render;

use std::collections::BTreeSet;

pub use escape::Escape;
pub(crate) use escape::UNRESERVED;
pub(super) use render::Blank;
pub use render::Scope;

use super::secrets::Secrets;
use names::Sections;
use parse::Node;

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    nodes: Vec<Node>,
}

/// A template that does not parse or does not render.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is not a template.
    #[error("at character {position}: {problem}")]
    Syntax {
        /// Counts characters from 1.
        position: usize,
        /// What is wrong and what to write.
        problem: String,
    },
    /// A list or an object where a text is needed.
    #[error("`{name}` is {kind}; write {{{{{{{name} | json}}}}}} to insert it as JSON")]
    NotText {
        /// The variable.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A secret in a place from which it would come back in another form.
    #[error(
        "`{name}` is a secret or holds one, and a secret cannot be a part of {place}; insert it as it is: {{{{{name}}}}}"
    )]
    Secret {
        /// The variable.
        name: String,
        /// Where it stands.
        place: &'static str,
    },
    /// Sections that repeat more often than any request needs.
    #[error("the template takes more than {limit} steps; its sections repeat each other")]
    TooMuch {
        /// The limit, tags and passes.
        limit: usize,
    },
    /// More output than any request needs.
    #[error("the template renders to more than {limit} bytes")]
    TooLong {
        /// The limit, bytes.
        limit: usize,
    },
}

impl TemplateError {
    /// The same mistake in a text that has `characters` more before it.
    #[must_use]
    pub(super) fn moved_by(self, characters: usize) -> Self {
        match self {
            Self::Syntax { position, problem } => Self::Syntax { position: position + characters, problem },
            other => other,
        }
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// [`TemplateError::Syntax`] with the position of the mistake.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        #[cfg(test)]
        crate::testing::parse_count::increment();
        parse::parse(source).map(|nodes| Self { nodes })
    }

    /// A template of this text as it is, without tags.
    pub(super) fn literal(text: &str) -> Self {
        Self { nodes: vec![Node::Text(text.to_owned())] }
    }

    /// Renders; `{{x}}` is escaped by `escape`, `{{{x}}}` and filtered values are not (CONTRACT 6).
    ///
    /// # Errors
    /// A list or an object that is inserted as text, or a result above 16 MiB.
    pub fn render(&self, scope: &Scope<'_>, escape: Escape) -> Result<String, TemplateError> {
        render::render(&self.nodes, scope, escape)
    }

    /// The same, with the places at which a variable came to nothing.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub(super) fn render_with_blanks(
        &self,
        scope: &Scope<'_>,
        escape: Escape,
    ) -> Result<(String, Vec<Blank>), TemplateError> {
        render::render_with_blanks(&self.nodes, scope, escape)
    }

    /// The variables that it reads whatever its sections go through.
    pub fn variables(&self) -> BTreeSet<String> {
        self.names(Sections::PassedOver)
    }

    /// Every variable that it names anywhere; inside of sections they may be members of an item.
    pub fn all_variables(&self) -> BTreeSet<String> {
        self.names(Sections::Entered)
    }

    fn names(&self, sections: Sections) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        names::collect(&self.nodes, sections, &mut found);
        found
    }

    /// What it holds besides tags, outside of sections.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Variable { .. } | Node::Section { .. } => None,
        })
    }

    /// The first secret that it names anywhere.
    pub(super) fn secret(&self) -> Option<String> {
        self.all_variables().into_iter().find(|name| Secrets::is_reference(name))
    }

    /// The same template for a text that no secret may be a part of, such as "a method".
    ///
    /// # Errors
    /// [`TemplateError::Secret`] where it names one.
    pub(super) fn closed_to_secrets(self, place: &'static str) -> Result<Self, TemplateError> {
        match self.secret() {
            Some(name) => Err(TemplateError::Secret { name, place }),
            None => Ok(self),
        }
    }

    /// Whether it has sections, which repeat what is inside of them.
    pub fn has_sections(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Section { .. }))
    }

    /// Whether rendering does not depend on the scope.
    pub fn is_constant(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Text(_)))
    }
}

#[cfg(test)]
mod tests;

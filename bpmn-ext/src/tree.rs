//! Text to elements. Knows XML, namespaces and the limits; of BPMN it knows the namespace and the root's name only.
//!
//! What belongs to other namespaces, such as the diagram, is counted and left out, with all that is inside.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::name::{Namespace, QName, ResolveResult};

use crate::attribute::Attribute;

/// The namespace of BPMN 2.0 models (sheet 1.1).
pub(crate) const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
/// The namespace of ProcessMaker's attributes (sheet 1.1).
pub(crate) const PROCESS_MAKER: &str = "http://processmaker.com/BPMN/2.0/Schema.xsd";
/// The namespace of our own extension (CONTRACT 5).
pub(crate) const CONNECTOR: &str = "urn:data-connector:bpmn:1";
/// The namespaces in which element templates write (CONTRACT 5).
const CAMUNDA: &str = "http://camunda.org/schema/1.0/bpmn";
const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";

/// Whose name it is. Prefixes are the file's own affair: the URI decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// BPMN 2.0.
    Bpmn,
    /// ProcessMaker.
    ProcessMaker,
    /// Our own extension.
    Connector,
    /// Where templates for Camunda 7 write.
    Camunda,
    /// Where templates for Camunda 8 write.
    Zeebe,
    /// The declaration of a prefix.
    Binding,
    /// No namespace, which is that of every attribute without a prefix.
    None,
    /// Somebody else's.
    Foreign,
}

impl From<ResolveResult<'_>> for Space {
    fn from(resolved: ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Bound(Namespace(BPMN)) => Self::Bpmn,
            ResolveResult::Bound(Namespace(PROCESS_MAKER)) => Self::ProcessMaker,
            ResolveResult::Bound(Namespace(CONNECTOR)) => Self::Connector,
            ResolveResult::Bound(Namespace(CAMUNDA)) => Self::Camunda,
            ResolveResult::Bound(Namespace(ZEEBE)) => Self::Zeebe,
            ResolveResult::Unbound => Self::None,
            ResolveResult::Bound(_) | ResolveResult::Unknown(_) => Self::Foreign,
        }
    }
}

/// An element of BPMN, of our own extension, or of what templates write.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    pub(crate) space: Space,
    /// With the prefix.
    pub(crate) qualified: &'a str,
    /// Without the prefix.
    pub(crate) name: &'a str,
    /// All but those of namespaces that nobody here asks for.
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) children: Vec<Self>,
    /// Its own text, without leading white space.
    pub(crate) text: String,
    /// The start tag.
    pub(crate) span: Range<usize>,
    /// One after the last byte of the end tag; without content, of the start tag.
    pub(crate) end: usize,
}

impl<'a> Element<'a> {
    /// The element named by its start tag.
    pub(crate) fn new(space: Space, qualified: &'a str, span: Range<usize>) -> Self {
        let name = QName(qualified).local_name().into_inner();
        let end = span.end;
        Self { space, qualified, name, attributes: Vec::new(), children: Vec::new(), text: String::new(), span, end }
    }

    /// What its name begins with, the colon included; empty for a name without a prefix.
    pub(crate) fn prefix(&self) -> &'a str {
        self.qualified.strip_suffix(self.name).unwrap_or_default()
    }

    /// Whether it is this element of BPMN.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.space == Space::Bpmn && self.name == name
    }

    /// The value of an attribute without a prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        self.find(Space::None, name).map(Attribute::text)
    }

    /// Where the value of an attribute without a prefix stands; without the attribute, the start tag.
    pub(crate) fn value_span(&self, name: &str) -> Range<usize> {
        self.find(Space::None, name).map_or(self.span.clone(), Attribute::span)
    }

    /// One of ProcessMaker's attributes.
    pub(crate) fn pm(&self, name: &str) -> Option<&Attribute<'a>> {
        self.find(Space::ProcessMaker, name)
    }

    /// An attribute without a prefix, with its place.
    pub(crate) fn own(&self, name: &str) -> Option<&Attribute<'a>> {
        self.find(Space::None, name)
    }

    /// Start tag, content and end tag.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.span.start..self.end
    }

    /// A yes or no as XML Schema spells it; anything else is absent.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.attribute(name)?.trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// `id`, if there is one.
    pub(crate) fn id(&self) -> Option<Cow<'a, str>> {
        self.attribute("id").filter(|id| !id.is_empty())
    }

    /// BPMN children of this name.
    pub(crate) fn children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.is(name))
    }

    /// The first BPMN child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name))
    }

    /// The trimmed text of the first BPMN child of this name; empty is absent.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// An attribute, with its place.
    pub(crate) fn find(&self, space: Space, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.space == space && attribute.name == name)
    }
}

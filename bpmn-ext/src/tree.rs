//! The element tree of a file: elements, their attributes and their spans. Knows XML names and namespaces; must not know
//! what a BPMN element means.
//!
//! Elements of other namespaces, such as the diagram, are not in the tree, and neither is their content.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::name::{Namespace as Uri, QName, ResolveResult};

use crate::attribute::Attribute;

/// The namespace of BPMN 2.0 models (COMPATIBILITY 1.1).
pub(crate) const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
/// The namespace of ProcessMaker's attributes (COMPATIBILITY 1.1).
pub(crate) const PROCESS_MAKER: &str = "http://processmaker.com/BPMN/2.0/Schema.xsd";
/// The namespace of our own extension (CONTRACT 5).
pub(crate) const CONNECTOR: &str = "urn:data-connector:bpmn:1";
/// The namespaces in which element templates write (CONTRACT 5).
const CAMUNDA: &str = "http://camunda.org/schema/1.0/bpmn";
const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";

/// The namespace of a name, by its URI; a file may bind any prefix to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// BPMN 2.0.
    Bpmn,
    /// ProcessMaker.
    ProcessMaker,
    /// Our own extension.
    Connector,
    /// Camunda 7, where its element template writes.
    Camunda,
    /// Camunda 8, where its element template writes.
    Zeebe,
    /// The declaration of a namespace: `xmlns` or `xmlns:prefix`.
    Declaration,
    /// No namespace, which is that of every attribute without a prefix.
    None,
    /// Any other namespace.
    Foreign,
}

impl From<ResolveResult<'_>> for Namespace {
    fn from(resolved: ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Bound(Uri(BPMN)) => Self::Bpmn,
            ResolveResult::Bound(Uri(PROCESS_MAKER)) => Self::ProcessMaker,
            ResolveResult::Bound(Uri(CONNECTOR)) => Self::Connector,
            ResolveResult::Bound(Uri(CAMUNDA)) => Self::Camunda,
            ResolveResult::Bound(Uri(ZEEBE)) => Self::Zeebe,
            ResolveResult::Unbound => Self::None,
            ResolveResult::Bound(_) | ResolveResult::Unknown(_) => Self::Foreign,
        }
    }
}

/// An element of BPMN, of our own extension, or of a namespace that element templates write to.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    pub(crate) namespace: Namespace,
    /// With the prefix.
    pub(crate) qualified: &'a str,
    /// Without the prefix.
    pub(crate) name: &'a str,
    /// Without those of foreign namespaces.
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) children: Vec<Self>,
    /// Its text content without that of its children, and without leading white space.
    pub(crate) text: String,
    /// The bytes of the start tag.
    pub(crate) start_tag: Range<usize>,
    /// One after the last byte of the end tag; without content, of the start tag.
    pub(crate) end: usize,
}

impl<'a> Element<'a> {
    /// An element without attributes and children.
    pub(crate) fn new(namespace: Namespace, qualified: &'a str, start_tag: Range<usize>) -> Self {
        let name = QName(qualified).local_name().into_inner();
        let end = start_tag.end;
        Self {
            namespace,
            qualified,
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
            start_tag,
            end,
        }
    }

    /// The prefix of its name with the colon; empty for a name without a prefix.
    pub(crate) fn prefix(&self) -> &'a str {
        self.qualified.strip_suffix(self.name).unwrap_or_default()
    }

    /// Whether it is the BPMN element of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.namespace == Namespace::Bpmn && self.name == name
    }

    /// The value of an attribute without a prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attribute_in(Namespace::None, name).map(Attribute::text)
    }

    /// The span of the value of an attribute without a prefix; without the attribute, that of the start tag.
    pub(crate) fn value_span(&self, name: &str) -> Range<usize> {
        self.attribute_in(Namespace::None, name).map_or(self.start_tag.clone(), Attribute::span)
    }

    /// One of ProcessMaker's attributes.
    pub(crate) fn pm_attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attribute_in(Namespace::ProcessMaker, name)
    }

    /// An attribute without a prefix, with its span.
    pub(crate) fn attribute_node(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attribute_in(Namespace::None, name)
    }

    /// The bytes of start tag, content and end tag.
    pub(crate) fn full_span(&self) -> Range<usize> {
        self.start_tag.start..self.end
    }

    /// An `xsd:boolean`; `None` for any other text.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.attribute(name)?.trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// The `id`; `None` if it is absent or empty.
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

    /// The trimmed text of the first BPMN child of this name; `None` if it is empty.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// An attribute of a namespace, with its span.
    pub(crate) fn attribute_in(&self, namespace: Namespace, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.namespace == namespace && attribute.name == name)
    }
}

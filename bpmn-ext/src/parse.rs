//! Text to the element tree, within the limits. Knows what can be wrong with XML; must not know what the elements mean.
//!
//! Parsing stops at the first error or exceeded limit, and what was parsed before it is the result.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::errors::Error;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::{AttrError, Attributes};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceError, QName};
use quick_xml::reader::NsReader;

use crate::attribute::{Attribute, unknown_reference};
use crate::diagnostic::{Finding, Report, quote};
use crate::limits;
use crate::tree::{Element, Namespace};

/// Where parsing stopped, and why.
type Stop = (Range<usize>, Finding);

/// The root element, complete or as far as it could be parsed.
///
/// The end of a text that is not complete is no mistake of its own, and is not reported.
pub(crate) fn parse<'a>(report: &mut Report<'a>, is_complete: bool) -> Option<Element<'a>> {
    let mut parser = Parser::new(report.text());
    if let Err((span, finding)) = parser.run()
        && is_complete
    {
        report.add(span, finding);
    }
    parser.finish()
}

struct Parser<'a> {
    text: &'a str,
    reader: NsReader<&'a [u8]>,
    /// Open elements, the root first.
    open: Vec<Element<'a>>,
    /// How many open elements are not in the tree: a foreign one and those inside it.
    skipped_depth: usize,
    root: Option<Element<'a>>,
    elements: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = NsReader::from_str(text);
        reader.resolver_mut().set_max_namespace_bindings(limits::NAMESPACES);
        Self { text, reader, open: Vec::new(), skipped_depth: 0, root: None, elements: 0 }
    }

    fn run(&mut self) -> Result<(), Stop> {
        loop {
            let from = self.offset();
            let read = self.reader.read_resolved_event().map(|(namespace, event)| (Namespace::from(namespace), event));
            let span = from..self.offset();
            match read.map_err(|error| self.reader_error(span.clone(), &error))? {
                (namespace, Event::Start(tag)) => self.start(namespace, &tag, span)?,
                (namespace, Event::Empty(tag)) => {
                    self.start(namespace, &tag, span.clone())?;
                    self.end(span.end);
                }
                (_, Event::End(_)) => self.end(span.end),
                (_, Event::Text(text)) => self.text(&text.xml10_content(), span)?,
                (_, Event::CData(text)) => self.text(&text.xml10_content(), span)?,
                (_, Event::GeneralRef(reference)) => self.reference(&reference, span)?,
                (_, Event::DocType(_)) => return Err((span, doctype())),
                (_, Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => {}
                (_, Event::Eof) => return self.end_of_file(),
            }
        }
    }

    /// The root; elements that are still open are closed.
    fn finish(mut self) -> Option<Element<'a>> {
        self.skipped_depth = 0;
        while !self.open.is_empty() {
            self.end(self.text.len());
        }
        self.root
    }

    fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    fn start(&mut self, namespace: Namespace, tag: &BytesStart<'_>, span: Range<usize>) -> Result<(), Stop> {
        self.elements += 1;
        if self.elements > limits::ELEMENTS {
            return Err((span, too_many("too-many-elements", "elements", limits::ELEMENTS)));
        }
        if self.open.len() + self.skipped_depth >= limits::DEPTH {
            return Err((span, too_many("too-deep", "elements inside one another", limits::DEPTH)));
        }
        let content = span.start + 1..span.end - 1;
        let name = self.text.get(content.start..content.start + tag.name().as_ref().len()).unwrap_or_default();
        self.check_root(namespace, name, &span)?;
        let mut element = Element::new(namespace, name, span);
        self.attributes(&mut element, content)?;
        if self.skipped_depth > 0 || matches!(namespace, Namespace::ProcessMaker | Namespace::None | Namespace::Foreign)
        {
            self.skipped_depth += 1;
        } else {
            self.open.push(element);
        }
        Ok(())
    }

    /// Checks that the root is `definitions` of BPMN, and that there is only one.
    fn check_root(&self, namespace: Namespace, name: &str, span: &Range<usize>) -> Result<(), Stop> {
        if !self.open.is_empty() {
            return Ok(());
        }
        if self.root.is_some() {
            return Err((span.clone(), not_well_formed("a second root element begins here")));
        }
        if namespace == Namespace::Bpmn && QName(name).local_name().into_inner() == "definitions" {
            return Ok(());
        }
        Err((span.clone(), not_bpmn(&format!("the root element {} is not `definitions` of BPMN 2.0", quote(name)))))
    }

    fn end(&mut self, at: usize) {
        if self.skipped_depth > 0 {
            self.skipped_depth -= 1;
            return;
        }
        let Some(mut element) = self.open.pop() else { return };
        element.end = at;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    /// Checks all attributes, and adds those that are not foreign to the element.
    fn attributes(&self, element: &mut Element<'a>, content: Range<usize>) -> Result<(), Stop> {
        let tag = self.text.get(content.clone()).unwrap_or_default();
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let name = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        for (index, parsed) in Attributes::new(tag, name).enumerate() {
            if index >= limits::ATTRIBUTES {
                return Err((
                    element.start_tag.clone(),
                    too_many("too-many-attributes", "attributes", limits::ATTRIBUTES),
                ));
            }
            let parsed = parsed.map_err(|error| bad_attribute(&error, content.start))?;
            let Cow::Borrowed(raw) = parsed.value else { continue };
            let (namespace, name) = (self.attribute_namespace(parsed.key), parsed.key.local_name().into_inner());
            let offset = |part: &str| part.as_ptr().addr() - self.text.as_ptr().addr();
            let attribute = Attribute::new(namespace, name, raw, offset(parsed.key.into_inner()), offset(raw))?;
            check_size(&attribute)?;
            if self.skipped_depth == 0 && attribute.namespace != Namespace::Foreign {
                element.attributes.push(attribute);
            }
        }
        Ok(())
    }

    fn attribute_namespace(&self, name: QName<'_>) -> Namespace {
        if name.as_namespace_binding().is_some() {
            return Namespace::Declaration;
        }
        Namespace::from(self.reader.resolver().resolve_attribute(name).0)
    }

    fn text(&mut self, text: &str, span: Range<usize>) -> Result<(), Stop> {
        match self.open.last_mut() {
            None if text.trim().is_empty() => Ok(()),
            None => Err((span, not_well_formed("there is text outside of the root element"))),
            Some(_) if self.skipped_depth > 0 => Ok(()),
            Some(element) if element.text.is_empty() => {
                element.text.push_str(text.trim_start());
                Ok(())
            }
            Some(element) => {
                element.text.push_str(text);
                Ok(())
            }
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>, span: Range<usize>) -> Result<(), Stop> {
        if let Ok(Some(character)) = reference.resolve_char_ref() {
            return self.text(character.encode_utf8(&mut [0; 4]), span);
        }
        match resolve_predefined_entity(&reference.xml10_content()) {
            Some(text) => self.text(text, span),
            None => Err((span, unknown_reference())),
        }
    }

    fn end_of_file(&self) -> Result<(), Stop> {
        match self.open.last() {
            Some(_) if self.skipped_depth > 0 => {
                let end = self.text.len();
                Err((end..end, not_well_formed("the file ends inside an element")))
            }
            Some(element) => {
                let what = format!("the element {} is never closed", quote(element.name));
                Err((element.start_tag.clone(), not_well_formed(&what)))
            }
            None if self.root.is_none() => Err((0..0, not_bpmn("the file has no element"))),
            None => Ok(()),
        }
    }

    fn reader_error(&self, span: Range<usize>, error: &Error) -> Stop {
        match error {
            Error::Namespace(NamespaceError::TooManyBindings(_)) => {
                (span, too_many("too-many-namespaces", "namespace declarations in scope", limits::NAMESPACES))
            }
            Error::Namespace(error) => (span, not_well_formed(&error.to_string())),
            error => {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(span.start);
                (at..span.end.max(at), not_well_formed(&error.to_string()))
            }
        }
    }
}

/// Limits ids, since they are copied to everything that refers to them.
fn check_size(attribute: &Attribute<'_>) -> Result<(), Stop> {
    if attribute.size() <= limits::ID_BYTES || !matches!(attribute.name, "id" | "errorCode") {
        return Ok(());
    }
    let message = format!(
        "`{}` has {} bytes, more than {}; the rest of the file is not read",
        attribute.name,
        attribute.size(),
        limits::ID_BYTES
    );
    Err((attribute.span(), Finding::error("id-too-long", message).help("choose a shorter one")))
}

fn bad_attribute(error: &AttrError, content: usize) -> Stop {
    let (at, what) = match *error {
        AttrError::ExpectedEq(at) => (at, "an attribute has no `=`"),
        AttrError::ExpectedValue(at) => (at, "an attribute has no value"),
        AttrError::UnquotedValue(at) => (at, "an attribute's value has no quotes"),
        AttrError::ExpectedQuote(at, _) => (at, "an attribute's value has no closing quote"),
        AttrError::Duplicated(at, _) => (at, "an attribute is given twice"),
    };
    (content + at..content + at, not_well_formed(what))
}

fn not_well_formed(what: &str) -> Finding {
    Finding::error("not-well-formed", format!("this is not well-formed XML: {what}; the rest of the file is not read"))
}

fn not_bpmn(what: &str) -> Finding {
    Finding::error("not-bpmn", what)
        .help("read a BPMN 2.0 model, namespace http://www.omg.org/spec/BPMN/20100524/MODEL")
}

fn doctype() -> Finding {
    Finding::error("doctype", "the file has a DOCTYPE, which is refused; nothing after it is read")
        .help("remove the DOCTYPE: no BPMN model needs one")
}

fn too_many(code: &'static str, what: &str, limit: usize) -> Finding {
    Finding::error(code, format!("more than {limit} {what}; the rest of the file is not read"))
        .help("split the model into several files")
}

//! An XML answer as data: members by local name, `@name` for attributes, `#text` next to them, a list where a name repeats.
//!
//! Knows quick-xml, which is named nowhere else in this crate. Document types are passed over; no references but XML's own
//! five.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements inside one another, as with JSON.
const DEPTH: usize = 127;
/// Elements and attributes of one answer.
pub const NODES: usize = 200_000;

struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
}

/// Reads a document into `{root: …}`.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let (mut open, mut nodes): (Vec<Open>, usize) = (Vec::new(), 0);
    let mut root: Option<(String, Value)> = None;
    loop {
        let event = reader.read_event().map_err(|error| format!("it is not well-formed XML: {error}"))?;
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                if root.is_some() {
                    return Err("it is not well-formed XML: there is a second root element".to_owned());
                }
                let element = start(&tag, &mut nodes)?;
                if open.len() == DEPTH {
                    return Err(format!("its XML nests deeper than {DEPTH} levels"));
                }
                open.push(element);
                if is_empty {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(text) => push(&mut open, &text.xml10_content())?,
            Event::CData(text) => push(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => push(&mut open, character.encode_utf8(&mut [0; 4]))?,
                _ => match resolve_predefined_entity(&reference.xml10_content()) {
                    Some(text) => push(&mut open, text)?,
                    None => return Err("its XML refers to an entity of its own, which is not read".to_owned()),
                },
            },
            Event::DocType(_) if root.is_some() || !open.is_empty() => {
                return Err(
                    "it is not well-formed XML: a document type stands after the beginning of the root".to_owned()
                );
            }
            // What a document type declares is not read, so that its entities are unknown.
            Event::DocType(_) | Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some((name, value)) if open.is_empty() => Ok(Value::Object(Map::from_iter([(name, value)]))),
        _ => Err("it is not well-formed XML: it ends inside an element".to_owned()),
    }
}

fn start(tag: &BytesStart<'_>, nodes: &mut usize) -> Result<Open, String> {
    count(nodes)?;
    let mut members = Map::new();
    for attribute in tag.attributes() {
        count(nodes)?;
        let attribute = attribute.map_err(|error| format!("it is not well-formed XML: {error}"))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|error| format!("it is not well-formed XML: {error}"))?;
        members.insert(format!("@{}", attribute.key.local_name().into_inner()), Value::from(value.into_owned()));
    }
    Ok(Open { name: tag.local_name().into_inner().to_owned(), members, text: String::new() })
}

fn count(nodes: &mut usize) -> Result<(), String> {
    *nodes += 1;
    if *nodes > NODES { Err(format!("its XML has more than {NODES} elements and attributes")) } else { Ok(()) }
}

fn push(open: &mut [Open], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("it is not well-formed XML: text stands outside of the root element".to_owned()),
    }
    Ok(())
}

fn close(open: &mut Vec<Open>, root: &mut Option<(String, Value)>) {
    let Some(Open { name, mut members, text }) = open.pop() else { return };
    let text = text.trim();
    let value = if members.is_empty() {
        Value::from(text)
    } else {
        if !text.is_empty() {
            members.insert("#text".to_owned(), Value::from(text));
        }
        Value::Object(members)
    };
    let Some(parent) = open.last_mut() else {
        *root = Some((name, value));
        return;
    };
    match parent.members.get_mut(&name) {
        None => drop(parent.members.insert(name, value)),
        Some(Value::Array(list)) => list.push(value),
        Some(first) => {
            let before = first.take();
            *first = Value::Array(vec![before, value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_data() {
        for (text, expected) in [
            ("<a/>", json!({"a": ""})),
            ("<?xml version='1.0'?><!-- c --><a> x &amp; &#x41; </a>", json!({"a": "x & A"})),
            ("<s:a xmlns:s='u'><s:b>1</s:b><s:b>2</s:b></s:a>", json!({"a": {"b": ["1", "2"]}})),
            ("<a id='7' s:t='&lt;'><b/>text</a>", json!({"a": {"@id": "7", "@t": "<", "b": "", "#text": "text"}})),
            ("<a><![CDATA[<&>]]></a>", json!({"a": "<&>"})),
            ("<?xml version='1.0'?><!DOCTYPE a SYSTEM 'http://h/a.dtd'><a>1</a>", json!({"a": "1"})),
            ("<!DOCTYPE html>\n<html/>", json!({"html": ""})),
            ("<!DOCTYPE a [<!ELEMENT a (#PCDATA)> <!ENTITY b 'x > y'>]><a>1</a>", json!({"a": "1"})),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_read_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(128), "</a>".repeat(128));
        let laughs = "<!DOCTYPE a [<!ENTITY b 'ha'>]><a>&b;</a>";
        let many = format!("<a>{}</a>", "<b/>".repeat(NODES));
        for (text, expected) in [
            ("", "ends inside"),
            ("<a>", "ends inside"),
            ("<a></b>", "not well-formed"),
            ("<a/><b/>", "second root"),
            ("x<a/>", "outside of the root"),
            ("<a>&b;</a>", "entity of its own"),
            (laughs, "entity of its own"),
            ("<a><!DOCTYPE a></a>", "document type stands after"),
            ("<!DOCTYPE a [", "not well-formed"),
            (&deep, "deeper than 127"),
            (&many, "more than 200000"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}

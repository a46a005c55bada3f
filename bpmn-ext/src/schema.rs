//! Descriptions of our extension and our element templates for modelers, editors and validators. Knows the texts; must
//! not know how the extension is read.

/// The XML Schema of `urn:data-connector:bpmn:1`.
pub const XSD: &str = include_str!("../schema/data-connector.xsd");

/// The descriptor with which bpmn-moddle, and so bpmn-js, reads and writes the extension.
pub const MODDLE: &str = include_str!("../schema/conn.json");

/// The element template for modelers of Camunda 7.
pub const CAMUNDA_7: &str = include_str!("../schema/camunda7.json");

/// The element template for modelers of Camunda 8.
pub const CAMUNDA_8: &str = include_str!("../schema/camunda8.json");

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use quick_xml::events::{BytesStart, Event};
    use quick_xml::reader::Reader;
    use serde_json::Value;

    use super::*;
    use crate::extension::{Need, PARTS};
    use crate::template;

    /// Attributes by element, each with whether it is required and the values that it can have.
    type Names = BTreeMap<String, BTreeMap<String, (bool, BTreeSet<String>)>>;

    fn of_rust() -> Names {
        let fields = PARTS.iter().map(|(part, fields)| {
            let field = |field: &crate::extension::Field| {
                let values = field.values.iter().map(|value| (*value).to_owned()).collect();
                (field.attribute.to_owned(), (field.need == Need::Required, values))
            };
            ((*part).to_owned(), fields.iter().map(field).collect())
        });
        fields.collect()
    }

    fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
        Some(tag.try_get_attribute(name).unwrap()?.value.into_owned())
    }

    /// Attributes by complex type, which have the names of the elements.
    fn of_xsd() -> Names {
        let mut reader = Reader::from_str(XSD);
        let mut names = Names::new();
        let (mut part, mut field) = (String::new(), String::new());
        loop {
            let event = reader.read_event().unwrap();
            let (Event::Start(tag) | Event::Empty(tag)) = &event else {
                if matches!(event, Event::Eof) {
                    return names;
                }
                continue;
            };
            let name = attribute(tag, "name").unwrap_or_default();
            match tag.local_name().into_inner() {
                "complexType" => {
                    part = name;
                    names.insert(part.clone(), BTreeMap::new());
                }
                "attribute" => {
                    field = name;
                    let is_required = attribute(tag, "use").as_deref() == Some("required");
                    names.get_mut(&part).unwrap().insert(field.clone(), (is_required, BTreeSet::new()));
                }
                "enumeration" => {
                    let value = attribute(tag, "value").unwrap();
                    names.get_mut(&part).unwrap().get_mut(&field).unwrap().1.insert(value);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn rust_and_xsd_have_the_same_names() {
        let mut expected = of_rust();
        // The reader accepts any case, the schema this one.
        let kinds = ["param", "header", "body"].map(str::to_owned);
        expected.get_mut("input").unwrap().get_mut("type").unwrap().1.extend(kinds);
        assert_eq!(of_xsd(), expected);
    }

    #[test]
    fn rust_and_moddle_have_the_same_names() {
        let descriptor: Value = serde_json::from_str(MODDLE).unwrap();
        let uri = &descriptor["uri"];
        assert_eq!((uri, &descriptor["prefix"]), (&"urn:data-connector:bpmn:1".into(), &"conn".into()));
        let lower = |name: &str| name.get(..1).unwrap().to_lowercase() + name.get(1..).unwrap();
        let (mut attributes, mut children) = (BTreeMap::new(), BTreeSet::new());
        for of_type in descriptor["types"].as_array().unwrap() {
            let properties = of_type["properties"].as_array().unwrap();
            let (own, other): (Vec<_>, Vec<_>) = properties.iter().partition(|property| property["isAttr"] == true);
            children.extend(other.iter().map(|property| lower(property["type"].as_str().unwrap())));
            let own: BTreeSet<_> = own.iter().map(|property| property["name"].as_str().unwrap().to_owned()).collect();
            attributes.insert(lower(of_type["name"].as_str().unwrap()), own);
        }
        let expected: BTreeMap<String, BTreeSet<String>> =
            of_rust().into_iter().map(|(part, fields)| (part, fields.into_keys().collect())).collect();
        assert_eq!(attributes, expected);
        let parts = expected.into_keys().filter(|part| part != "dataConnector");
        assert_eq!(children, parts.collect(), "parts of a dataConnector");
    }

    #[test]
    fn the_engine_adapter_reads_with_the_same_descriptor() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/engines/bpmn-engine/moddle/conn.json");
        assert_eq!(std::fs::read_to_string(path).unwrap(), MODDLE, "copy bpmn-ext/schema/conn.json over {path}");
    }

    #[test]
    fn templates_write_what_is_read() {
        let known: BTreeSet<&str> =
            template::TEXTS.iter().map(|(name, _)| *name).chain(template::RETRY).chain(template::LINES).collect();
        for (text, kind, name) in
            [(CAMUNDA_7, "camunda:inputParameter", "name"), (CAMUNDA_8, "zeebe:taskHeader", "key")]
        {
            let template: Value = serde_json::from_str(text).unwrap();
            let properties = template["properties"].as_array().unwrap();
            let bindings = properties.iter().map(|property| &property["binding"]).filter(|b| b["type"] == kind);
            let written: BTreeSet<&str> = bindings.map(|binding| binding[name].as_str().unwrap()).collect();
            assert_eq!(written, known, "{kind}");
            let types = properties.iter().filter(|property| property["value"] == template::TYPE);
            assert_eq!(types.count(), 1, "{kind}: properties with the type");
        }
    }
}

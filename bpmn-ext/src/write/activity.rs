//! An element of a file that is a connector or could be one, and how each spelling is written there.

use std::ops::Range;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::Dialect;
use super::edits::{Edits, Lines, prefix};
use super::part::{Part, Unsayable};
use super::reconcile;
use crate::attribute::Attribute;
use crate::model::{ConnectorTask, Spelling};
use crate::tree::{CONNECTOR, Element, PROCESS_MAKER, Space};
use crate::{extension, processmaker, task, template};

/// The name and the value of an attribute that declares a prefix.
type Declaration = (String, &'static str);
/// Prefixes that are tried.
const PREFIXES: usize = 16;

/// An element and what it is inside of.
pub(super) struct Around<'e, 'a> {
    element: &'e Element<'a>,
    parent: Option<Rc<Self>>,
}

impl<'e, 'a> Around<'e, 'a> {
    /// The element, its parent and so on.
    fn outwards(&self) -> impl Iterator<Item = &'e Element<'a>> {
        std::iter::successors(Some(self), |around| around.parent.as_deref()).map(|around| around.element)
    }
}

/// An activity, with what is around it.
pub(super) struct Place<'e, 'a> {
    /// The element itself and what is around it.
    around: Rc<Around<'e, 'a>>,
    /// What it was read as, if it is a connector.
    pub(super) task: Option<&'e ConnectorTask>,
}

impl<'e, 'a> Place<'e, 'a> {
    /// Every activity with an id that is a connector or can become one; `elements` are those of `tasks`.
    pub(super) fn all(root: &'e Element<'a>, elements: &[&'e Element<'a>], tasks: &'e [ConnectorTask]) -> Vec<Self> {
        let mut places = Vec::new();
        let mut connectors = elements.iter().zip(tasks).peekable();
        // Both are in the order of the file.
        let mut task_of = |element: &Element<'a>| {
            let found = connectors.next_if(|(connector, _)| std::ptr::eq(**connector, element));
            found.map(|(_, task)| task)
        };
        Self::collect(root, None, &mut task_of, &mut places);
        places
    }

    fn collect(
        element: &'e Element<'a>,
        parent: Option<&Rc<Around<'e, 'a>>>,
        task_of: &mut impl FnMut(&Element<'a>) -> Option<&'e ConnectorTask>,
        places: &mut Vec<Self>,
    ) {
        let around = Rc::new(Around { element, parent: parent.cloned() });
        let task = task_of(element);
        if task.is_some() || (can_carry(element) && element.id().is_some()) {
            places.push(Self { around: Rc::clone(&around), task });
        }
        for child in &element.children {
            Self::collect(child, Some(&around), task_of, places);
        }
    }

    pub(super) fn id(&self) -> String {
        self.element().id().unwrap_or_default().into_owned()
    }

    pub(super) fn element(&self) -> &'e Element<'a> {
        self.around.element
    }

    fn spelling(&self) -> Option<Spelling> {
        self.task.map(|task| task.spelling)
    }

    pub(super) fn is_extension(&self) -> bool {
        self.spelling() == Some(Spelling::Extension)
    }

    /// Writes a configuration; over the one in the same dialect, if there is one.
    pub(super) fn write(
        &self,
        edits: &mut Edits<'_>,
        dialect: Dialect,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        match dialect {
            Dialect::Extension => self.write_extension(edits, config, handling),
            Dialect::ProcessMaker => self.write_attributes(edits, config, handling),
        }
    }

    /// The same in place of what is written in another dialect.
    pub(super) fn convert(
        &self,
        edits: &mut Edits<'_>,
        to: Dialect,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        let old = self.old()?;
        self.write(edits, to, config, handling)?;
        match to {
            Dialect::Extension => old.erase(edits),
            Dialect::ProcessMaker => old.erase_with_container(edits, self.element()),
        }
        Ok(())
    }

    /// Takes the configuration away.
    pub(super) fn erase(&self, edits: &mut Edits<'_>) -> Result<(), String> {
        self.old()?.erase_with_container(edits, self.element());
        Ok(())
    }

    fn write_extension(
        &self,
        edits: &mut Edits<'_>,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        if !can_carry(self.element()) {
            return Err("dataConnector can stand in a service task or a send task only".to_owned());
        }
        let part = Part::of(config, handling).map_err(|Unsayable(members)| {
            let members: Vec<_> = members.iter().map(|member| format!("`{member}`")).collect();
            format!("dataConnector has no words for {}", members.join(", "))
        })?;
        match extension::connectors(self.element()).next() {
            Some(connector) => {
                reconcile::element(edits, connector, &part, connector.prefix());
            }
            None => self.insert_connector(edits, &part)?,
        }
        Ok(())
    }

    fn insert_connector(&self, edits: &mut Edits<'_>, part: &Part) -> Result<(), String> {
        let (prefix, declaration) = self.prefix(edits.text(), "conn", CONNECTOR)?;
        let declaration = declaration.map_or_else(String::new, |(name, uri)| format!(" {name}=\"{uri}\""));
        let written = |line: &str, step: &str| {
            let child = if line.is_empty() { String::new() } else { format!("{line}{step}") };
            part.written(&format!("{prefix}:"), &declaration, &child, line)
        };
        let element = self.element();
        if let Some(extensions) = element.child("extensionElements") {
            let last = extensions.children.last();
            let lines = Lines::around(edits.text(), extensions, last);
            let connector = written(&lines.before_child, &lines.step);
            edits.insert_children(extensions, last, &[connector]);
            return Ok(());
        }
        // After any documentation (BPMN 2.0, table 8.21).
        let documentation = element.children("documentation").last();
        let lines = Lines::around(edits.text(), element, documentation);
        let (line, step) = (&lines.before_child, &lines.step);
        let inside = if line.is_empty() { String::new() } else { format!("{line}{step}") };
        let name = format!("{}extensionElements", element.prefix());
        let extensions = format!("<{name}>{inside}{}{line}</{name}>", written(&inside, step));
        edits.insert_children(element, documentation, &[extensions]);
        Ok(())
    }

    fn write_attributes(
        &self,
        edits: &mut Edits<'_>,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        let element = self.element();
        let is_call = self.spelling() == Some(Spelling::ProcessMakerCallActivity);
        if !is_call && !element.is("serviceTask") {
            return Err("ProcessMaker has connectors in service tasks only".to_owned());
        }
        let (prefix, declaration) = self.prefix(edits.text(), "pm", PROCESS_MAKER)?;
        if !is_call && self.spelling() != Some(Spelling::ProcessMakerServiceTask) {
            edits.set_attribute(
                element,
                element.own("implementation"),
                "implementation",
                processmaker::IMPLEMENTATIONS[0],
            );
        }
        if let Some((name, uri)) = declaration {
            edits.set_attribute(element, None, &name, uri);
        }
        let mut config = config.clone();
        // ProcessMaker's own ids are numbers.
        if let Some(Value::String(text)) = config.get_mut("dataSource")
            && let Some(id) = text.parse::<u32>().ok().filter(|id| id.to_string() == *text)
            && self.is_extension()
        {
            config.insert("dataSource".to_owned(), json!(id));
        }
        self.set_json(edits, &format!("{prefix}:config"), "config", &config);
        match (handling, element.pm("errorHandling")) {
            (Some(handling), _) => self.set_json(edits, &format!("{prefix}:errorHandling"), "errorHandling", handling),
            (None, Some(attribute)) if !matches!(attribute.text().trim(), "" | "null") => {
                edits.remove_attribute(attribute);
            }
            (None, _) => {}
        }
        Ok(())
    }

    fn set_json(&self, edits: &mut Edits<'_>, key: &str, name: &str, value: &Map<String, Value>) {
        let found = self.element().pm(name);
        let written = found.and_then(|attribute| serde_json::from_str::<Value>(&attribute.text()).ok());
        let is_same = match written {
            Some(Value::Object(members)) => members == *value,
            // PHP writes an empty object so (CONTRACT 2).
            Some(Value::Array(list)) => list.is_empty() && value.is_empty(),
            _ => false,
        };
        if !is_same {
            edits.set_attribute(self.element(), found, key, &json!(value).to_string());
        }
    }

    /// The prefix of a namespace here, and its declaration where it has none yet.
    fn prefix(&self, text: &str, usual: &str, uri: &'static str) -> Result<(String, Option<Declaration>), String> {
        if let Some(bound) = prefix(self.around.outwards(), uri) {
            return Ok((bound.to_owned(), None));
        }
        let bindings = || self.around.outwards().flat_map(|element| &element.attributes);
        let is_bound = |name: &str| bindings().any(|a| a.space == Space::Binding && a.name == name);
        // A prefix that is used without being declared is not free either.
        let is_used =
            |name: &str| text.get(self.element().whole()).is_some_and(|tag| tag.contains(&format!("{name}:")));
        let names = std::iter::once(usual.to_owned()).chain((1..PREFIXES).map(|number| format!("{usual}{number}")));
        let name = names.into_iter().find(|name| !is_bound(name) && !is_used(name));
        let name = name.ok_or_else(|| format!("all prefixes from `{usual}` on are taken by others"))?;
        let declaration = (format!("xmlns:{name}"), uri);
        Ok((name, Some(declaration)))
    }

    /// What the present spelling consists of.
    fn old(&self) -> Result<Old<'e, 'a>, String> {
        let element = self.element();
        match self.spelling() {
            Some(Spelling::Extension) => {
                let elements = extension::connectors(element).map(Element::whole).collect();
                Ok(Old { elements, attributes: Vec::new() })
            }
            Some(Spelling::ProcessMakerServiceTask) => {
                let attributes = [element.own("implementation"), element.pm("config"), element.pm("errorHandling")];
                Ok(Old { elements: Vec::new(), attributes: attributes.into_iter().flatten().collect() })
            }
            Some(Spelling::ProcessMakerCallActivity) => {
                Err("a call activity is a connector by what it calls, and only ProcessMaker has it so".to_owned())
            }
            Some(Spelling::Template) => {
                let (elements, attributes) = template::written(element)
                    .ok_or("its template writes more than this version of the template does".to_owned())?;
                Ok(Old { elements, attributes })
            }
            None => Err(format!("{} is no connector", task::describe(element))),
        }
    }
}

/// What can carry our own extension (CONTRACT 5).
fn can_carry(element: &Element<'_>) -> bool {
    element.space == Space::Bpmn && task::CARRIERS.contains(&element.name)
}

/// What a spelling consists of.
struct Old<'e, 'a> {
    elements: Vec<Range<usize>>,
    attributes: Vec<&'e Attribute<'a>>,
}

impl Old<'_, '_> {
    fn erase(&self, edits: &mut Edits<'_>) {
        for attribute in &self.attributes {
            edits.remove_attribute(attribute);
        }
        for element in &self.elements {
            edits.remove(element.clone());
        }
    }

    /// Takes the extension elements away too, where nothing else is in them.
    fn erase_with_container(&self, edits: &mut Edits<'_>, element: &Element<'_>) {
        let Some(extensions) = element.child("extensionElements").filter(|_| !self.elements.is_empty()) else {
            return self.erase(edits);
        };
        let mut from = extensions.span.end;
        let mut others = String::new();
        for part in &self.elements {
            others.push_str(edits.text().get(from..part.start).unwrap_or_default());
            from = part.end;
        }
        let content = edits.text().get(from..extensions.end).unwrap_or_default();
        others.push_str(content.rsplit_once("</").map_or("", |(content, _)| content));
        if !others.trim().is_empty() {
            return self.erase(edits);
        }
        edits.remove(extensions.whole());
        for attribute in &self.attributes {
            edits.remove_attribute(attribute);
        }
    }
}

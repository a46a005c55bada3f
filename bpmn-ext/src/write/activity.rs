//! An activity of a file that is a connector or can become one. Knows how each dialect is written into its element; must
//! not know which members the extension can represent.

use std::ops::Range;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::Target;
use super::edits::{Edits, Indent, bound_prefix};
use super::part::{Part, Unrepresentable};
use super::reconcile;
use crate::attribute::Attribute;
use crate::model::{ConnectorTask, Dialect};
use crate::tree::{CONNECTOR, Element, Namespace, PROCESS_MAKER};
use crate::{extension, processmaker, task, template};

/// The name and the value of an attribute that declares a prefix.
type Declaration = (String, &'static str);
/// How many prefixes are tried before giving up.
const PREFIXES: usize = 16;

/// An element and its ancestors.
pub(super) struct ElementPath<'e, 'a> {
    element: &'e Element<'a>,
    parent: Option<Rc<Self>>,
}

impl<'e, 'a> ElementPath<'e, 'a> {
    /// The element itself, its parent and so on up to the root.
    fn ancestors(&self) -> impl Iterator<Item = &'e Element<'a>> {
        std::iter::successors(Some(self), |path| path.parent.as_deref()).map(|path| path.element)
    }
}

/// An activity that is a connector or can become one.
pub(super) struct Activity<'e, 'a> {
    /// Its element and the ancestors of that.
    path: Rc<ElementPath<'e, 'a>>,
    /// The connector that was read from it, if it is one.
    pub(super) task: Option<&'e ConnectorTask>,
}

impl<'e, 'a> Activity<'e, 'a> {
    /// Every activity with an id that is a connector or can become one; `elements` are those of `tasks`.
    pub(super) fn all(root: &'e Element<'a>, elements: &[&'e Element<'a>], tasks: &'e [ConnectorTask]) -> Vec<Self> {
        let mut activities = Vec::new();
        let mut connectors = elements.iter().zip(tasks).peekable();
        // Both are in the order of the file.
        let mut task_of = |element: &Element<'a>| {
            let found = connectors.next_if(|(connector, _)| std::ptr::eq(**connector, element));
            found.map(|(_, task)| task)
        };
        Self::collect(root, None, &mut task_of, &mut activities);
        activities
    }

    fn collect(
        element: &'e Element<'a>,
        parent: Option<&Rc<ElementPath<'e, 'a>>>,
        task_of: &mut impl FnMut(&Element<'a>) -> Option<&'e ConnectorTask>,
        activities: &mut Vec<Self>,
    ) {
        let path = Rc::new(ElementPath { element, parent: parent.cloned() });
        let task = task_of(element);
        if task.is_some() || (can_hold_extension(element) && element.id().is_some()) {
            activities.push(Self { path: Rc::clone(&path), task });
        }
        for child in &element.children {
            Self::collect(child, Some(&path), task_of, activities);
        }
    }

    pub(super) fn id(&self) -> String {
        self.element().id().unwrap_or_default().into_owned()
    }

    pub(super) fn element(&self) -> &'e Element<'a> {
        self.path.element
    }

    fn dialect(&self) -> Option<Dialect> {
        self.task.map(|task| task.dialect)
    }

    pub(super) fn is_extension(&self) -> bool {
        self.dialect() == Some(Dialect::Extension)
    }

    /// Writes a configuration; replaces one in the same dialect.
    pub(super) fn write(
        &self,
        edits: &mut Edits<'_>,
        target: Target,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        match target {
            Target::Extension => self.write_extension(edits, config, handling),
            Target::ProcessMaker => self.write_attributes(edits, config, handling),
        }
    }

    /// Writes a configuration, and erases the one in the other dialect.
    pub(super) fn convert(
        &self,
        edits: &mut Edits<'_>,
        to: Target,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        let old = self.existing()?;
        self.write(edits, to, config, handling)?;
        match to {
            Target::Extension => old.erase(edits),
            Target::ProcessMaker => old.erase_with_container(edits, self.element()),
        }
        Ok(())
    }

    /// Erases the configuration, and what makes engines take the element for a connector.
    pub(super) fn erase(&self, edits: &mut Edits<'_>) -> Result<(), String> {
        let mut erased = self.existing()?;
        if self.dialect() != Some(Dialect::ProcessMakerServiceTask) && processmaker::dialect(self.element()).is_some() {
            erased.attributes.extend(processmaker_attributes(self.element()));
        }
        erased.erase_with_container(edits, self.element());
        Ok(())
    }

    fn write_extension(
        &self,
        edits: &mut Edits<'_>,
        config: &Map<String, Value>,
        handling: Option<&Map<String, Value>>,
    ) -> Result<(), String> {
        if !can_hold_extension(self.element()) {
            return Err("only service tasks and send tasks can hold dataConnector".to_owned());
        }
        let part = Part::from_config(config, handling).map_err(|Unrepresentable(members)| {
            let members: Vec<_> = members.iter().map(|member| format!("`{member}`")).collect();
            format!("dataConnector cannot represent {}", members.join(", "))
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
            part.to_xml(&format!("{prefix}:"), &declaration, &child, line)
        };
        let element = self.element();
        if let Some(extensions) = element.child("extensionElements") {
            let last = extensions.children.last();
            let lines = Indent::inside(edits.text(), extensions, last);
            let connector = written(&lines.before_child, &lines.step);
            edits.insert_children(extensions, last, &[connector]);
            return Ok(());
        }
        // After any documentation (BPMN 2.0, table 8.21).
        let documentation = element.children("documentation").last();
        let lines = Indent::inside(edits.text(), element, documentation);
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
        let written = processmaker::dialect(element);
        let is_call = written == Some(Dialect::ProcessMakerCallActivity);
        if !is_call && !element.is("serviceTask") {
            return Err("ProcessMaker has connectors in service tasks only".to_owned());
        }
        let (prefix, declaration) = self.prefix(edits.text(), "pm", PROCESS_MAKER)?;
        if written.is_none() {
            edits.set_attribute(
                element,
                element.attribute_node("implementation"),
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
        if self.is_extension() {
            // What was next to dataConnector is of the engine.
            for (name, value) in self.json("config").unwrap_or_default() {
                config.entry(name).or_insert(value);
            }
        }
        self.set_json(edits, &format!("{prefix}:config"), "config", &config);
        match (handling, element.pm_attribute("errorHandling")) {
            (Some(handling), _) => self.set_json(edits, &format!("{prefix}:errorHandling"), "errorHandling", handling),
            (None, Some(attribute)) if !matches!(attribute.text().trim(), "" | "null") => {
                edits.remove_attribute(attribute);
            }
            (None, _) => {}
        }
        Ok(())
    }

    fn set_json(&self, edits: &mut Edits<'_>, key: &str, name: &str, value: &Map<String, Value>) {
        if self.json(name).as_ref() != Some(value) {
            edits.set_attribute(self.element(), self.element().pm_attribute(name), key, &json!(value).to_string());
        }
    }

    /// The object in one of ProcessMaker's attributes.
    fn json(&self, name: &str) -> Option<Map<String, Value>> {
        match serde_json::from_str(&self.element().pm_attribute(name)?.text()).ok()? {
            Value::Object(members) => Some(members),
            // PHP encodes an empty object as `[]` (CONTRACT 2).
            Value::Array(list) if list.is_empty() => Some(Map::new()),
            _ => None,
        }
    }

    /// The prefix of a namespace at this element, and its declaration if it has none in scope.
    fn prefix(&self, text: &str, usual: &str, uri: &'static str) -> Result<(String, Option<Declaration>), String> {
        if let Some(bound) = bound_prefix(self.path.ancestors(), uri) {
            return Ok((bound.to_owned(), None));
        }
        let declarations = || self.path.ancestors().flat_map(|element| &element.attributes);
        let is_bound = |name: &str| declarations().any(|a| a.namespace == Namespace::Declaration && a.name == name);
        // A prefix that is used without being declared is not free either.
        let is_used =
            |name: &str| text.get(self.element().full_span()).is_some_and(|tag| tag.contains(&format!("{name}:")));
        let names = std::iter::once(usual.to_owned()).chain((1..PREFIXES).map(|number| format!("{usual}{number}")));
        let name = names.into_iter().find(|name| !is_bound(name) && !is_used(name));
        let name = name.ok_or_else(|| format!("all prefixes from `{usual}` on are bound to other namespaces"))?;
        let declaration = (format!("xmlns:{name}"), uri);
        Ok((name, Some(declaration)))
    }

    /// The elements and attributes of the present configuration.
    fn existing(&self) -> Result<ExistingConfig<'e, 'a>, String> {
        let element = self.element();
        match self.dialect() {
            Some(Dialect::Extension) => {
                let elements = extension::connectors(element).map(Element::full_span).collect();
                Ok(ExistingConfig { elements, attributes: Vec::new() })
            }
            Some(Dialect::ProcessMakerServiceTask) => {
                Ok(ExistingConfig { elements: Vec::new(), attributes: processmaker_attributes(element).collect() })
            }
            Some(Dialect::ProcessMakerCallActivity) => {
                Err("a call activity is a connector in ProcessMaker's dialect only".to_owned())
            }
            Some(Dialect::Template) => {
                let (elements, attributes) = template::parts(element).ok_or(
                    "its template writes properties that this version of the template does not have".to_owned(),
                )?;
                Ok(ExistingConfig { elements, attributes })
            }
            None => Err(format!("{} is no connector", task::describe(element))),
        }
    }
}

/// The attributes that make an element a connector in ProcessMaker's dialect.
fn processmaker_attributes<'e, 'a>(element: &'e Element<'a>) -> impl Iterator<Item = &'e Attribute<'a>> {
    let [config, handling] = ["config", "errorHandling"].map(|name| element.pm_attribute(name));
    [element.attribute_node("implementation"), config, handling].into_iter().flatten()
}

/// Whether an element can hold our extension (CONTRACT 5).
fn can_hold_extension(element: &Element<'_>) -> bool {
    element.namespace == Namespace::Bpmn && task::EXTENSION_HOLDERS.contains(&element.name)
}

/// The elements and attributes of a configuration in the file.
struct ExistingConfig<'e, 'a> {
    elements: Vec<Range<usize>>,
    attributes: Vec<&'e Attribute<'a>>,
}

impl ExistingConfig<'_, '_> {
    fn erase(&self, edits: &mut Edits<'_>) {
        for attribute in &self.attributes {
            edits.remove_attribute(attribute);
        }
        for element in &self.elements {
            edits.remove(element.clone());
        }
    }

    /// Erases `extensionElements` too if nothing else is in it.
    fn erase_with_container(&self, edits: &mut Edits<'_>, element: &Element<'_>) {
        let Some(extensions) = element.child("extensionElements").filter(|_| !self.elements.is_empty()) else {
            return self.erase(edits);
        };
        let mut from = extensions.start_tag.end;
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
        edits.remove(extensions.full_span());
        for attribute in &self.attributes {
            edits.remove_attribute(attribute);
        }
    }
}

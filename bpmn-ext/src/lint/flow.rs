//! The order in which a token can reach elements. Knows sequence flows, boundary events, links and sub-processes; must not
//! know connectors.
//!
//! In doubt a path is assumed, so that rules report no false problem.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use crate::tree::{Element, Namespace};

/// The control flow of all processes, as a graph. Each node of BPMN has two vertices: a token has entered it, and a token
/// has left it.
#[derive(Debug, Default)]
pub(super) struct Flow {
    nodes: Vec<Node>,
    by_id: HashMap<String, usize>,
    /// The successors of each vertex.
    successors: Vec<Vec<usize>>,
    /// The BPMN names of the children of each node; `None` is the parent of processes.
    child_names: HashSet<(Option<usize>, String)>,
    /// Edges followed so far, against [`MAX_STEPS`].
    steps: Cell<usize>,
}

/// How many edges are followed in one file; after that, every path is assumed to exist. It bounds the time that a model with
/// thousands of elements and variables takes.
const MAX_STEPS: usize = 20_000_000;

/// An element that a token can be at.
#[derive(Debug)]
struct Node {
    /// Its BPMN name, such as `userTask`.
    name: String,
    /// The process or sub-process that contains it.
    parent: Option<usize>,
    /// The errors that its boundary events, or event sub-processes inside it, catch.
    caught: HashSet<Catch>,
    is_for_compensation: bool,
}

/// The errors that an event catches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Catch {
    Any,
    Code(String),
}

/// The vertex of a node that a token has entered.
fn entered(node: usize) -> usize {
    node * 2
}

/// The vertex of a node that a token has left.
fn left(node: usize) -> usize {
    node * 2 + 1
}

impl Flow {
    pub(super) fn of(definitions: &Element<'_>) -> Self {
        let errors = definitions.children("error");
        let codes = errors.filter_map(|error| Some((error.id()?.to_string(), error.attribute("errorCode")?.into())));
        let codes: Codes = codes.collect();
        let mut flow = Self::default();
        for process in definitions.children("process") {
            flow.collect(process, None);
        }
        let mut links = Links::new();
        for process in definitions.children("process") {
            flow.connect(process, &codes, &mut links);
        }
        flow
    }

    fn collect(&mut self, element: &Element<'_>, parent: Option<usize>) {
        let Some(id) = element.id() else { return };
        let index = self.nodes.len();
        self.by_id.entry(id.into()).or_insert(index);
        let is_for_compensation = element.flag("isForCompensation").unwrap_or(false);
        self.child_names.insert((parent, element.name.to_owned()));
        self.nodes.push(Node { name: element.name.to_owned(), parent, caught: HashSet::new(), is_for_compensation });
        self.successors.extend([vec![left(index)], Vec::new()]);
        let repeats = ["standardLoopCharacteristics", "multiInstanceLoopCharacteristics"];
        if repeats.iter().any(|name| element.child(name).is_some()) {
            self.add_edge(left(index), entered(index));
        }
        for child in element.children.iter().filter(|child| is_node(child)) {
            self.collect(child, Some(index));
        }
    }

    fn connect(&mut self, container: &Element<'_>, codes: &Codes, links: &mut Links) {
        let Some(parent) = self.index(container) else { return };
        let mut has_incoming = HashSet::new();
        for flow in container.children("sequenceFlow") {
            if let Some((from, to)) = self.ends(flow) {
                self.add_edge(left(from), entered(to));
                has_incoming.insert(to);
            }
        }
        // An association leads from a compensation event to its handler.
        for (from, to) in container.children("association").filter_map(|a| self.ends(a)).collect::<Vec<_>>() {
            self.add_edge(left(from), entered(to));
            has_incoming.insert(to);
        }
        for element in container.children.iter().filter(|child| is_node(child)) {
            let Some(node) = self.index(element) else { continue };
            let is_event_driven = element.flag("triggeredByEvent").unwrap_or(false);
            match self.host(element) {
                Some(host) => self.attach(host, node, element, codes),
                // Any of its siblings may have run before.
                None if is_event_driven => self.add_edge(left(parent), entered(node)),
                None if !has_incoming.contains(&node) => self.add_edge(entered(parent), entered(node)),
                None => {}
            }
            if is_event_driven {
                self.catch_in_parent(element, parent, codes);
            }
            self.add_edge(left(node), left(parent));
            self.link(element, node, links);
            self.connect(element, codes, links);
        }
    }

    /// Connects a boundary event with its host, and notes the error that it catches.
    fn attach(&mut self, host: usize, event: usize, element: &Element<'_>, codes: &Codes) {
        self.add_edge(left(host), entered(event));
        if let Some(catch) = catch(element, codes)
            && let Some(host) = self.nodes.get_mut(host)
        {
            host.caught.insert(catch);
        }
    }

    /// Notes the errors that an event sub-process catches for its siblings.
    fn catch_in_parent(&mut self, element: &Element<'_>, parent: usize, codes: &Codes) {
        let caught: Vec<_> = element.children("startEvent").filter_map(|event| catch(event, codes)).collect();
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.caught.extend(caught);
        }
    }

    fn link(&mut self, element: &Element<'_>, node: usize, links: &mut Links) {
        let Some(name) = element.child("linkEventDefinition").and_then(|link| link.attribute("name")) else { return };
        let (throws, catches) = links.entry(name.into()).or_default();
        if element.is("intermediateThrowEvent") {
            throws.push(node);
            for catch in catches {
                self.add_edge(left(node), entered(*catch));
            }
        } else {
            catches.push(node);
            for throw in throws {
                self.add_edge(left(*throw), entered(node));
            }
        }
    }

    fn add_edge(&mut self, from: usize, to: usize) {
        if let Some(successors) = self.successors.get_mut(from) {
            successors.push(to);
        }
    }

    fn index(&self, element: &Element<'_>) -> Option<usize> {
        self.by_id.get(&*element.id()?).copied()
    }

    fn ends(&self, flow: &Element<'_>) -> Option<(usize, usize)> {
        let end = |name| flow.attribute(name).and_then(|id| self.by_id.get(id.trim()).copied());
        end("sourceRef").zip(end("targetRef"))
    }

    fn host(&self, element: &Element<'_>) -> Option<usize> {
        element.attribute("attachedToRef").and_then(|host| self.by_id.get(host.trim()).copied())
    }

    fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(*self.by_id.get(id)?)
    }

    /// The elements that a token can enter after it has left one of these.
    pub(super) fn reachable_from<'i>(&self, ids: impl Iterator<Item = &'i str>) -> Reachable<'_> {
        let mut reached = vec![false; self.successors.len()];
        let mut next: Vec<usize> = ids.filter_map(|id| self.by_id.get(id)).map(|node| left(*node)).collect();
        let mut steps = self.steps.get();
        while let Some(vertex) = next.pop() {
            for successor in self.successors.get(vertex).into_iter().flatten() {
                steps += 1;
                if let Some(reached) = reached.get_mut(*successor).filter(|reached| !**reached) {
                    *reached = true;
                    next.push(*successor);
                }
            }
            if steps > MAX_STEPS {
                reached.fill(true);
                break;
            }
        }
        self.steps.set(steps);
        Reachable { flow: self, reached }
    }

    /// Ids of the elements for which `is_one(id, BPMN name)` is true.
    pub(super) fn ids(&self, is_one: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = &str> {
        let named = self.by_id.iter().filter_map(|(id, node)| Some((id.as_str(), self.nodes.get(*node)?)));
        named.filter(move |(id, node)| is_one(id, &node.name)).map(|(id, _)| id)
    }

    /// Whether an error of an element is caught: by a boundary event of the element or of a sub-process around it, or by an
    /// event sub-process.
    pub(super) fn catches(&self, id: &str, code: &str) -> bool {
        let code = Catch::Code(code.to_owned());
        let mut next = self.by_id.get(id).copied();
        while let Some(node) = next.and_then(|index| self.nodes.get(index)) {
            if node.caught.contains(&Catch::Any) || node.caught.contains(&code) {
                return true;
            }
            next = node.parent;
        }
        false
    }

    /// Whether an element has a sibling of this BPMN name, and sequence flows connect it with its siblings.
    pub(super) fn has_sibling(&self, id: &str, name: &str) -> bool {
        let Some(node) = self.node(id).filter(|node| !node.is_for_compensation) else { return false };
        let is_ad_hoc = node.parent.and_then(|p| self.nodes.get(p)).is_some_and(|p| p.name == "adHocSubProcess");
        !is_ad_hoc && self.child_names.contains(&(node.parent, name.to_owned()))
    }
}

/// Codes of errors, by the error's id.
type Codes = HashMap<String, String>;
/// The nodes of throwing and of catching link events, by the name of the link.
type Links = HashMap<String, (Vec<usize>, Vec<usize>)>;

/// The vertices that are reachable from some elements.
pub(super) struct Reachable<'f> {
    flow: &'f Flow,
    reached: Vec<bool>,
}

impl Reachable<'_> {
    /// Whether a token can enter this element.
    pub(super) fn contains(&self, id: &str) -> bool {
        let node = self.flow.by_id.get(id);
        node.is_some_and(|node| self.reached.get(entered(*node)).copied().unwrap_or_default())
    }
}

/// Whether an element is a node of the flow.
fn is_node(element: &Element<'_>) -> bool {
    let others =
        ["sequenceFlow", "association", "laneSet", "dataObject", "dataObjectReference", "textAnnotation", "group"];
    element.namespace == Namespace::Bpmn && !others.contains(&element.name) && element.id().is_some()
}

/// What an error event catches; without an error code it catches any error.
fn catch(event: &Element<'_>, codes: &Codes) -> Option<Catch> {
    let definition = event.child("errorEventDefinition")?;
    let reference = definition.attribute("errorRef").filter(|reference| !reference.is_empty());
    let code = reference.and_then(|reference| codes.get(reference.rsplit(':').next().unwrap_or_default()).cloned());
    Some(code.map_or(Catch::Any, Catch::Code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Report;
    use crate::encoding::FileText;
    use crate::position::Source;

    fn flow(process: &str) -> Flow {
        let text = format!(
            r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">{process}</process>
            <error id="e1" errorCode="GONE"/></definitions>"#
        );
        let file = FileText::of(text.as_bytes());
        let mut report = Report::new(Source::new(&file));
        Flow::of(&crate::tree(&file, &mut report).unwrap())
    }

    #[test]
    fn flows_give_the_order_of_elements() {
        let flow = flow(
            r#"<startEvent id="s"/><task id="a"/><subProcess id="sub"><task id="in1"/><task id="in2"/>
               <sequenceFlow id="f3" sourceRef="in1" targetRef="in2"/></subProcess><task id="b"/>
               <boundaryEvent id="border" attachedToRef="sub"/><task id="repair"/>
               <intermediateThrowEvent id="throw"><linkEventDefinition name="L"/></intermediateThrowEvent>
               <intermediateCatchEvent id="catch"><linkEventDefinition name="L"/></intermediateCatchEvent>
               <sequenceFlow id="f1" sourceRef="s" targetRef="a"/><sequenceFlow id="f2" sourceRef="a" targetRef="sub"/>
               <sequenceFlow id="f4" sourceRef="sub" targetRef="b"/><sequenceFlow id="f5" sourceRef="border" targetRef="repair"/>
               <sequenceFlow id="f6" sourceRef="b" targetRef="throw"/>
               <subProcess id="event" triggeredByEvent="true"><task id="rescue"/></subProcess>"#,
        );
        for (first, then, expected) in [
            ("a", "b", true),
            ("b", "a", false),
            ("a", "a", false),
            ("a", "in1", true),
            ("in1", "in2", true),
            ("in2", "in1", false),
            ("in2", "b", true),
            ("b", "in2", false),
            ("in1", "repair", true),
            ("b", "repair", false),
            ("b", "catch", true),
            ("catch", "b", false),
            ("b", "rescue", true),
            ("rescue", "b", false),
        ] {
            assert_eq!(flow.reachable_from([first].into_iter()).contains(then), expected, "{first} before {then}");
        }
    }

    #[test]
    fn elements_in_a_loop_are_reachable_from_themselves() {
        let flow = flow(
            r#"<task id="a"/><task id="b"/><task id="c"><standardLoopCharacteristics/></task>
               <sequenceFlow id="f1" sourceRef="a" targetRef="b"/><sequenceFlow id="f2" sourceRef="b" targetRef="a"/>"#,
        );
        for (first, then) in [("b", "a"), ("a", "a"), ("c", "c")] {
            assert!(flow.reachable_from([first].into_iter()).contains(then), "{first} before {then}");
        }
    }

    #[test]
    fn errors_are_caught_by_boundary_events_and_event_sub_processes() {
        let flow = flow(
            r#"<subProcess id="sub"><task id="a"/><boundaryEvent id="b1" attachedToRef="a"><errorEventDefinition errorRef="e1"/></boundaryEvent>
               <task id="b"/></subProcess><boundaryEvent id="b2" attachedToRef="sub"><errorEventDefinition/></boundaryEvent>
               <task id="c"/><subProcess id="e" triggeredByEvent="true"><startEvent id="s"><errorEventDefinition errorRef="e1"/></startEvent></subProcess>"#,
        );
        for (id, code, expected) in
            [("a", "GONE", true), ("b", "OTHER", true), ("c", "GONE", true), ("c", "OTHER", false), ("s", "GONE", true)]
        {
            assert_eq!(flow.catches(id, code), expected, "{code} at {id}");
        }
    }
}

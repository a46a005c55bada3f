//! What can come before what. Knows sequence flows, boundary events, links and what is inside of what; where BPMN leaves
//! doubt, a path is assumed, so that rules accuse nobody wrongly.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use crate::tree::{Element, Space};

/// The order of the elements of all processes.
#[derive(Debug, Default)]
pub(super) struct Flow {
    nodes: Vec<Node>,
    by_id: HashMap<String, usize>,
    /// What each moment leads to, by moment.
    after: Vec<Vec<usize>>,
    /// What is inside of what, by BPMN name.
    inside: HashSet<(Option<usize>, String)>,
    /// Steps of looking that were made so far, against [`STEPS`].
    steps: Cell<usize>,
}

/// How many steps are gone from moment to moment in one file. Beyond, a path is assumed: a model of thousands of elements that
/// set thousands of variables is not worth a minute.
const STEPS: usize = 20_000_000;

/// An element that a token can be at.
#[derive(Debug)]
struct Node {
    /// Its BPMN name, such as `userTask`.
    name: String,
    /// What it is inside of.
    parent: Option<usize>,
    /// What is caught on its border or by event sub-processes inside.
    caught: HashSet<Catch>,
    is_for_compensation: bool,
}

/// What an error event catches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Catch {
    Any,
    Code(String),
}

/// The moments of a node: a token comes, a token has gone.
fn comes(node: usize) -> usize {
    node * 2
}

fn gone(node: usize) -> usize {
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
        self.inside.insert((parent, element.name.to_owned()));
        self.nodes.push(Node { name: element.name.to_owned(), parent, caught: HashSet::new(), is_for_compensation });
        self.after.extend([vec![gone(index)], Vec::new()]);
        let repeats = ["standardLoopCharacteristics", "multiInstanceLoopCharacteristics"];
        if repeats.iter().any(|name| element.child(name).is_some()) {
            self.add(gone(index), comes(index));
        }
        for child in element.children.iter().filter(|child| is_node(child)) {
            self.collect(child, Some(index));
        }
    }

    fn connect(&mut self, container: &Element<'_>, codes: &Codes, links: &mut Links) {
        let Some(inside) = self.index(container) else { return };
        let mut led_to = HashSet::new();
        for flow in container.children("sequenceFlow") {
            if let Some((from, to)) = self.ends(flow) {
                self.add(gone(from), comes(to));
                led_to.insert(to);
            }
        }
        // A compensation hangs on its event by an association.
        for (from, to) in container.children("association").filter_map(|a| self.ends(a)).collect::<Vec<_>>() {
            self.add(gone(from), comes(to));
            led_to.insert(to);
        }
        for element in container.children.iter().filter(|child| is_node(child)) {
            let Some(node) = self.index(element) else { continue };
            let is_event_driven = element.flag("triggeredByEvent").unwrap_or(false);
            match self.host(element) {
                Some(host) => self.attach(host, node, element, codes),
                // Anything beside it may have happened.
                None if is_event_driven => self.add(gone(inside), comes(node)),
                None if !led_to.contains(&node) => self.add(comes(inside), comes(node)),
                None => {}
            }
            if is_event_driven {
                self.catch_inside(element, inside, codes);
            }
            self.add(gone(node), gone(inside));
            self.link(element, node, links);
            self.connect(element, codes, links);
        }
    }

    /// A boundary event comes when its host has begun, and catches there.
    fn attach(&mut self, host: usize, event: usize, element: &Element<'_>, codes: &Codes) {
        self.add(gone(host), comes(event));
        if let Some(catch) = catch(element, codes)
            && let Some(host) = self.nodes.get_mut(host)
        {
            host.caught.insert(catch);
        }
    }

    /// An event sub-process that begins with an error catches for all that is beside it.
    fn catch_inside(&mut self, element: &Element<'_>, inside: usize, codes: &Codes) {
        let caught: Vec<_> = element.children("startEvent").filter_map(|event| catch(event, codes)).collect();
        if let Some(inside) = self.nodes.get_mut(inside) {
            inside.caught.extend(caught);
        }
    }

    fn link(&mut self, element: &Element<'_>, node: usize, links: &mut Links) {
        let Some(name) = element.child("linkEventDefinition").and_then(|link| link.attribute("name")) else { return };
        let (throws, catches) = links.entry(name.into()).or_default();
        if element.is("intermediateThrowEvent") {
            throws.push(node);
            for catch in catches {
                self.add(gone(node), comes(*catch));
            }
        } else {
            catches.push(node);
            for throw in throws {
                self.add(gone(*throw), comes(node));
            }
        }
    }

    fn add(&mut self, first: usize, then: usize) {
        if let Some(after) = self.after.get_mut(first) {
            after.push(then);
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

    /// What can happen once one of these elements has ended.
    pub(super) fn after<'i>(&self, ids: impl Iterator<Item = &'i str>) -> After<'_> {
        let mut reached = vec![false; self.after.len()];
        let mut next: Vec<usize> = ids.filter_map(|id| self.by_id.get(id)).map(|node| gone(*node)).collect();
        let mut steps = self.steps.get();
        while let Some(moment) = next.pop() {
            for later in self.after.get(moment).into_iter().flatten() {
                steps += 1;
                if let Some(reached) = reached.get_mut(*later).filter(|reached| !**reached) {
                    *reached = true;
                    next.push(*later);
                }
            }
            if steps > STEPS {
                reached.fill(true);
                break;
            }
        }
        self.steps.set(steps);
        After { flow: self, reached }
    }

    /// Elements of which this is true, by id and BPMN name.
    pub(super) fn ids(&self, is_one: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = &str> {
        let named = self.by_id.iter().filter_map(|(id, node)| Some((id.as_str(), self.nodes.get(*node)?)));
        named.filter(move |(id, node)| is_one(id, &node.name)).map(|(id, _)| id)
    }

    /// Whether an error is caught: on the element's border, around what it is inside of, or by an event sub-process.
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

    /// Whether flows order what is beside an element, and an element of this name is there.
    pub(super) fn has_beside(&self, id: &str, name: &str) -> bool {
        let Some(node) = self.node(id).filter(|node| !node.is_for_compensation) else { return false };
        let is_loose = node.parent.and_then(|p| self.nodes.get(p)).is_some_and(|p| p.name == "adHocSubProcess");
        !is_loose && self.inside.contains(&(node.parent, name.to_owned()))
    }
}

/// Codes of errors, by the error's id.
type Codes = HashMap<String, String>;
/// Throwing and catching links, by name.
type Links = HashMap<String, (Vec<usize>, Vec<usize>)>;

/// What can happen after some elements.
pub(super) struct After<'f> {
    flow: &'f Flow,
    reached: Vec<bool>,
}

impl After<'_> {
    /// Whether a token can come to this element then.
    pub(super) fn comes_to(&self, id: &str) -> bool {
        let node = self.flow.by_id.get(id);
        node.is_some_and(|node| self.reached.get(comes(*node)).copied().unwrap_or_default())
    }
}

/// Whether a token can be at an element.
fn is_node(element: &Element<'_>) -> bool {
    let others =
        ["sequenceFlow", "association", "laneSet", "dataObject", "dataObjectReference", "textAnnotation", "group"];
    element.space == Space::Bpmn && !others.contains(&element.name) && element.id().is_some()
}

/// What an error event catches; an error without a code is caught by nothing else than any.
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
    use crate::position::Source;

    fn flow(process: &str) -> Flow {
        let text = format!(
            r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">{process}</process>
            <error id="e1" errorCode="GONE"/></definitions>"#
        );
        let mut report = Report::new(Source::new("", 0));
        Flow::of(&crate::tree(text.as_bytes(), &mut report).unwrap())
    }

    #[test]
    fn what_flows_say_comes_before_what() {
        let flow = flow(
            r#"<startEvent id="s"/><task id="a"/><subProcess id="sub"><task id="in1"/><task id="in2"/>
               <sequenceFlow id="f3" sourceRef="in1" targetRef="in2"/></subProcess><task id="b"/>
               <boundaryEvent id="border" attachedToRef="sub"/><task id="mend"/>
               <intermediateThrowEvent id="throw"><linkEventDefinition name="L"/></intermediateThrowEvent>
               <intermediateCatchEvent id="catch"><linkEventDefinition name="L"/></intermediateCatchEvent>
               <sequenceFlow id="f1" sourceRef="s" targetRef="a"/><sequenceFlow id="f2" sourceRef="a" targetRef="sub"/>
               <sequenceFlow id="f4" sourceRef="sub" targetRef="b"/><sequenceFlow id="f5" sourceRef="border" targetRef="mend"/>
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
            ("in1", "mend", true),
            ("b", "mend", false),
            ("b", "catch", true),
            ("catch", "b", false),
            ("b", "rescue", true),
            ("rescue", "b", false),
        ] {
            assert_eq!(flow.after([first].into_iter()).comes_to(then), expected, "{first} before {then}");
        }
    }

    #[test]
    fn what_repeats_comes_before_itself() {
        let flow = flow(
            r#"<task id="a"/><task id="b"/><task id="c"><standardLoopCharacteristics/></task>
               <sequenceFlow id="f1" sourceRef="a" targetRef="b"/><sequenceFlow id="f2" sourceRef="b" targetRef="a"/>"#,
        );
        for (first, then) in [("b", "a"), ("a", "a"), ("c", "c")] {
            assert!(flow.after([first].into_iter()).comes_to(then), "{first} before {then}");
        }
    }

    #[test]
    fn errors_are_caught_on_borders_and_around() {
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

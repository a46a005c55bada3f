//! An ordinary model of nearly the largest size.

/// 5,000 connectors between start and end, with their diagram: nearly 5 MB.
pub(crate) fn model() -> String {
    let mut process = String::new();
    let mut diagram = String::new();
    for n in 0..5_000 {
        process.push_str(&task(n));
        diagram.push_str(&shape(n));
    }
    let size = bpmn_ext::limits::SIZE - process.len() - diagram.len();
    let filling = "x".repeat(size.saturating_sub(2_000));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<bpmn:definitions xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" \
         xmlns:bpmndi=\"http://www.omg.org/spec/BPMN/20100524/DI\" xmlns:dc=\"http://www.omg.org/spec/DD/20100524/DC\" \
         xmlns:pm=\"http://processmaker.com/BPMN/2.0/Schema.xsd\" xmlns:conn=\"urn:data-connector:bpmn:1\">\n  \
         <bpmn:process id=\"large\" isExecutable=\"true\">\n{process}    <bpmn:documentation>{filling}</bpmn:documentation>\n  \
         </bpmn:process>\n  <bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement=\"large\">\n{diagram}  </bpmndi:BPMNPlane>\
         </bpmndi:BPMNDiagram>\n</bpmn:definitions>\n"
    )
}

/// One in each dialect in turn, with the flow that leads on.
fn task(n: usize) -> String {
    let next = n + 1;
    let body = if n.is_multiple_of(2) {
        let config = "{&#34;dataSource&#34;:1,&#34;endpoint&#34;:&#34;list&#34;,&#34;dataMapping&#34;:[{&#34;value&#34;:&#34;data.0.id&#34;,\
            &#34;key&#34;:&#34;customer&#34;,&#34;format&#34;:&#34;dotNotation&#34;}],&#34;outboundConfig&#34;:[{&#34;value&#34;:\
            &#34;{{order}}&#34;,&#34;type&#34;:&#34;PARAM&#34;,&#34;key&#34;:&#34;order&#34;,&#34;format&#34;:&#34;mustache&#34;}]}";
        format!(
            "    <bpmn:serviceTask id=\"node_{n}\" name=\"Task {n}\" \
             implementation=\"package-data-sources/data-source-task-service\" pm:config=\"{config}\" />\n"
        )
    } else {
        format!(
            "    <bpmn:serviceTask id=\"node_{n}\" name=\"Task {n}\">\n      <bpmn:extensionElements>\n        \
             <conn:dataConnector connector=\"Rates\" resource=\"latest\">\n          \
             <conn:input type=\"param\" key=\"base\" value=\"{{{{currency}}}}\"/>\n          \
             <conn:output variable=\"rate\" source=\"rates.EUR\"/>\n          <conn:retry attempts=\"4\" wait=\"PT5S\"/>\n        \
             </conn:dataConnector>\n      </bpmn:extensionElements>\n    </bpmn:serviceTask>\n"
        )
    };
    format!("{body}    <bpmn:sequenceFlow id=\"flow_{n}\" sourceRef=\"node_{n}\" targetRef=\"node_{next}\" />\n")
}

fn shape(n: usize) -> String {
    format!(
        "    <bpmndi:BPMNShape bpmnElement=\"node_{n}\"><dc:Bounds x=\"{n}\" y=\"200\" width=\"116\" height=\"76\" />\
         </bpmndi:BPMNShape>\n"
    )
}

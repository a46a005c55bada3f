import{n as e}from"./rolldown-runtime-XKyaHtl9.js";var t=e({pages:()=>n}),n=[{code:`BAD_JOB`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The message is not a job, or its id is one that no message can carry (it has 1 to 255 bytes and no NUL). `},{strong:`Who:`},{text:` the engine's builder. It may also name the reserved engine `},{code:`api`},{text:`, or a `},{code:`reply_to`},{text:` that `},{code:`amqp.reply_to`},{text:` does not allow. `},{strong:`What to change:`},{text:` what the message says; `},{code:`data-connector schema job`},{text:` prints what a job looks like. The message is kept as a dead letter, without such headers as have no room in one (above some 14 KiB together).`}]}]},{code:`JOB_TOO_LARGE`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The job has more bytes than `},{code:`limits.job_bytes`},{text:`, or what would be made of it has no room in `},{code:`limits.memory`},{text:`. `},{strong:`Who:`},{text:` the designer, or the operator. `},{strong:`What to change:`},{text:` send less data along with the job, or raise the limit. The message is kept as a dead letter; after raising the limit, `},{code:`data-connector dead replay NUMBER`},{text:`.`}]}]},{code:`JOB_MISMATCH`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The id is known with other content, so that nobody can tell which of the two is meant. `},{strong:`Who:`},{text:` the engine's builder. `},{strong:`What to change:`},{text:` every activation of an element needs an id of its own. Dead letter only: the first job's result is the one that counts.`}]}]},{code:`CONFIGURATION`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The request cannot be planned: no such connector or resource, a template, an expression or a path that does not parse or render (`},{code:`LANGUAGES.md`},{text:` says what can be written), a value that is missing, a header that is reserved, a credential that may not go there. Nothing was sent. `},{strong:`Who:`},{text:` the designer, or the integrator. `},{strong:`What to change:`},{text:` the place the message names. `},{code:`data-connector run MODEL --element ID --dry-run`},{text:` shows the request without sending it.`}]}]},{code:`DENIED`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The destination is a private address or a name that means something only inside a network, or a redirect leads there. `},{strong:`Who:`},{text:` the operator. `},{strong:`What to change:`},{text:` allow its range with `},{code:`--allow-net CIDR`},{text:` or `},{code:`http.allow_net`},{text:`, if it is meant to be called. Or it is public, and its port is below 1024 and neither 80 nor 443: add it to `},{code:`http.allow_ports`},{text:`.`}]}]},{code:`CONNECT`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The third party could not be reached, or closed the connection before it answered. Tried again as the policy says. `},{strong:`Who:`},{text:` whoever runs the third party; or the integrator, if host or port are wrong. Where the message says that no address was found that may be called, the name is misspelt, or it leads into a private network: the operator sees in the log which, and allows the range with `},{code:`--allow-net CIDR`},{text:` or `},{code:`http.allow_net`},{text:`.`}]},{kind:`paragraph`,inline:[{code:`CONNECT`},{text:`, `},{code:`TIMEOUT`},{text:` and `},{code:`HTTP_502`},{text:` to `},{code:`HTTP_504`},{text:` may be the code of a job that was not called at all: it has waited for its host as long as `},{code:`limits.host_wait`},{text:` and its own attempts and waits allow, and the last call to that host ended so. Its message says this.`}]}]},{code:`TLS`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`There is no secure connection. A certificate that does not verify, or ours where the third party refuses it, is final; a broken handshake is tried again. `},{strong:`Who:`},{text:` the integrator. `},{strong:`What to change:`},{text:` the host's name, `},{code:`http.ca_file`},{text:` for an authority of your own, or `},{code:`client_certificate`},{text:` and `},{code:`client_key`},{text:` of the credential.`}]}]},{code:`TIMEOUT`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`Time ran out before the answer was there: while a token was fetched, before a status line, or in the middle of the body. Tried again as the policy says; after a good status only for GET and HEAD. `},{strong:`Who:`},{text:` the designer. `},{strong:`What to change:`},{text:` the element's or the resource's timeout; at most `},{code:`limits.call_timeout`},{text:`.`}]}]},{code:`OUTCOME_UNKNOWN`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`A POST or PATCH was sent, and no answer came, or it was accepted (`},{code:`202`},{text:`) and asking after it (`},{code:`poll`},{text:`) led nowhere: it may have taken effect, and is not sent again. `},{strong:`Who:`},{text:` a person who can look at the third party. `},{strong:`What to change:`},{text:` `},{code:`repeat: safe`},{text:` on the resource, if the third party honours the `},{code:`Idempotency-Key`},{text:` or does not mind.`}]}]},{code:`HTTP_404`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{code:`HTTP_`},{text:` and the status: the third party answered with a status that is no success. 408, 425, 429 and 5xx but 501 and 505 are tried again. `},{strong:`Who:`},{text:` the designer. `},{strong:`What to change:`},{text:` the data, or `},{code:`success`},{text:` and `},{code:`errorMapping`},{text:`, if this answer is an expected one.`}]},{kind:`paragraph`,inline:[{text:`A 3xx is a redirect that was not followed, and the message says where it points: only GET and HEAD follow redirects, at most five, and never out of https. `},{strong:`What to change:`},{text:` the resource's URL, or `},{code:`success`},{text:`, if the redirect is the expected answer.`}]}]},{code:`RESULT_TOO_LARGE`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The mapped data has more bytes than `},{code:`limits.result_bytes`},{text:`, or takes more than 64 MiB in memory. `},{strong:`Who:`},{text:` the designer. `},{strong:`What to change:`},{text:` map fewer fields, or raise the limit here and at the broker.`}]}]},{code:`BAD_RESPONSE`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`A good status whose body broke off, is too large (also all pages or files together, or for `},{code:`limits.memory`},{text:`), or is not what the resource's `},{code:`answer`},{text:` or the content type says (JSON, XML, or bytes up to `},{code:`limits.inline_bytes`},{text:`) although a row reads it. Tried again for GET and HEAD. `},{strong:`Who:`},{text:` the integrator. `},{strong:`What to change:`},{text:` `},{code:`limits.response_bytes`},{text:`, or the resource.`}]}]},{code:`MAPPING`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The answer came, and a row of the mapping, `},{code:`success`},{text:`, `},{code:`pagination`},{text:` or `},{code:`poll`},{text:` cannot be evaluated, or `},{code:`next`},{text:` of `},{code:`pagination`},{text:` holds a cursor and no address. The call is not repeated, the answer is in the ledger. `},{strong:`Who:`},{text:` the designer. `},{strong:`What to change:`},{text:` the row that the message names.`}]}]},{code:`AUTH`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`There is no token to be had for the connector's credential, or the connector was stored without all of its credential; the third party itself was not called. Tried again as the policy says when the token endpoint is down or busy, final when it refuses or a member is missing. `},{strong:`Who:`},{text:` the integrator. `},{strong:`What to change:`},{text:` the credential or its `},{code:`url`},{text:`, as the message says; then import the record again. `},{text:`SECRETS.md`},{text:` has every kind.`}]}]},{code:`DEADLINE_PASSED`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The job's deadline was over, or would be before the next attempt. `},{strong:`Who:`},{text:` the designer. `},{strong:`What to change:`},{text:` the deadline, or the waits.`}]}]},{code:`CANCELLED`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`The engine took the job back. Found in the ledger only; nobody is answered.`}]}]},{code:`INTERNAL`,kind:`job`,blocks:[{kind:`paragraph`,inline:[{text:`A defect of Data Connector, or a job that three workers died with. `},{strong:`Who:`},{text:` the operator. `},{strong:`What to change:`},{text:` look at the log and at the dead letter, tell the maintainers, then replay it.`}]}]},{code:`BAD_REQUEST`,kind:`api`,status:`400`,blocks:[{kind:`paragraph`,inline:[{text:`The body is not JSON, or the path cannot be read.`}]}]},{code:`UNAUTHENTICATED`,kind:`api`,status:`401`,blocks:[{kind:`paragraph`,inline:[{text:`No valid token.`}]}]},{code:`FORBIDDEN`,kind:`api`,status:`403`,blocks:[{kind:`paragraph`,inline:[{text:`The scope is missing, or the token is limited.`}]}]},{code:`NOT_FOUND`,kind:`api`,status:`404`,blocks:[{kind:`paragraph`,inline:[{text:`There is no such thing, or it is outside of the token's limit.`}]}]},{code:`METHOD_NOT_ALLOWED`,kind:`api`,status:`405`,blocks:[{kind:`paragraph`,inline:[{code:`Allow`},{text:` has the others.`}]}]},{code:`TIMEOUT`,kind:`api`,status:`408`,blocks:[{kind:`paragraph`,inline:[{text:`The body came too slowly.`}]}]},{code:`CONFLICT`,kind:`api`,status:`409`,blocks:[{kind:`paragraph`,inline:[{text:`Another state; an idempotency key with other content.`}]}]},{code:`JOB_MISMATCH`,kind:`api`,status:`409`,blocks:[{kind:`paragraph`,inline:[{text:`Another state; an idempotency key with other content.`}]}]},{code:`PRECONDITION_FAILED`,kind:`api`,status:`412`,blocks:[{kind:`paragraph`,inline:[{code:`If-Match`},{text:` names another version.`}]}]},{code:`TOO_LARGE`,kind:`api`,status:`413`,blocks:[{kind:`paragraph`,inline:[{text:`The body is larger than `},{code:`api.body_bytes`},{text:`.`}]}]},{code:`UNSUPPORTED_MEDIA_TYPE`,kind:`api`,status:`415`,blocks:[{kind:`paragraph`,inline:[{text:`The body has another type.`}]}]},{code:`INVALID`,kind:`api`,status:`422`,blocks:[{kind:`paragraph`,inline:[{text:`Fields that cannot be used, by path in `},{code:`errors`},{text:`.`}]}]},{code:`RATE_LIMITED`,kind:`api`,status:`429`,blocks:[{kind:`paragraph`,inline:[{code:`Retry-After`},{text:` tells when to come again.`}]}]},{code:`INTERNAL`,kind:`api`,status:`500`,blocks:[{kind:`paragraph`,inline:[{text:`A defect; the log has it under the request id.`}]}]},{code:`UNAVAILABLE`,kind:`api`,status:`503`,blocks:[{kind:`paragraph`,inline:[{text:`Database, broker or identity provider are away, or there is no place.`}]}]},{code:`unknown-connector`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Error.`},{text:` The connector that an element names exists.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`The name is looked up when the job runs. If no connector has it, every job of this element fails with `},{code:`CONFIGURATION`},{text:`. The usual reasons are a typing error, or a model from another installation, where connectors have other ids.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Ratess" resource="latest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Write the connector's name, uuid or id as `},{code:`data-connector connectors list`},{text:` shows it, or import the connector. Prefer names: ids differ between installations.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`The rule needs connectors to compare with: those of `},{code:`--connectors FILE`},{text:`, or those of the store. In ProcessMaker's dialect the connector is `},{code:`dataSource`},{text:` inside `},{code:`pm:config`},{text:`.`}]}]},{code:`unknown-resource`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Error.`},{text:` The resource that an element names is one of its connector.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`A connector is an address and its credentials; a resource is one of its calls. If the connector does not have the resource, every job fails with `},{code:`CONFIGURATION`},{text:`. The usual reason is a resource that was renamed in the connector but not in the model.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="newest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Choose a resource that the connector has; the message names them. `},{code:`GET: latest`},{text:`, as some screens label resources, means `},{code:`latest`},{text:`.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="GET: latest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`In ProcessMaker's dialect the resource is `},{code:`endpoint`},{text:` inside `},{code:`pm:config`},{text:`.`}]}]},{code:`undeclared-key`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` An input's key is declared by the resource, or read by its URL or body.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`The key of an input is a parameter that the resource declares, or a variable in its URL or body. With any other key, the input has no effect: the call is made without the value, and without an error.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:input type="param" key="basis" value="{{currency}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Write the key as the resource declares it, or declare the parameter in the connector. The message lists the keys of the resource.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:input type="param" key="base" value="{{currency}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`Headers can have any name. A resource without a list of parameters takes any parameter. A key that is itself a template is not checked.`}]}]},{code:`missing-required`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` Every required parameter and header has a value.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`A parameter or header that the resource declares as required is always sent, and without a value it is sent empty: `},{code:`?from=`},{text:`. Most third parties refuse that, and some return everything.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="history"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Add an input with that key and a value, or give the parameter a default value in the connector.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="history">
      <conn:input type="param" key="from" value="{{order_date}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`}]},{code:`reserved-name`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` No output is mapped onto a name that belongs to the engine.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`Some variables belong to the engine: `},{code:`_user`},{text:`, `},{code:`_request`},{text:`, `},{code:`_parent`},{text:`, `},{code:`loopCounter`},{text:`, `},{code:`loopCharacteristics`},{text:` and the `},{code:`numberOf…Instances`},{text:` of loops. An output onto one of them is dropped when the response is mapped, with a warning in the worker's log that designers do not see.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:output variable="_user" source="owner"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Choose another variable.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:output variable="owner" source="owner"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`}]},{code:`duplicate-mapping`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` No two outputs of an element are mapped onto the same variable.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`Outputs are written one after another, and the last one overwrites the value of the first. The usual reason is a row that was copied and not changed completely.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:output variable="rate" source="rates.EUR"/>
      <conn:output variable="rate" source="rates.USD"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Remove one of them, or choose another variable.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:output variable="rate_eur" source="rates.EUR"/>
      <conn:output variable="rate_usd" source="rates.USD"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`}]},{code:`unparsable-text`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Error.`},{text:` Every template, expression and path can be parsed.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`Values, sources and conditions are texts in a language: mustache, `},{code:`feel`},{text:`, a path, JSONPath or JMESPath. A text with a syntax error fails every job of the element with `},{code:`CONFIGURATION`},{text:`. The message has the position of the character inside the text, even if the text is JSON inside an attribute, where every quote is written as `},{code:`&#34;`},{text:`.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:input type="param" key="base" value="{{currency}"/>
      <conn:output variable="first" source="$.rates["/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Correct the text at the position of the message. The languages are described, with examples, in `},{text:`LANGUAGES.md`},{text:`.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:input type="param" key="base" value="{{currency}}"/>
      <conn:output variable="first" source="$.rates[0]"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`A row of format `},{code:`feel`},{text:` that contains mustache is rendered before it is parsed, which needs data; the linter checks only its mustache.`}]}]},{code:`unset-variable`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` Every variable that an element reads can have been set before.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`A variable that nothing has set renders as an empty text, and the call is made with it. The usual reason is the order of elements: the one that maps its response onto the variable comes later in the process, or on another branch.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:startEvent id="start"/>
<bpmn:serviceTask id="book" name="Book">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Orders" resource="book">
      <conn:input type="body" key="amount" value="{{rate}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:output variable="rate" source="rates.EUR"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:endEvent id="end"/>
<bpmn:sequenceFlow id="flow_1" sourceRef="start" targetRef="book"/>
<bpmn:sequenceFlow id="flow_2" sourceRef="book" targetRef="fetch"/>
<bpmn:sequenceFlow id="flow_3" sourceRef="fetch" targetRef="end"/>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Change the order, or set the variable earlier. If the request has it from its start, pass its data with `},{code:`--data FILE`},{text:`: the names in that file count as set.`}]},{kind:`code`,text:`<bpmn:startEvent id="start"/>
<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:output variable="rate" source="rates.EUR"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:serviceTask id="book" name="Book">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Orders" resource="book">
      <conn:input type="body" key="amount" value="{{rate}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:endEvent id="end"/>
<bpmn:sequenceFlow id="flow_1" sourceRef="start" targetRef="fetch"/>
<bpmn:sequenceFlow id="flow_2" sourceRef="fetch" targetRef="book"/>
<bpmn:sequenceFlow id="flow_3" sourceRef="book" targetRef="end"/>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`The rule reports no doubtful cases. Without `},{code:`--data`},{text:` it checks only variables that some connector of the model sets, and it does not check elements after a form, a script or a message, since those can set any variable.`}]}]},{code:`missing-flow`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` A sequence flow leads to every element, and one leads on.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`An element without an incoming flow never runs, and a process ends without an error at an element without an outgoing flow. On the canvas, an arrow that only touches a shape looks like one that is attached to it.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:startEvent id="start"/>
<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:endEvent id="end"/>
<bpmn:sequenceFlow id="flow_1" sourceRef="start" targetRef="fetch"/>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Draw the flow, or attach the loose end of the arrow.`}]},{kind:`code`,text:`<bpmn:startEvent id="start"/>
<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:endEvent id="end"/>
<bpmn:sequenceFlow id="flow_1" sourceRef="start" targetRef="fetch"/>
<bpmn:sequenceFlow id="flow_2" sourceRef="fetch" targetRef="end"/>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`In a process or sub-process without a start event, elements may start without a flow (BPMN 2.0, 13.2), and without an end event they may end without one; neither is reported. Elements of an ad-hoc sub-process and compensation handlers are not checked.`}]}]},{code:`uncaught-error`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` Every error that a failure is mapped onto is caught by a boundary event, or around the element.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{code:`errorMapping`},{text:` turns a failure of the call into an error of the process, so that the process can take another path. If no boundary event catches it, there is no other path, and the request fails as it would without the mapping.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:errorMapping when="404" code="RATE_MISSING" message="no rate for {{currency}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Attach an error boundary event to the element, or to a sub-process around it; an event sub-process with an error start event catches it as well. The event catches errors with its code or, without `},{code:`errorRef`},{text:`, any error.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:errorMapping when="404" code="RATE_MISSING" message="no rate for {{currency}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:boundaryEvent id="no_rate" attachedToRef="fetch">
  <bpmn:errorEventDefinition/>
</bpmn:boundaryEvent>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`ProcessMaker's engine matches only boundary events without `},{code:`errorRef`},{text:` when a service task fails; use those there.`}]}]},{code:`unthrown-error`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` A failure is mapped onto every error that a boundary event of the element catches by its code.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`A boundary event with an error code catches that code only. Calls fail with the worker's codes, such as `},{code:`HTTP_404`},{text:` or `},{code:`TIMEOUT`},{text:`; any other code comes from an `},{code:`errorMapping`},{text:` row of the element or of its resource. Without such a row, the path after the event is never taken.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:boundaryEvent id="no_rate" attachedToRef="fetch">
  <bpmn:errorEventDefinition errorRef="rate_missing"/>
</bpmn:boundaryEvent>
<!-- after the process -->
<bpmn:error id="rate_missing" errorCode="RATE_MISSING"/>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Map the failure onto the code, or catch any error.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:errorMapping when="404" code="RATE_MISSING" message="no rate for {{currency}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>
<bpmn:boundaryEvent id="no_rate" attachedToRef="fetch">
  <bpmn:errorEventDefinition errorRef="rate_missing"/>
</bpmn:boundaryEvent>
<!-- after the process -->
<bpmn:error id="rate_missing" errorCode="RATE_MISSING"/>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`CODES.md`},{text:` lists the codes with which calls fail without a mapping.`}]}]},{code:`unrepeatable-retry`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` A POST or PATCH with retries declares that it may be repeated.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`When a POST was sent and no response came back, it is not known whether it took effect. It is not sent again then, whatever the retry policy: the job fails with `},{code:`OUTCOME_UNKNOWN`},{text:`, so that nothing is booked twice. A POST is retried only after a response with a status that allows it, such as 503.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="book" name="Book">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Orders" resource="book">
      <conn:retry attempts="4" wait="PT5S"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Write `},{code:`repeat="safe"`},{text:` if the third party honours the header `},{code:`Idempotency-Key`},{text:`, or if it may be called twice; in the resource, it applies to all elements. If it must not be called twice, leave the element as it is and map `},{code:`OUTCOME_UNKNOWN`},{text:` onto an error that a person handles.`}]},{kind:`code`,text:`<bpmn:serviceTask id="book" name="Book">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Orders" resource="book" repeat="safe">
      <conn:retry attempts="4" wait="PT5S"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`}]},{code:`secret-in-model`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` No secret is written into the model.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`Everyone who can open the model can read it, and so can everyone with an old version, a backup or a screenshot. Parts of a model are also copied into jobs and printed by tools, and a secret in a model is never masked.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:input type="header" key="Authorization" value="Bearer 8f14e45fceea167a"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Move it into the connector's credentials, where it is encrypted, or store it with `},{code:`data-connector secrets set NAME`},{text:` and write `},{code:`{{secret:NAME}}`},{text:`. Then change it at the third party: everyone who has seen the file knows the old one.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest">
      <conn:input type="header" key="Authorization" value="Bearer {{secret:rates_token}}"/>
    </conn:dataConnector>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`Notes`}]},{kind:`paragraph`,inline:[{text:`A value counts as a secret if its name is that of a secret (`},{code:`password`},{text:`, `},{code:`api_key`},{text:`, `},{code:`authorization`},{text:` …), if it has the prefix of the keys of a well-known service, or if it is a URL with a password. Values that contain mustache are not checked.`}]}]},{code:`unknown-queue`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Warning.`},{text:` The queue that an element names is one that workers consume.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`A separate queue keeps slow calls from delaying fast ones. If no worker consumes the queue, or if its name is not valid, jobs go to the queue `},{code:`default`},{text:`: none is lost, but they are not separated. ProcessMaker's models often name queues of another system, such as `},{code:`bpmn`},{text:`.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest" queue="very slow"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Use the name of a queue that a worker consumes (`},{code:`data-connector worker --queue NAME`},{text:`): letters, digits, `},{code:`_`},{text:` and `},{code:`-`},{text:`, 64 at most. Or remove the queue.`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest" queue="slow"/>
  </bpmn:extensionElements>
</bpmn:serviceTask>`}]},{code:`loop-without-array`,kind:`lint`,blocks:[{kind:`paragraph`,inline:[{strong:`Error.`},{text:` A multi-instance loop has a source array or a number of instances.`}]},{kind:`heading`,inline:[{text:`Why`}]},{kind:`paragraph`,inline:[{text:`A multi-instance loop makes one call for each item of an array, or a fixed number of calls. With neither, the engine fails the element when it is reached.`}]},{kind:`heading`,inline:[{text:`Example`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest"/>
  </bpmn:extensionElements>
  <bpmn:multiInstanceLoopCharacteristics/>
</bpmn:serviceTask>`},{kind:`heading`,inline:[{text:`How to fix it`}]},{kind:`paragraph`,inline:[{text:`Choose the variable that holds the array (in the file: a `},{code:`dataInput`},{text:` with its name, and `},{code:`loopDataInputRef`},{text:`), or a number of instances (`},{code:`loopCardinality`},{text:`).`}]},{kind:`code`,text:`<bpmn:serviceTask id="fetch" name="Fetch rates">
  <bpmn:extensionElements>
    <conn:dataConnector connector="Rates" resource="latest"/>
  </bpmn:extensionElements>
  <bpmn:ioSpecification>
    <bpmn:dataInput id="fetch_input" name="currencies" isCollection="true"/>
  </bpmn:ioSpecification>
  <bpmn:multiInstanceLoopCharacteristics>
    <bpmn:loopDataInputRef>fetch_input</bpmn:loopDataInputRef>
    <bpmn:inputDataItem name="currency"/>
  </bpmn:multiInstanceLoopCharacteristics>
</bpmn:serviceTask>`}]}];export{n,t};
/** The parts of the plug-in that pages without a diagram use as well, in the colours of the console. */

import 'bpmn-js-data-connector/parts.css';
import './styles/plug-in.css';

export * from 'bpmn-js-data-connector/parts';

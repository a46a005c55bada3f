// The descriptors with which bpmn-moddle reads both dialects of a connector, whatever prefix a file uses.

import { readFileSync } from 'node:fs';

const descriptor = (name) => JSON.parse(readFileSync(new URL(`../moddle/${name}.json`, import.meta.url), 'utf8'));

/** Our own extension, `urn:data-connector:bpmn:1`. */
export const conn = descriptor('conn');

/** ProcessMaker's attributes of a connector, `http://processmaker.com/BPMN/2.0/Schema.xsd`. */
export const pm = descriptor('pm');

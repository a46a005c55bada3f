// The descriptors with which bpmn-moddle reads and writes both spellings, whatever prefix a file uses.

import conn from './conn.json';
import pm from './pm.json';

/**
 * For bpmn-js's option `moddleExtensions`. Children of a `dataConnector` are one list, so that their order and foreign
 * elements among them survive; a call activity's `implementation` is left to the attributes that nobody declared, since
 * it has no prefix in files.
 */
export const moddleExtensions = { conn, pm };

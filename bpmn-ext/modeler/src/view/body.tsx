/** @jsxImportSource @bpmn-io/properties-panel/preact */
// A body that was kept: as a tree where it is JSON, else as text.

import { useMemo, useState } from '@bpmn-io/properties-panel/preact/hooks';

import { answerTree, indented } from '../answer/json';
import { AnswerTree } from './answer-tree';

export function Body({ text, label }: { text: string | null; label: string }) {
  const root = useMemo(() => answerTree(text ?? ''), [text]);
  const [isText, setText] = useState(false);
  if (text === null || text === '') return <p class="dc-empty">The body is empty.</p>;
  if (!root || root.scalar !== undefined) return <div class="dc-part"><pre class="dc-pre" tabIndex={0}>{text}</pre></div>;
  return (
    <div class="dc-part">
      {isText ? <pre class="dc-pre" tabIndex={0}>{indented(text)}</pre> : <AnswerTree root={root} label={label} isQuiet />}
      <p class="dc-actions"><button type="button" class="dc-button" onClick={() => setText(!isText)}>{isText ? 'As tree' : 'As text'}</button></p>
    </div>
  );
}

/** @jsxImportSource @bpmn-io/properties-panel/preact */
// `region "Problems"`: what the linter found; each finding leads to its field.

import { countOf } from '../bpmn/lint';
import type { Element, ElementRegistry, Injector } from '../bpmn/types';
import type { Diagnostic } from '../host/types';
import { useId, useLinter, useStore } from './hooks';

export function Problems({ injector }: { injector: Injector }) {
  const store = useStore(injector);
  const linter = useLinter(injector);
  const order = linter.diagnostics.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  return (
    <section class="dc-problems dc-pane" aria-label="Problems">
      <header class="dc-pane-head">
        <h2>Problems</h2>
        <p role="status" class="dc-status">{linter.error === undefined ? countOf(linter.diagnostics) || 'No problems.' : ''}</p>
      </header>
      {linter.error !== undefined && (
        <div role="alert" class="dc-alert">
          <p>The model could not be checked. {linter.error}</p>
          <button type="button" class="dc-button" onClick={() => void linter.run()}>Try again</button>
        </div>
      )}
      {order.length > 0 && (
        <ul class="dc-problem-list">
          {order.map((finding, at) => <Problem key={`${at} ${finding.message}`} injector={injector} finding={finding} codeHref={store.host.codeHref} />)}
        </ul>
      )}
    </section>
  );
}

function Problem({ injector, finding, codeHref }: { injector: Injector; finding: Diagnostic; codeHref: ((code: string) => string) | undefined }) {
  const store = useStore(injector);
  const id = useId();
  const { severity, message, help, code, fix, path } = finding;
  const element = finding.element === null ? undefined : injector.get<ElementRegistry>('elementRegistry').get(finding.element);
  const go = (): void => {
    if (!element) return;
    if (store.isConnector(element)) store.focus(element, path ?? '');
    else injector.get('selection').select(element);
    injector.get('canvas').scrollToElement(element);
  };
  return (
    <li class={`dc-problem dc-${severity}`}>
      <span class="dc-problem-icon" aria-hidden="true">{severity === 'error' ? '✕' : '!'}</span>
      <div>
        <button type="button" class="dc-problem-go" aria-describedby={help ? id : undefined} onClick={go}>
          {severity === 'error' ? 'Error' : 'Warning'}: {message}
        </button>
        {help && <span id={id} class="dc-help">{help}</span>}
      </div>
      {fix && element && <button type="button" class="dc-button" onClick={() => store.fix(element as Element, fix)}>{fix.title}</button>}
      {codeHref ? <a class="dc-code-link" href={codeHref(code)}>{code}</a> : <code class="dc-code-link">{code}</code>}
    </li>
  );
}

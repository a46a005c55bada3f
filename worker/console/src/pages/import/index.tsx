import './import.css';

import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';

import { call } from '../../api/client';
import { ApiError } from '../../api/errors';
import { mayEverywhere } from '../../api/session';
import type { Converted } from '../../api/types';
import { useAddress } from '../../address';
import { ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { FileField } from '../../components/file-field';
import { RadioGroup, TextArea } from '../../components/field';
import { notify } from '../../components/notifications';
import { Page } from '../../components/page';
import { plural } from '../../format';
import { selectPlace } from '../../select-place';
import { texts } from '../../texts';
import { carryOut, type Plan, planOf } from './plan';
import { Preview } from './preview';

const t = texts.import;

/** `/connectors/import?from=…`: a text becomes connectors, and says what changed on the way. */
export default function Import() {
  const { query, set } = useAddress();
  const { route } = useLocation();
  const [text, setText] = useState('');
  const [read, setRead] = useState<Converted | null>(null);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const kinds = t.kinds.map(([value, label]) => ({ value, text: label }));
  const chosen = kinds.some((kind) => kind.value === query.from) ? query.from : '';

  const convert = async (content: string) => {
    setBusy(true);
    setError(null);
    try {
      const { data } = await call<Converted>('POST', '/data_sources/convert', { body: content, type: 'text/plain', query: {} });
      setRead(data);
      setPlan(planOf(data));
      if (data.kind !== query.from) set({ from: data.kind }, 'replace');
    } catch (problem) {
      setRead(null);
      setPlan(null);
      setError(problem);
      if (problem instanceof ApiError && problem.body.position) selectPlace('import-text', problem.body.position);
    } finally {
      setBusy(false);
    }
  };
  const take = (content: string) => {
    setText(content);
    void convert(content);
  };
  const go = async () => {
    if (!plan) return;
    setBusy(true);
    setError(null);
    try {
      const done = await carryOut(plan);
      notify(t.done(plural(done.uuids.length, 'connector'), plural(done.resources, 'resource')));
      route(done.uuids.length === 1 ? `/connectors/${done.uuids[0]}` : '/connectors');
    } catch (problem) {
      setError(problem);
      setBusy(false);
      setTimeout(() => document.querySelector<HTMLElement>('main [aria-invalid=true]')?.focus(), 60);
    }
  };
  const refused = mayEverywhere('manage') ? null : texts.frame.readOnly;
  return (
    <Page title={t.title} above={[{ text: texts.connectors.title, href: '/connectors' }]} class="page-import">
      {refused && <p class="quiet">{refused}</p>}
      <fieldset
        class="card import-source"
        disabled={refused !== null}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void event.dataTransfer?.files[0]?.text().then(take);
        }}
      >
        <RadioGroup label={t.from} segmented value={chosen} onChange={(from) => set({ from }, 'replace')} options={kinds} />
        <TextArea
          id="import-text"
          label={t.paste}
          rows={read ? 5 : 12}
          value={text}
          placeholder={t.placeholder[chosen || 'curl']}
          error={error instanceof ApiError && error.body.position ? error.message : undefined}
          onInput={setText}
        />
        <div class="row">
          <FileField label={t.file} onFile={(file) => void file.text().then(take)} />
          <span class="quiet small grow">{t.dropHint}</span>
          <Button kind={read ? 'quiet' : 'primary'} disabled={busy || text.trim() === ''} onClick={() => convert(text)}>
            {t.read}
          </Button>
        </div>
      </fieldset>
      <ErrorAlert error={error} shown={plan ? plan.groups.map((_, index) => `${index}.name`) : ['text']} />
      {read && plan && <Preview read={read} plan={plan} error={error} onChange={setPlan} onImport={go} busy={busy} />}
    </Page>
  );
}

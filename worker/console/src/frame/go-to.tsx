import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { get } from '../api/client';
import { mayEverywhere } from '../api/session';
import type { Connector, Cursor, Job, List, ModelRow } from '../api/types';
import { Dialog } from '../components/dialog';
import { Icon } from '../components/icon';
import type { IconName } from '../components/icon-names';
import { texts } from '../texts';
import { places } from './places';
import { useCtrl } from './shortcuts';

const open = signal(false);

export const showGoTo = (): void => void (open.value = true);

interface Goal {
  href: string;
  text: string;
  kind: string;
  icon: IconName;
}

/** Ctrl+K: a page, a connector, a model, a job or a code by its name. */
export function GoTo() {
  useCtrl('k', () => (open.value = true));
  return open.value ? <GoToDialog onClose={() => (open.value = false)} /> : null;
}

function GoToDialog({ onClose }: { onClose: () => void }) {
  const { route } = useLocation();
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<Goal[]>([]);
  const [at, setAt] = useState(0);
  const id = useId();
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(
      () => void search(typed.trim(), controller.signal).then((goals) => !controller.signal.aborted && setFound(goals)),
      typed === '' ? 0 : 120,
    );
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [typed]);

  const goals = [...fixed(typed), ...found];
  const chosen = Math.min(at, goals.length - 1);
  useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' }), [chosen]);

  const go = (goal: Goal | undefined) => {
    if (!goal) return;
    onClose();
    route(goal.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setAt((chosen + step + goals.length) % Math.max(1, goals.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      go(goals[chosen]);
    }
  };
  return (
    <Dialog title={texts.goTo.title} onClose={onClose}>
      <input
        class="input input-large"
        type="text"
        role="combobox"
        aria-label={texts.goTo.label}
        placeholder={texts.goTo.label}
        autoFocus
        autoComplete="off"
        spellcheck={false}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul class="goals" role="listbox" id={id} aria-label={texts.goTo.title} ref={list}>
        {goals.map((goal, index) => (
          <li
            key={goal.href}
            role="option"
            id={`${id}-${index}`}
            aria-selected={index === chosen}
            onClick={() => go(goal)}
            onPointerMove={() => setAt(index)}
          >
            <Icon name={goal.icon} />
            <span>{goal.text}</span>
            <span class="quiet">{goal.kind}</span>
          </li>
        ))}
      </ul>
      {goals.length === 0 && <p class="quiet">{texts.goTo.nothing}</p>}
    </Dialog>
  );
}

/** Pages: known without asking. */
function fixed(typed: string): Goal[] {
  const word = typed.trim().toLowerCase();
  return places()
    .filter((place) => place.text.toLowerCase().includes(word))
    .map((place) => ({ href: place.path, text: place.text, kind: texts.goTo.page, icon: place.icon }));
}

async function codes(word: string): Promise<Goal[]> {
  const { pages } = await import('virtual:codes');
  const typed = word.toLowerCase();
  const names = /^http_\d{3}$/.test(typed)
    ? [word.toUpperCase()]
    : pages.map((page) => page.code).filter((code) => code.toLowerCase().startsWith(typed));
  return names
    .slice(0, 5)
    .map((code) => ({ href: `/codes/${code}`, text: code, kind: texts.goTo.code, icon: 'book-open' as const }));
}

async function search(word: string, signal: AbortSignal): Promise<Goal[]> {
  if (word === '') return [];
  const quiet = <T,>(promise: Promise<{ data: { data: T[] } }>): Promise<T[]> =>
    promise.then(
      (answer) => answer.data.data,
      () => [],
    );
  const [connectors, jobs, models, found] = await Promise.all([
    quiet(get<List<Connector>>('/data_sources', { query: { filter: word, per_page: 5, fields: 'name' }, signal })),
    word.length < 3 ? [] : quiet(get<Cursor<Job>>('/jobs', { query: { q: word, per_page: 5 }, signal })),
    mayEverywhere('read') ? quiet(get<{ data: ModelRow[] }>('/models', { query: { include: 'name' }, signal })) : [],
    codes(word),
  ]);
  const fits = (model: ModelRow) => `${model.name ?? ''} ${model.process}`.toLowerCase().includes(word.toLowerCase());
  return [
    ...connectors.map((one) => ({
      href: `/connectors/${one.uuid}`,
      text: one.name,
      kind: texts.goTo.connector,
      icon: 'plug' as const,
    })),
    ...models
      .filter(fits)
      .slice(0, 5)
      .map((one) => ({
        href: `/models/${encodeURIComponent(one.process)}/${encodeURIComponent(one.version)}`,
        text: `${one.name ?? one.process} ${one.version}`,
        kind: texts.goTo.model,
        icon: 'boxes' as const,
      })),
    ...jobs.map((one) => ({
      href: `/jobs/${encodeURIComponent(one.id)}`,
      text: one.id,
      kind: texts.goTo.job,
      icon: 'history' as const,
    })),
    ...found,
  ];
}

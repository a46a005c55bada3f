import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { Checkbox } from '../components/field';
import { Dialog } from '../components/dialog';
import { texts } from '../texts';

const KEY = 'data-connector.single-keys';

const singleKeys = signal(localStorage.getItem(KEY) !== 'off');
const shown = signal(false);

function typesText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Runs `act` on Ctrl (or Cmd) and a key, wherever the focus is, unless a dialog is open or `except` holds of what has the focus. */
export function useCtrl(keys: string, act: () => void, except: (target: Element) => boolean = () => false): void {
  const key = keys.replace('Shift+', '').toLowerCase();
  const shift = keys.startsWith('Shift+');
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey !== shift || event.key.toLowerCase() !== key)
        return;
      if (document.querySelector('dialog[open]') || (event.target instanceof Element && except(event.target))) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  });
}

/** `/` goes to the page's search, `?` opens the list of shortcuts. */
export function Shortcuts() {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typesText(event.target) || !singleKeys.value) return;
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type=search]');
        if (!search) return;
        event.preventDefault();
        search.focus();
        search.select();
      } else if (event.key === '?' && !document.querySelector('dialog[open]')) {
        event.preventDefault();
        shown.value = true;
      }
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
  if (!shown.value) return null;
  const turn = (on: boolean) => {
    singleKeys.value = on;
    if (on) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, 'off');
  };
  return (
    <Dialog title={texts.shortcuts.title} onClose={() => (shown.value = false)}>
      <dl class="shortcuts">
        {texts.shortcuts.list.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <Checkbox label={texts.shortcuts.singleKeys} checked={singleKeys.value} onChange={turn} />
    </Dialog>
  );
}

export const showShortcuts = (): void => void (shown.value = true);

import { notify } from './components/notifications';
import { texts } from './texts';

/** Puts a text on the clipboard, also where the page was not loaded over TLS. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'hidden';
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  notify(texts.act.copied);
}

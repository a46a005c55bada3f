/** Models that are being worked on, kept in this browser's IndexedDB. */

export interface ModelDraft {
  id: string;
  /** What the list shows. */
  name: string;
  /** What a download is called. */
  file: string;
  xml: string;
  /** The sample data, as JSON text. */
  data: string;
  /** When it was changed, ISO 8601. */
  at: string;
}

const NAME = 'data-connector';
const STORE = 'drafts';

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const store = (await database()).transaction(STORE, mode).objectStore(STORE);
  return new Promise((resolve, reject) => {
    const request = act(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export const modelDraft = (id: string): Promise<ModelDraft | undefined> => run('readonly', (store) => store.get(id));

export const keepModelDraft = (draft: ModelDraft): Promise<unknown> => run('readwrite', (store) => store.put(draft));

export const dropModelDraft = (id: string): Promise<unknown> => run('readwrite', (store) => store.delete(id));

/** The newest first. */
export async function modelDrafts(): Promise<ModelDraft[]> {
  const all = (await run('readonly', (store) => store.getAll())) as ModelDraft[];
  return all.sort((one, other) => other.at.localeCompare(one.at));
}

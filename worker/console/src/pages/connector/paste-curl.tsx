import { useState } from 'preact/hooks';

import { post } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { Converted, Resource } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { TextArea } from '../../components/field';
import { notify } from '../../components/notifications';
import { selectPlace } from '../../select-place';
import { texts } from '../../texts';

const t = texts.connector;

interface PasteCurlProps {
  onClose: () => void;
  onResource: (name: string, resource: Resource) => void;
}

/** A cURL command becomes a resource of the connector that is open. */
export function PasteCurl({ onClose, onResource }: PasteCurlProps) {
  const [text, setText] = useState('');
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    try {
      const { data } = await post<Converted>('/data_sources/convert', { text, kind: 'curl' });
      const endpoints = data.records.flatMap((record) => Object.entries(record.endpoints ?? {}));
      for (const [name, resource] of endpoints) onResource(name, resource);
      const withCredentials = data.records.some((record) => record.credentials);
      notify(
        [
          t.curlTaken,
          ...(withCredentials ? [t.curlCredentials] : []),
          ...data.left_out.map((one) => `${one.what}: ${one.why}`),
        ].join(' '),
      );
    } catch (problem) {
      setError(problem);
      if (problem instanceof ApiError && problem.body.position) selectPlace('curl-command', problem.body.position);
    }
  };
  return (
    <Dialog
      title={t.pasteCurl}
      onClose={onClose}
      wide
      footer={
        <>
          <Button onClick={onClose}>{texts.act.cancel}</Button>
          <Button kind="primary" disabled={text.trim() === ''} onClick={go}>
            {t.addResource}
          </Button>
        </>
      }
    >
      <ErrorAlert error={error} shown={['text']} />
      <TextArea
        id="curl-command"
        label={t.curlCommand}
        rows={8}
        value={text}
        placeholder="curl https://api.example.com/rates?base=EUR -H 'Accept: application/json'"
        onInput={setText}
      />
    </Dialog>
  );
}

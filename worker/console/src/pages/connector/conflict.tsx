import { useState } from 'preact/hooks';

import { Alert } from '../../components/alert';
import { Button } from '../../components/button';
import { edited, recordOf } from '../../connector/record';
import { differences } from '../../differences';
import { exactTime } from '../../format';
import { texts } from '../../texts';
import type { Editor } from './editor';

const t = texts.connector;

/** Somebody else has saved first: whose changes stay is a person's choice. */
export function ConflictAlert({ editor }: { editor: Editor }) {
  const [shown, setShown] = useState(false);
  const conflict = editor.conflict.value;
  if (!conflict) return null;
  const { theirs } = conflict;
  const lines = shown ? differences(recordOf(edited(theirs)), recordOf(editor.state.value)) : [];
  return (
    <Alert what={t.changedBy(theirs.name, theirs.updated_by?.name ?? t.somebody, exactTime(new Date(theirs.updated_at)))}>
      <div class="row">
        <Button onClick={() => setShown(!shown)} aria-expanded={shown}>
          {t.differences}
        </Button>
        <Button onClick={() => editor.takeTheirs()}>{t.takeTheirs}</Button>
        <Button onClick={() => void editor.keepMine()}>{t.keepMine}</Button>
      </div>
      {shown &&
        (lines.length === 0 ? (
          <p>{t.noDifferences}</p>
        ) : (
          <table class="differences">
            <thead>
              <tr>
                <th scope="col">{t.differs}</th>
                <th scope="col">{t.theirs}</th>
                <th scope="col">{t.mine}</th>
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <tr key={line.path}>
                  <td class="mono">{line.path}</td>
                  <td class="mono">{line.before}</td>
                  <td class="mono">{line.after}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ))}
    </Alert>
  );
}

import { useState } from 'preact/hooks';

import { ApiError } from '../api/errors';
import { isAbort } from '../api/errors';
import type { Diagnostic } from '../api/types';
import { ErrorAlert } from '../components/alert';
import { Button, LinkButton } from '../components/button';
import { Dialog } from '../components/dialog';
import { FileField } from '../components/file-field';
import { TextField } from '../components/field';
import { plural } from '../format';
import { Findings } from './findings';
import { deploy, lint, modelHref } from './model';
import { texts } from '../texts';

const t = texts.models;

interface DeployDialogProps {
  onClose: () => void;
  onDeployed: () => void;
  /** A model that is open, instead of a file. */
  open?: { xml: string; file: string };
}

/** Checks a model, then deploys it. */
export function DeployDialog({ onClose, onDeployed, open }: DeployDialogProps) {
  const [model, setModel] = useState<{ xml: string; file: string } | null>(null);
  const [findings, setFindings] = useState<Diagnostic[] | null>(null);
  const [label, setLabel] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<{ process: string; version: string }[]>([]);
  const [started, setStarted] = useState(false);

  const take = async (next: { xml: string; file: string }) => {
    setModel(next);
    setFindings(null);
    setError(null);
    setDone([]);
    try {
      setFindings((await lint(next.xml)).diagnostics);
    } catch (problem) {
      if (!isAbort(problem)) setError(problem);
    }
  };
  if (open && !started) {
    setStarted(true);
    void take(open);
  }
  const errors = (findings ?? []).filter((one) => one.severity === 'error').length;
  const refused = !model ? t.chooseFirst : errors > 0 ? t.hasErrors(plural(errors, 'error')) : false;
  const go = async () => {
    if (!model) return;
    setBusy(true);
    setError(null);
    try {
      setDone(await deploy(model.xml, model.file, label.trim()));
      onDeployed();
    } catch (problem) {
      setError(problem);
      if (problem instanceof ApiError && problem.body.diagnostics) setFindings(problem.body.diagnostics as Diagnostic[]);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t.deploy}
      onClose={onClose}
      wide
      footer={
        <>
          {refused && model && <span class="quiet grow">{refused}</span>}
          <Button onClick={onClose}>{done.length > 0 ? texts.act.close : texts.act.cancel}</Button>
          <Button
            kind="primary"
            icon="upload"
            disabled={busy || findings === null || done.length > 0}
            refused={refused}
            onClick={go}
          >
            {t.deployAct}
          </Button>
        </>
      }
    >
      {!open && (
        <FileField
          label={t.file}
          accept=".bpmn,.xml,application/xml"
          onFile={(file) => void file.text().then((xml) => take({ xml, file: file.name }))}
        />
      )}
      <TextField label={t.label} value={label} hint={t.labelHint} onInput={setLabel} />
      {findings && (
        <>
          <h3>{t.findings}</h3>
          <Findings of={findings} />
        </>
      )}
      <ErrorAlert error={error} shown={['model']} />
      {done.map((one) => (
        <div key={one.process} class="note">
          <span role="status" class="grow">
            {t.deployedAs(one.process, one.version)}
          </span>
          <LinkButton href={modelHref(one.process, one.version)}>{t.show}</LinkButton>
        </div>
      ))}
    </Dialog>
  );
}

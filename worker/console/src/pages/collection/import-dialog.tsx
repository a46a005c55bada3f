import { useRef, useState } from 'preact/hooks';

import { call, segment } from '../../api/client';
import { ApiError, isAbort } from '../../api/errors';
import type { Collection, ImportReport } from '../../api/types';
import { ErrorAlert } from '../../components/alert';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { FileField } from '../../components/file-field';
import { RadioGroup, Select } from '../../components/field';
import { download } from '../../download';
import { texts } from '../../texts';
import { fieldsOf } from './cells';
import { csv, mapped, preview } from './csv';

const t = texts.collections;
const SHOWN = 5;

interface ImportDialogProps {
  collection: Collection;
  onClose: () => void;
  onImported: () => void;
}

/** A CSV file into records: which column goes where, and what happens with lines that do not fit. */
export function ImportDialog({ collection, onClose, onImported }: ImportDialogProps) {
  const [file, setFile] = useState<{ name: string; text: string } | null>(null);
  const [targets, setTargets] = useState<string[]>([]);
  const [mode, setMode] = useState('each');
  const [report, setReport] = useState<ImportReport | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  const fields = fieldsOf(collection.columns, []);
  const shown = file ? preview(file.text, SHOWN) : null;

  const take = async (chosen: File) => {
    const text = await chosen.text();
    setFile({ name: chosen.name, text });
    setReport(null);
    setTargets(
      preview(text, 0).header.map((column) => {
        const wanted = column
          .trim()
          .toLowerCase()
          .replace(/^data\./, '');
        const field = fields.find((one) => one.steps.join('.').toLowerCase() === wanted || one.label.toLowerCase() === wanted);
        return field ? field.steps.join('.') : collection.columns.length === 0 ? column.trim() : '';
      }),
    );
  };
  const go = async () => {
    if (!file) return;
    setBusy(true);
    setError(null);
    const controller = new AbortController();
    running.current = controller;
    try {
      const { data } = await call<ImportReport>('POST', `/collections/${segment(collection.uuid)}/records/import`, {
        body: mapped(file.text, targets),
        type: 'text/csv',
        query: { mode },
        signal: controller.signal,
      });
      setReport(data);
      onImported();
    } catch (problem) {
      // With "Import nothing" a file that does not fit is refused, with the same report.
      const refused = problem instanceof ApiError ? (problem.body as unknown as Partial<ImportReport>) : {};
      if (Array.isArray(refused.errors)) setReport(refused as ImportReport);
      else if (!isAbort(problem)) setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const saved = report ? report.created + report.updated + report.unchanged : 0;
  return (
    <Dialog
      title={t.importCsv}
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{report ? texts.act.close : texts.act.cancel}</Button>
          {busy ? (
            <Button icon="square" onClick={() => running.current?.abort()}>
              {texts.act.stop}
            </Button>
          ) : (
            <Button kind="primary" disabled={!file || report !== null || targets.every((target) => target === '')} onClick={go}>
              {t.import}
            </Button>
          )}
        </>
      }
    >
      <FileField label={t.csvFile} accept=".csv,text/csv" onFile={(chosen) => void take(chosen)} />
      {shown && !report && (
        <>
          <div class="preview-frame" tabIndex={0} role="group" aria-label={t.preview}>
            <table class="preview-table" aria-label={t.preview}>
              <thead>
                <tr>
                  {shown.header.map((column, index) => (
                    <th key={index} scope="col">
                      <span>{column}</span>
                      <Select
                        hidden
                        label={t.goesTo(column)}
                        value={targets[index] ?? ''}
                        onChange={(to) => setTargets(targets.map((one, at) => (at === index ? to : one)))}
                        options={[
                          { value: '', text: t.leave },
                          ...(collection.columns.length === 0
                            ? [{ value: column.trim(), text: column.trim() }]
                            : fields.map((field) => ({ value: field.steps.join('.'), text: field.label }))),
                        ]}
                      />
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {shown.rows.slice(0, SHOWN).map((row, index) => (
                  <tr key={index}>
                    {shown.header.map((_, column) => (
                      <td key={column}>{row[column]}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <RadioGroup
            label={t.ifWrong}
            value={mode}
            onChange={setMode}
            options={[
              { value: 'each', text: t.leaveOut },
              { value: 'all', text: t.importNothing },
            ]}
          />
        </>
      )}
      {busy && <progress aria-label={t.import} />}
      <ErrorAlert error={error} />
      {report && <Report report={report} saved={mode === 'all' && report.failed > 0 ? 0 : saved} />}
    </Dialog>
  );
}

function Report({ report, saved }: { report: ImportReport; saved: number }) {
  const rows = report.errors.map((one) => [String(one.line ?? one.record), one.field ?? '', one.message]);
  const headers = [t.reportColumns.line, t.reportColumns.column, t.reportColumns.wrong];
  return (
    <>
      <p role="status">{t.imported(saved, report.failed)}</p>
      {rows.length > 0 && (
        <>
          <div class="table-frame">
            <table class="table" aria-label={t.linesLeftOut}>
              <thead>
                <tr>
                  {headers.map((header) => (
                    <th key={header} scope="col">
                      {header}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row, index) => (
                  <tr key={index}>
                    {row.map((cell, column) => (
                      <td key={column} data-label={headers[column]}>
                        {cell}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <div class="row">
            <Button icon="download" onClick={() => download('lines-left-out.csv', csv([headers, ...rows]), 'text/csv')}>
              {t.downloadLeftOut}
            </Button>
          </div>
        </>
      )}
    </>
  );
}

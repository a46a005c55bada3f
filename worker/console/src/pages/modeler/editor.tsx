import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { mayEverywhere } from '../../api/session';
import { Alert } from '../../components/alert';
import { Button } from '../../components/button';
import { Page } from '../../components/page';
import { Splitter, useSplit } from '../../components/splitter';
import { download } from '../../download';
import { shortTime } from '../../format';
import { useCtrl } from '../../frame/shortcuts';
import { theme } from '../../frame/theme';
import { texts } from '../../texts';
import { DeployDialog } from '../../model/deploy-dialog';
import { Workspace } from './workspace';
import { Missing } from './missing';
import type { Opened } from './opened';

const t = texts.modeler;

interface EditorProps {
  opened: Opened;
  selected?: string;
  address: string;
}

/** The modeler: outline, canvas with problems and tries, properties. */
export function Editor({ opened, selected, address }: EditorProps) {
  const { route } = useLocation();
  const workspace = useMemo(() => new Workspace(opened), []);
  const places = {
    canvas: useRef<HTMLDivElement>(null),
    properties: useRef<HTMLElement>(null),
    outline: useRef<HTMLDivElement>(null),
    problems: useRef<HTMLDivElement>(null),
    attempt: useRef<HTMLDivElement>(null),
  };
  const [deploying, setDeploying] = useState<{ xml: string; file: string } | null>(null);
  const [showsOutline, setShowsOutline] = useState(() => matchMedia('(min-width: 1200px)').matches);
  const [showsProblems, setShowsProblems] = useState(true);
  const left = useSplit('outline', 220, 160, 420);
  const right = useSplit('properties', 340, 280, 560);

  useEffect(() => {
    const { canvas, properties, outline, problems, attempt } = places;
    if (!canvas.current || !properties.current || !outline.current || !problems.current || !attempt.current) return;
    return workspace.mount(
      {
        canvas: canvas.current,
        properties: properties.current,
        outline: outline.current,
        problems: problems.current,
        attempt: attempt.current,
      },
      selected,
      (element) => {
        const next = new URL(address, location.origin);
        if (element === null) next.searchParams.delete('element');
        else next.searchParams.set('element', element);
        route(next.pathname + next.search, true);
      },
    );
  }, []);
  useEffect(() => void workspace.recolor(), [theme.value]);

  useCtrl('s', () => void workspace.keep());

  const { undoable, redoable, savedAt, problem, restored } = workspace;
  return (
    <Page
      title={t.title}
      class="page-modeler"
      trailing={<span class="quiet cut">{opened.current.name}</span>}
      actions={
        <div role="toolbar" aria-label={t.toolbar} class="row">
          <span role="status" class="quiet small">
            {savedAt.value && t.saved(shortTime(savedAt.value))}
          </span>
          <Button icon="file-up" onClick={() => route('/modeler')}>
            {t.open}
          </Button>
          <Button icon="undo-2" disabled={!undoable.value} onClick={() => workspace.undo()}>
            {t.undo}
          </Button>
          <Button icon="redo-2" disabled={!redoable.value} onClick={() => workspace.redo()}>
            {t.redo}
          </Button>
          <Button icon="download" onClick={async () => download(opened.current.file, await workspace.xml(), 'application/xml')}>
            {t.download}
          </Button>
          <Button icon="list-tree" aria-pressed={showsOutline} onClick={() => setShowsOutline(!showsOutline)}>
            {t.outline}
          </Button>
          <Button icon="triangle-alert" aria-pressed={showsProblems} onClick={() => setShowsProblems(!showsProblems)}>
            {t.problems}
          </Button>
          <Button
            kind="primary"
            icon="upload"
            refused={!mayEverywhere('manage') && texts.frame.readOnly}
            onClick={async () => setDeploying({ xml: await workspace.xml(), file: opened.current.file })}
          >
            {t.deploy}
          </Button>
        </div>
      }
    >
      {restored.value && (
        <div class="note">
          <span role="status" class="grow">
            {texts.connector.restored(shortTime(restored.value))}
          </span>
          <Button onClick={() => void workspace.discard()}>{texts.connector.discard}</Button>
        </div>
      )}
      {problem.value && <Alert what={`${t.unreadable} ${problem.value}`} next={texts.models.unreadableNext} />}
      <Missing records={opened.connectors} onImported={() => workspace.reloadConnectors()} />
      <div
        class={showsOutline ? 'modeler' : 'modeler modeler-no-outline'}
        ref={(element) => {
          left.apply(element);
          right.apply(element);
        }}
      >
        <div class="modeler-outline" ref={places.outline} />
        <Splitter split={left} label={t.splitOutline} />
        <div class="modeler-middle">
          <section class="modeler-canvas" role="region" aria-label={t.canvas} ref={places.canvas} />
          <div class="modeler-try" ref={places.attempt} />
          <div class={showsProblems ? 'modeler-problems' : 'modeler-problems modeler-hidden'} ref={places.problems} />
        </div>
        <Splitter split={right} label={t.splitProperties} reverse />
        <aside class="modeler-properties" aria-label={t.properties} ref={places.properties} />
      </div>
      {deploying && <DeployDialog open={deploying} onClose={() => setDeploying(null)} onDeployed={() => {}} />}
    </Page>
  );
}

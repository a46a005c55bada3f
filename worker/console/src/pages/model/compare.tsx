import { useLoad } from '../../api/load';
import type { ModelRow } from '../../api/types';
import { useAddress } from '../../address';
import { Select } from '../../components/field';
import { Loading } from '../../components/loading';
import { Empty } from '../../components/table';
import { Diagram } from '../../model/diagram';
import { texts } from '../../texts';
import { difference } from './difference';
import { nameOf, type Whole, whole } from './whole';

const t = texts.models;

/** This version next to another one, and in what they differ. */
export function Compare({ mine, versions }: { mine: Whole; versions: ModelRow[] }) {
  const { query, set } = useAddress();
  const { process, version } = mine.model;
  const others = versions.filter((one) => one.version !== version);
  const other = query.with ?? others[0]?.version;
  if (other === undefined) return <Empty icon="layers" text={t.oneVersion} />;
  return (
    <div class="stack">
      <div class="version">
        <Select
          label={t.compareWith}
          value={other}
          onChange={(to) => set({ with: to })}
          options={others.map((one) => ({ value: one.version, text: `${t.version} ${one.version}` }))}
        />
      </div>
      <CompareWith key={other} mine={mine} process={process} other={other} />
    </div>
  );
}

function CompareWith({ mine, process, other }: { mine: Whole; process: string; other: string }) {
  const loaded = useLoad(
    async (signal) => {
      const theirs = await whole(process, other, signal);
      return { theirs, found: theirs.xml === null || mine.xml === null ? null : await difference(theirs.xml, mine.xml) };
    },
    [process, other],
  );
  return (
    <Loading of={loaded} what={t.what}>
      {({ theirs, found }) =>
        theirs.xml === null || mine.xml === null || found === null ? (
          <Empty icon="file-up" text={t.notKept} />
        ) : (
          <>
            <ul class="plain-list card" aria-label={t.differences}>
              {found.lines.length === 0 && <li>{t.noDifferences}</li>}
              {found.lines.map((line) => (
                <li key={`${line.element}${line.text}`}>
                  {line.kind === 'changed' ? `${line.name || nameOf(mine, line.element)}: ${line.text}` : line.text}
                </li>
              ))}
            </ul>
            <div class="compare-pair">
              <Diagram xml={theirs.xml} label={`${t.version} ${other}`} marks={found.before} />
              <Diagram xml={mine.xml} label={`${t.version} ${mine.model.version}`} marks={found.after} />
            </div>
          </>
        )
      }
    </Loading>
  );
}

import './findings.css';

import type { Diagnostic } from '../api/types';
import { Icon } from '../components/icon';
import { texts } from '../texts';

const t = texts.models;

/** What lint says about a file. */
export function Findings({ of, href }: { of: Diagnostic[]; href?: (element: string) => string }) {
  return (
    <ul class="findings" aria-label={t.findings}>
      {of.length === 0 && (
        <li>
          <Icon name="circle-check" />
          <span>{t.noProblems}</span>
        </li>
      )}
      {of.map((one, index) => (
        <li key={index} class={`finding-${one.severity}`}>
          <Icon name={one.severity === 'error' ? 'circle-x' : 'triangle-alert'} />
          <div>
            <p>
              {t.finding(one.severity, one.message)}{' '}
              <a class="code" href={`/codes/${one.code}`}>
                {one.code}
              </a>
            </p>
            <p class="quiet small">
              {one.help && `${one.help}. `}
              {one.element && href ? (
                <a href={href(one.element)}>{one.name ?? one.element}</a>
              ) : (
                t.place(one.position.line, one.position.column)
              )}
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

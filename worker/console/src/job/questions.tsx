import { useState } from 'preact/hooks';

import { Question } from '../components/dialog';
import { Checkbox, RadioGroup } from '../components/field';
import { texts } from '../texts';

const t = texts.jobs;

export interface ReplayChoice {
  new_execution: boolean;
  send: boolean;
}

interface ReplayQuestionProps {
  number: number | null;
  /** Which jobs, in words. */
  which?: string;
  /** Some ended as OUTCOME_UNKNOWN: neither key is chosen beforehand. */
  unknown: boolean;
  onReplay: (choice: ReplayChoice) => Promise<void>;
  onClose: () => void;
}

/** Asks how jobs are run again. */
export function ReplayQuestion({ number, which, unknown, onReplay, onClose }: ReplayQuestionProps) {
  const [key, setKey] = useState(unknown ? '' : 'same');
  const [send, setSend] = useState(false);
  return (
    <Question
      title={t.replayTitle}
      text={number === null ? t.counting : t.replayText(number)}
      act={t.replayAct(number ?? 0)}
      destroys={false}
      ready={number !== null && number > 0 && key !== ''}
      onAct={() => onReplay({ new_execution: key === 'new', send })}
      onClose={onClose}
    >
      {which && <p class="quiet">{which}</p>}
      {unknown && <p>{t.unknownOutcome}</p>}
      <RadioGroup
        label={t.key}
        value={key}
        onChange={setKey}
        options={[
          { value: 'same', text: t.sameKey },
          { value: 'new', text: t.newKey },
        ]}
      />
      <Checkbox label={t.send} hint={t.sendHint} checked={send} onChange={setSend} />
    </Question>
  );
}

interface CancelQuestionProps {
  number: number | null;
  which?: string;
  onCancel: () => Promise<void>;
  onClose: () => void;
}

/** Asks before jobs are taken back; "Cancel" would be the act itself, so that the way out is "Back". */
export function CancelQuestion({ number, which, onCancel, onClose }: CancelQuestionProps) {
  return (
    <Question
      title={t.cancelTitle}
      text={number === null ? t.counting : t.cancelText(number)}
      act={t.cancelAct(number ?? 0)}
      ready={number !== null && number > 0}
      back={texts.act.back}
      onAct={onCancel}
      onClose={onClose}
    >
      {which && <p class="quiet">{which}</p>}
    </Question>
  );
}

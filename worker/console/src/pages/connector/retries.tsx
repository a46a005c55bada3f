import { Select, TextField } from '../../components/field';
import { number, retries, type RetryHolder, text } from '../../connector/record';
import { texts } from '../../texts';

const t = texts.connector;

interface RetriesProps {
  of: RetryHolder;
  onChange: (what: string, change: <T extends RetryHolder>(of: T) => T) => void;
  errorOf?: (member: string) => string | undefined;
}

/** How long a call may take, how often it is tried, and when. */
export function Retries({ of, onChange, errorOf }: RetriesProps) {
  return (
    <div class="fields">
      <TextField
        type="number"
        min={0}
        label={t.timeout}
        value={text(of.timeout)}
        placeholder={t.asDefault}
        error={errorOf?.('timeout')}
        onInput={(value) => onChange('timeout', (one) => ({ ...one, timeout: number(value) }))}
      />
      <TextField
        type="number"
        min={0}
        label={t.retries}
        value={retries.attempts(of)}
        placeholder="0"
        error={errorOf?.('retry_attempts')}
        onInput={(value) => onChange('attempts', (one) => retries.setAttempts(one, value))}
      />
      <TextField
        type="number"
        min={0}
        label={t.wait}
        value={retries.wait(of)}
        placeholder="0"
        error={errorOf?.('retry_wait_time')}
        onInput={(value) => onChange('wait', (one) => retries.setWait(one, value))}
      />
      <Select
        label={t.waitGrows}
        value={retries.backoff(of)}
        onChange={(value) => onChange('backoff', (one) => retries.setBackoff(one, value))}
        options={[
          { value: '', text: t.no },
          { value: 'exponential', text: t.exponentially },
        ]}
      />
      <TextField
        label={t.retryOn}
        value={retries.statuses(of)}
        placeholder="408,425,429,5xx"
        error={errorOf?.('retry.statuses')}
        onInput={(value) => onChange('statuses', (one) => retries.setStatuses(one, value))}
      />
      <Select
        label={t.repeat}
        value={of.repeat === 'safe' ? 'safe' : ''}
        onChange={(value) => onChange('repeat', (one) => ({ ...one, repeat: value === '' ? null : value }))}
        options={[
          { value: '', text: t.asMethod },
          { value: 'safe', text: t.yes },
        ]}
      />
    </div>
  );
}

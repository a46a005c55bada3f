import type { Job } from '../api/types';
import { Badge } from '../components/badge';
import { texts } from '../texts';
import { TONES, wordOf } from './state';

export function StateBadge({ job }: { job: Pick<Job, 'state' | 'status' | 'engine'> }) {
  const word = wordOf(job);
  return <Badge {...TONES[word]} text={texts.jobs.words[word]} />;
}

import type { Stats } from '../../api/types';
import { count, exactTime } from '../../format';
import { texts } from '../../texts';

const t = texts.overview;
const HEIGHT = 120;

type Bucket = Stats['buckets'][number];

/** A bar a bucket: completed below, failed above. The sums stand next to it in words. */
export function Bars({ stats: { buckets } }: { stats: Stats }) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.completed + bucket.failed));
  const width = 100 / Math.max(1, buckets.length);
  return (
    <div class="bars">
      <span class="bars-most quiet small" aria-hidden="true">
        {count(most)}
      </span>
      <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {buckets.map((bucket, index) => {
          const [good, bad] = [(bucket.completed / most) * HEIGHT, (bucket.failed / most) * HEIGHT];
          const place = { x: index * width + width * 0.12, width: width * 0.76 };
          return (
            <g key={bucket.at}>
              <title>{t.bucket(exactTime(new Date(bucket.at)), bucket.completed, bucket.failed)}</title>
              <rect class="bar-hover" x={index * width} width={width} y="0" height={HEIGHT} />
              {good > 0 && <rect class="bar-good" {...place} y={HEIGHT - good} height={good} />}
              {bad > 0 && <rect class="bar-bad" {...place} y={HEIGHT - good - bad} height={Math.max(2, bad)} />}
            </g>
          );
        })}
      </svg>
      {buckets.length > 1 && (
        <div class="bars-axis quiet small" aria-hidden="true">
          <span>{axisText(buckets[0])}</span>
          <span>{axisText(buckets[Math.floor(buckets.length / 2)])}</span>
          <span>{axisText(buckets[buckets.length - 1])}</span>
        </div>
      )}
    </div>
  );
}

const axis = new Intl.DateTimeFormat('en', { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const axisText = (bucket: Bucket): string => axis.format(new Date(bucket.at));

export function BucketTable({ buckets }: { buckets: Bucket[] }) {
  return (
    <div class="bucket-table" tabIndex={0} role="group" aria-label={t.figure}>
      <table class="table" aria-label={t.figure}>
        <thead>
          <tr>
            <th scope="col">{t.time}</th>
            <th scope="col" class="numeric">
              {t.completed}
            </th>
            <th scope="col" class="numeric">
              {t.failedColumn}
            </th>
          </tr>
        </thead>
        <tbody>
          {buckets.map((bucket) => (
            <tr key={bucket.at}>
              <td data-label={t.time}>{exactTime(new Date(bucket.at))}</td>
              <td class="numeric" data-label={t.completed}>
                {count(bucket.completed)}
              </td>
              <td class="numeric" data-label={t.failedColumn}>
                {count(bucket.failed)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// Makes src/components/icons.svg, one sprite of the icons in src/components/icon-names.ts, from lucide's.
//
//   npm run icons

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const list = readFileSync(join(root, 'src/components/icon-names.ts'), 'utf8');
const names = [...list.slice(list.indexOf('['), list.indexOf(']')).matchAll(/'([a-z0-9-]+)'/g)].map(([, name]) => name);

const symbols = names.map((name) => {
  const svg = readFileSync(join(root, 'node_modules/lucide-static/icons', `${name}.svg`), 'utf8');
  const start = svg.indexOf('>', svg.indexOf('<svg')) + 1;
  const inside = svg.slice(start, svg.lastIndexOf('</svg>')).replace(/\s+/g, ' ').trim();
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${inside}</symbol>`;
});
writeFileSync(
  join(root, 'src/components/icons.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join('\n')}\n</svg>\n`,
);

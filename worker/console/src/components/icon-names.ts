/** The icons of the sprite; `npm run icons` makes `icons.svg` of this list. */
export const ICONS = [
  'arrow-left', 'arrow-right', 'book-open', 'boxes', 'check', 'chevron-down', 'chevron-right', 'chevron-up', 'circle', 'circle-alert', 'circle-check', 'circle-pause', 'circle-slash', 'circle-user-round', 'circle-x',
  'clock', 'code', 'copy', 'database', 'dot', 'download', 'ellipsis', 'external-link', 'eye', 'file-json', 'file-up', 'gauge', 'history', 'import', 'inbox', 'keyboard', 'key-round', 'layers', 'link', 'list-tree', 'loader', 'lock',
  'log-out', 'mail-warning', 'maximize', 'menu', 'minus', 'monitor', 'moon', 'panel-left', 'pause', 'pencil', 'play', 'plug', 'plus', 'redo-2', 'rotate-ccw', 'rotate-cw', 'save', 'scroll-text', 'search', 'search-x', 'send', 'server', 'shield', 'sparkles', 'square', 'square-pen',
  'sun', 'terminal', 'trash-2', 'triangle-alert', 'undo-2', 'unplug', 'upload', 'workflow', 'x',
] as const;

export type IconName = (typeof ICONS)[number];

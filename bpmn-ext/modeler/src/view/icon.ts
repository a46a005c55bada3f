/** The icon of a Data Connector, 20 by 20: a plug that goes into a data store. */
export const ICON_PATHS = [
  'M9.5 5.2c0-1.2 2-2.2 4.5-2.2s4.5 1 4.5 2.2-2 2.2-4.5 2.2-4.5-1-4.5-2.2z',
  'M9.5 5.2v9.6c0 1.2 2 2.2 4.5 2.2s4.5-1 4.5-2.2V5.2',
  'M1 10h10.5',
  'M8.6 7l3 3-3 3',
];

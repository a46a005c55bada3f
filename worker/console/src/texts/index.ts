/** Every text that a person sees, in English. */

import { administration } from './administration';
import { collections } from './collections';
import { connectors } from './connectors';
import { frame } from './frame';
import { jobs } from './jobs';
import { models } from './models';

export const texts = { ...frame, ...connectors, ...jobs, ...administration, ...collections, ...models };

import { expect, test } from 'vitest';

import { isCurrent } from '../../build/api.mjs';

test('the types are those of worker/openapi.json; else run npm run api', () => expect(isCurrent()).toBe(true));

// Redis and Helm 4; with CELERIAC_E2E_LONG=1 more rounds and three times the load.

import { describe } from 'vitest';
import { startReachableRedis } from './broker.ts';
import { tellStory } from './story.ts';

const long = process.env['CELERIAC_E2E_LONG'] === '1';

describe('on a real cluster, with Redis and Helm 4', () => {
  tellStory({ broker: startReachableRedis, helm: 4, rounds: long ? 3 : 1, load: long ? 3 : 1 });
});

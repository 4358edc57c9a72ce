// RabbitMQ and Helm 3: the story in short; with CELERIAC_E2E_LONG=1 the whole of it.

import { describe } from 'vitest';
import { startReachableRabbitmq } from './broker.ts';
import { tellStory } from './story.ts';

const long = process.env['CELERIAC_E2E_LONG'] === '1';

describe('on a real cluster, with RabbitMQ and Helm 3', () => {
  tellStory({ broker: startReachableRabbitmq, helm: 3, rounds: long ? 2 : 0, load: long ? 2 : 1 });
});

import { afterAll, beforeAll } from 'vitest';
import { type Rabbitmq, startRabbitmq } from '../brokers/rabbitmq.ts';
import { makeAmqpRig } from './amqp-rig.ts';
import { transportConformance } from './transport.ts';

let rabbitmq: Rabbitmq;
beforeAll(async () => {
  rabbitmq = await startRabbitmq();
}, 240_000);
afterAll(() => rabbitmq?.stop());

const shared = { refusesUnroutable: true, breakLosesClaims: true, parkEarlyMs: 0, creditSlack: 3 };

transportConformance('amqp, classic queues', () =>
  makeAmqpRig(rabbitmq, { ...shared, priorities: { first: 'highest', arguments: { 'x-max-priority': 9 } }, losses: 'child' }),
);

transportConformance('amqp, quorum queues', () =>
  makeAmqpRig(rabbitmq, { ...shared, priorities: null, losses: 'bounded', requeuesAnywhere: true }, { 'x-queue-type': 'quorum' }),
);

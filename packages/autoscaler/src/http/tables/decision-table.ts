/** When the number of a pool's replicas was last changed, and why: marks on a time axis. */
export const DECISION_METRICS = {
  decidedAt: {
    name: 'celeriac_decision_timestamp_seconds',
    type: 'gauge',
    labels: ['pool', 'direction', 'reason'],
    unit: 'seconds',
    help: 'When the number of replicas was last changed in this direction for this reason, since the Unix epoch.',
  },
} as const;

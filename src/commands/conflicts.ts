import { type Command, SECOND_ARGUMENT } from './command.ts';
import { OF_COTERIE } from './coterie-command.ts';
import { type ReplyFields, writeData } from './reply-map.ts';
import type { ReplicaConflict, ReplicaVersion } from './server.ts';

/** `COTERIE CONFLICTS key`: what every replica has put aside, each version once. */
export const CONFLICTS: Command = {
  ...OF_COTERIE,
  name: 'conflicts',
  arity: 3,
  keys: SECOND_ARGUMENT,
  keyFlags: ['RO'],
  summary: 'List the versions of a key that lost against concurrent ones, the latest first',
  complexity: 'O(N) where N is the number of replicas, one round trip',
  run({ args, connection, server }) {
    const fill = server.deferReply(connection);
    server.explain(connection.db, args[2]!, 'conflicts', versions => {
      fill(reply => {
        const silent = versions.filter(({ status }) => status === 'no answer').map(({ node }) => node);
        writeData(reply, { conflicts: putAside(versions), 'no-answer': silent.length > 0 ? silent : undefined });
      });
    });
  },
};

function putAside(versions: readonly ReplicaVersion[]): readonly ReplyFields[] {
  const byDot = new Map<string, { conflict: ReplicaConflict; seenBy: string[] }>();
  for (const { node, conflicts = [] } of versions) {
    for (const conflict of conflicts) {
      const known = byDot.get(conflict.dot);
      if (known === undefined) byDot.set(conflict.dot, { conflict, seenBy: [node] });
      else {
        known.seenBy.push(node);
        if (known.conflict.value === undefined) known.conflict = conflict;
      }
    }
  }
  const latestFirst = [...byDot.values()].sort((a, b) => stampOf(b.conflict) - stampOf(a.conflict));
  return latestFirst.map(({ conflict: { dot, writtenMs, length, value }, seenBy }) => ({
    dot,
    'written-ms': writtenMs,
    status: length === undefined ? 'tombstone' : 'value',
    length,
    value,
    'seen-by': seenBy,
  }));
}

function stampOf({ dot }: ReplicaConflict): number {
  return Number(dot.slice(dot.lastIndexOf('@') + 1));
}

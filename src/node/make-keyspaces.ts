import type { Actors } from '../clock/actors.ts';
import type { HashKey } from '../lib/half-sip-hash.ts';
import { allAtOnce } from '../lib/steps.ts';
import { Keyspace } from '../replication/keyspace.ts';
import { Placement } from '../replication/placement.ts';
import type { Rings } from '../replication/rings.ts';
import { ConflictJournal } from '../store/conflict-journal.ts';
import { RecordStore } from '../store/record-store.ts';
import type { NodeStorage } from './disk/node-storage.ts';
import type { NodeOptions } from './node-options.ts';

/** The keyspaces of a member, empty, by database number; those with the same N share their placement. */
export function makeKeyspaces(
  { keyspaces, conflictJournalBytes }: NodeOptions,
  rings: Rings,
  hashKey: HashKey,
  actors: Actors,
  storage: NodeStorage | undefined,
): ReadonlyMap<number, Keyspace> {
  const placements = new Map<number | 'all', Placement>();
  const make = (policy: NodeOptions['keyspaces'][number]): Keyspace => {
    const { replicas } = policy;
    const placement = placements.get(replicas) ?? allAtOnce(Placement.make(rings, replicas));
    placements.set(replicas, placement);
    const conflicts = new ConflictJournal(conflictJournalBytes);
    const durability = storage?.durabilityOf(policy.durability);
    return new Keyspace(policy, new RecordStore({ actors, hashKey, conflicts }), placement, conflicts, durability);
  };
  return new Map(keyspaces.map(policy => [policy.db, make(policy)]));
}

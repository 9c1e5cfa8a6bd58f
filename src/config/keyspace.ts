import { z } from 'zod';
import { type ReplicaCount, resolveCount } from '../lib/replica-count.ts';
import { choice, count, countOr, duration, identifier, size, toggle } from './kinds.ts';
import { derived, required, setting } from './setting.ts';

/** Databases 0 to 15, as many as Redis has unless told otherwise. */
export const MAX_DB = 15;
/** The most replicas that can be asked for by number. */
export const MAX_REPLICAS = 7;

const level = () => countOr(MAX_REPLICAS, 'one', 'quorum', 'all');

/** One entry of `keyspaces`, as the file writes it. */
export const keyspaceSchema = z.strictObject({
  db: required(count(0, MAX_DB), 'The Redis database number.'),
  name: required(identifier(), 'A name for people.'),
  policy: required(
    choice('eventual', 'quorum', 'mirror', 'strong'),
    'eventual: acknowledged by one replica, replicated behind the reply. quorum: reads meet writes. mirror (every node holds every key) and strong (linearizable) are not available yet.',
  ),
  replicas: setting(countOr(MAX_REPLICAS, 'all'), '3', 'N, how many nodes hold a key; never more than there are.'),
  read: derived(level(), '"one" if eventual, "quorum" if quorum', 'R, how many replicas must answer a read.'),
  write: derived(level(), '"one" if eventual, "quorum" if quorum', 'W, how many replicas must acknowledge a write.'),
  session: setting(toggle(), 'no', 'Session guarantees for every connection. Not available yet.'),
  sloppy: setting(
    toggle(),
    'no',
    'Let other nodes stand in for replicas that cannot be reached: writes go on, but a read may miss them until those are back.',
  ),
  'read-repair': setting(
    choice('async', 'blocking'),
    'async',
    'async: stale replicas are mended behind the reply. blocking: a read of several replicas answers when as many hold what it found.',
  ),
  ttl: setting(
    duration('1s', '3650d', true),
    '0',
    'How long a key lives that was written without an expiry; 0 is for ever. Not available yet.',
  ),
  durability: derived(
    choice('none', 'batched', 'sync'),
    '"batched" if there is a data-dir, else "none"',
    'none: in memory only. batched: on disk within flush-interval of being acknowledged. sync: on disk before it is acknowledged.',
  ),
  maxmemory: setting(
    size('1mb', '1000gb', true),
    '0',
    'Bytes of records that a node may hold of this keyspace; 0 is no limit.',
  ),
});

type KeyspaceSettings = z.output<typeof keyspaceSchema>;

/** A keyspace with everything decided. */
export interface KeyspaceConfig {
  readonly db: number;
  readonly name: string;
  readonly policy: 'eventual' | 'quorum' | 'mirror' | 'strong';
  readonly replicas: number | 'all';
  readonly read: ReplicaCount;
  readonly write: ReplicaCount;
  readonly session: boolean;
  readonly sloppy: boolean;
  readonly readRepair: 'async' | 'blocking';
  readonly durability: 'none' | 'batched' | 'sync';
  /** 0: keys without an expiry live for ever. */
  readonly ttlMs: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
}

/** Fills in what a keyspace's policy decides, and whether the node has a disk. */
export function toKeyspaceConfig(from: KeyspaceSettings, hasDisk: boolean): KeyspaceConfig {
  const byPolicy = from.policy === 'eventual' ? 'one' : 'quorum';
  return {
    db: from.db,
    name: from.name,
    policy: from.policy,
    replicas: from.replicas,
    read: from.read ?? byPolicy,
    write: from.write ?? byPolicy,
    session: from.session,
    sloppy: from.sloppy,
    readRepair: from['read-repair'],
    durability: from.durability ?? (hasDisk ? 'batched' : 'none'),
    ttlMs: from.ttl,
    maxMemoryBytes: from.maxmemory,
  };
}

/** What is wrong with a keyspace as a whole: the key it concerns and a sentence. */
export interface KeyspaceFault {
  readonly key: keyof KeyspaceSettings;
  readonly reason: string;
}

/** The first thing that makes this keyspace unusable, or undefined. */
export function faultOf(keyspace: KeyspaceConfig, hasDisk: boolean): KeyspaceFault | undefined {
  const { policy, replicas, read, write, durability } = keyspace;
  if (durability !== 'none' && !hasDisk)
    return { key: 'durability', reason: `${durability} needs a data-dir; expected none, or a data-dir` };
  if (policy === 'mirror' || policy === 'strong') {
    return { key: 'policy', reason: `${policy} is not available yet; expected eventual or quorum` };
  }
  if (replicas === 'all') return { key: 'replicas', reason: `all is not available yet; expected 1 to ${MAX_REPLICAS}` };
  if (keyspace.session) return { key: 'session', reason: 'yes is not available yet; expected no' };
  if (keyspace.sloppy && replicas === 1) {
    return {
      key: 'sloppy',
      reason: 'a deleted key could come back with 1 replica; expected no, or replicas: 2 or more',
    };
  }
  if (keyspace.ttlMs > 0) return { key: 'ttl', reason: 'a default expiry is not available yet; expected 0' };
  for (const [key, asked] of Object.entries({ read, write }) as ['read' | 'write', ReplicaCount][]) {
    if (typeof asked === 'number' && typeof replicas === 'number' && asked > replicas) {
      return { key, reason: `${asked} is more than the ${replicas} replicas; expected at most ${replicas}` };
    }
  }
  return policy === 'quorum' ? quorumFaultOf(replicas, read, write) : undefined;
}

/**
 * Any two quorums must share a replica: a read and a write (R + W > N) or a read misses an acknowledged write, and two
 * writes (2W > N) or the later one can lose to the earlier (D. Gifford, "Weighted Voting for Replicated Data", 1979).
 * Checked for every number of replicas there can be, as a small ring has fewer than N.
 */
function quorumFaultOf(replicas: number | 'all', read: ReplicaCount, write: ReplicaCount): KeyspaceFault | undefined {
  const most = replicas === 'all' ? 2 * MAX_REPLICAS + 1 : replicas;
  for (let n = 1; n <= most; n++) {
    const [r, w] = [resolveCount(read, n), resolveCount(write, n)];
    const among = `of ${n} ${n === 1 ? 'replica' : 'replicas'}`;
    const advice = 'expected quorum or all, or policy: eventual';
    if (r + w <= n) return { key: 'read', reason: `${r} ${among} can miss a write to ${w}; ${advice}` };
    if (2 * w <= n) return { key: 'write', reason: `${w} ${among} can miss an earlier write to ${w}; ${advice}` };
  }
  return undefined;
}

import { SLOT_COUNT, slotOf } from '../../lib/slots.ts';
import type { SimProcess } from '../sim-process.ts';
import { type Content, contentOf, type SimKey } from '../stored-key.ts';
import type { Report } from '../violation.ts';

/** A key whose replicas hold different things. */
export interface Difference {
  readonly db: number;
  readonly key: string;
  /** What each replica holds, for people. */
  readonly held: string;
}

/**
 * Invariant 6: replicas that can talk and are written no more become equal in content. Compared are values, dots and
 * expiries, byte for byte; never digests, by which repair itself goes.
 *
 * **Why correct code cannot trip it.** A value whose expiry has passed on *some* clock may be dropped here and still lie
 * there, so it counts as dropped everywhere; every other difference is one that anti-entropy must find, and the bound
 * leaves it several rounds with every peer.
 */
export class Convergence {
  readonly #keys: readonly SimKey[];

  constructor(keys: readonly SimKey[]) {
    this.#keys = keys;
  }

  /** The first key that differs between the replicas of its slot, all of which must run. */
  firstDifference(processes: readonly SimProcess[], fastestWallMs: number): Difference | undefined {
    for (const key of this.#keys) {
      const difference = differenceAt(processes, key, fastestWallMs);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  /** What the replicas agree on; undefined for nil. */
  agreed(processes: readonly SimProcess[], key: SimKey, fastestWallMs: number): Content | undefined {
    const keyspace = processes[0]!.node.cluster!.keyspaces.get(key.db)!;
    const replica = keyspace.placement.replicasOf(key.slot)[0]!;
    const process = processes.find(({ name }) => name === replica.name)!;
    const content = contentOf(process, process.node.cluster!.keyspaces.get(key.db)!, key);
    return content?.value === undefined || isExpired(content, fastestWallMs) ? undefined : content;
  }

  /** Everything that every node holds is a key of the workload, in its own slot, at one of its replicas. */
  checkPlaces(processes: readonly SimProcess[], report: Report): void {
    const known = new Set(this.#keys.map(({ name }) => name));
    for (const process of processes) {
      for (const [db, { store, placement }] of process.node.cluster!.keyspaces) {
        for (let slot = 0; slot < SLOT_COUNT; slot++) {
          store.scan(slot, 0, Number.POSITIVE_INFINITY, ref => {
            const key = store.keyOf(ref);
            const name = key.toString();
            if (known.has(name) && slotOf(key) === slot && placement.isHeldHere(slot)) return;
            report({
              kind: 'misplaced',
              what: `${process.name} holds ${JSON.stringify(name)} in slot ${slot} of db ${db}`,
            });
          });
        }
      }
    }
  }
}

function differenceAt(processes: readonly SimProcess[], key: SimKey, fastestWallMs: number): Difference | undefined {
  const held: string[] = [];
  let first: string | undefined;
  let differs = false;
  for (const process of processes) {
    const keyspace = process.node.cluster!.keyspaces.get(key.db)!;
    if (!keyspace.placement.isHeldHere(key.slot)) continue;
    const text = describe(contentOf(process, keyspace, key), fastestWallMs);
    held.push(`${process.name}: ${text}`);
    first ??= text;
    if (text !== first) differs = true;
  }
  return differs ? { db: key.db, key: key.name, held: held.join('; ') } : undefined;
}

function describe(content: Content | undefined, fastestWallMs: number): string {
  if (content === undefined) return 'nothing';
  const { dot, value, expiryAtMs, expiryDot } = content;
  const what = isExpired(content, fastestWallMs) ? 'expired' : (value?.toString('latin1') ?? 'tombstone');
  return `${what} (${dot}${expiryDot === '' ? '' : `, expires at ${expiryAtMs} by ${expiryDot}`})`;
}

function isExpired({ expiryAtMs }: Content, fastestWallMs: number): boolean {
  return expiryAtMs !== 0 && expiryAtMs <= fastestWallMs;
}

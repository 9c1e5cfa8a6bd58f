import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import type { CollectionStep } from '../../src/replication/collection-messages.ts';
import { COLLECTED_REMEMBERED } from '../../src/replication/keyspace.ts';
import { COLLECTION, type Envelope, type NetworkOptions, ofType, TestNetwork } from './test-network.ts';

const NAMES = ['n1', 'n2', 'n3'];
/** A round and the three steps of its batches. */
const ROUND_MS = COLLECTION.intervalMs + 1_000;
const NO_SYNC = { antiEntropy: { intervalMs: 3_600_000 } };

/** Three replicas that hold the tombstone of `k`. */
function deleted(options: Partial<NetworkOptions> = NO_SYNC): TestNetwork {
  const network = new TestNetwork({ nodes: 3, ...options });
  network.set('n1', 'k', 'old');
  network.settle();
  network.del('n1', 'k');
  network.settle();
  expect(held(network)).toEqual([null, null, null]);
  return network;
}

/** What each replica holds of `k`: null for a tombstone, undefined for nothing. */
function held(network: TestNetwork): (string | null | undefined)[] {
  return NAMES.map(name => network.valueAt(name, 'k'));
}

/** Whether a message asks a replica for this step of a collection. */
function isStep(message: Envelope, step: CollectionStep): boolean {
  return message.type === 'collection' && message.bytes[14] === STEPS.indexOf(step);
}

/** Two keys with the replicas of `k` in the order of `k`, of which the second is in the slot after the first one's. */
function neighbours(network: TestNetwork): readonly [string, string] {
  const replicas = network.replicasOf('k').join();
  const keys = new Map<number, string>();
  for (let i = 0; ; i++) {
    const key = `key:${i}`;
    if (network.replicasOf(key).join() !== replicas) continue;
    const slot = slotOf(Buffer.from(key));
    const before = keys.get(slot - 1);
    if (before !== undefined) return [before, key];
    keys.set(slot, key);
  }
}

const STEPS: readonly CollectionStep[] = ['propose', 'settle', 'remove'];

describe('A tombstone', () => {
  it('is collected when every replica holds it and every member has answered the fence', () => {
    const network = deleted();
    network.advance(ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
    expect(NAMES.map(name => network.node(name).counters.tombstonesCollected)).toEqual([1, 1, 1]);
  });

  it('is collected in a later round than others were, together with one in the slot next to its own', () => {
    const network = deleted();
    network.advance(ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
    const [one, next] = neighbours(network);
    for (const key of [one, next]) {
      network.set('n1', key, 'old');
      network.settle();
      network.del('n1', key);
    }
    network.settle();
    const holders = (key: string) => NAMES.filter(name => network.valueAt(name, key) === null).length;
    expect([one, next].map(holders)).toEqual([3, 3]);
    for (let ms = 0; holders(one) > 0 && ms < 2 * ROUND_MS; ms += 10) network.advance(10);
    expect([one, next].map(holders)).toEqual([0, 0]);
  });

  it('of an expired value takes the same road, also where the clock of a replica is late', () => {
    const network = new TestNetwork({ nodes: 3, ...NO_SYNC });
    const late = network.replicasOf('k')[2]!;
    network.node(late).wallOffsetMs = -30_000;
    const expiry = network.node('n1').cluster.context.clock.wallMs() + 1_000;
    const set = { kind: 'set', value: Buffer.from('v'), expiry, condition: 'always', returnBefore: false } as const;
    network.write('n1', 'k', set);
    network.settle();
    network.advance(ROUND_MS);
    expect(held(network)).toContain('v');
    expect(held(network)).not.toContain(undefined);
    network.advance(30_000 + ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
  });

  it('waits while a replica has not got it', () => {
    const network = new TestNetwork({ nodes: 3, ...NO_SYNC });
    const last = network.replicasOf('k')[2]!;
    network.plant(last, 'k', 'old');
    for (const name of network.replicasOf('k').slice(0, 2)) network.plant(name, 'k', undefined);
    network.advance(3 * ROUND_MS);
    expect(held(network)).not.toContain(undefined);
  });

  it('waits while a member is away, though it is no replica', () => {
    const network = new TestNetwork({ nodes: 4, ...NO_SYNC });
    const [outsider] = network.othersThan('k');
    const replicas = network.replicasOf('k');
    network.set(replicas[0]!, 'k', 'old');
    network.settle();
    network.del(replicas[0]!, 'k');
    network.settle();
    network.kill(outsider!);
    network.advance(3 * ROUND_MS);
    expect(replicas.map(name => network.valueAt(name, 'k'))).toEqual([null, null, null]);
    network.restartEmpty(outsider!);
    network.advance(2 * ROUND_MS);
    expect(replicas.map(name => network.valueAt(name, 'k'))).toEqual([undefined, undefined, undefined]);
  });

  it('waits for a member that does not answer the fence', () => {
    const network = deleted();
    network.drop(message => message.type === 'fenced' && message.from === 'n2');
    network.advance(2 * ROUND_MS);
    expect(held(network)).not.toContain('old');
    expect(held(network)).toEqual([null, null, null]);
    network.drop(() => false);
    network.advance(2 * ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
  });

  it('is not collected before an older write that is still on its way has arrived', () => {
    const network = new TestNetwork({ nodes: 3, ...NO_SYNC });
    const [first, second, third] = network.replicasOf('k');
    network.hold(message => message.type === 'replicate' && message.from === second && message.to === third);
    network.set(second!, 'k', 'old');
    network.settle();
    network.del(first!, 'k');
    network.settle();
    expect(held(network)).toEqual([null, null, null]);
    network.advance(2 * ROUND_MS);
    expect(held(network)).toEqual([null, null, null]);
    network.release();
    network.advance(2 * ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
  });

  it('is not collected while an older write is undecided and may be sent again', () => {
    const network = new TestNetwork({ nodes: 3, limits: { requestTimeoutMs: 60_000 }, ...NO_SYNC });
    const [first, second, third] = network.replicasOf('k');
    // Every answer to the older write is lost, so its coordinator goes on sending it.
    network.drop(message => message.type === 'replicated' && message.to === third);
    network.set(third!, 'k', 'old');
    network.settle();
    network.del(first!, 'k');
    network.settle();
    network.advance(2 * ROUND_MS);
    expect(held(network)).toEqual([null, null, null]);
    expect(network.node(second!).counters.fences).toBeGreaterThan(0);
  });

  it('that was superseded between the steps stays away, and the later write stays', () => {
    const network = deleted();
    const [first] = network.replicasOf('k');
    network.hold(message => message.type === 'collection' && network.node(first!).counters.fences > 0);
    network.advance(ROUND_MS);
    network.set('n1', 'k', 'new');
    network.settle();
    network.release();
    network.advance(ROUND_MS);
    expect(held(network)).toEqual(['new', 'new', 'new']);
  });

  it('comes through when a replica is lost between the steps: what it then refills is told to go', () => {
    const network = deleted({});
    const [, second, third] = network.replicasOf('k');
    // The second is told to remove it, the third never is, and the second is lost.
    network.drop(message => message.to === third && isStep(message, 'remove'));
    network.advance(ROUND_MS);
    expect(network.valueAt(second!, 'k')).toBeUndefined();
    expect(network.valueAt(third!, 'k')).toBeNull();
    network.kill(second!);
    network.restartEmpty(second!);
    network.drop(() => false);
    network.advance(3 * ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
  });

  it('is told from one that is missing: a replica that has collected it refuses it, and its sender removes it too', () => {
    const network = deleted({});
    const [first, , third] = network.replicasOf('k');
    network.drop(message => message.to === third && isStep(message, 'remove'));
    network.advance(2 * ROUND_MS);
    const refused = [first!, network.replicasOf('k')[1]!].map(name => network.node(name).counters.tombstonesRefused);
    expect(Math.max(...refused)).toBe(1);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
  });

  it('comes back as a tombstone where it was forgotten that it was collected, and is collected anew', () => {
    const network = deleted({});
    const [first, second, third] = network.replicasOf('k');
    network.drop(message => message.type === 'collected' || (message.to === third && isStep(message, 'remove')));
    network.advance(COLLECTION.intervalMs + 200);
    for (const name of [first!, second!]) {
      const { collected } = network.keyspace(name);
      const other = { dot: { actor: 0, stamp: 1 }, expiryDot: undefined };
      for (let hash = 0; hash < COLLECTED_REMEMBERED; hash++) collected.add(0, hash, other);
      expect(collected.size).toBe(COLLECTED_REMEMBERED);
    }
    network.drop(() => false);
    network.advance(3 * ROUND_MS);
    expect(held(network)).toEqual([undefined, undefined, undefined]);
  });

  it('goes with others in batches', () => {
    const network = new TestNetwork({ nodes: 3, limits: { maxPendingOperations: 10_000 }, ...NO_SYNC });
    for (let i = 0; i < 3_000; i++) network.plant('n1', `k${i}`, 'v');
    for (let i = 0; i < 3_000; i++) network.del('n1', `k${i}`);
    network.settle();
    network.sent.length = 0;
    expect(network.keyspace('n2').store.tombstoneCount).toBe(3_000);
    network.advance(2 * ROUND_MS);
    for (const name of NAMES) expect(network.keyspace(name).store.tombstoneCount).toBe(0);
    expect(network.sent.filter(ofType('collection')).length).toBeLessThan(100);
  });
});

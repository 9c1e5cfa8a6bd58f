import { describe, expect, it, vi } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { advanced, withoutMember } from '../../src/membership/topology.ts';
import { StandIn } from '../../src/replication/stand-in.ts';
import { StandInRequests } from '../../src/replication/stand-in-requests.ts';
import { ofType, only, QUORUM, read, SLOPPY, setTo, TestNetwork, WRITTEN } from './test-network.ts';

const KEY = 'k';
const DB = SLOPPY.db;
const NEVER_SYNC = { intervalMs: Number.MAX_SAFE_INTEGER, patienceMs: 1 };

/** Five nodes, of which three are replicas of `KEY`; `standIns` follow them on the ring. Anti-entropy says nothing. */
function fiveNodes(options: Partial<ConstructorParameters<typeof TestNetwork>[0]> = {}) {
  const keyspaces = [QUORUM, SLOPPY];
  const network = new TestNetwork({ nodes: 5, keyspaces, antiEntropy: NEVER_SYNC, ...options });
  network.drop(({ type }) => type.startsWith('sync'));
  const replicas = network.replicasOf(KEY, DB) as [string, string, string];
  const slot = slotOf(Buffer.from(KEY));
  const standIns = network
    .keyspace('n1', DB)
    .placement.standInsOf(slot)
    .map(({ name }) => name) as [string, string];
  return { network, replicas, standIns };
}

function bringBack(network: TestNetwork, ...names: string[]): void {
  for (const name of names) network.node(name).isUp = true;
  for (const name of names) {
    for (const other of network.nodes.values()) if (other.name !== name && other.isUp) network.heal(name, other.name);
  }
}

function keptAt(network: TestNetwork, name: string, key = KEY): string | null | undefined {
  const { kept } = network.keyspace(name, DB);
  const bytes = Buffer.from(key);
  const ref = kept.find(slotOf(bytes), kept.hashOf(bytes), bytes);
  if (ref === 0) return undefined;
  const value = kept.valueOf(ref);
  return value === undefined ? null : Buffer.from(value).toString();
}

describe('The order in which members stand in', () => {
  it("is the ring's, behind the preference list, and never a replica's", () => {
    const { network, replicas, standIns } = fiveNodes();
    expect(new Set([...replicas, ...standIns])).toEqual(new Set(network.nodes.keys()));
  });
});

describe('A write in a sloppy keyspace', () => {
  it('asks no stand-in while W replicas can be reached', () => {
    const { network, replicas } = fiveNodes();
    network.kill(replicas[2]);
    const told = network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.sent.filter(ofType('standIn'))).toEqual([]);
  });

  it('with two of three replicas down is acknowledged by a stand-in, which hands it over when they are back', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const told = network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.sent.filter(ofType('standIn')).map(({ to }) => to)).toEqual([standIns[0]]);
    expect(keptAt(network, standIns[0])).toBe('v');
    expect(network.heldAt(standIns[0], KEY, DB)).toBeUndefined();
    // The coordinator is lost with all that it had: the stand-in alone has the write.
    network.kill(replicas[0]);
    bringBack(network, replicas[1], replicas[2]);
    network.advance(100);
    expect(replicas.slice(1).map(name => network.valueAt(name, KEY, DB))).toEqual(['v', 'v']);
    expect(keptAt(network, standIns[0])).toBeUndefined();
    expect(network.node(standIns[0]).cluster.hints.size).toBe(0);
    expect(network.keyspace(standIns[0], DB).keptBytes).toBe(0);
  });

  it('in a strict keyspace with two of three replicas down is refused', () => {
    const { network, replicas } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    expect(only(network.set(replicas[0], KEY, 'v', QUORUM.db))).toEqual({
      status: 'unavailable',
      reason: '1 of 2 replicas are alive',
    });
  });

  it('asks stand-ins later for replicas that fall silent', () => {
    const { network, replicas, standIns } = fiveNodes();
    for (const name of replicas.slice(1)) network.node(name).isUp = false;
    const told = network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    expect(told).toEqual([]);
    network.advance(120);
    expect(only(told)).toEqual(WRITTEN);
    expect(keptAt(network, standIns[0])).toBe('v');
  });

  it('asks the next stand-in where the first is silent', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.node(standIns[0]).isUp = false;
    const told = network.set(replicas[0], KEY, 'v', DB);
    network.advance(220);
    expect(only(told)).toEqual(WRITTEN);
    expect(keptAt(network, standIns[1])).toBe('v');
  });

  it('is refused when too few members are left of all', () => {
    const { network, replicas, standIns } = fiveNodes();
    for (const name of [replicas[1], replicas[2], ...standIns]) network.kill(name);
    expect(only(network.set(replicas[0], KEY, 'v', DB))).toEqual({
      status: 'unavailable',
      reason: '1 of 2 replicas are alive',
    });
    const { network: other, replicas: all, standIns: two } = fiveNodes();
    for (const name of [all[1], all[2], two[0]!]) other.kill(name);
    expect(only(other.set(all[0], KEY, 'v', DB, 3))).toEqual({
      status: 'unavailable',
      reason: '2 of 3 replicas and stand-ins are alive',
    });
  });

  it('counts each stand-in once', () => {
    const { network, replicas } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.drop(({ type, to }) => type === 'standIn' && to === fiveNodes().standIns[1]);
    const told = network.set(replicas[0], KEY, 'v', DB, 3);
    network.settle({ copies: 3 });
    expect(told).toEqual([]);
  });

  it('is stamped again where a stand-in keeps something newer', () => {
    const { network, replicas, standIns } = fiveNodes();
    for (const name of replicas) network.kill(name);
    network.node(standIns[0]).wallOffsetMs = 60_000;
    expect(only(network.set(standIns[0], KEY, 'ahead', DB, 1))).toEqual(WRITTEN);
    bringBack(network, replicas[0]);
    for (const other of [replicas[0]]) network.cut(standIns[0], other);
    network.heal(replicas[0], standIns[0]);
    network.hold(({ type }) => type === 'hint');
    const told = network.set(replicas[0], KEY, 'later', DB);
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.node(replicas[0]).counters.restamps).toBe(1);
    network.release();
    bringBack(network, replicas[1], replicas[2]);
    network.advance(200);
    expect(replicas.map(name => network.valueAt(name, KEY, DB))).toEqual(['later', 'later', 'later']);
  });
});

describe('When no replica can be reached', () => {
  it.each([0, 1])('the first stand-in that can be reached coordinates, client at stand-in %d', at => {
    const { network, replicas, standIns } = fiveNodes();
    for (const name of replicas) network.kill(name);
    const told = network.set(standIns[at]!, KEY, 'v', DB);
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(standIns.map(name => keptAt(network, name))).toEqual(['v', 'v']);
    const { actors } = network.node(standIns[0]).cluster.context;
    const { kept } = network.keyspace(standIns[0], DB);
    const bytes = Buffer.from(KEY);
    const { dot } = kept.read(kept.find(slotOf(bytes), kept.hashOf(bytes), bytes));
    expect(actors.nameOf(dot.actor)).toMatch(new RegExp(`^${standIns[0]}\\.`));
    bringBack(network, ...replicas);
    network.advance(200);
    expect(replicas.map(name => network.valueAt(name, KEY, DB))).toEqual(['v', 'v', 'v']);
    expect(standIns.map(name => keptAt(network, name))).toEqual([undefined, undefined]);
    const found = network.get(standIns[0], KEY, DB);
    network.settle();
    expect(only(found)).toEqual(read('v'));
  });

  it('a deletion is kept as a tombstone, and answers by what is kept here', () => {
    const { network, replicas, standIns } = fiveNodes();
    const set = network.set(replicas[0], KEY, 'v', DB, 3);
    network.settle();
    expect(only(set)).toEqual(WRITTEN);
    for (const name of replicas) network.kill(name);
    const told = network.del(standIns[0], KEY, DB);
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: false });
    bringBack(network, ...replicas);
    network.advance(200);
    expect(replicas.map(name => network.valueAt(name, KEY, DB))).toEqual([null, null, null]);
  });

  it('what must look at the key first answers UNAVAILABLE, and so does a read', () => {
    const { network, replicas, standIns } = fiveNodes();
    for (const name of replicas) network.kill(name);
    const unavailable = { status: 'unavailable', reason: '0 of 3 replicas are reachable' };
    expect(only(network.write(standIns[0], KEY, setTo('v', { condition: 'absent' }), DB))).toEqual(unavailable);
    expect(only(network.get(standIns[0], KEY, DB))).toEqual(unavailable);
  });

  it('in a strict keyspace no write is taken', () => {
    const { network, replicas, standIns } = fiveNodes();
    for (const name of replicas) network.kill(name);
    expect(only(network.set(standIns[0], KEY, 'v', QUORUM.db)).status).toBe('unavailable');
  });

  it('a node that is asked to coordinate in a strict keyspace what it does not hold refuses', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(standIns[0]);
    network.set(standIns[1], KEY, 'v', QUORUM.db);
    const forward = network.sent.find(ofType('forward'))!;
    expect(forward.to).toBe(replicas[0]);
    bringBack(network, standIns[0]);
    network.deliverAgain({ ...forward, to: standIns[0] });
    expect(network.node(standIns[0]).counters.misdirected).toBe(1);
  });
});

describe('DEL in a sloppy keyspace', () => {
  it('deletes also where too few replicas can be asked', () => {
    const { network, replicas } = fiveNodes();
    network.set(replicas[0], KEY, 'v', DB, 3);
    network.settle();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const told = network.del(replicas[0], KEY, DB);
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: true });
    bringBack(network, replicas[1], replicas[2]);
    network.advance(200);
    expect(replicas.map(name => network.valueAt(name, KEY, DB))).toEqual([null, null, null]);
  });
});

describe('A DEL in a sloppy keyspace of what no replica has', () => {
  it('outlasts a write that a stand-in has yet to hand over', () => {
    const { network, replicas } = fiveNodes();
    for (const name of replicas) network.kill(name);
    network.hold(ofType('hint'));
    const standIn = [...network.nodes.keys()].find(name => !replicas.includes(name))!;
    const kept = network.set(standIn, KEY, 'v', DB, 1);
    network.settle();
    expect(only(kept)).toEqual(WRITTEN);
    bringBack(network, ...replicas);
    network.advance(5);
    const told = network.del(replicas[0], KEY, DB);
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: false });
    network.release();
    network.advance(1_000);
    expect(replicas.map(name => network.valueAt(name, KEY, DB))).toEqual([null, null, null]);
  });
});

describe('A stand-in', () => {
  it('has not handed everything over while it keeps anything for others', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    const leftovers = () => network.node(standIns[0]).cluster.progress().leftovers;
    expect(leftovers()).toBe(1);
    bringBack(network, replicas[1], replicas[2]);
    network.advance(1_000);
    expect(leftovers()).toBe(0);
  });

  it('that has no room for more is silent, and drops nothing that it has acknowledged', () => {
    const { network, replicas, standIns } = fiveNodes({ hints: { maxBytes: 1 << 20 } });
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const large = 'x'.repeat(600_000);
    const first = network.set(replicas[0], KEY, large, DB);
    const second = network.set(replicas[0], `{${KEY}}2`, large, DB);
    network.advance(300);
    expect([only(first), only(second)]).toEqual([WRITTEN, WRITTEN]);
    expect(standIns.map(name => [keptAt(network, name), keptAt(network, name, `{${KEY}}2`)])).toEqual([
      [large, undefined],
      [undefined, large],
    ]);
    const third = network.set(replicas[0], `{${KEY}}3`, large, DB);
    network.advance(600);
    expect(only(third).status).toBe('unavailable');
    expect(network.node(standIns[0]).counters.hintsOverflowed).toBeGreaterThan(0);
    const said = network.said.filter(({ node, event }) => node === standIns[0] && event.startsWith('no room to keep'));
    expect(said.map(({ fields }) => fields)).toEqual([{ keyspace: 'sloppy' }]);
  });

  it('that crashes loses only what it alone had', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    network.kill(standIns[0]);
    bringBack(network, replicas[1], replicas[2]);
    network.advance(200);
    expect(replicas.map(name => network.valueAt(name, KEY, DB))).toEqual(['v', 'v', 'v']);
  });

  it('keeps a record until every replica that it is kept for has it, and no longer than hints live', () => {
    const { network, replicas, standIns } = fiveNodes({ hints: { maxAgeMs: 10_000 } });
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    bringBack(network, replicas[1]);
    network.advance(1000);
    expect(keptAt(network, standIns[0])).toBe('v');
    network.advance(12_000);
    expect(keptAt(network, standIns[0])).toBeUndefined();
    expect(network.node(standIns[0]).counters.hintsExpired).toBe(1);
  });

  it('keeps nothing of another ring, of a keyspace that is not, or of what it is a replica of', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.hold(ofType('standIn'));
    network.set(replicas[0], KEY, 'v', DB);
    network.settle();
    const request = network.sent.find(ofType('standIn'))!;
    network.deliverAgain({ ...request, to: replicas[0], from: standIns[0] });
    for (const [at, byte] of [
      [12, 7],
      [17, 9],
    ] as const) {
      const bytes = Buffer.from(request.bytes);
      bytes[at] = byte;
      network.deliverAgain({ ...request, bytes });
    }
    expect(network.node(replicas[0]).counters.misdirected).toBe(1);
    expect(network.node(standIns[0]).counters.misdirected).toBeGreaterThan(0);
  });

  it('keeps nothing of a keyspace that is strict here, though its asker takes it for sloppy', () => {
    const { network, replicas, standIns } = fiveNodes();
    const asker = vi.spyOn(StandInRequests.prototype, 'mayStandIn').mockReturnValue(true);
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const told = network.set(replicas[0], KEY, 'v', QUORUM.db);
    network.settle();
    asker.mockRestore();
    expect(told).toEqual([]);
    expect([network.keyspace(standIns[0]).keptBytes, network.node(standIns[0]).cluster.hints.size]).toEqual([0, 0]);
    expect(network.node(standIns[0]).counters.misdirected).toBeGreaterThan(0);
  });

  it('keeps it for the owners of a later ring, a little at each tick, and vouches for nothing meanwhile', () => {
    const { network, replicas, standIns } = fiveNodes({ hints: { maxBytes: 16 << 20 } });
    for (const name of replicas) network.kill(name);
    const keys = Array.from({ length: 2_500 }, (_, i) => `{${KEY}}${i}`);
    for (const key of keys) expect(only(network.set(standIns[0], key, 'v', DB, 1))).toEqual(WRITTEN);
    const { cluster } = network.node(standIns[0]);
    const least = cluster.coordinator.leastUndeliveredStamp();
    // The stand-in is an owner from now on, and one of the owners is gone.
    const merge = withoutMember(network.topology, replicas[2], true);
    for (const topology of [merge, advanced(merge), advanced(advanced(merge))])
      network.adopt(topology, [standIns[0], standIns[1]]);
    const written = () => keys.filter(key => network.valueAt(standIns[0], key, DB) === 'v').length;
    expect([written(), cluster.hints.keepsAny]).toEqual([0, true]);
    cluster.tick();
    expect([written(), cluster.hints.keepsAny]).toEqual([1_000, true]);
    expect(cluster.coordinator.leastUndeliveredStamp()).toBe(least);
    for (let i = 0; i < 3; i++) cluster.tick();
    // The two other owners are still owed it, as a replica owes it.
    expect([written(), cluster.hints.keepsAny, cluster.hints.size]).toEqual([2_500, false, 2 * 2_500]);
    expect(network.keyspace(standIns[0], DB).keptBytes).toBe(0);
    expect(cluster.coordinator.leastUndeliveredStamp()).toBe(Number.POSITIVE_INFINITY);
  });

  it('tells the least stamp that it keeps', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const least = () => network.node(standIns[0]).cluster.coordinator.leastUndeliveredStamp();
    network.set(replicas[0], KEY, 'v', DB);
    const { dot } = network.heldAt(replicas[0], KEY, DB)!;
    network.settle();
    network.set(replicas[0], `{${KEY}}2`, 'v', DB);
    network.settle();
    expect(least()).toBe(dot.stamp);
    bringBack(network, replicas[1], replicas[2]);
    network.advance(200);
    expect(least()).toBe(Number.POSITIVE_INFINITY);
  });

  it('that has vouched for a stamp keeps nothing below it: the write is stamped again', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    network.hold(ofType('standIn'));
    const told = network.set(replicas[0], KEY, 'v', DB);
    const { dot } = network.heldAt(replicas[0], KEY, DB)!;
    network.settle();
    network.node(standIns[0]).cluster.standIn.vouch(dot.stamp + 1000);
    network.release();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.heldAt(replicas[0], KEY, DB)!.dot.stamp).toBeGreaterThan(dot.stamp + 1000);
    expect(keptAt(network, standIns[0])).toBe('v');
  });

  it('that has vouched does not acknowledge an EXPIRE of an older value', () => {
    const { network, replicas, standIns } = fiveNodes();
    network.set(replicas[0], KEY, 'v', DB, 3);
    network.settle();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const { dot } = network.heldAt(replicas[0], KEY, DB)!;
    for (const name of standIns) network.node(name).cluster.standIn.vouch(dot.stamp + 1);
    const keyspace = network.keyspace(replicas[0], DB);
    const { cluster } = network.node(replicas[0]);
    const told: unknown[] = [];
    const mutation = { kind: 'expire', atMs: Number.MAX_SAFE_INTEGER, condition: 'always' } as const;
    const key = Buffer.from(KEY);
    const operation = { kind: 'write', db: DB, slot: slotOf(key), key, mutation, need: 2, readNeed: 1 } as const;
    cluster.run(keyspace, operation, { complete: outcome => told.push(outcome.status) });
    network.advance(600);
    expect(told).toEqual(['unavailable']);
  });
});

describe('A planted bug: stand-ins that count towards a strict W', () => {
  it('acknowledges a write that no second replica holds', () => {
    const planted = [StandInRequests, StandIn].map(({ prototype }) =>
      vi.spyOn(prototype, 'mayStandIn').mockReturnValue(true),
    );
    const { network, replicas } = fiveNodes();
    network.kill(replicas[1]);
    network.kill(replicas[2]);
    const told = network.set(replicas[0], KEY, 'v', QUORUM.db);
    network.settle();
    for (const bug of planted) bug.mockRestore();
    expect(only(told)).toEqual(WRITTEN);
  });
});

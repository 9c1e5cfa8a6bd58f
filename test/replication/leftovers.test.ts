import { describe, expect, it, vi } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { advanced, withoutMember } from '../../src/membership/topology.ts';
import { DB, finish, joining, movingKey } from './joining.ts';
import { between, only, TestNetwork, type TestNode } from './test-network.ts';

/** A node that is no owner of a key holds an old record of it. */
function withLeftover() {
  const network = new TestNetwork({ nodes: 4, antiEntropy: { intervalMs: 600_000 } });
  const key = 'k';
  const [owner] = network.replicasOf(key) as [string];
  const [outsider] = network.othersThan(key) as [string];
  network.plant(outsider, key, 'older');
  return { network, key, owner, outsider };
}

/** The owner says, as in answer to an offer, that it has something newer. */
function sendNewer(network: TestNetwork, owner: string, outsider: string, key: string): void {
  network.plant(owner, key, 'newer');
  const { cluster } = network.node(owner);
  const { messages, epoch, send } = cluster.context;
  send(
    cluster.peerOf(outsider)!,
    messages.encodeReplicate(0, epoch, DB, Buffer.from(key), network.heldAt(owner, key)!),
  );
  network.settle();
}

function holdForDead({ cluster }: TestNode, name: string): void {
  cluster.peerOf(name)!.alive = false;
}

/** The slot of a key with a value has passed to n4, and the one that owned it instead holds it still: what it would offer is held up. */
function heldByFormerOwner() {
  const { network, merge } = joining();
  network.adopt(merge);
  const moving = movingKey(network);
  network.set(moving.stays[0], moving.key, 'v');
  network.settle();
  finish(network, merge);
  network.hold(message => message.type === 'syncOpen' && message.from === moving.leaves);
  return { network, ...moving };
}

describe('What a node holds and no longer owns', () => {
  it('is offered to the owners and then dropped', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    for (let i = 0; i < 200; i++) network.set('n1', `key:${i}`, 'v');
    network.advance(200);
    const { key, slot, leaves, stays } = movingKey(network);
    // What only the old owner has: a write that was acknowledged by nobody else.
    network.plant(leaves, key, 'late', DB);
    finish(network, merge);
    expect(network.node(leaves).cluster.leftovers.any).toBe(true);
    network.advance(3_000);
    expect(network.node(leaves).cluster.leftovers.any).toBe(false);
    expect(network.keyspace(leaves, DB).store.slotRecords(slot)).toBe(0);
    for (const name of [...stays, 'n4']) expect(network.valueAt(name, key)).toBe('late');
    let elsewhere = 0;
    for (const name of network.nodes.keys()) {
      const { store, placement } = network.keyspace(name, DB);
      for (let each = 0; each < SLOT_COUNT; each++)
        if (!placement.isHeldHere(each)) elsewhere += store.slotRecords(each);
    }
    expect(elsewhere).toBe(0);
  });

  it('is dropped some hundred slots a tick, and counts as left until it is', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    for (let i = 0; i < 3_000; i++) network.plant('n1', `key:${i}`, 'v', DB);
    finish(network, merge);
    const { store, placement } = network.keyspace('n1', DB);
    const { leftovers } = network.node('n1').cluster;
    const held = () => store.slots.alsoIn(placement.foreignSlots).length;
    expect(held()).toBeGreaterThan(300);
    for (let before = held(); before > 0; before = held()) {
      expect([leftovers.any, leftovers.slots]).toEqual([true, before]);
      network.advance(20);
      expect(before - held()).toBeLessThanOrEqual(256);
    }
    expect(leftovers.any).toBe(false);
  });

  it('is kept, and offered to nobody, by one that is no member any more', () => {
    const { network } = joining();
    network.set('n1', 'k', 'v');
    network.settle();
    const forgotten = withoutMember(network.topology, 'n3', true);
    network.adopt(forgotten);
    network.adopt(advanced(forgotten), ['n1', 'n2', 'n3']);
    network.adopt(advanced(advanced(forgotten)), ['n1', 'n2', 'n3']);
    expect([network.node('n3').cluster.leftovers.any, network.valueAt('n3', 'k')]).toEqual([false, 'v']);
  });

  it('is dropped, and does not come over what the owners have that is newer', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, slot, leaves, stays } = movingKey(network);
    network.set(stays[0], key, 'old');
    network.settle();
    network.hold(message => message.type === 'syncOpen' && message.from === leaves);
    finish(network, merge);
    network.set(stays[0], key, 'new');
    network.settle();
    network.release();
    network.advance(10_000);
    expect(network.node(leaves).cluster.leftovers.any).toBe(false);
    expect(network.keyspace(leaves, DB).store.slotRecords(slot)).toBe(0);
    for (const name of [...stays, 'n4']) expect(network.valueAt(name, key)).toBe('new');
  });

  it('is dropped also where an owner has nothing newer but the expiry', () => {
    const { network, key, slot, leaves, stays } = heldByFormerOwner();
    const told = network.write(stays[0], key, { kind: 'expire', atMs: 4_000_000_000_000, condition: 'always' });
    network.settle();
    expect(only(told)).toMatchObject({ status: 'written', applied: true });
    network.release();
    network.advance(10_000);
    expect(network.keyspace(leaves, DB).store.slotRecords(slot)).toBe(0);
    expect(network.heldAt('n4', key)?.expiry?.atMs).toBe(4_000_000_000_000);
  });

  it('is dropped also where its expiry has passed with the owners, who have dropped the value', () => {
    const { network, key, slot, leaves, stays } = heldByFormerOwner();
    const atMs = network.node(stays[0]).cluster.context.clock.wallMs() + 1_000;
    network.write(stays[0], key, { kind: 'expire', atMs, condition: 'always' });
    network.advance(3_000);
    for (const name of [...stays, 'n4']) expect(network.valueAt(name, key)).toBeNull();
    network.release();
    network.advance(10_000);
    expect(network.keyspace(leaves, DB).store.slotRecords(slot)).toBe(0);
    for (const name of [...stays, 'n4']) expect(network.valueAt(name, key)).not.toBe('v');
  });

  it('that one owner does not take does not keep others waiting', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    for (let i = 0; i < 200; i++) network.set('n1', `key:${i}`, 'v');
    network.advance(200);
    finish(network, merge);
    const { cluster } = network.node('n1');
    const before = cluster.leftovers.slots;
    // n2 does not answer; what it owns together with others goes to those.
    network.drop(between('n1', 'n2'));
    network.advance(20_000);
    expect(before).toBeGreaterThan(0);
    expect(cluster.leftovers.slots).toBe(0);
  });

  it('of two keyspaces is offered to one owner side by side', () => {
    const network = new TestNetwork({ nodes: 4, antiEntropy: { intervalMs: 600_000, patienceMs: 60_000 } });
    const merge = withoutMember(network.topology, 'n4', false);
    network.adopt(merge);
    finish(network, merge);
    for (const db of [0, DB]) network.plant('n4', 'k', 'late', db);
    network.node('n4').cluster.leftovers.ringChanged();
    network.advance(2_000);
    for (const db of [0, DB]) expect(network.valueAt('n1', 'k', db)).toBe('late');
    expect(network.node('n4').cluster.leftovers.any).toBe(false);
  });

  it.each([
    ['its link breaks', (network: TestNetwork, name: string) => network.kill(name)],
    ['membership holds it for dead', (network: TestNetwork, name: string) => holdForDead(network.node('n1'), name)],
  ])('goes to another owner when, before the offer has begun, %s', (_, lose) => {
    const { network, merge } = joining();
    network.adopt(merge);
    for (let i = 0; i < 200; i++) network.set('n1', `key:${i}`, 'v');
    network.advance(200);
    finish(network, merge);
    const { cluster } = network.node('n1');
    const offer = vi.spyOn(cluster.antiEntropy, 'offer');
    cluster.tick();
    lose(network, offer.mock.calls[0]![1].name);
    network.advance(20_000);
    expect(offer.mock.calls.length).toBeGreaterThan(1);
    expect(cluster.leftovers.slots).toBe(0);
  });

  it('is superseded by what an owner has that is newer, and the clock rises above that', () => {
    const { network, key, owner, outsider } = withLeftover();
    network.node(owner).wallOffsetMs = 1_500;
    sendNewer(network, owner, outsider, key);
    const { stamps } = network.node(outsider).cluster.context;
    expect(network.valueAt(outsider, key)).toBe('newer');
    expect(stamps.last).toBeGreaterThanOrEqual(network.heldAt(owner, key)!.dot.stamp);
  });

  it('is not superseded by what is stamped too far ahead, nor is that kept for others when it is due', () => {
    const { network, key, owner, outsider } = withLeftover();
    const { context } = network.node(outsider).cluster;
    context.guard.judged({ state: 'ok', offsetMs: 0, latestMs: 0 }, 0);
    network.node(owner).wallOffsetMs = 4_000;
    sendNewer(network, owner, outsider, key);
    expect([network.valueAt(outsider, key), context.quarantine.size]).toEqual(['older', 1]);
    network.advance(4_000);
    expect([network.keyspace(outsider).keptBytes, context.quarantine.size]).toEqual([0, 0]);
  });

  it('stays while no owner can be reached, and keeps tombstones from being collected', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, leaves, stays } = movingKey(network);
    network.set(stays[0], key, 'v');
    network.settle();
    network.hold(message => message.from === leaves && message.type === 'syncOpen');
    finish(network, merge);
    network.del(stays[0], key);
    network.advance(30_000);
    expect([network.valueAt(leaves, key), network.valueAt(stays[0], key)]).toEqual(['v', null]);
    network.release();
    network.advance(40_000);
    expect([network.valueAt(leaves, key), network.valueAt(stays[0], key)]).toEqual([undefined, undefined]);
  });
});

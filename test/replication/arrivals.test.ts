import { describe, expect, it } from 'vitest';
import { SLOT_COUNT } from '../../src/lib/slots.ts';
import { advanced, withoutMember } from '../../src/membership/topology.ts';
import { DB, joining, movingKey } from './joining.ts';
import { about, between, ofType, only, read, TestNetwork, WRITTEN } from './test-network.ts';

const SYNC_ANSWERS: ReadonlySet<string> = new Set(['syncRoot', 'syncDiffering', 'syncPageReply']);

describe('A node that is to own slots', () => {
  it('merges them from the owners, tombstones too, and only then has nothing left', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, stays } = movingKey(network);
    network.set(stays[0], key, 'v');
    network.settle();
    network.del(stays[0], key);
    network.settle();
    network.hold(about('n4'));
    const { cluster } = network.node('n4');
    expect(cluster.progress().left).toBe(cluster.progress().all);
    network.release();
    network.advance(5_000);
    expect(cluster.progress().left).toBe(0);
    expect(network.valueAt('n4', key)).toBeNull();
    expect(network.node('n4').counters.slotsArrived).toBe(cluster.progress().all);
  });

  it('merges what W of the owners hold though one of them is stale', () => {
    const { network, merge } = joining();
    network.adopt(merge);
    const { key, slot, stays, leaves } = movingKey(network);
    network.hold(about('n4'));
    network.drop(between(stays[0], stays[1], 'replicate'));
    network.set(stays[0], key, 'v');
    network.settle();
    network.drop(message => about('n4')(message) && !about(stays[1])(message));
    network.release();
    network.advance(5_000);
    expect(network.keyspace('n4', DB).arrivals.isPending(slot)).toBe(true);
    network.drop(message => about('n4')(message) && about(stays[0])(message));
    network.advance(5_000);
    expect(network.valueAt(leaves, key)).toBe('v');
    expect(network.valueAt('n4', key)).toBe('v');
  });

  it('does not wait for an owner that is dead, if enough others are whole', () => {
    const { network, merge } = joining();
    network.kill('n3');
    network.adopt(merge, ['n1', 'n2', 'n4']);
    network.node('n4').cluster.peerOf('n3')!.alive = false;
    network.advance(5_000);
    for (const name of ['n1', 'n2', 'n4']) expect(network.node(name).cluster.progress().left).toBe(0);
  });

  it('merges them from all owners in turn while others write and every answer takes its time', () => {
    for (const answerMs of [400, 3_000]) {
      const { network, merge } = joining();
      network.adopt(merge);
      network.hold(({ to, type }) => to === 'n4' && SYNC_ANSWERS.has(type));
      for (let passed = 0; passed < 40; passed++) {
        for (const name of ['n1', 'n2', 'n3']) network.plant(name, `key:${passed}`, 'v', DB);
        network.advance(answerMs);
        network.releaseSome();
      }
      expect(network.node('n4').cluster.progress().left, `${answerMs} ms`).toBe(0);
    }
  });

  it('is not kept from the other owners by one that is silent', () => {
    for (const silent of ['n1', 'n2', 'n3']) {
      const { network, merge } = joining();
      network.drop(message => message.from === silent && message.to === 'n4');
      network.adopt(merge);
      network.advance(1_000);
      for (const name of ['n1', 'n2', 'n3']) expect(network.sent.some(between('n4', name, 'syncOpen'))).toBe(true);
    }
  });

  it('does not count what a peer has answered before it knew of the change, and asks again', () => {
    const network = new TestNetwork({ nodes: 3 });
    const merge = withoutMember(network.topology, 'n3', false);
    network.hold(message => message.to === 'n1' && message.type === 'syncRoot');
    const { cluster } = network.node('n1');
    for (const peer of cluster.peers) cluster.antiEntropy.hasten(peer);
    network.advance(20);
    network.adopt(merge, ['n1']);
    network.release();
    expect([cluster.progress().left, cluster.progress().all]).toEqual([2 * SLOT_COUNT, 2 * SLOT_COUNT]);
    network.adopt(merge, ['n2', 'n3']);
    network.advance(3_000);
    expect(cluster.progress().left).toBe(0);
  });

  it('merges them anew when the ring goes back to it, because one that it was passing to is gone: it may have lost them meanwhile', () => {
    const { network, merge, pass } = joining();
    network.adopt(merge);
    network.advance(5_000);
    const { key, slot, stays, leaves } = movingKey(network);
    network.drop(between(stays[0], stays[1], 'replicate'));
    const told = network.set(stays[0], key, 'v');
    network.settle();
    expect(told).toEqual([WRITTEN]);
    network.adopt(pass);
    // It owns the slot no more: there is nothing that it would have to refill.
    network.kill(leaves);
    network.restartEmpty(leaves);
    network.kill('n4');
    const without = withoutMember(pass, 'n4', true);
    const staying = [...stays, leaves];
    network.adopt(without, staying);
    const back = advanced(without);
    expect(back.change).toMatchObject({ phase: 'merge', lost: ['n4'] });
    // Nor has it been told.
    expect(network.valueAt(leaves, key)).toBeUndefined();
    network.adopt(back, staying);
    expect(network.keyspace(leaves, DB).arrivals.isPending(slot)).toBe(true);
    network.advance(5_000);
    expect(network.node(leaves).cluster.progress().left).toBe(0);
    network.adopt(advanced(back), staying);
    network.drop(about(stays[0]));
    const found = network.get(leaves, key);
    network.advance(120);
    expect(only(found)).toEqual(read('v'));
  });

  it('refills what it comes to own without having merged it', () => {
    const { network, merge, pass } = joining();
    network.drop(ofType('syncOpen'));
    network.adopt(merge);
    const { slot, stays, key } = movingKey(network);
    network.set(stays[0], key, 'v');
    network.settle();
    network.adopt(pass);
    const keyspace = network.keyspace('n4', DB);
    expect([keyspace.placement.isHeldHere(slot), keyspace.refill.isPending(slot)]).toEqual([true, true]);
    network.drop(() => false);
    network.advance(5_000);
    expect(keyspace.refill.slotsLeft).toBe(0);
  });
});

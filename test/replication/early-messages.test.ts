import { describe, expect, it } from 'vitest';
import { Actors } from '../../src/clock/actors.ts';
import { ByteReader } from '../../src/lib/byte-reader.ts';
import { advanced, withoutMember } from '../../src/membership/topology.ts';
import { CollectionMessages } from '../../src/replication/collection-messages.ts';
import { EarlyMessages } from '../../src/replication/early-messages.ts';
import { Peer } from '../../src/replication/peer.ts';
import { RecordCodec } from '../../src/replication/record-codec.ts';
import { movingKey } from './joining.ts';
import { between, only, read, TestNetwork, WRITTEN } from './test-network.ts';

/** n4 leaves, and one other comes to own the key's slot: it is an epoch behind the rest. */
function oneBehind() {
  const network = new TestNetwork({ nodes: 4 });
  const merge = withoutMember(network.topology, 'n4', true);
  const probe = new TestNetwork({ nodes: 4 });
  probe.adopt(merge);
  const { key, owners, stays } = movingKey(probe);
  const behind = ['n1', 'n2', 'n3', 'n4'].find(name => !owners.includes(name))!;
  const ahead = ['n1', 'n2', 'n3', 'n4'].filter(name => name !== behind);
  network.adopt(merge, ahead);
  const catchUp = (topology = merge) => network.adopt(topology, [behind]);
  return { network, merge, key, stays, behind, ahead, catchUp };
}

describe('A request of an epoch ahead', () => {
  it('to write is acknowledged as soon as this node goes by that epoch, and is not sent again', () => {
    const { network, key, stays, behind, catchUp } = oneBehind();
    // Of the new owners that leaves the one behind.
    network.drop(between(stays[0], stays[1]));
    const told = network.set(stays[0], key, 'v');
    network.settle();
    expect([told, network.valueAt(behind, key)]).toEqual([[], undefined]);
    catchUp();
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.sent.filter(between(stays[0], behind, 'replicate'))).toHaveLength(1);
    expect(network.node(behind).counters.misdirected).toBe(0);
  });

  it('to read is answered then', () => {
    const { network, merge, key, stays, behind, ahead, catchUp } = oneBehind();
    catchUp();
    network.advance(5_000);
    network.set(stays[0], key, 'v');
    network.settle();
    network.adopt(advanced(merge), ahead);
    network.drop(between(stays[0], stays[1]));
    network.node(stays[0]).cluster.peerOf(stays[1])!.suspect = true;
    const told = network.get(stays[0], key);
    network.settle();
    expect(told).toEqual([]);
    catchUp(advanced(merge));
    network.settle();
    expect(only(told)).toEqual(read('v'));
    expect(network.sent.filter(between(stays[0], behind, 'read'))).toHaveLength(1);
  });

  it('is read before anything that comes after this node goes by that epoch, so that a fence may count on it', () => {
    const { network, merge, key, stays, behind } = oneBehind();
    network.set(stays[0], key, 'v');
    network.settle();
    network.node(behind).cluster.adopt(merge);
    expect(network.valueAt(behind, key)).toBe('v');
  });

  it('is told to a fence, and not kept where one was told that there is nothing so old: who has sent it may be gone', () => {
    const { network, key, stays, behind, ahead, catchUp } = oneBehind();
    const fences = new CollectionMessages(new RecordCodec(new Actors()));
    const floorOf = (upTo: number) => {
      const { cluster } = network.node(behind);
      const { head } = fences.encodeFence({ id: 1, upTo, epoch: 1 });
      cluster.receive(cluster.peerOf(ahead[0]!)!, Buffer.from(head));
      const reader = new ByteReader();
      reader.open(network.sent.findLast(({ type }) => type === 'fenced')!.bytes, 1);
      return fences.decodeFenced(reader).floor;
    };
    network.set(stays[0], key, 'v');
    network.settle();
    const { stamp } = network.heldAt(stays[0], key)!.dot;
    expect(floorOf(stamp)).toBe(stamp);
    network.node(behind).cluster.linkDown(stays[0]);
    network.node(behind).cluster.linkUp(stays[0]);
    expect(floorOf(stamp)).toBe(Number.POSITIVE_INFINITY);
    network.deliverAgain(network.sent.find(between(stays[0], behind, 'replicate'))!);
    expect(floorOf(stamp)).toBe(Number.POSITIVE_INFINITY);
    catchUp();
    expect(network.valueAt(behind, key)).toBeUndefined();
  });

  it('of a peer whose link has broken is forgotten', () => {
    const { network, merge, key, stays, behind } = oneBehind();
    network.set(stays[0], key, 'v');
    network.settle();
    network.node(behind).cluster.linkDown(stays[0]);
    network.node(behind).cluster.adopt(merge);
    expect(network.valueAt(behind, key)).toBeUndefined();
  });
});

describe('EarlyMessages', () => {
  const [a, b] = [new Peer('a', false), new Peer('b', false)];

  it('keeps copies, in their order, until they are taken', () => {
    const early = new EarlyMessages();
    const scratch = Buffer.from('one');
    early.keep(a, scratch);
    scratch.fill('x');
    early.keep(b, Buffer.from('two'));
    expect(early.take().map(({ from, message }) => `${from.name} ${message}`)).toEqual(['a one', 'b two']);
    expect(early.take()).toEqual([]);
  });

  it('keeps no more than 4 MiB', () => {
    const early = new EarlyMessages();
    const half = Buffer.alloc(2 << 20);
    for (const from of [a, b, a]) early.keep(from, half);
    early.forget(a);
    early.keep(a, half);
    early.keep(a, Buffer.from('more'));
    expect(early.take().map(({ from }) => from.name)).toEqual(['b', 'a']);
    early.keep(a, half);
    expect(early.take()).toHaveLength(1);
  });
});

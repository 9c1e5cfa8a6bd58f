import { describe, expect, it } from 'vitest';
import { slotOf } from '../../src/lib/slots.ts';
import { ForwardMessages } from '../../src/replication/forward-messages.ts';
import { between, ofType, only, read, setTo, TestNetwork, WRITTEN } from './test-network.ts';

const KEY = 'k';

function fiveNodes() {
  const network = new TestNetwork({ nodes: 5 });
  const replicas = network.replicasOf(KEY) as [string, string, string];
  const [stranger, other] = network.othersThan(KEY) as [string, string];
  return { network, replicas, stranger, other };
}

describe('A node that holds no copy of the key', () => {
  it('hands the operation to the first replica and answers what that one answers', () => {
    const { network, replicas, stranger, other } = fiveNodes();
    const written = network.set(stranger, KEY, 'v');
    network.settle();
    expect(only(written)).toEqual(WRITTEN);
    expect(network.sent[0]).toMatchObject({ from: stranger, to: replicas[0], type: 'forward' });
    expect(network.heldAt(stranger, KEY)).toBeUndefined();
    const found = network.get(other, KEY);
    network.settle();
    expect(only(found)).toEqual(read('v'));
    const before = network.write(other, KEY, setTo('w', { returnBefore: true }));
    network.settle();
    expect(only(before)).toEqual({ status: 'written', applied: true, before: 'v' });
  });

  it('hands it to a replica that is whole, alive and linked, if there is one', () => {
    const { network, replicas, stranger } = fiveNodes();
    const peer = (name: string) => network.node(stranger).cluster.peerOf(name)!;
    peer(replicas[0]).refilling = true;
    peer(replicas[1]).alive = false;
    network.get(stranger, KEY);
    expect(network.sent.map(message => message.to)).toEqual([replicas[2]]);
    network.sent.length = 0;
    peer(replicas[2]).linked = false;
    network.get(stranger, KEY);
    expect(network.sent.map(message => message.to)).toEqual([replicas[0]]);
  });

  it('gives a write to a second coordinator when the first provably never got it', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.refuse(between(stranger, replicas[0]));
    const told = network.set(stranger, KEY, 'v');
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.sent[0]).toMatchObject({ to: replicas[1], type: 'forward' });
  });

  it('gives a write to a second coordinator when the first declines, whose clock is off, and says so when all do', () => {
    const { network, replicas, stranger } = fiveNodes();
    const off = (name: string) =>
      network.node(name).cluster.context.guard.judged({ state: 'off', offsetMs: 5_000, latestMs: 0 }, 0);
    off(replicas[0]);
    const told = network.set(stranger, KEY, 'v');
    network.settle();
    expect(only(told)).toEqual(WRITTEN);
    expect(network.heldAt(replicas[1], KEY)!.dot.actor).toBe(network.node(replicas[1]).cluster.context.self);
    for (const name of replicas) off(name);
    const refused = network.set(stranger, KEY, 'w');
    network.settle();
    expect(only(refused)).toEqual({ status: 'unavailable', reason: `the clock of ${replicas[2]} is off by 5000 ms` });
  });

  it('gives a write that may have arrived to no second one, and says that it may yet appear', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.drop(ofType('forwardReply'));
    const told = network.set(stranger, KEY, 'v');
    network.advance(580);
    expect(told).toEqual([]);
    network.advance(20);
    expect(only(told)).toEqual({
      status: 'unavailable',
      reason: `coordinator ${replicas[0]} did not answer in 600 ms; the write may yet appear`,
    });
    expect(network.sent.filter(ofType('forward'))).toHaveLength(1);
    expect(network.valueAt(replicas[0], KEY)).toBe('v');
  });

  it('says so at once when the link to the coordinator of a write breaks', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.hold(ofType('forwardReply'));
    const told = network.set(stranger, KEY, 'v');
    network.settle();
    network.cut(stranger, replicas[0]);
    expect(only(told)).toEqual({
      status: 'unavailable',
      reason: `coordinator ${replicas[0]} was lost; the write may yet appear`,
    });
    expect(network.node(stranger).cluster.forwarder.pendingCount).toBe(0);
  });

  it('hands a read on to another replica when the first is slow or lost', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.set(replicas[0], KEY, 'v');
    network.settle();
    network.drop(message => message.to === replicas[0] && message.type === 'forward');
    const slow = network.get(stranger, KEY);
    network.advance(100);
    expect(only(slow)).toEqual(read('v'));
    network.drop(() => false);
    network.hold(ofType('forward'));
    const lost = network.get(stranger, KEY);
    network.settle();
    network.hold(() => false);
    network.cut(stranger, replicas[0]);
    network.settle();
    expect(only(lost)).toEqual(read('v'));
  });

  it('takes the first answer to a read that had two coordinators, and the answer to a write from its own only', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.hold(ofType('forwardReply'));
    const found = network.get(stranger, KEY);
    network.advance(100);
    network.release();
    expect(found).toEqual([read(undefined)]);
    network.hold(ofType('forwardReply'));
    const told = network.set(stranger, KEY, 'v');
    network.settle();
    const answer = network.sent.findLast(ofType('forwardReply'))!;
    network.deliverAgain({ ...answer, from: replicas[1] });
    expect(told).toEqual([]);
    network.release();
    expect(told).toEqual([WRITTEN]);
  });

  it('answers UNAVAILABLE at once when no replica can be reached', () => {
    const { network, replicas, stranger } = fiveNodes();
    for (const name of replicas) network.kill(name);
    const reason = '0 of 3 replicas are reachable';
    expect(network.set(stranger, KEY, 'v')).toEqual([{ status: 'unavailable', reason }]);
    expect(network.get(stranger, KEY)).toEqual([{ status: 'unavailable', reason }]);
  });

  it('refuses when too many operations are under way', () => {
    const network = new TestNetwork({ nodes: 5, limits: { maxPendingOperations: 1 } });
    const [stranger] = network.othersThan(KEY);
    network.drop(() => true);
    network.get(stranger!, KEY);
    expect(network.get(stranger!, KEY)).toEqual([
      { status: 'unavailable', reason: '1 operations are being forwarded' },
    ]);
  });

  it('does not take a late answer to an operation of before its restart for the answer to another', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.hold(ofType('replicated'));
    network.set(stranger, KEY, 'of before');
    network.settle();
    network.kill(stranger);
    network.restartEmpty(stranger);
    network.settle();
    network.drop(between(stranger, replicas[0], 'forward'));
    const told = network.set(stranger, KEY, 'never arrives');
    network.release();
    expect(network.sent.filter(ofType('forwardReply'))).toHaveLength(1);
    expect(told).toEqual([]);
  });
});

describe('A replica that is handed an operation', () => {
  it('runs it once, however many copies arrive', () => {
    const { network, replicas, stranger } = fiveNodes();
    network.set(stranger, KEY, 'v');
    network.settle({ copies: 3 });
    const { dot } = network.heldAt(replicas[0], KEY)!;
    network.deliverAgain(network.sent.find(ofType('forward'))!);
    expect(network.heldAt(replicas[0], KEY)!.dot).toEqual(dot);
    expect(network.node(replicas[0]).counters.forwardCopiesDropped).toBe(3);
  });

  it('tells the copies of one node from the operations of another with the same numbers', () => {
    const { network, stranger, other } = fiveNodes();
    const told = [network.set(stranger, KEY, 'v'), network.set(other, KEY, 'w')];
    network.settle();
    expect(told.map(only)).toEqual([WRITTEN, WRITTEN]);
  });

  it('runs it whatever the epoch it was sent at, and declines one for a key that is not its own', () => {
    const { network, replicas, stranger, other } = fiveNodes();
    const key = Buffer.from(KEY);
    const operation = { kind: 'read', db: 1, slot: slotOf(key), key, need: 2, wantsValue: true } as const;
    const messages = new ForwardMessages();
    const forward = (to: string, id: number, epoch: number) => {
      const bytes = Buffer.from(messages.encodeForward(id, 'n9.1', epoch, operation).head);
      network.sent.length = 0;
      network.deliverAgain({ from: stranger, to, type: 'forward', bytes });
      return network.sent.map(message => message.type);
    };
    expect(forward(other, 1, 1)).toEqual(['forwardReply']);
    expect(network.node(other).counters.misdirected).toBe(1);
    expect(forward(replicas[0], 1, 2)).toContain('read');
    expect(forward(replicas[0], 2, 0)).toContain('read');
  });

  it('does nothing with replica messages of an earlier ring or another slot but count them', () => {
    const { network, replicas, other } = fiveNodes();
    const { messages } = network.node(replicas[0]).cluster.context;
    const key = Buffer.from(KEY);
    network.plant(replicas[0], KEY, 'v');
    const record = network.heldAt(replicas[0], KEY)!;
    const deliver = (to: string, epoch: number) => {
      const head = messages.encodeReplicate(1, epoch, 1, key, record).head;
      const bytes = Buffer.concat([head, record.value!]);
      network.deliverAgain({ from: replicas[0], to, type: 'replicate', bytes });
      const question = Buffer.from(messages.encodeRead(1, epoch, 1, key, undefined).head);
      network.deliverAgain({ from: replicas[0], to, type: 'read', bytes: question });
    };
    deliver(replicas[1], 0);
    deliver(other, 1);
    expect(network.sent).toEqual([]);
    expect([network.heldAt(replicas[1], KEY), network.heldAt(other, KEY)]).toEqual([undefined, undefined]);
    expect(network.node(replicas[1]).counters.misdirected).toBe(2);
    expect(network.node(other).counters.misdirected).toBe(2);
  });
});

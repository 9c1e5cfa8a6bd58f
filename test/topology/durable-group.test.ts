import { describe, expect, it } from 'vitest';
import { withMember } from '../../src/membership/topology.ts';
import { GroupNetwork, member, type NetworkOptions, RETRY_MS, type Sent } from './group-network.ts';

const NAMES = ['n1', 'n2', 'n3'];
const DURABLE: NetworkOptions = { disks: {} };

/** Founded, and led. */
function led(names: readonly string[] = NAMES, options = DURABLE): GroupNetwork {
  const network = new GroupNetwork(names, options);
  expect(network.until(() => network.leader !== undefined)).toBe(true);
  network.pass(1_000);
  return network;
}

function leaderOf(network: GroupNetwork) {
  return network.node(network.leader!);
}

function votersOf(network: GroupNetwork): readonly string[] {
  return network.leader === undefined ? [] : leaderOf(network).agent.group.configuration!.voters;
}

function follower(network: GroupNetwork): string {
  return NAMES.find(name => name !== network.leader)!;
}

/** What a member has said to the others, within the group. */
function raftOf(network: GroupNetwork, name: string): Sent['message'][] {
  return network.sent.filter(({ from, message }) => from === name && message.type === 'raft').map(each => each.message);
}

function add(network: GroupNetwork, at: string, name: string): string[] {
  const outcomes: string[] = [];
  const { epoch } = network.node(at).agent.topology;
  const command = { type: 'join', member: member(name), replaces: undefined, epoch } as const;
  network.node(at).agent.request(command, error => outcomes.push(error ?? 'done'));
  return outcomes;
}

/** Flushes of the node's disk wait until they are released. */
function hold(network: GroupNetwork, name: string) {
  const disk = network.disk(name);
  const { flush } = disk;
  const held: (() => void)[] = [];
  disk.flush = done => void held.push(() => flush.call(disk, done));
  const release = () => {
    for (const each of held.splice(0)) each();
    network.skip(20);
  };
  const open = () => {
    disk.flush = flush;
    release();
  };
  return { held, release, open };
}

function until<T>(network: GroupNetwork, find: () => T | undefined): T {
  let found: T | undefined;
  const isFound = () => {
    found = find();
    return found !== undefined;
  };
  expect(network.until(isFound)).toBe(true);
  return found!;
}

function isWhole(network: GroupNetwork): boolean {
  const ids = [...network.nodes.values()].map(({ agent }) => agent.group.id);
  return votersOf(network).length === 3 && votersOf(network).every(id => ids.includes(id));
}

describe('A durable placement group', () => {
  it('that is killed as a whole goes on where it was, as the same members, also from what its nodes had not noted', () => {
    const network = led();
    const founding = network.node('n1').agent.topology;
    add(network, 'n1', 'n4');
    expect(network.until(() => network.epochs().every(epoch => epoch === 4))).toBe(true);
    const { term } = leaderOf(network).agent.group;
    const before = votersOf(network);
    for (const name of NAMES) network.stop(name);
    for (const name of NAMES) network.start(name, founding);
    expect(network.until(() => network.leader !== undefined)).toBe(true);
    network.pass(3_000);
    expect(votersOf(network)).toEqual(before);
    expect(leaderOf(network).agent.group.configuration!.learners).toEqual([]);
    expect(leaderOf(network).agent.group.term).toBeGreaterThan(term);
    expect(network.epochs()).toEqual([4, 4, 4]);
    const outcomes: (string | undefined)[] = [];
    network.node('n2').agent.request({ type: 'leave', name: 'n4', epoch: 4 }, error => outcomes.push(error ?? 'done'));
    expect(network.until(() => network.epochs().every(epoch => epoch === 7))).toBe(true);
    expect(outcomes).toEqual(['done']);
    expect(NAMES.map(name => network.node(name).agent.group.raft!.id)).toEqual(before);
  });

  it('says nothing before its founding is durable', () => {
    const network = new GroupNetwork(NAMES, DURABLE);
    const { agent } = network.node('n1');
    const { id } = network.node('n2').agent.group;
    const preVote = { type: 'pre-vote', from: id, to: agent.group.id, term: 2, lastIndex: 1, lastTerm: 1 } as const;
    agent.group.receive(preVote);
    expect(raftOf(network, 'n1')).toEqual([]);
    network.skip(20);
    expect(raftOf(network, 'n1')).toHaveLength(1);
    // Durable also where nothing was to be said.
    for (const name of ['n1', 'n3']) {
      const { group } = network.node(name).agent;
      network.restart(name);
      network.skip(20);
      expect(network.node(name).agent.group).toMatchObject({ id: group.id, isMember: true });
    }
  });

  it('of a single voter says that it leads only when the disk has its vote, and leads again after a restart', () => {
    const network = new GroupNetwork(['n1'], DURABLE);
    expect(network.leader).toBeUndefined();
    network.skip(20);
    expect(network.leader).toBe('n1');
    network.restart('n1');
    expect(network.until(() => network.leader === 'n1')).toBe(true);
    expect(add(network, 'n1', 'n2')).toEqual([]);
    expect(network.until(() => network.node('n1').agent.topology.epoch === 4)).toBe(true);
  });

  it('flushes for nothing that is not to be kept', () => {
    const network = led();
    let flushes = 0;
    for (const name of NAMES) {
      const disk = network.disk(name);
      const { flush } = disk;
      disk.flush = done => {
        flushes++;
        flush.call(disk, done);
      };
    }
    network.pass(5_000);
    expect(flushes).toBe(0);
  });

  it('hears on while its disk is slow, and answers when that is done', () => {
    const network = led();
    const slow = follower(network);
    const gate = hold(network, slow);
    add(network, 'n1', 'n4');
    network.pass(1_000);
    expect(gate.held).toHaveLength(1);
    const said = raftOf(network, slow).length;
    expect(network.node(slow).agent.group.raft!.log.last).toBeGreaterThan(
      network.node(slow).agent.group.raft!.log.stable,
    );
    network.pass(1_000);
    expect(raftOf(network, slow)).toHaveLength(said);
    gate.open();
    network.pass(300);
    expect(raftOf(network, slow).length).toBeGreaterThan(said);
    expect(network.until(() => network.epochs().every(epoch => epoch === 4))).toBe(true);
  });
});

describe('A member whose disk is full', () => {
  it('is silent, and goes on when there is room again', () => {
    const network = led();
    const full = follower(network);
    const before = votersOf(network);
    network.drives.get(full)!.isFull = true;
    add(network, 'n1', 'n4');
    network.pass(500);
    const { length: said } = raftOf(network, full);
    network.pass(60_000);
    expect(raftOf(network, full)).toHaveLength(said);
    expect(network.node(network.leader!).agent.topology.epoch).toBe(4);
    expect(network.disk(full).pendingBytes).toBeLessThan(4_096);
    network.drives.get(full)!.isFull = false;
    const { group } = network.node(full).agent;
    network.pass(RETRY_MS);
    // What came meanwhile was not heard: it does not answer all of a minute's messages now.
    expect(raftOf(network, full).length - said).toBeLessThan(50);
    expect(network.until(() => group.topology?.epoch === 4, 2_000)).toBe(true);
    expect(votersOf(network)).toEqual(before);
  });

  it('leads no more, and another does', () => {
    const network = led();
    const full = network.leader!;
    network.drives.get(full)!.isFull = true;
    const outcomes = add(network, follower(network), 'n4');
    network.pass(200);
    const { group } = network.node(full).agent;
    expect(group.leads).toBe(false);
    const asked: string[] = [];
    group.propose({ type: 'advance', epoch: 1 }, ({ status }) => asked.push(status));
    expect(asked).toEqual(['lost']);
    expect(network.until(() => outcomes.length > 0)).toBe(true);
    expect(outcomes).toEqual(['done']);
    network.drives.get(full)!.isFull = false;
    network.pass(2_000);
    expect(network.node(full).agent.group).toMatchObject({ leads: false, leader: leaderOf(network).agent.group.id });
  });

  it('and is the only voter decides nothing meanwhile, and decides what is asked for then', () => {
    const network = led(['n1']);
    network.drives.get('n1')!.isFull = true;
    expect(add(network, 'n1', 'n2')).toEqual([]);
    network.pass(8_000);
    expect(network.node('n1').agent.group.topology!.epoch).toBe(1);
    network.drives.get('n1')!.isFull = false;
    expect(network.until(() => network.node('n1').agent.topology.epoch === 4)).toBe(true);
  });

  it('that ends like that comes back with what was durable', () => {
    const network = led();
    const full = follower(network);
    network.drives.get(full)!.isFull = true;
    add(network, 'n1', 'n4');
    network.pass(1_000);
    network.drives.get(full)!.isFull = false;
    network.restart(full);
    expect(network.until(() => network.node(full).agent.group.topology?.epoch === 4)).toBe(true);
    expect(isWhole(network)).toBe(true);
  });
});

describe('A member that has lost its log', () => {
  const losses: [string, (network: GroupNetwork, name: string) => void][] = [
    ['for a damaged entry', (network, name) => void network.drives.get(name)!.damageOne('node')],
    ['for a lost tail', (network, name) => void network.store(name).loseTail(1)],
    ['as a whole', (network, name) => network.store(name).entries.clear()],
  ];

  it.each(losses)('%s, comes back as a learner under a new id, and the old one is removed', (_, lose) => {
    const network = led();
    const name = follower(network);
    const old = network.node(name).agent.group.id;
    const { topology } = network.node(name).agent;
    network.stop(name);
    lose(network, name);
    network.start(name, topology);
    network.skip(20);
    const { agent, actor } = network.node(name);
    expect(agent.group).toMatchObject({ id: actor, isMember: false });
    network.sent.length = 0;
    expect(network.until(() => isWhole(network))).toBe(true);
    expect(votersOf(network)).toContain(actor);
    expect(votersOf(network)).not.toContain(old);
    const steps = network.sent.flatMap(({ message }) => {
      const entries =
        message.type === 'raft' && message.message.type === 'append' && message.message.to !== actor
          ? message.message.entries
          : [];
      return entries.flatMap(entry => (entry.kind === 'configuration' ? [entry.configuration] : []));
    });
    expect(steps.some(({ learners }) => learners.includes(actor))).toBe(true);
    // The new one is durable in its turn.
    network.restart(name);
    network.pass(3_000);
    expect(network.node(name).agent.group).toMatchObject({ id: actor, isMember: true });
    expect(isWhole(network)).toBe(true);
  });
});

describe('A voter', () => {
  it('that is back with its log stays, though its process is another', () => {
    const network = led();
    const name = follower(network);
    const before = votersOf(network);
    network.stop(name);
    network.pass(3_000);
    network.restart(name);
    network.sent.length = 0;
    network.pass(5_000);
    expect(votersOf(network)).toEqual(before);
    const configurations = network.sent.filter(({ message }) => {
      if (message.type !== 'raft' || message.message.type !== 'append') return false;
      return message.message.entries.some(({ kind }) => kind === 'configuration');
    });
    expect(configurations).toEqual([]);
  });

  it('without a disk that is back is replaced as soon as its process has told', () => {
    const network = led(NAMES, {});
    const name = follower(network);
    const old = network.node(name).agent.group.id;
    network.pass(100);
    network.restart(name);
    expect(network.until(() => isWhole(network) && !votersOf(network).includes(old), 1_500)).toBe(true);
  });

  it('whose process is another is not judged before that has told, and neither is a learner', () => {
    const network = led();
    const name = follower(network);
    const old = network.node(name).agent.group.id;
    const before = votersOf(network);
    network.stop(name);
    network.store(name).entries.clear();
    network.isCut = from => from === name;
    network.restart(name);
    network.pass(10_000);
    expect(votersOf(network)).toEqual(before);
    expect(leaderOf(network).agent.group.configuration!.learners).toEqual([]);
    network.isCut = () => false;
    expect(network.until(() => isWhole(network) && !votersOf(network).includes(old), 4_000)).toBe(true);
  });

  it.each([
    ['with a disk stays when it has said goodbye, for it may come back with its log', DURABLE, 3],
    ['without a disk is removed when it has said goodbye', {}, 2],
  ] as const)('%s', (_, options, count) => {
    const network = led(NAMES, options);
    const name = follower(network);
    network.left.add(name);
    network.stop(name);
    network.pass(5_000);
    expect(votersOf(network)).toHaveLength(count);
  });

  it('that was removed while it was away takes part again under its id', () => {
    const network = led(['n1', 'n2', 'n3', 'n4']);
    const [name = ''] = votersOf(network)
      .map(id => id.split('.')[0]!)
      .filter(each => each !== network.leader);
    const old = network.node(name).agent.group.id;
    network.stop(name);
    expect(network.until(() => votersOf(network).length === 3 && !votersOf(network).includes(old))).toBe(true);
    network.restart(name);
    network.pass(3_000);
    const other = votersOf(network).find(id => id.split('.')[0] !== network.leader)!;
    network.stop(other.split('.')[0]!);
    expect(network.until(() => votersOf(network).includes(old) && !votersOf(network).includes(other))).toBe(true);
    expect(network.node(name).actor).not.toBe(old);
  });
});

describe('A leader', () => {
  it('that stops with a goodbye stays a voter, though the next one has not been told of it', () => {
    const network = led();
    const name = network.leader!;
    const before = votersOf(network);
    network.left.add(name);
    network.stop(name);
    network.pass(5_000);
    expect(votersOf(network)).toEqual(before);
  });

  it('leads only when it has applied what its term began with, and not while that waits for the disk', () => {
    const network = led();
    const former = network.leader!;
    network.stop(former);
    const gates = NAMES.filter(name => name !== former).map(name => ({ name, ...hold(network, name) }));
    const isElected = ({ name }: { name: string }) => network.node(name).agent.group.raft!.role === 'leader';
    const winner = () => {
      for (const gate of gates) {
        gate.release();
        if (gates.some(isElected)) return gates.find(isElected);
      }
      return undefined;
    };
    const gate = until(network, winner);
    for (const other of gates) if (other !== gate) other.open();
    const { group } = network.node(gate.name).agent;
    // Each of these waits for the flush of the one before; meanwhile the other member answers what was sent behind that.
    for (let flushes = 0; flushes < 2; flushes++) {
      group.propose({ type: 'advance', epoch: 0 }, () => {});
      gate.release();
    }
    const { log, term } = group.raft!;
    expect([log.termAt(log.applied), group.leads]).toEqual([term, false]);
    gate.release();
    expect(group.leads).toBe(true);
  });

  it('asks for no step from an epoch that the group has forgotten, nor for any that would come again', () => {
    const network = led(['n1']);
    const { topology } = network.node('n1').agent;
    const later = withMember(topology, member('n2'));
    network.stop('n1');
    network.start('n1', later);
    expect(network.until(() => network.leader === 'n1')).toBe(true);
    const outcomes = add(network, 'n1', 'n3');
    // So long that one that has not come would be called off.
    network.pass(45_000);
    const { log } = network.node('n1').agent.group.raft!;
    expect(log.slice(log.first, log.last).filter(({ kind }) => kind === 'command')).toEqual([]);
    expect(network.node('n1').agent.topology).toEqual(later);
    expect(network.node('n1').agent.group.topology).toEqual(topology);
    expect(outcomes).toEqual(['the placement group has no majority that can be reached: the ring stands still']);
  });
});

describe('A member that lags', () => {
  it('is sent a snapshot when the log is compacted, keeps it on its disk, and so does who sends it', () => {
    const network = led();
    const behind = follower(network);
    const { topology } = network.node(behind).agent;
    add(network, 'n1', 'n4');
    expect(network.until(() => network.epochs().every(epoch => epoch === 4))).toBe(true);
    network.stop(behind);
    const { group } = leaderOf(network).agent;
    for (let i = 0; i < 600; i++) {
      group.propose({ type: 'advance', epoch: 0 }, () => {});
      if (i % 20 === 0) network.pass(100);
    }
    network.pass(500);
    expect(group.raft!.log.first).toBeGreaterThan(400);
    network.start(behind, topology);
    network.skip(20);
    const restored = () => network.node(behind).agent.group.raft?.log.snapshot.index ?? 0;
    expect(restored()).toBe(1);
    expect(network.until(() => restored() > 400)).toBe(true);
    network.pass(1_000);
    const { last } = group.raft!.log;
    for (const name of NAMES) network.restart(name, topology);
    network.skip(20);
    for (const name of NAMES) {
      const { log } = network.node(name).agent.group.raft!;
      expect([log.snapshot.index > 400, log.last]).toEqual([true, last]);
    }
    network.pass(100);
    expect(NAMES.map(name => network.node(name).agent.latest.epoch)).toEqual([4, 4, 4]);
    expect(network.until(() => network.leader !== undefined)).toBe(true);
    expect(isWhole(network)).toBe(true);
  });
});

import { describe, expect, it, vi } from 'vitest';
import type { TopologyCommand } from '../../src/topology/commands.ts';
import { GroupNetwork, member } from './group-network.ts';

const namesTo = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`);

/** Founded, and led. */
function led(count: number): GroupNetwork {
  const network = new GroupNetwork(namesTo(count));
  expect(network.until(() => network.leader !== undefined)).toBe(true);
  network.pass(1_000);
  return network;
}

/** Asks at one node. @returns the outcome, once there is one. */
function ask(
  network: GroupNetwork,
  at: string,
  command: TopologyCommand,
): { readonly outcome: (string | undefined)[] } {
  const outcome: (string | undefined)[] = [];
  network.node(at).agent.request(command, error => outcome.push(error));
  return { outcome };
}

const leave = (name: string, epoch = 1) => ({ type: 'leave', name, epoch }) as const;
function voters(network: GroupNetwork): string[] {
  const { leader } = network;
  const configuration = leader === undefined ? undefined : network.node(leader).agent.group.configuration;
  return configuration?.voters.map(actor => actor.split('.')[0]!) ?? [];
}

describe('The placement group', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 3],
    [4, 3],
    [7, 5],
  ])('of %i founders has %i voters', (count, expected) => {
    expect(voters(led(count))).toHaveLength(expected);
  });

  it('takes a change through its phases, and all nodes know each epoch', () => {
    const network = led(5);
    const { outcome } = ask(network, 'n5', leave('n5'));
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
    expect(outcome).toEqual([undefined]);
    for (const { adopted } of network.nodes.values()) {
      expect(adopted.map(({ epoch }) => epoch)).toEqual([2, 3, 4, 5]);
      expect(adopted.map(({ change }) => change?.phase)).toEqual(['merge', 'pass', undefined, undefined]);
    }
  });

  it('waits for who knows of a phase and is not ready for it, whatever else it reports', () => {
    const network = led(3);
    const slow = namesTo(3).find(name => name !== network.leader)!;
    network.mustMerge = new Set([slow]);
    network.slow.add(slow);
    ask(network, 'n1', leave('n3'));
    network.pass(5_000);
    const { agent } = network.node(slow);
    expect([agent.topology.epoch, agent.latest.epoch]).toEqual([1, 2]);
    expect(network.epochs().toSorted()).toEqual([1, 2, 2]);
    network.getReady(slow);
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
  });

  it('asks for no phase while its leader is not ready for the last', () => {
    const network = led(3);
    const leader = network.leader!;
    network.mustMerge = new Set(['nobody']);
    ask(network, 'n1', leave('n3'));
    expect(network.until(() => network.epochs().every(epoch => epoch === 2))).toBe(true);
    network.slow.add(leader);
    network.mustMerge = new Set();
    const { agent } = network.node(leader);
    const propose = vi.spyOn(agent.group, 'propose');
    network.pass(5_000);
    expect([agent.topology.epoch, agent.latest.epoch]).toEqual([2, 3]);
    expect(propose).toHaveBeenCalledTimes(1);
    network.getReady(leader);
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
  });

  it('waits for who must merge, and tells everyone how far that is', () => {
    const network = led(3);
    network.mustMerge = new Set(['n2']);
    Object.assign(network.node('n2').progress, { left: 3, all: 10 });
    ask(network, 'n1', leave('n3'));
    network.pass(5_000);
    expect(network.epochs()).toEqual([2, 2, 2]);
    const told = network.node('n3').agent.progress.find(({ name }) => name === 'n2');
    expect(told).toEqual({ name: 'n2', left: 3, all: 10, leftovers: 0, bytes: 0 });
    Object.assign(network.node('n2').progress, { left: 0 });
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
    expect(network.node('n1').agent.progress).toEqual([]);
  });

  it('goes on where the last leader was when another leads', () => {
    const network = led(4);
    network.mustMerge = new Set(['n2']);
    Object.assign(network.node('n2').progress, { left: 3 });
    ask(network, 'n1', leave('n4'));
    network.pass(2_000);
    const first = network.leader!;
    network.isCut = (from, to) => from === first || to === first;
    network.mustMerge = new Set();
    expect(network.until(() => network.leader !== undefined && network.leader !== first)).toBe(true);
    network.isCut = () => false;
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
  });

  it('replaces a voter that is back as another process, and grows when members come', () => {
    const network = led(3);
    const old = network.node('n2').actor;
    network.stop('n2');
    network.pass(3_000);
    network.start('n2', network.node('n1').agent.topology);
    const has = (actor: string) => network.node(network.leader!).agent.group.configuration!.isVoter(actor);
    expect(network.until(() => network.leader !== undefined && has(network.node('n2').actor))).toBe(true);
    expect(has(old)).toBe(false);
    for (const name of ['n4', 'n5']) {
      network.start(name, network.node('n1').agent.topology);
      const { topology } = network.node('n1').agent;
      ask(network, 'n1', { type: 'join', member: member(name), replaces: undefined, epoch: topology.epoch });
    }
    expect(network.until(() => voters(network).length === 5)).toBe(true);
    ask(network, 'n1', leave('n1', network.node('n1').agent.topology.epoch));
    const withoutFirst = () => voters(network).length === 3 && !voters(network).includes('n1');
    expect(network.until(withoutFirst)).toBe(true);
  });

  it('keeps its majority when most of its voters leave at once and are switched off as soon as they have', () => {
    const network = led(5);
    const leavers = voters(network).slice(0, 3);
    for (const name of leavers) ask(network, 'n5', leave(name));
    const hasLeft = (name: string) =>
      network
        .node(name)
        .adopted.at(-1)
        ?.members.every(each => each.name !== name) === true &&
      network
        .node(name)
        .adopted.at(-1)
        ?.departing.every(each => each.name !== name) === true;
    const stopLeavers = () => {
      for (const name of leavers) if (hasLeft(name)) network.stop(name);
      return leavers.every(name => !network.node(name).isUp);
    };
    expect(network.until(stopLeavers)).toBe(true);
    expect(network.until(() => network.leader !== undefined && voters(network).length === 1)).toBe(true);
  });

  it('without a majority stands still, and says so', () => {
    const network = led(3);
    const [last] = namesTo(3).filter(name => name !== network.leader);
    for (const name of namesTo(3)) if (name !== last) network.stop(name);
    const { outcome } = ask(network, last!, leave('n1'));
    network.pass(15_000);
    expect(outcome).toEqual(['the placement group has no majority that can be reached: the ring stands still']);
    expect(network.node(last!).agent.topology.epoch).toBe(1);
  });
});

describe('A request', () => {
  it('to forget a member is refused by the leader, who knows that it lives', () => {
    const network = led(5);
    const { outcome } = ask(network, 'n5', { type: 'forget', name: 'n4', epoch: 1 });
    expect(network.until(() => outcome.length > 0)).toBe(true);
    expect(outcome).toEqual(['n4 is alive: let it leave, or stop it first']);
  });

  it('that cannot be done is answered with the reason', () => {
    const network = led(3);
    const { outcome } = ask(network, 'n2', leave('n9'));
    network.pass(2_000);
    expect(outcome).toEqual(['n9 is no member']);
  });

  it('that comes while a change is about to end is done when it has', () => {
    const network = led(4);
    network.isTurned = false;
    ask(network, 'n1', leave('n4'));
    expect(network.until(() => network.epochs().every(epoch => epoch === 3))).toBe(true);
    const { outcome } = ask(network, 'n2', leave('n3', 3));
    network.pass(2_000);
    expect(outcome).toEqual([]);
    network.isTurned = true;
    expect(network.until(() => outcome.length > 0)).toBe(true);
    expect(outcome).toEqual([undefined]);
  });

  it('is repeated until it is answered, and done once', () => {
    const network = led(3);
    const other = namesTo(3).find(name => name !== network.leader)!;
    network.isCut = (from, to) => to === other || from === other;
    const { outcome } = ask(network, other, leave('n3'));
    network.pass(1_500);
    expect(outcome).toEqual([]);
    network.isCut = () => false;
    expect(network.until(() => outcome.length > 0)).toBe(true);
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
  });

  it('is refused when too many are under way', () => {
    const network = new GroupNetwork(['n1', 'n2', 'n3']);
    const asked = Array.from({ length: 65 }, (_, i) => ask(network, 'n1', leave(`x${i}`)));
    expect(asked[64]!.outcome).toEqual(['too many changes of the ring are being asked for']);
    expect(asked[63]!.outcome).toEqual([]);
  });
});

describe('News of an epoch', () => {
  it('reaches a node that was away, by gossip, by a poll, or because its messages are of an earlier one', () => {
    const network = led(5);
    network.isCut = (from, to) => from === 'n5' || to === 'n5';
    ask(network, 'n1', leave('n4'));
    expect(network.until(() => network.node('n1').agent.topology.epoch === 3)).toBe(true);
    expect(network.node('n5').agent.topology.epoch).toBe(1);
    network.isCut = () => false;
    network.node('n1').agent.saw('n5', 1);
    network.pass(100);
    expect(network.node('n5').agent.topology.epoch).toBeGreaterThan(2);
    network.node('n5').agent.saw('n1', 99);
    expect(network.sent.at(-1)?.message).toMatchObject({ type: 'epoch' });
  });

  it('is told to a node whose messages are of an earlier one once in a while, however many they are', () => {
    const network = led(3);
    network.sent.length = 0;
    for (let i = 0; i < 1_000; i++) network.node('n1').agent.saw('n2', 0);
    expect(network.sent).toHaveLength(1);
    network.skip(100);
    network.node('n1').agent.saw('n2', 0);
    expect(network.sent.map(({ message }) => message.type)).toEqual(['news', 'news']);
  });

  it('goes to few, whatever the size of the cluster, and also to who is no member any more', () => {
    const network = led(12);
    network.sent.length = 0;
    ask(network, 'n1', leave('n12'));
    expect(network.until(() => network.epochs().every(epoch => epoch === 5))).toBe(true);
    const news = network.sent.filter(({ message }) => message.type === 'news');
    const byNode = namesTo(12).map(name => news.filter(({ from }) => from === name).length);
    expect(Math.max(...byNode)).toBeLessThanOrEqual(4 * (3 + 1) + 3);
    expect(network.node('n12').adopted.at(-1)?.departing).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { foundingTopology, type Topology } from '../../src/membership/topology.ts';
import { Rendezvous } from '../../src/topology/rendezvous.ts';
import { GroupNetwork, member } from './group-network.ts';

const NAMES = ['n1', 'n2', 'n3'];
const at = (epoch: number): Topology => ({ ...foundingTopology(NAMES.map(member)), epoch });

describe('A member that is ready for an epoch', () => {
  it('goes by it when all who are awaited are ready for it, or for a later one', () => {
    const rendezvous = new Rendezvous();
    rendezvous.heard('n2', 3);
    rendezvous.heard('n2', 1);
    rendezvous.arrive(at(2), 0);
    expect(rendezvous.due(0, () => ['n2', 'n3'])).toBeUndefined();
    rendezvous.heard('n3', 1);
    expect(rendezvous.due(0, () => ['n2', 'n3'])).toBeUndefined();
    rendezvous.heard('n3', 2);
    expect(rendezvous.due(0, () => ['n2', 'n3'])?.epoch).toBe(2);
  });

  it('goes by it when others do, whoever is awaited', () => {
    const rendezvous = new Rendezvous();
    rendezvous.turned(1);
    rendezvous.arrive(at(2), 0);
    expect(rendezvous.due(0, () => ['n2'])).toBeUndefined();
    rendezvous.turned(2);
    expect(rendezvous.due(0, () => ['n2'])?.epoch).toBe(2);
  });

  it('goes by it when its patience is over, and waits for the next one anew', () => {
    const rendezvous = new Rendezvous();
    rendezvous.arrive(at(2), 0);
    expect(rendezvous.due(999, undefined)).toBeUndefined();
    expect(rendezvous.due(1_000, undefined)?.epoch).toBe(2);
    rendezvous.passed(at(2));
    expect(rendezvous.due(2_000, () => [])).toBeUndefined();
    rendezvous.arrive(at(3), 2_000);
    expect(rendezvous.due(2_999, undefined)).toBeUndefined();
  });

  it('remembers nothing of who is no member any more', () => {
    const rendezvous = new Rendezvous();
    rendezvous.heard('n2', 9);
    rendezvous.heard('n9', 9);
    rendezvous.passed(at(2));
    rendezvous.arrive(at(3), 0);
    expect(rendezvous.due(0, () => ['n2'])?.epoch).toBe(3);
    expect(rendezvous.due(0, () => ['n9'])).toBeUndefined();
  });
});

/** Three members, of whom one takes its time to get ready for an epoch that the others have heard of. */
function slowOne() {
  const network = new GroupNetwork(NAMES);
  expect(network.until(() => network.leader !== undefined)).toBe(true);
  network.pass(1_000);
  const slow = NAMES.find(name => name !== network.leader)!;
  network.slow.add(slow);
  network.mustMerge = new Set([slow]);
  network.node(network.leader!).agent.request({ type: 'leave', name: slow, epoch: 1 }, () => {});
  expect(network.until(() => network.node(slow).agent.latest.epoch === 2)).toBe(true);
  return { network, slow, epochs: () => network.epochs() };
}

describe('Members', () => {
  it('go by an epoch together, as soon as the last of them is ready', () => {
    const { network, slow, epochs } = slowOne();
    network.pass(300);
    expect(epochs()).toEqual([1, 1, 1]);
    network.getReady(slow);
    network.pass(100);
    expect(epochs()).toEqual([2, 2, 2]);
  });

  it('do not wait for one that is not alive', () => {
    const { network, slow, epochs } = slowOne();
    network.stop(slow);
    network.pass(200);
    expect(epochs()).toEqual([2, 2]);
  });

  it('go ahead after a second without the one that is not ready, which follows when it is', () => {
    const { network, slow } = slowOne();
    network.pass(1_200);
    const epochOf = (name: string) => network.node(name).agent.topology.epoch;
    expect(NAMES.filter(name => name !== slow).map(epochOf)).toEqual([2, 2]);
    expect(epochOf(slow)).toBe(1);
    network.getReady(slow);
    expect(epochOf(slow)).toBe(2);
  });

  it('go ahead, too, when the leader is lost that the others have told that they are ready', () => {
    const { network, slow } = slowOne();
    network.pass(200);
    network.stop(network.leader!);
    network.getReady(slow);
    network.pass(1_000);
    expect(network.epochs()).toEqual([2, 2]);
  });

  it('that see a request of another by that epoch go by it, too', () => {
    const { network, slow } = slowOne();
    const other = NAMES.find(name => name !== slow && name !== network.leader)!;
    const { agent } = network.node(other);
    agent.saw(slow, 2);
    agent.meet();
    expect(agent.topology.epoch).toBe(2);
  });

  it('that only hear of it wait', () => {
    const { network, slow } = slowOne();
    const other = NAMES.find(name => name !== slow && name !== network.leader)!;
    const { agent } = network.node(other);
    agent.receive(slow, { type: 'epoch', epoch: 2 });
    agent.meet();
    expect(agent.topology.epoch).toBe(1);
  });
});

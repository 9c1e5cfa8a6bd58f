import { describe, expect, it } from 'vitest';
import { client, three } from './test-nodes.ts';

describe('A node that learns of another ring', () => {
  it('gets ready for it in many turns of the event loop, and serves by the old one meanwhile', () => {
    const nodes = three();
    const [n1, n3] = [nodes.nodes.get('n1')!, nodes.nodes.get('n3')!];
    client(n3).execute('COTERIE NODE LEAVE');
    const { agent } = n1.ringChanges!;
    const epochs = [agent.topology.epoch];
    let turnsBehind = 0;
    for (let turn = 0; turn < 500; turn++) {
      nodes.advance(20);
      const { topology, latest } = agent;
      expect(n1.cluster!.topology).toBe(topology);
      if (topology.epoch !== epochs.at(-1)) epochs.push(topology.epoch);
      if (topology === latest) continue;
      turnsBehind++;
      const writer = client(n1);
      writer.execute('SET key value');
      expect(writer.output()).toBe('+OK\r\n');
    }
    expect(turnsBehind).toBeGreaterThanOrEqual(4);
    expect(epochs).toEqual(Array.from(epochs, (_, i) => i + 1));
    expect(agent.topology.members.map(({ name }) => name)).toEqual(['n1', 'n2']);
  });

  it('takes no more steps in a turn when that has taken its time', () => {
    const turnsFor = (stepMs: number): number => {
      const nodes = three();
      const node = nodes.nodes.get('n1')!;
      const { agent } = node.ringChanges!;
      const { topology } = agent;
      agent.learn({ ...topology, epoch: 2, members: topology.members.slice(0, 2) });
      agent.saw('n2', 2);
      nodes.msALook = stepMs;
      for (let turn = 1; ; turn++) {
        node.ringChanges!.getReady();
        if (agent.topology.epoch === 2) return turn;
      }
    };
    expect(turnsFor(1)).toBeGreaterThan(4 * turnsFor(0));
  });

  it('goes by it at once where the ring is the same', () => {
    const nodes = three();
    const { agent } = nodes.nodes.get('n1')!.ringChanges!;
    const { topology } = agent;
    agent.learn({ ...topology, epoch: topology.epoch + 1 });
    expect(agent.topology.epoch).toBe(topology.epoch + 1);
  });

  it('goes by both, each once, when it waits for others with one and learns of the next, which has the same ring', () => {
    const nodes = three();
    const node = nodes.nodes.get('n1')!;
    const { agent } = node.ringChanges!;
    const { topology } = agent;
    const [stay, leave] = [topology.members.slice(0, 2), topology.members.slice(2)];
    const departing = { ...topology, epoch: 2, members: stay, departing: leave };
    agent.learn(departing);
    for (let turn = 0; turn < 50; turn++) node.ringChanges!.getReady();
    expect(agent.topology.epoch).toBe(1);
    agent.learn({ ...departing, epoch: 3, departing: [] });
    for (let turn = 0; turn < 50; turn++) node.ringChanges!.getReady();
    expect([agent.topology.epoch, node.cluster!.topology.epoch]).toEqual([3, 3]);
    expect(nodes.said.filter(event => event === 'n1: the ring is at a new epoch')).toHaveLength(2);
  });

  it('gets ready for the latest next when it has learned of several meanwhile', () => {
    const nodes = three();
    const { agent } = nodes.nodes.get('n1')!.ringChanges!;
    const { topology } = agent;
    const settled = (epoch: number, count: number) => ({
      ...topology,
      epoch,
      members: topology.members.slice(0, count),
    });
    for (const [epoch, count] of [
      [2, 2],
      [3, 1],
      [4, 2],
    ] as const)
      agent.learn(settled(epoch, count));
    agent.saw('n2', 4);
    expect([agent.topology.epoch, agent.latest.epoch]).toEqual([1, 4]);
    const seen = new Set<number>();
    for (let turn = 0; turn < 100; turn++) {
      nodes.nodes.get('n1')!.tick();
      seen.add(agent.topology.epoch);
    }
    expect([...seen]).toEqual([1, 2, 4]);
  });
});

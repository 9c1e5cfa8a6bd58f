import { describe, expect, it } from 'vitest';
import { MAX_MEMBERS } from '../../src/membership/cluster.ts';
import { foundingTopology } from '../../src/membership/topology.ts';
import { applyCommand, decodeTopology, encodeTopology } from '../../src/topology/commands.ts';
import { member } from './group-network.ts';

/** As many members as a cluster may have. */
const full = foundingTopology(Array.from({ length: MAX_MEMBERS }, (_, i) => member(`n${i}`)));
const join = (name: string, replaces?: string) => ({ type: 'join', member: member(name), replaces, epoch: 1 }) as const;

describe('A cluster that is full', () => {
  it('refuses one member more, for no node could read such a member list', () => {
    const { topology, error } = applyCommand(full, join('late'));
    expect(error).toBe('the cluster has 1024 members, which is the limit: let one leave first');
    expect(topology).toBe(full);
  });

  it('counts those who are leaving until they have left', () => {
    const leaving = applyCommand(full, { type: 'leave', name: 'n1', epoch: 1 }).topology;
    expect(applyCommand(leaving, { ...join('late'), epoch: leaving.epoch }).error).toContain('which is the limit');
  });

  it('still takes what a member says of itself, and one in the place of another', () => {
    for (const command of [{ ...join('n1'), member: { ...member('n1'), zone: 'other' } }, join('late', 'n1')]) {
      const { topology, error } = applyCommand(full, command);
      expect(error).toBe(undefined);
      expect(topology.epoch).toBe(2);
      expect(decodeTopology(encodeTopology(topology))).toEqual(topology);
    }
  });
});

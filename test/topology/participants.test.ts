import { beforeEach, describe, expect, it } from 'vitest';
import { foundingTopology, withMember, withoutMember } from '../../src/membership/topology.ts';
import { Configuration } from '../../src/raft/configuration.ts';
import { Participants } from '../../src/topology/participants.ts';
import { member } from './group-network.ts';

const TOPOLOGY = foundingTopology(['n1', 'n2', 'n3'].map(member));
const VOTERS = new Configuration(['n1.1', 'n2.1', 'n3.1']);

/** Who runs under each name, and who has said goodbye or was followed by another. */
let processes: Map<string, string>;
let gone: Set<string>;

beforeEach(() => {
  processes = new Map(['n1', 'n2', 'n3'].map(name => [name, `${name}.1`]));
  gone = new Set();
});

function participants(keepsLog: boolean): Participants {
  return new Participants({ actorOf: name => processes.get(name), isGone: actor => gone.has(actor) }, keepsLog);
}

function idsOf(core: Participants, configuration = VOTERS): string[] {
  return core.electorate(TOPOLOGY, configuration).living.map(({ id }) => id);
}

function isGone(core: Participants, id: string): boolean {
  return core.electorate(TOPOLOGY, VOTERS).isGone(id);
}

/** Another process bears the name, and the first can never speak again. */
function restart(name: string): void {
  processes.set(name, `${name}.2`);
  gone.add(`${name}.1`);
}

describe('A member of the placement group', () => {
  it('is what its process has told, and of one that has not told what the group knows of its name, if anything', () => {
    const core = participants(true);
    core.heard('n2', { actor: 'n2.1', member: 'n2.0', keepsLog: true });
    processes.delete('n3');
    expect(idsOf(core)).toEqual(['n1.1', 'n2.0']);
    expect(idsOf(core, new Configuration(['n2.1'], ['n1.1']))).toEqual(['n1.1', 'n2.0']);
    expect(idsOf(core, new Configuration(['n2.1']))).toEqual(['n2.0']);
  });

  it('is gone when the process that lives has told that it is another, and not before', () => {
    const core = participants(true);
    restart('n2');
    expect(isGone(core, 'n2.1')).toBe(false);
    core.heard('n2', { actor: 'n2.1', member: 'n2.0', keepsLog: true });
    expect(isGone(core, 'n2.1')).toBe(false);
    core.heard('n2', { actor: 'n2.2', member: 'n2.2', keepsLog: true });
    core.heard('n2', { actor: 'n2.1', member: 'n2.1', keepsLog: true });
    expect(isGone(core, 'n2.1')).toBe(true);
    expect(isGone(core, 'n2.2')).toBe(false);
  });

  it('is not gone when its process is another that has told to be it', () => {
    const core = participants(true);
    restart('n2');
    core.heard('n2', { actor: 'n2.2', member: 'n2.1', keepsLog: true });
    expect(isGone(core, 'n2.1')).toBe(false);
    expect(idsOf(core)).toContain('n2.1');
  });

  it('whose log was in memory is gone with its process, whatever the leader keeps, and is no candidate', () => {
    const core = participants(true);
    core.heard('n2', { actor: 'n2.1', member: 'n2.1', keepsLog: false });
    expect(isGone(core, 'n2.1')).toBe(false);
    restart('n2');
    expect(isGone(core, 'n2.1')).toBe(true);
    expect(idsOf(core)).toEqual(['n1.1', 'n3.1']);
  });

  it('whose log is on disk is not gone when it has said goodbye', () => {
    const core = participants(false);
    core.heard('n2', { actor: 'n2.1', member: 'n2.1', keepsLog: true });
    processes.delete('n2');
    gone.add('n2.1');
    expect(isGone(core, 'n2.1')).toBe(false);
  });

  it('of which nothing was told keeps its log as the leader does', () => {
    processes.delete('n2');
    expect([true, false].map(keepsLog => isGone(participants(keepsLog), 'n2.1'))).toEqual([false, false]);
    gone.add('n2.1');
    expect([true, false].map(keepsLog => isGone(participants(keepsLog), 'n2.1'))).toEqual([false, true]);
  });

  it('is gone with its node from the ring', () => {
    const core = participants(true);
    expect(isGone(core, 'n9.1')).toBe(true);
  });

  it('does not stand for election while its node joins, or is to leave', () => {
    const core = participants(true);
    processes.set('n4', 'n4.1');
    core.heard('n4', { actor: 'n4.1', member: 'n4.1', keepsLog: true });
    const topology = withoutMember(withMember(TOPOLOGY, member('n4')), 'n3', false);
    const { living, members } = core.electorate(topology, VOTERS);
    expect(living.map(({ id }) => id)).toEqual(['n1.1', 'n2.1']);
    expect(members).toBe(3);
  });
});

describe('A process', () => {
  it('that is new is asked at once, and once', () => {
    const core = participants(true);
    core.heard('n1', { actor: 'n1.1', member: 'n1.1', keepsLog: true });
    processes.delete('n3');
    expect(core.takeUnasked(TOPOLOGY)).toEqual(['n2']);
    expect(core.takeUnasked(TOPOLOGY)).toEqual([]);
    restart('n2');
    expect(core.takeUnasked(TOPOLOGY)).toEqual(['n2']);
  });

  it('of who is no member any more is forgotten', () => {
    const core = participants(true);
    core.takeUnasked(TOPOLOGY);
    core.takeUnasked(foundingTopology([member('n1')]));
    expect(core.takeUnasked(TOPOLOGY)).toEqual(['n2', 'n3']);
  });
});

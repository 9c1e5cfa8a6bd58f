import { describe, expect, it } from 'vitest';
import { Configuration } from '../../src/raft/configuration.ts';
import { type Candidate, chooseVoters, nextStep, votersWanted } from '../../src/topology/voters.ts';

/** `n1@z`: a node in a zone, as its first process. */
function candidates(...texts: string[]): Candidate[] {
  return texts.map(text => {
    const [name = '', zone = 'z'] = text.split('@');
    return { name, zone, id: `${name}.1` };
  });
}

function living(...texts: string[]) {
  return { members: texts.length, living: candidates(...texts), isGone: () => false };
}
const voters = (...names: string[]) => names.map(name => `${name}.1`);

describe('Voters', () => {
  it('are an odd number, five at most', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(votersWanted)).toEqual([1, 1, 3, 3, 5, 5, 5]);
  });

  it('are chosen from as many zones as there are, then by name', () => {
    expect(chooseVoters(candidates('n1@a', 'n2@a', 'n3@a', 'n4@b', 'n5@c'), 3)).toEqual(voters('n1', 'n4', 'n5'));
    expect(chooseVoters(candidates('n3', 'n1', 'n2'), 3)).toEqual(voters('n1', 'n2', 'n3'));
    expect(chooseVoters(candidates('n1'), 3)).toEqual(voters('n1'));
  });
});

describe('The next step of the placement group', () => {
  it('is none while as many live as are wanted', () => {
    expect(nextStep(new Configuration(voters('n1', 'n2', 'n3')), living('n1', 'n2', 'n3', 'n4'))).toBeUndefined();
    expect(nextStep(new Configuration(voters('n1')), living('n1', 'n2'))).toBeUndefined();
  });

  it('makes a member a learner first, then a voter, in the emptiest zone', () => {
    const few = new Configuration(voters('n1'));
    const three = living('n1@a', 'n2@a', 'n3@b');
    expect(nextStep(few, three)).toEqual({ type: 'add-learner', member: 'n3.1' });
    expect(nextStep(new Configuration(voters('n1'), voters('n3')), three)).toEqual({ type: 'promote', member: 'n3.1' });
  });

  it('removes at once who is gone for good, but not the last voter', () => {
    const isGone = (actor: string) => actor === 'n2.1';
    const three = new Configuration(voters('n1', 'n2', 'n3'));
    const back = [...candidates('n1', 'n3'), { name: 'n2', zone: 'z', id: 'n2.2' }];
    expect(nextStep(three, { members: 3, living: back, isGone })).toEqual({ type: 'remove', member: 'n2.1' });
    expect(nextStep(new Configuration(['n2.1']), { members: 3, living: back, isGone })).toMatchObject({
      type: 'add-learner',
    });
  });

  it('removes who cannot be reached, or is to leave, only when another has taken its place', () => {
    const three = new Configuration(voters('n1', 'n2', 'n3'));
    expect(nextStep(three, { ...living('n1', 'n3'), members: 3 })).toBeUndefined();
    expect(nextStep(three, { ...living('n1', 'n3', 'n4'), members: 4 })).toEqual({
      type: 'add-learner',
      member: 'n4.1',
    });
    const four = new Configuration(voters('n1', 'n2', 'n3', 'n4'));
    expect(nextStep(four, { ...living('n1', 'n3', 'n4'), members: 4 })).toEqual({ type: 'remove', member: 'n2.1' });
  });

  it('drops learners that are not there or not needed any more', () => {
    const three = voters('n1', 'n2', 'n3');
    const isRemoved = { type: 'remove', member: 'n4.1' };
    const gone = { ...living('n1', 'n2', 'n3'), members: 4 };
    expect(nextStep(new Configuration(three, voters('n4')), gone)).toEqual(isRemoved);
    expect(nextStep(new Configuration(three, voters('n4')), living('n1', 'n2', 'n3', 'n4'))).toEqual(isRemoved);
  });

  it('shrinks with the cluster, the fullest zone first', () => {
    const five = new Configuration(voters('n1', 'n2', 'n3', 'n4', 'n5'));
    expect(nextStep(five, living('n1@a', 'n2@b', 'n3@b', 'n4@c'))).toEqual({ type: 'remove', member: 'n5.1' });
    const four = new Configuration(voters('n1', 'n2', 'n3', 'n4'));
    expect(nextStep(four, living('n1@a', 'n2@b', 'n3@b', 'n4@c'))).toEqual({ type: 'remove', member: 'n3.1' });
  });
});

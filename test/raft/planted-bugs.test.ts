import { afterEach, describe, expect, test } from 'vitest';
import { Configuration } from '../../src/raft/configuration.ts';
import { ConfigurationHistory } from '../../src/raft/configuration-history.ts';
import { ForwardedCommands } from '../../src/raft/forwarded-commands.ts';
import { Log } from '../../src/raft/log.ts';
import { Raft } from '../../src/raft/raft.ts';
import { ReadIndex } from '../../src/raft/read-index.ts';
import { Replication } from '../../src/raft/replication.ts';
import { type Property, PropertyViolated } from './properties.ts';
import { RandomRun } from './random-run.ts';

const restorers: (() => void)[] = [];

afterEach(() => {
  for (const restore of restorers.splice(0).reverse()) restore();
});

/** Puts a bug in the place of a method or getter until the test is over. */
function plant(prototype: object, name: string, bug: PropertyDescriptor): void {
  const sound = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, { ...bug, configurable: true });
  restorers.push(() => Object.defineProperty(prototype, name, sound));
}

/** Runs seed after seed until one violates one of these, or fails an assertion of the core's own. */
function expectCaught(...properties: (Property | 'assertion')[]): void {
  for (let seed = 1; seed <= 50; seed++) {
    try {
      new RandomRun(seed).run(3_000);
    } catch (error) {
      const caught = error instanceof PropertyViolated ? error.property : 'assertion';
      expect(properties, (error as Error).message).toContain(caught);
      return;
    }
  }
  expect.fail('none of 50 seeds caught it');
}

describe('random runs catch within 50 seeds', { timeout: 60_000 }, () => {
  test("an older term's entry that is committed by counting (figure 8)", () => {
    plant(Replication.prototype, 'isOwnTerm', { value: () => true });
    expectCaught('commit-rule', 'state-machine-safety', 'leader-completeness');
  });

  test('a vote that is not persisted', () => {
    const { takeEffects } = Raft.prototype;
    const forgetful: typeof takeEffects = function (this: Raft) {
      const effects = takeEffects.call(this);
      if (effects?.hardState === undefined) return effects;
      (effects as { hardState: unknown }).hardState = { term: effects.hardState.term, vote: undefined };
      return effects;
    };
    plant(Raft.prototype, 'takeEffects', { value: forgetful });
    expectCaught('election-safety', 'log-matching');
  });

  test('a vote for a candidate whose log lacks entries', () => {
    plant(Log.prototype, 'isUpToDate', { value: () => true });
    expectCaught('leader-completeness', 'state-machine-safety', 'assertion');
  });

  test('half of the voters taken for a majority', () => {
    plant(Configuration.prototype, 'majority', {
      get(this: Configuration) {
        return Math.ceil(this.voters.length / 2);
      },
    });
    expectCaught('election-safety', 'state-machine-safety', 'leader-completeness', 'reads', 'assertion');
  });

  test('a read before the leader has committed in its own term', () => {
    const { begin } = ReadIndex.prototype;
    plant(ReadIndex.prototype, 'begin', {
      value(this: ReadIndex, commit: number) {
        return begin.call(this, commit, true);
      },
    });
    expectCaught('reads');
  });

  test('a read that no majority has confirmed', () => {
    const { takeConfirmed } = ReadIndex.prototype;
    const everybodyAgrees = { reachedByMajority: () => Number.POSITIVE_INFINITY } as unknown as Configuration;
    plant(ReadIndex.prototype, 'takeConfirmed', {
      value(this: ReadIndex) {
        return takeConfirmed.call(this, everybodyAgrees);
      },
    });
    expectCaught('reads');
  });

  test('a change of members while the last one is not committed', () => {
    plant(ConfigurationHistory.prototype, 'hasUncommitted', { value: () => false });
    expectCaught('election-safety', 'state-machine-safety', 'leader-completeness', 'assertion');
  });

  test('a forwarded command that is appended each time it comes', () => {
    plant(ForwardedCommands.prototype, 'verdictOn', { value: () => undefined });
    expectCaught('decisions');
  });
});

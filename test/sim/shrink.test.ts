import { expect, test } from 'vitest';
import {
  DEFAULT_RATES,
  DEFAULT_SIMULATION,
  replayCommand,
  type SimulationOptions,
  type SimulationReport,
  shrinkFaults,
} from '../../src/sim/index.ts';

/** A run that fails just when there is both loss and a crash. */
function failing(options: SimulationOptions): SimulationReport {
  const fails = options.faults.loss > 0 && options.faults.crash > 0;
  return { options, violation: fails ? { kind: 'stale-read', what: '' } : undefined } as SimulationReport;
}

test('the faults that matter are those without which the check does not fail', () => {
  const report = failing({ ...DEFAULT_SIMULATION, faults: DEFAULT_RATES });
  const faults = shrinkFaults(report, failing);
  expect(Object.entries(faults).filter(([, rate]) => rate > 0)).toEqual([
    ['loss', DEFAULT_RATES.loss],
    ['crash', DEFAULT_RATES.crash],
  ]);
});

test('the command that replays a run names what is not as usual', () => {
  expect(replayCommand(DEFAULT_SIMULATION)).not.toContain('--keyspace');
  const command = replayCommand({ ...DEFAULT_SIMULATION, keyspaces: [0, 4], workload: 'deletes' });
  expect(command).toContain(' --keyspace 0,4 ');
  expect(command).toContain(' --workload deletes ');
});

import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const shell = {
    env: {},
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const status = await runProgram(['simulate', ...args], shell);
  return { status, out, err };
}

describe('coterie simulate', () => {
  test('reports operations, faults, repairs and the trace, and exits with 0', async () => {
    const { status, out, err } = await run('--minutes', '0.2', '--seed', '3');
    expect(status, out + err).toBe(0);
    for (const word of ['seed 3: 5 nodes', 'operations', 'faults', 'restamps', 'read repairs', 'trace', 'speed']) {
      expect(out).toContain(word);
    }
  });

  test('prints a line of JSON for each seed', async () => {
    const { status, out } = await run(
      '--minutes',
      '0.06',
      '--faults',
      'none',
      '--keyspace',
      '1',
      '--seeds',
      '2',
      '--json',
    );
    expect(status).toBe(0);
    const reports = out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(reports.map(({ options }) => options.seed)).toEqual([1, 2]);
    expect(reports[0]).toMatchObject({ violation: null, options: { keyspaces: [1] } });
  });

  test('with --verbose tells what happens on stderr, so that the reports stay lines of JSON', async () => {
    const { out, err } = await run('--minutes', '0.05', '--faults', 'none', '--json', '--verbose');
    expect(JSON.parse(out)).toMatchObject({ violation: null });
    expect(err).toContain('n1 starts');
  });

  test('runs the last seed there is', async () => {
    const last = String(Number.MAX_SAFE_INTEGER);
    const { status, out } = await run('--minutes', '0.05', '--faults', 'none', '--seed', last, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(out).options.seed).toBe(Number.MAX_SAFE_INTEGER);
    const { err } = await run('--seed', last, '--seeds', '2');
    expect(err).toBe('coterie: --seeds: "2" is not allowed; expected a whole number from 1 to 1\n');
  });

  test('exits with 1 when a check fails, and says which, with the seed and the command that runs it again', async () => {
    const { status, out, err } = await run('--minutes', '0.05', '--faults', 'loss=0.000000001', '--seed', '9');
    expect(status).toBe(1);
    expect(out).toContain('VIOLATION (idle) with seed 9: loss was asked for and never occurred');
    expect(out).toContain('replay: npm run -s coterie -- simulate --nodes 5 --seed 9 --minutes 0.05 ');
    expect(out).toMatch(/code: (commit|version) \S+\nfaults that matter: loss=/);
    expect(err).toBe('coterie: seed 9 broke a promise (idle)\n');
  });

  test.each([
    ['--nodes', '2'],
    ['--seed', '1.5'],
    ['--minutes', 'x'],
    ['--clients', ''],
    ['--keyspace', '2'],
    ['--keyspace', '1,x'],
    ['--workload', 'none'],
    ['--faults', 'rain'],
  ])('%s %s is refused in one line', async (...args) => {
    const { status, err } = await run(...args);
    expect(status).toBe(2);
    expect(err).toMatch(new RegExp(`^coterie: ${args[0]}: [^\n]+\n$`));
  });
});

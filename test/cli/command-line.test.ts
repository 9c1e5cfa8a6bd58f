import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { settings } from '../../src/config/setting.ts';
import { CoterieProcess, coterie } from './coterie-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'coterie-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('wrongly called, coterie says so in one line and exits with 2', () => {
  const file = join(folder, 'c.yaml');
  writeFileSync(file, 'name: n1\nprot: 7001\n');
  it.each([
    [['start', '--port', '99999'], '--port: "99999" is not allowed; expected a port from 0 to 65535'],
    [['start', '--prot', '7001'], "unknown option '--prot' (Did you mean --port?)"],
    [['start', '--pasword=hunter2'], "unknown option '--pasword'"],
    [
      ['start', '--password', 'hunter2'],
      '--password: every user of a machine can read its flags; expected COTERIE_PASSWORD or a file',
    ],
    [['start', '--port'], "option '--port <port>' argument missing"],
    [['start', 'extra'], "too many arguments for 'start'. Expected 0 arguments but got 1."],
    [['start', '--config', file], `${file}:2: prot: no such setting; did you mean port?`],
    [['start', '--config', '/nowhere'], '--config: "/nowhere" cannot be read (ENOENT); expected a file of settings'],
    [['cluster', '--nodes', '0'], '--nodes: "0" is not allowed; expected a whole number from 1 to 100'],
    [['cluster', '--port', '60000'], '--port: "60000" is not allowed; expected a port from 1 to 55533'],
    [['cluster', '--name', 'n1'], "unknown option '--name'"],
    [['cluster', '--log-level', 'loud'], '--log-level: "loud" is not allowed; expected info, warn, error or silent'],
    [['status', '-p', '0'], '--port: "0" is not allowed; expected a port from 1 to 65535'],
    [['strat'], "unknown command 'strat' (Did you mean start?)"],
  ])('%j', async (args, line) => {
    expect(await coterie(args)).toEqual({ status: 2, stdout: '', stderr: `coterie: ${line}\n` });
  });

  it('for the environment as for the flags', async () => {
    expect(await coterie(['start'], { COTERIE_BUSPORT: '1' })).toEqual({
      status: 2,
      stdout: '',
      stderr: 'coterie: COTERIE_BUSPORT: no such setting; did you mean COTERIE_BUS_PORT?\n',
    });
    expect((await coterie(['start'], { COTERIE_CONFIG: '/nowhere' })).status).toBe(2);
  });
});

describe('--help', () => {
  it('of start names every setting, and no flag for a secret', async () => {
    const { status, stdout } = await coterie(['start', '--help']);
    expect(status).toBe(0);
    for (const [name, schema] of Object.entries(configSchema.shape)) {
      if (name === 'keyspaces') continue;
      expect(stdout.includes(`--${name} <`), name).toBe(settings.get(schema)?.secret !== true);
    }
    expect(stdout).toContain('COTERIE_PASSWORD');
    expect(stdout).not.toContain('end-with-parent');
  });

  it('of coterie names the subcommands', async () => {
    const { status, stdout } = await coterie(['--help']);
    expect(status).toBe(0);
    for (const name of ['start', 'cluster', 'status', 'backup', 'restore'])
      expect(stdout).toMatch(new RegExp(`^ +${name} `, 'm'));
  });

  it('--version is the version of the package', async () => {
    expect((await coterie(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a port in use is one line and exit status 1', () => {
  let holder: Server;
  let port = 0;
  beforeAll(async () => {
    holder = createServer();
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve));
    port = (holder.address() as { port: number }).port;
  });
  afterAll(() => holder.close());

  it.each([
    ['for clients', (taken: number) => ['start', '--port', String(taken), '--bus-port', '0']],
    ['for other nodes', (taken: number) => ['start', '--port', '0', '--bus-port', String(taken)]],
    ['of a node of a cluster', (taken: number) => ['cluster', '--port', String(taken), '--nodes', '1']],
  ])('%s', async (_, args) => {
    if (port > 55_534 && args(port)[0] === 'cluster') return;
    const failing = new CoterieProcess([...args(port), '--log-level', 'error']);
    const { status } = await failing.ended;
    expect({ status, stdout: failing.stdout, stderr: failing.stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: `coterie: 127.0.0.1:${port} is in use by another process; choose other ports with --port and --bus-port\n`,
    });
  });
});

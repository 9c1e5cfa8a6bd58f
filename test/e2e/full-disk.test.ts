import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mayMount, SmallFileSystem } from '../small-file-system.ts';
import { until } from '../until.ts';
import { TestCluster } from './test-cluster.ts';

const FILE_SYSTEM_BYTES = 40 << 20;
const BALLAST_BYTES = 24 << 20;
const VALUE = 'x'.repeat(50_000);
const DB = 1;

const CONFIG = `
keyspaces:
  - { db: 0, name: eventual, policy: eventual, durability: sync }
  - { db: 1, name: quorum, policy: quorum, durability: sync }
`;

describe.skipIf(!mayMount)('a disk that is full', () => {
  let directory: string;
  let fileSystem: SmallFileSystem | undefined;
  let cluster: TestCluster | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coterie-full-'));
  });

  afterEach(async () => {
    await cluster?.stop();
    fileSystem?.unmount();
    rmSync(directory, { recursive: true, force: true });
  });

  it('leaves a node that says what is wrong, serves reads, loses nothing it has acknowledged, and recovers when there is room', async () => {
    fileSystem = new SmallFileSystem(join(directory, 'small'), FILE_SYSTEM_BYTES);
    const ballast = join(fileSystem.path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
    const config = join(directory, 'coterie.yaml');
    writeFileSync(config, CONFIG);
    const dataDirOf = (name: string) => (name === 'n1' ? join(directory, 'small', name) : join(directory, name));
    cluster = await TestCluster.start(3, name => ['--config', config, '--data-dir', dataDirOf(name)]);
    const n1 = cluster.client(0, DB);
    const n2 = cluster.client(1, DB);

    const acknowledged = new Set<string>();
    let refusal = '';
    for (let i = 0; refusal === '' && i < 2_000; i++) {
      try {
        await n1.set(`key ${i}`, `${i} ${VALUE}`);
        acknowledged.add(`key ${i}`);
      } catch (error) {
        refusal = String(error);
      }
    }
    await until('n1 refuses writes', async () => String(await n1.set('again', '1').catch(String)).includes('MISCONF'));
    expect(String(await n1.del('key 0').catch(String))).toMatch(
      /MISCONF Errors writing to the data directory: .*No space left/,
    );
    expect(await n1.info('persistence')).toContain('aof_last_write_status:err');
    expect(cluster.nodes[0]!.output).toContain('cannot write to the data directory');
    for (const key of acknowledged) expect(await n1.get(key)).toBe(`${key.slice(4)} ${VALUE}`);
    await n2.set('meanwhile', 'elsewhere');
    expect(await n1.get('meanwhile')).toBe('elsewhere');

    rmSync(ballast);
    await until('n1 takes writes again', async () => (await n1.set('afterwards', '1')) === 'OK');
    expect(await n1.info('persistence')).toContain('aof_last_write_status:ok');
    await until('replicas are equal', async () => (await n2.call('COTERIE', 'CONVERGED')) === 0);

    const { nodes } = cluster;
    await Promise.all(nodes.map(node => node.end('SIGKILL')));
    for (const node of nodes) node.start();
    await cluster.untilWhole();
    const again = cluster.client(0, DB);
    for (const key of acknowledged) expect(await again.get(key)).toBe(`${key.slice(4)} ${VALUE}`);
    expect(await again.mget('meanwhile', 'afterwards')).toEqual(['elsewhere', '1']);
  }, 120_000);
});

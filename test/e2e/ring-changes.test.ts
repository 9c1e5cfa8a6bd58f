import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../until.ts';
import { nodesSeenBy, TestCluster, type TestNode } from './test-cluster.ts';

const DB = 1;
const KEYS = 4_000;
const VALUE_BYTES = 1_000;
const WRITERS = 4;
/** So slow that a node can be killed while slots move. */
const RATE = ['--transfer-rate', '2mb'];

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.start(3, RATE);
}, 60_000);

afterAll(() => cluster?.stop());

/**
 * A client that writes its own keys one after another through all nodes that run, the same key again only when it was answered. What fails
 * is tried once more, at another node; what fails then is told.
 */
class Writer {
  /** Of each key what was acknowledged last. */
  readonly acknowledged = new Map<string, string>();
  retried = 0;
  readonly failures: string[] = [];
  readonly #id: number;
  readonly #clients = new Map<TestNode, Redis>();
  #stopped = false;
  #turn = 0;

  constructor(id: number) {
    this.#id = id;
  }

  async run(running: () => readonly TestNode[]): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const key = `writer ${this.#id} key ${n % 500}`;
      const value = `${n}`.padEnd(200, '.');
      const first = await this.#set(running, key, value);
      if (first !== undefined) {
        this.retried++;
        const second = await this.#set(running, key, value);
        if (second !== undefined) {
          this.failures.push(`${key}: ${first}, then ${second}`);
          continue;
        }
      }
      this.acknowledged.set(key, value);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  close(): void {
    for (const client of this.#clients.values()) client.disconnect();
  }

  async #set(running: () => readonly TestNode[], key: string, value: string): Promise<string | undefined> {
    const nodes = running();
    const node = nodes[this.#turn++ % nodes.length]!;
    try {
      await this.#client(node).set(key, value);
      return undefined;
    } catch (error) {
      return `${node.name}: ${(error as Error).message}`;
    }
  }

  #client(node: TestNode): Redis {
    let client = this.#clients.get(node);
    if (client === undefined) {
      client = new Redis(node.port, '127.0.0.1', {
        db: DB,
        maxRetriesPerRequest: 0,
        commandTimeout: 3_000,
        retryStrategy: () => 50,
      });
      client.on('error', () => {});
      this.#clients.set(node, client);
    }
    return client;
  }
}

const named = (name: string) => cluster.nodes.find(node => node.name === name)!;

/** How `at` sees the ring: each member's part in it. */
async function ringSeenBy(at: TestNode): Promise<Record<string, string>> {
  const seen = await nodesSeenBy(cluster.client(cluster.nodes.indexOf(at)));
  return Object.fromEntries([...seen].map(([name, entry]) => [name, `${entry.get('ring')}`]));
}

const isSettled = (ring: Record<string, string>, names: readonly string[]) =>
  Object.keys(ring).sort().join() === [...names].sort().join() && Object.values(ring).every(part => part === 'member');

it('grows and shrinks under load, with a node killed during each move, and loses nothing', {
  timeout: 240_000,
}, async () => {
  const preload = cluster.client(0, DB);
  for (let i = 0; i < KEYS; i += 500) {
    const pipeline = preload.pipeline();
    for (let j = i; j < i + 500; j++) pipeline.set(`key:${j}`, `${j}`.padEnd(VALUE_BYTES, '-'));
    await pipeline.exec();
  }
  const down = new Set<string>();
  const gone = new Set<string>();
  const joined = new Set(['n1', 'n2', 'n3']);
  const running = () => cluster.nodes.filter(({ name }) => joined.has(name) && !down.has(name) && !gone.has(name));
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(i));
  const runs = writers.map(writer => writer.run(running));

  /** Kills a node while the ring moves, and brings it back. */
  const killMeanwhile = async (name: string, isMoving: (ring: Record<string, string>) => boolean) => {
    const watcher = running().find(node => node.name !== name)!;
    await until('slots move', async () => isMoving(await ringSeenBy(watcher)));
    down.add(name);
    await named(name).end('SIGKILL');
    named(name).start();
    await until(`${name} is back`, async () => {
      const seen = await nodesSeenBy(cluster.client(cluster.nodes.indexOf(watcher)));
      return seen.get(name)?.get('status') === 'alive' && seen.get(name)?.get('linked') === 'yes';
    });
    down.delete(name);
  };
  const settled = (names: readonly string[]) =>
    until(
      `the ring is ${names.join(' ')}`,
      async () => {
        for (const node of running()) if (!isSettled(await ringSeenBy(node), names)) return false;
        return true;
      },
      90_000,
    );

  await cluster.add('n4', RATE);
  await killMeanwhile('n2', ring => ring['n4'] === 'joining');
  await settled(['n1', 'n2', 'n3', 'n4']);
  joined.add('n4');

  await cluster.add('n5', RATE);
  await cluster.add('n6', RATE);
  await killMeanwhile('n5', ring => ring['n5'] === 'joining');
  await settled(['n1', 'n2', 'n3', 'n4', 'n5', 'n6']);
  for (const name of ['n5', 'n6']) joined.add(name);

  await cluster.client(cluster.nodes.indexOf(named('n3'))).call('COTERIE', 'NODE', 'LEAVE', 'n1');
  await killMeanwhile('n3', ring => ring['n1'] === 'leaving');
  await until('n1 is off the ring', async () => (await ringSeenBy(named('n4')))['n1'] === undefined, 90_000);
  gone.add('n1');
  await cluster.client(cluster.nodes.indexOf(named('n4'))).call('COTERIE', 'NODE', 'LEAVE', 'n2');
  await killMeanwhile('n6', ring => ring['n2'] === 'leaving');
  await until('n2 is off the ring', async () => (await ringSeenBy(named('n4')))['n2'] === undefined, 90_000);
  gone.add('n2');
  await settled(['n3', 'n4', 'n5', 'n6']);

  for (const writer of writers) writer.stop();
  await Promise.all(runs);
  for (const writer of writers) writer.close();
  expect(writers.flatMap(({ failures }) => failures)).toEqual([]);
  const reader = cluster.client(cluster.nodes.indexOf(named('n4')), DB);
  for (const { acknowledged } of writers) {
    expect(acknowledged.size).toBe(500);
    for (const [key, value] of acknowledged) expect(await reader.get(key), key).toBe(value);
  }
  for (let i = 0; i < KEYS; i++) expect(await reader.get(`key:${i}`)).toBe(`${i}`.padEnd(VALUE_BYTES, '-'));
});

import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../until.ts';
import { nodesSeenBy, TestCluster } from './test-cluster.ts';

const WRITERS = 6;
const KEYS_OF_A_WRITER = 20;
const DB = 1;

/** What a key may hold in the end, `null` for nothing: what was acknowledged last, and what nobody was told about. */
type Ends = Set<string | null>;

/**
 * A client that writes and deletes its own keys one after another, through every node in turn. A command that was not
 * answered may take effect at any later time, so its key is left alone from then on, and another takes its place.
 */
class Writer {
  readonly ends = new Map<string, Ends>();
  acknowledged = 0;
  unanswered = 0;
  readonly #id: number;
  readonly #clients: readonly Redis[];
  readonly #keys: string[] = [];
  #made = 0;
  #stopped = false;

  constructor(id: number, ports: readonly number[], db = DB) {
    this.#id = id;
    this.#clients = ports.map(port => {
      const client = new Redis(port, '127.0.0.1', {
        db,
        maxRetriesPerRequest: 0,
        commandTimeout: 1_000,
        enableOfflineQueue: false,
        retryStrategy: () => 50,
      });
      client.on('error', () => {});
      return client;
    });
    while (this.#keys.length < KEYS_OF_A_WRITER) this.#addKey();
  }

  async run(): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const client = this.#clients[n % this.#clients.length]!;
      if (client.status === 'ready') await this.#write(client, n % this.#keys.length, n);
      else await new Promise(resolve => setImmediate(resolve));
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }

  async #write(client: Redis, at: number, n: number): Promise<void> {
    const key = this.#keys[at]!;
    const value = n % 5 === 0 ? null : `${this.#id}.${n}`;
    try {
      await (value === null ? client.del(key) : client.set(key, value));
      this.ends.set(key, new Set([value]));
      this.acknowledged++;
    } catch {
      this.ends.get(key)!.add(value);
      this.unanswered++;
      this.#keys.splice(at, 1);
      this.#addKey();
    }
  }

  #addKey(): void {
    const key = `writer ${this.#id} key ${this.#made++}`;
    this.#keys.push(key);
    this.ends.set(key, new Set([null]));
  }
}

let cluster: TestCluster;
const writers: Writer[] = [];
/** Writes into keyspace 0, which may lose what only a killed node held, but whose replicas become equal as well. */
let eventual: Writer;

beforeAll(async () => {
  cluster = await TestCluster.start(3);
  const ports = cluster.nodes.map(({ port }) => port);
  for (let id = 0; id < WRITERS; id++) writers.push(new Writer(id, ports));
  eventual = new Writer(WRITERS, ports, 0);
});
afterAll(async () => {
  for (const writer of [...writers, eventual]) writer.close();
  await cluster.stop();
});

const statusOf = async (name: string, seenBy: Redis) => (await nodesSeenBy(seenBy)).get(name)?.get('status');
const acknowledged = () => writers.reduce((sum, writer) => sum + writer.acknowledged, 0);

/** Waits until so many more writes were acknowledged. */
async function load(writes: number): Promise<void> {
  const from = acknowledged();
  await until(`${writes} more writes are acknowledged`, () => acknowledged() >= from + writes);
}

it('one node is stopped and another killed under load in keyspace 1: no acknowledged write is lost, none deleted returns, and replicas are equal within ten seconds', {
  timeout: 120_000,
}, async () => {
  const [first, second, third] = cluster.nodes as [
    TestCluster['nodes'][0],
    TestCluster['nodes'][0],
    TestCluster['nodes'][0],
  ];
  const observer = cluster.client(0, DB);
  const running = [...writers, eventual].map(writer => writer.run());
  await load(500);

  second.signal('SIGSTOP');
  await until('the stopped node is dead', async () => (await statusOf(second.name, observer)) === 'dead');
  await load(200);
  second.signal('SIGCONT');
  await cluster.untilWhole();

  await third.end('SIGKILL');
  await until('the killed node is not alive', async () => (await statusOf(third.name, observer)) !== 'alive');
  await load(200);
  third.start();
  await load(200);

  for (const writer of [...writers, eventual]) writer.stop();
  await Promise.all(running);
  const lastChangeMs = performance.now();
  const differing = (db: number) => observer.call('COTERIE', 'CONVERGED', db);
  const isEqual = async () => (await differing(DB)) === 0 && (await differing(0)) === 0;
  await until('all replicas are equal in keyspaces 0 and 1', isEqual, 10_000);
  console.log(`converged ${Math.round(performance.now() - lastChangeMs)} ms after the last change`);

  await cluster.untilWhole();
  const wrong: string[] = [];
  for (const node of [first, second, third]) {
    const reader = cluster.client(cluster.nodes.indexOf(node), DB);
    for (const writer of writers) {
      for (const [key, ends] of writer.ends) {
        const value = await reader.get(key);
        if (!ends.has(value)) wrong.push(`${node.name}: ${key} is ${value}, not ${[...ends].join(' or ')}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  const unanswered = writers.reduce((sum, writer) => sum + writer.unanswered, 0);
  console.log(`${acknowledged()} writes acknowledged, ${unanswered} not answered`);
});

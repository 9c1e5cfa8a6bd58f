import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { isReady } from '../../src/cli/node-list.ts';
import { until } from '../until.ts';

/** Where nodes find themselves compiled: a start then costs 0.2 s of a processor instead of 0.5 s. */
const ENVIRONMENT = { NODE_COMPILE_CACHE: join(tmpdir(), 'coterie-compile-cache'), ...process.env };

let compiled: Promise<unknown> | undefined;

/** Fills the cache, which a process does that ends of itself; nodes of tests are killed. */
function compile(): Promise<unknown> {
  compiled ??= promisify(execFile)(process.execPath, ['src/main.ts', '--version'], { env: ENVIRONMENT });
  return compiled;
}

/** One node as a process of its own, and how to reach it. */
export class TestNode {
  readonly name: string;
  readonly port: number;
  readonly busPort: number;
  readonly #arguments: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;
  #output = '';

  constructor(
    name: string,
    port: number,
    busPort: number,
    extra: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.name = name;
    this.port = port;
    this.busPort = busPort;
    this.#environment = environment;
    this.#arguments = ['start', '--name', name, '--port', String(port), '--bus-port', String(busPort), ...extra];
  }

  /** What the process has written to its standard output and error since its last start. */
  get output(): string {
    return this.#output;
  }

  /** The exit code of the process, null while it runs and when a signal ended it. */
  get exitCode(): number | null {
    return this.#process?.exitCode ?? null;
  }

  start(): void {
    this.#output = '';
    const child = spawn(process.execPath, ['src/main.ts', ...this.#arguments], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...ENVIRONMENT, ...this.#environment },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        this.#output += chunk;
      });
    }
    this.#process = child;
  }

  /** Ends the process and waits until it is gone. @returns its exit code, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }
}

/** A cluster of real processes on loopback, on free ports. */
export class TestCluster {
  readonly #nodes: TestNode[];
  readonly #clients: Redis[] = [];

  private constructor(nodes: readonly TestNode[]) {
    this.#nodes = [...nodes];
  }

  get nodes(): readonly TestNode[] {
    return this.#nodes;
  }

  /** Starts `size` nodes, which look for each other on `host`, and waits until each sees all the others alive. */
  static async start(
    size: number,
    extra: readonly string[] | ((name: string) => readonly string[]) = [],
    host = '127.0.0.1',
  ): Promise<TestCluster> {
    const extraOf = typeof extra === 'function' ? extra : () => extra;
    await compile();
    const ports = await freePorts(size * 2);
    const seeds = ports.slice(size).map(port => `${host}:${port}`);
    const discovery = size === 1 ? [] : ['--join', seeds.join(','), '--expect-nodes', String(size)];
    const nodes = Array.from(
      { length: size },
      (_, i) => new TestNode(`n${i + 1}`, ports[i]!, ports[size + i]!, [...discovery, ...extraOf(`n${i + 1}`)]),
    );
    const cluster = new TestCluster(nodes);
    for (const node of nodes) node.start();
    try {
      await cluster.untilWhole([], 30_000 + size * 2_000);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Starts one more node, which is to join the running cluster; does not wait until it has. */
  async add(name: string, extra: readonly string[] = []): Promise<TestNode> {
    const [port, busPort] = await freePorts(2);
    const seeds = this.nodes.map(node => `127.0.0.1:${node.busPort}`).join(',');
    const node = new TestNode(name, port!, busPort!, ['--join', seeds, ...extra]);
    this.#nodes.push(node);
    node.start();
    return node;
  }

  /** A client of node `index` (from 0) in keyspace `db`; closed with the cluster. */
  client(index: number, db = 0): Redis {
    const client = new Redis(this.nodes[index]!.port, '127.0.0.1', {
      db,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 50,
    });
    client.on('error', () => {});
    this.#clients.push(client);
    return client;
  }

  /** Waits until every node (but those named) sees every other alive, linked and not refilling, and stamps writes. */
  async untilWhole(except: readonly string[] = [], deadlineMs = 30_000): Promise<void> {
    for (const [index, node] of this.nodes.entries()) {
      if (except.includes(node.name)) continue;
      const client = this.client(index);
      await until(
        `${node.name} sees the cluster whole`,
        async () => {
          const seen = await nodesSeenBy(client);
          const expected = this.nodes.filter(({ name }) => !except.includes(name));
          return expected.every(({ name }) => {
            const entry = seen.get(name);
            return entry !== undefined && isReady(entry) && entry.get('refilling') === 'no';
          });
        },
        deadlineMs,
      );
      client.disconnect();
    }
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    for (const node of this.nodes) node.signal('SIGCONT');
    await Promise.all(this.nodes.map(node => node.end('SIGKILL')));
  }
}

/** What `COTERIE NODES` says, by node. */
export async function nodesSeenBy(client: Redis): Promise<Map<string, Map<string, string>>> {
  const reply = (await client.call('COTERIE', 'NODES')) as unknown[][];
  return new Map(
    reply.map(fields => {
      const entry = new Map<string, string>();
      for (let i = 0; i < fields.length; i += 2) entry.set(String(fields[i]), String(fields[i + 1]));
      return [entry.get('name')!, entry];
    }),
  );
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) server.close();
  return ports;
}

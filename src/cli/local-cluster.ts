import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '../config/address.ts';
import type { Config } from '../config/config.ts';
import type { ChildNode, Ending } from './child-node.ts';
import { isReady, listNodes } from './node-list.ts';
import type { Shell } from './shell.ts';
import { onStopSignals } from './signals.ts';

/** What a node gets beyond its shutdown-timeout before it is killed. */
const STOP_GRACE_MS = 2000;
const POLL_INTERVAL_MS = 100;
const POLL_TIMEOUT_MS = 1000;
/** After this long without a cluster the user is told so. */
const PATIENCE_MS = 15_000;

/** How the user calls this program. */
const SELF = import.meta.url.endsWith('.ts') ? 'npm run -s coterie --' : 'coterie';

/**
 * Watches over the nodes of `coterie cluster`, from their start to the last one's end. A node that ends before the
 * cluster is ready ends all, as it will never be; one that ends later is reported, and the others go on without it.
 */
export class LocalCluster {
  readonly #nodes: readonly ChildNode[];
  readonly #config: Config;
  readonly #restart: readonly string[];
  readonly #shell: Shell;
  #ready = false;
  #stopping = false;
  #status: 0 | 1 = 0;

  /** @param restart for each node the subcommand that starts it again. */
  constructor(nodes: readonly ChildNode[], config: Config, restart: readonly string[], shell: Shell) {
    this.#nodes = nodes;
    this.#config = config;
    this.#restart = restart;
    this.#shell = shell;
  }

  /** Settles when all nodes have ended, with the exit status: 0 when they did because they were told to. */
  async run(): Promise<0 | 1> {
    onStopSignals(
      () => this.#stop(),
      () => this.#kill(),
    );
    // Nobody reads any more, so nobody is there to use it.
    process.stdout.on('error', () => this.#stop());
    const endings = this.#nodes.map(async (node, index) => this.#onEnd(node, await node.ended, index));
    void this.#awaitReady();
    await Promise.all(endings);
    return this.#status;
  }

  #onEnd(node: ChildNode, { status, signal }: Ending, index: number): void {
    const how = signal === null ? `ended with status ${status}` : `was ended by ${signal}`;
    if (this.#stopping) {
      if (status !== 0) this.#fail(`${node.name} ${how}`);
      return;
    }
    if (!this.#ready) {
      this.#fail(`${node.name} ${how} before the cluster was ready; stopping the others`);
      this.#stop();
      return;
    }
    const left = this.#nodes.filter(other => other.running).length;
    if (left === 0) {
      this.#fail(`${node.name} ${how}; it was the last`);
      return;
    }
    this.#say(`${node.name} ${how}; ${left === 1 ? 'the other keeps' : 'the others keep'} running. To start it again:`);
    this.#say(`  ${SELF} ${this.#restart[index]}`);
  }

  #fail(message: string): void {
    this.#status = 1;
    this.#say(message);
  }

  /** Ready is when every node calls every node alive, and stamps writes. */
  async #awaitReady(): Promise<void> {
    const startedMs = performance.now();
    let warned = false;
    while (!this.#stopping) {
      const ready = await Promise.all(this.#nodes.map(node => this.#countReady(node)));
      if (this.#stopping) return;
      if (ready.every(count => count === this.#nodes.length)) {
        this.#ready = true;
        this.#sayReady();
        return;
      }
      if (!warned && performance.now() - startedMs > PATIENCE_MS) {
        warned = true;
        const seen = this.#nodes.map((node, index) => `${node.name} sees ${ready[index]}`).join(', ');
        this.#say(`still waiting for ${this.#nodes.length} nodes to see each other ready: ${seen}`);
      }
      await sleep(POLL_INTERVAL_MS);
    }
  }

  async #countReady(node: ChildNode): Promise<number> {
    try {
      const entries = await listNodes(node.client, this.#config.password, POLL_TIMEOUT_MS);
      return entries.filter(isReady).length;
    } catch {
      return 0;
    }
  }

  #sayReady(): void {
    const [first, second, third] = [0, 1, 2].map(index => this.#nodes[index % this.#nodes.length]!.client.port);
    const login = this.#config.password === '' ? '' : ' -a "$COTERIE_PASSWORD"';
    const where = this.#nodes.map(node => `${node.name} on ${formatAddress(node.client)} (pid ${node.pid})`);
    this.#say(`ready: ${where.join(', ')}`);
    this.#say('Try in another terminal:');
    this.#say(`  redis-cli${login} -p ${first} SET k v`);
    this.#say(`  redis-cli${login} -p ${second} GET k`);
    if (this.#config.keyspaces.some(({ db }) => db === 1)) {
      this.#say(`  redis-cli${login} -p ${third} -n 1 SET k v    (database 1: reads and writes by quorum)`);
    }
    this.#say(`  ${SELF} status -p ${first}`);
    this.#say('Ctrl-C ends them all.');
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const node of this.#nodes) node.signal('SIGTERM');
    const timer = setTimeout(() => this.#kill(), this.#config.shutdownTimeoutMs + STOP_GRACE_MS);
    timer.unref();
  }

  #kill(): void {
    for (const node of this.#nodes) node.signal('SIGKILL');
  }

  #say(line: string): void {
    this.#shell.out(`coterie | ${line}\n`);
  }
}

import { expect, test } from 'vitest';
import { SimulatedCluster } from '../../src/sim/index.ts';
import { type DiskMoment, NO_DISK_FAULTS } from '../../src/sim/simulated-drive.ts';

const SYNC = 6;

/** What is written one after another: a key and its new value, or that it is deleted. */
const SCRIPT: readonly (readonly [key: string, value: string | null])[] = [
  ['a', 'a1'],
  ['b', 'b1'],
  ['a', 'a2'],
  ['b', null],
  ['b', 'b2'],
  ['a', null],
];

/** What each key may hold: the last that was acknowledged, and what may have taken effect since. */
type Allowed = Map<string, Set<string | null>>;

/** Nodes that are all killed together, at the n-th moment at which one of their disks does something, and started again. */
class Cut {
  readonly #cluster: SimulatedCluster;
  readonly #isTorn: boolean;
  readonly seen = new Set<DiskMoment>();
  hasHappened = false;
  #left = 0;

  constructor(cluster: SimulatedCluster, isTorn: boolean) {
    this.#cluster = cluster;
    this.#isTorn = isTorn;
  }

  /** From now on so many moments pass before the power goes. */
  arm(moments: number): void {
    this.hasHappened = false;
    this.#left = moments;
    for (const node of this.#cluster.nodes) {
      const drive = this.#cluster.driveOf(node);
      drive.rates = { ...NO_DISK_FAULTS, 'torn-batch': this.#isTorn ? 1 : 0 };
      drive.watchers.clear();
      drive.watchers.add(moment => {
        if (--this.#left !== 0) return;
        this.seen.add(moment);
        // What puts is the node itself, which is at its work.
        if (moment === 'put') drive.time.in(0, () => this.#happen());
        else this.#happen();
      });
    }
  }

  disarm(): void {
    for (const node of this.#cluster.nodes) this.#cluster.driveOf(node).watchers.clear();
  }

  restart(): void {
    this.disarm();
    for (const node of this.#cluster.nodes) this.#cluster.up(node);
    expect(this.#cluster.settle()).toBe(true);
  }

  #happen(): void {
    this.hasHappened = true;
    for (const node of this.#cluster.nodes) this.#cluster.down(node);
  }
}

/** Does what the script says under keys of its own, until all is done or the power goes. */
function runScript(cluster: SimulatedCluster, round: number, allowed: Allowed, cut: Cut): void {
  const client = cluster.client('n1', SYNC);
  for (const [name, value] of SCRIPT) {
    const key = `${name}${round}`;
    const before = allowed.get(key) ?? new Set([null]);
    allowed.set(key, new Set([...before, value]));
    try {
      client.call(...(value === null ? ['DEL', key] : ['SET', key, value]));
    } catch (error) {
      expect(cut.hasHappened, String(error)).toBe(true);
      return;
    }
    allowed.set(key, new Set([value]));
  }
}

function check(cluster: SimulatedCluster, allowed: Allowed): void {
  for (const node of cluster.nodes) {
    const client = cluster.client(node, SYNC);
    for (const [key, values] of allowed) expect([...values], key).toContain(client.call('GET', key));
  }
}

test.each([
  { nodes: 1, isTorn: false },
  { nodes: 1, isTorn: true },
  { nodes: 3, isTorn: false },
  { nodes: 3, isTorn: true },
])(
  'what was acknowledged is there, and nothing else, when all nodes are killed at any write boundary: %j',
  ({ nodes, isTorn }) => {
    const cluster = new SimulatedCluster({ nodes, disks: true, seed: 1 });
    const cut = new Cut(cluster, isTorn);
    const all: Allowed = new Map();
    let moments = 0;
    for (let isOver = false; !isOver; ) {
      const allowed: Allowed = new Map();
      cut.arm(++moments);
      runScript(cluster, moments, allowed, cut);
      // A put that was the moment is a moment ago.
      cluster.advance(1);
      isOver = !cut.hasHappened;
      if (isOver) break;
      cut.restart();
      check(cluster, allowed);
      for (const [key, values] of allowed) all.set(key, values);
    }
    cut.disarm();
    check(cluster, all);
    expect([...cut.seen].sort()).toEqual(['flush', 'flushed', 'put']);
    expect(moments).toBeGreaterThan(3 * SCRIPT.length);
  },
  120_000,
);

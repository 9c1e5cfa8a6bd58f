import { describe, expect, it } from 'vitest';
import { LostWrites, type WhereAcknowledged } from '../../src/sim/checkers/lost-writes.ts';
import { History } from '../../src/sim/history.ts';
import type { OperationCommand } from '../../src/sim/operation.ts';
import { contentOf, toSimKey } from '../../src/sim/stored-key.ts';
import type { Violation } from '../../src/sim/violation.ts';
import { TestProcess } from './test-process.ts';

const KEY = toSimKey(1, 'k');

/** Two replicas, and a third node that owns nothing. */
class Replicas {
  readonly violations: Violation[] = [];
  readonly n1 = new TestProcess();
  readonly n2 = new TestProcess({ name: 'n2' });
  readonly n3 = new TestProcess({ name: 'n3', isReplica: false });
  readonly check: LostWrites;
  readonly #history: History;
  #running: readonly TestProcess[] = [this.n1, this.n2, this.n3];

  constructor(db = 1, where: WhereAcknowledged = 'in memory') {
    const running = () => this.#running.map(({ process }) => process);
    const report = (violation: Violation) => this.violations.push(violation);
    this.check = new LostWrites(new Map([[db, where]]), running, new Map([[KEY.id, KEY]]), report);
    this.#history = new History([this.check]);
  }

  /** An operation that is answered with OK. */
  done(command: OperationCommand, value?: string): this {
    const values = value === undefined ? [] : [value];
    const request = { command, keys: [KEY.name], values, ttlMs: 0, args: [] };
    this.#history.end(this.#history.begin(1, 'n1', 1, request, 0), 'ok', 1);
    return this;
  }

  lose(process: TestProcess, diskLost = false): this {
    this.#running = this.#running.filter(each => each !== process);
    this.check.lost(diskLost);
    return this;
  }

  /** What is found to be wrong when they all hold in the end what this one holds. */
  end({ process }: TestProcess): readonly Violation[] {
    const keyspace = process.node.cluster!.keyspaces.get(KEY.db)!;
    const held = contentOf(process, keyspace, KEY);
    this.check.checkFinal(KEY, held?.value === undefined ? undefined : held);
    return this.violations;
  }
}

describe('The check of lost writes', () => {
  it('reports an acknowledged write that the replicas have nothing of, or something older, in the end', () => {
    for (const older of [undefined, 'a']) {
      const replicas = new Replicas();
      if (older !== undefined) replicas.n2.put(KEY, older, 5);
      replicas.n1.put(KEY, 'b', 7);
      const [violation] = replicas.done('set', 'b').end(replicas.n2);
      expect(violation).toMatchObject({ kind: 'lost-write', key: { db: 1, name: 'k' } });
      expect(violation!.what).toContain('b (@7) was acknowledged');
    }
  });

  it('bears one that is there, or lost to something newer', () => {
    const replicas = new Replicas();
    replicas.n1.put(KEY, 'b', 7);
    replicas.n2.put(KEY, 'c', 8);
    replicas.done('set', 'b');
    expect(replicas.end(replicas.n1)).toEqual([]);
    expect(replicas.end(replicas.n2)).toEqual([]);
    expect(replicas.check.checked).toBe(2);
  });

  it('expects nothing more when all owners are lost that held it or something newer', () => {
    const replicas = new Replicas();
    replicas.n1.put(KEY, 'b', 7);
    replicas.n3.put(KEY, 'b', 7);
    expect(replicas.done('set', 'b').lose(replicas.n1).end(replicas.n2)).toEqual([]);
  });

  it('goes on to expect it when another owner holds something newer', () => {
    const replicas = new Replicas();
    replicas.n1.put(KEY, 'b', 7);
    replicas.n2.put(KEY, 'c', 9);
    replicas.done('set', 'b').lose(replicas.n1);
    expect(replicas.end(new TestProcess().put(KEY, 'a', 5))).toHaveLength(1);
  });

  it('bears nothing at all once a deletion or an expiry was asked for, and something older not', () => {
    for (const command of ['del', 'px', 'pexpire'] as const) {
      const replicas = new Replicas();
      replicas.n1.put(KEY, 'b', 7);
      replicas.done('set', 'b').done(command, command === 'px' ? 'x' : undefined);
      expect(replicas.end(replicas.n2)).toEqual([]);
      expect(replicas.end(replicas.n2.put(KEY, 'a', 5))).toHaveLength(1);
    }
  });

  it('goes on to expect what was durable when all are lost that held it, until a disk has lost something', () => {
    const replicas = new Replicas(1, 'durable');
    replicas.n1.put(KEY, 'b', 7);
    replicas.done('set', 'b').lose(replicas.n1);
    expect(replicas.end(replicas.n2)).toHaveLength(1);
    const damaged = new Replicas(1, 'durable');
    damaged.n1.put(KEY, 'b', 7);
    expect(damaged.done('set', 'b').lose(damaged.n1, true).end(damaged.n2)).toEqual([]);
  });

  it('says nothing of other keyspaces', () => {
    const replicas = new Replicas(0);
    replicas.n1.put(KEY, 'b', 7);
    expect(replicas.done('set', 'b').end(replicas.n2)).toEqual([]);
  });
});

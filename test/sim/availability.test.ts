import { describe, expect, it } from 'vitest';
import { AvailabilityCheck } from '../../src/sim/checkers/availability.ts';
import { History } from '../../src/sim/history.ts';
import type { Operation, OperationOutcome } from '../../src/sim/operation.ts';
import type { Violation } from '../../src/sim/violation.ts';

const GET = { command: 'get', keys: ['k'], values: [], ttlMs: 0, args: [] } as const;

class Clients {
  readonly check = new AvailabilityCheck();
  readonly #history = new History([this.check]);

  begin(atMs: number): Operation {
    return this.#history.begin(1, 'n1', 1, GET, atMs);
  }

  end(operation: Operation, atMs: number, outcome: OperationOutcome = 'ok'): void {
    this.#history.end(operation, outcome, atMs);
  }

  /** Operations one after another, each answered after a millisecond. */
  make(count: number, fromMs: number, outcome: OperationOutcome = 'ok'): void {
    for (let i = 0; i < count; i++) this.end(this.begin(fromMs + i), fromMs + i + 1, outcome);
  }

  violations(): readonly Violation[] {
    const violations: Violation[] = [];
    this.check.check(violation => violations.push(violation));
    return violations;
  }
}

describe('The check of availability', () => {
  it('bears one failure in a thousand operations, and reports two', () => {
    const clients = new Clients();
    clients.check.open('fault-free');
    clients.make(999, 0);
    clients.make(1, 1_000, 'unavailable');
    expect(clients.violations()).toEqual([]);
    clients.make(1, 1_001, 'refused');
    const [violation] = clients.violations();
    expect(violation).toMatchObject({ kind: 'unavailable' });
    expect(violation!.what).toContain('2 of 1001 operations failed (fault-free)');
    expect(violation!.what).toContain('get k → refused');
  });

  it('counts an error, a lost connection and a late answer as failures, and an answer just in time not', () => {
    const clients = new Clients();
    clients.check.open('fault-free');
    for (const outcome of ['unavailable', 'refused', 'lost'] as const) clients.make(1, 0, outcome);
    clients.end(clients.begin(10), 1_510);
    clients.end(clients.begin(20), 1_519.9);
    expect(clients.check.conditions['fault-free']).toEqual({ operations: 5, failed: 4 });
  });

  it('counts what has no answer when the window ends, unless it has just begun', () => {
    const clients = new Clients();
    clients.check.open('one-down');
    clients.begin(500);
    clients.begin(501);
    clients.check.close(2_000);
    expect(clients.check.conditions['one-down']).toEqual({ operations: 1, failed: 1 });
  });

  it('judges a window with one node down apart from others', () => {
    const clients = new Clients();
    clients.check.open('fault-free');
    clients.make(100_000, 0);
    clients.check.close(200_000);
    clients.check.open('one-down');
    clients.make(10, 200_000, 'unavailable');
    expect(clients.violations()).toHaveLength(1);
    expect(clients.violations()[0]!.what).toContain('10 of 10 operations failed (one-down)');
  });

  it('leaves out what began before the window or outside of any, and what is answered after its end', () => {
    const clients = new Clients();
    const early = clients.begin(0);
    clients.check.open('fault-free');
    clients.end(early, 20, 'lost');
    const late = clients.begin(90);
    clients.check.close(100);
    clients.end(late, 101, 'lost');
    clients.make(5, 200, 'lost');
    expect(clients.check.conditions['fault-free']).toEqual({ operations: 0, failed: 0 });
    expect(clients.violations()).toEqual([]);
  });

  it('does not count an answer from the window before towards the next', () => {
    const clients = new Clients();
    clients.check.open('fault-free');
    const operation = clients.begin(90);
    clients.check.close(100);
    clients.check.open('one-down');
    clients.end(operation, 110, 'lost');
    expect(clients.check.conditions['one-down'].operations).toBe(0);
  });
});

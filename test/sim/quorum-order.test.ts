import { beforeEach, describe, expect, test } from 'vitest';
import { QuorumOrder } from '../../src/sim/checkers/quorum-order.ts';
import { History } from '../../src/sim/history.ts';
import type { Operation, OperationCommand } from '../../src/sim/operation.ts';
import type { Violation } from '../../src/sim/violation.ts';

const DB = 1;
const REPAIRING = 5;
const KEY = 'k';

let violations: Violation[];
let checker: QuorumOrder;
let history: History;
let clockMs: number;

beforeEach(() => {
  violations = [];
  checker = new QuorumOrder(new Set([DB, REPAIRING]), new Set([REPAIRING]), violation => violations.push(violation));
  history = new History([checker]);
  clockMs = 0;
});

function begin(command: OperationCommand, value?: string, db = DB): Operation {
  const values = value === undefined ? [] : [value];
  return history.begin(0, 'n1', db, { command, keys: [KEY], values, ttlMs: 0, args: [] }, ++clockMs);
}

function ack(operation: Operation, applied = true): void {
  operation.applied = applied;
  history.end(operation, 'ok', ++clockMs);
}

function found(operation: Operation, value: string | undefined): void {
  operation.found = [value];
  history.end(operation, 'ok', ++clockMs);
}

/** The whole of an acknowledged operation. */
function done(command: OperationCommand, value?: string): void {
  ack(begin(command, value));
}

const kinds = (): string[] => violations.map(({ kind }) => kind);

describe('a quorum read', () => {
  test('must not find a value that an acknowledged later write has superseded', () => {
    done('set', 'v1');
    done('set', 'v2');
    found(begin('get'), 'v1');
    expect(kinds()).toEqual(['stale-read']);
  });

  test('may find it when it began before the later write was acknowledged', () => {
    done('set', 'v1');
    const later = begin('set', 'v2');
    const read = begin('get');
    ack(later);
    found(read, 'v1');
    expect(kinds()).toEqual([]);
  });

  test('may find either of two writes that were under way at once', () => {
    const one = begin('set', 'v1');
    const two = begin('set', 'v2');
    ack(one);
    ack(two);
    found(begin('get'), 'v1');
    found(begin('get'), 'v2');
    expect(kinds()).toEqual([]);
  });

  test.each(['unavailable', 'lost', 'refused'] as const)('may find a write that was %s, at any time', outcome => {
    history.end(begin('set', 'v1'), outcome, ++clockMs);
    done('set', 'v2');
    done('set', 'v3');
    found(begin('get'), 'v1');
    expect(kinds()).toEqual([]);
  });

  test('must not find nil where a write was acknowledged and nothing may have deleted it', () => {
    done('set', 'v1');
    found(begin('get'), undefined);
    expect(kinds()).toEqual(['stale-read']);
  });

  test('may find nil where nothing was acknowledged', () => {
    history.end(begin('set', 'v1'), 'unavailable', ++clockMs);
    found(begin('get'), undefined);
    expect(kinds()).toEqual([]);
  });

  test.each(['del', 'pexpire'] as const)('may find nil after a %s', command => {
    done('set', 'v1');
    done(command);
    found(begin('get'), undefined);
    expect(kinds()).toEqual([]);
  });

  test('may find nil where the value itself had an expiry', () => {
    done('px', 'v1');
    found(begin('get'), undefined);
    expect(kinds()).toEqual([]);
  });

  test.each(['del', 'pexpire'] as const)('must not find nil where a write began after the %s', command => {
    done('set', 'v1');
    done(command);
    done('set', 'v2');
    found(begin('get'), undefined);
    expect(kinds()).toEqual(['stale-read']);
  });

  test('may find nil for ever once a DEL went unanswered', () => {
    history.end(begin('del'), 'lost', ++clockMs);
    done('set', 'v2');
    found(begin('get'), undefined);
    expect(kinds()).toEqual([]);
  });

  test('may find nil when an expiry may sit on a write whose fate is open', () => {
    history.end(begin('set', 'v1'), 'unavailable', ++clockMs);
    done('pexpire');
    done('set', 'v2');
    found(begin('get'), undefined);
    expect(kinds()).toEqual([]);
  });

  test('must not find what an acknowledged DEL has deleted', () => {
    done('set', 'v1');
    done('del');
    found(begin('get'), 'v1');
    expect(kinds()).toEqual(['stale-read']);
  });

  test('must not find it when a DEL found nothing, but that it may have expired', () => {
    done('set', 'v1');
    done('del');
    ack(begin('del'), false);
    found(begin('get'), 'v1');
    expect(kinds()).toEqual(['stale-read']);
  });

  test('makes a liar of a DEL that finds nothing where nothing explains it', () => {
    done('set', 'v1');
    ack(begin('del'), false);
    expect(kinds()).toEqual(['stale-read']);
  });

  test('may find it when the DEL said that it deleted nothing, for it may have expired', () => {
    done('px', 'v1');
    ack(begin('del'), false);
    found(begin('get'), 'v1');
    expect(kinds()).toEqual([]);
  });

  test('must not find what nobody wrote', () => {
    found(begin('get'), 'v9');
    expect(kinds()).toEqual(['invented-value']);
  });

  test('must not find what a SET NX said it did not set', () => {
    done('set', 'v1');
    ack(begin('nx', 'v2'), false);
    found(begin('get'), 'v2');
    expect(kinds()).toEqual(['invented-value']);
  });
});

describe('a SET NX', () => {
  test('that is applied has found nil, which must be explained', () => {
    done('set', 'v1');
    done('nx', 'v2');
    expect(kinds()).toEqual(['stale-read']);
  });

  test('may be applied after a DEL', () => {
    done('set', 'v1');
    done('del');
    done('nx', 'v2');
    expect(kinds()).toEqual([]);
  });
});

describe('where reads repair before they answer', () => {
  /** A write that was not acknowledged is found, and then `next` is found. */
  function findAfter(db: number, next: string | undefined): readonly string[] {
    ack(begin('set', 'v1', db));
    begin('set', 'v2', db);
    found(begin('get', undefined, db), 'v2');
    found(begin('get', undefined, db), next);
    return kinds();
  }

  test('what was found once is never followed by something older, acknowledged or not', () => {
    expect(findAfter(REPAIRING, 'v1')).toEqual(['stale-read']);
  });

  test('nor by nil', () => {
    expect(findAfter(REPAIRING, undefined)).toEqual(['stale-read']);
  });

  test('but by itself, and elsewhere by anything that an acknowledged write does not supersede', () => {
    expect(findAfter(REPAIRING, 'v2')).toEqual([]);
    expect(findAfter(DB, 'v1')).toEqual([]);
  });
});

describe('the end', () => {
  test('is a read of what the replicas hold', () => {
    done('set', 'v1');
    done('set', 'v2');
    checker.checkFinal(DB, KEY, 'v2');
    expect(kinds()).toEqual([]);
    checker.checkFinal(DB, KEY, 'v1');
    checker.checkFinal(DB, KEY, undefined);
    expect(kinds()).toEqual(['stale-read', 'stale-read']);
  });
});

test('in a keyspace without quorums any value will do that was written', () => {
  ack(begin('set', 'v1', 0));
  ack(begin('set', 'v2', 0));
  found(begin('get', undefined, 0), 'v1');
  found(begin('get', undefined, 0), undefined);
  expect(kinds()).toEqual([]);
  found(begin('get', undefined, 0), 'v9');
  expect(kinds()).toEqual(['invented-value']);
});

import { FAULT_KINDS } from '../faults.ts';
import type { SimulationOptions } from '../options.ts';
import type { SimulationReport } from '../report.ts';
import type { Report } from '../violation.ts';

/** Operations that a client makes in a virtual second, at least. */
const OPERATIONS_A_SECOND = 10;

/**
 * A run in which nothing happened says nothing, and must not look like one that went well: every client made its
 * operations, in every keyspace writes were acknowledged, and every kind of fault that was asked for occurred.
 */
export function idleness(
  { clients, keyspaces, faults }: SimulationOptions,
  { operations, faults: counts, writesSeenInStores }: SimulationReport,
  activeMs: number,
  acknowledged: ReadonlyMap<number, number>,
  report: Report,
): void {
  const idle = (what: string): void => report({ kind: 'idle', what });
  const made = operations.ok + operations.unavailable + operations.refused + operations.lost;
  const expected = (clients * OPERATIONS_A_SECOND * activeMs) / 1000;
  if (made < expected) idle(`${clients} clients made ${made} operations in ${activeMs} ms, fewer than ${expected}`);
  if (operations.ok < made / 4) idle(`only ${operations.ok} of ${made} operations succeeded`);
  for (const db of keyspaces) {
    if ((acknowledged.get(db) ?? 0) === 0) idle(`no write was acknowledged in keyspace ${db}`);
  }
  if (writesSeenInStores === 0) idle('no write was seen in any store');
  for (const kind of FAULT_KINDS) {
    if (faults[kind] > 0 && counts[kind] === 0) idle(`${kind} was asked for and never occurred`);
  }
}

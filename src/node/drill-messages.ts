import type { NodeName } from '../ports/outbox.ts';

/**
 * "From now on no node contacts this one", "these two do not contact each other", or that they do again. Of two orders
 * about the same the one given later counts.
 */
export interface DrillOrder {
  /** A node, or two of which the first is the smaller name. */
  readonly about: readonly NodeName[];
  readonly down: boolean;
  /** When it was given: Unix ms by the clock of the node that was told, and above all orders that it knew. */
  readonly atMs: number;
}

/** All orders that a node knows. */
export interface DrillMessage {
  readonly orders: readonly DrillOrder[];
}

export function parseDrillMessage(value: unknown): DrillMessage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { orders } = value as { [field: string]: unknown };
  if (!Array.isArray(orders)) return undefined;
  const parsed = orders.map(parseOrder);
  return parsed.includes(undefined) ? undefined : { orders: parsed as DrillOrder[] };
}

function parseOrder(value: unknown): DrillOrder | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { about, down, atMs } = value as { [field: string]: unknown };
  if (!Array.isArray(about) || about.length < 1 || about.length > 2) return undefined;
  if (!about.every(name => typeof name === 'string') || typeof down !== 'boolean') return undefined;
  if (!Number.isSafeInteger(atMs) || (atMs as number) < 0) return undefined;
  return { about: about as NodeName[], down, atMs: atMs as number };
}

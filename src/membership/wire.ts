import { MAX_WEIGHT } from '../ring/tokens.ts';

/**
 * Checks of what peers sent. A peer is authenticated but may be another version, or broken: whatever it says is
 * checked for type and bounded before anything is kept of it.
 */

const MAX_NAME_LENGTH = 128;
const MAX_ACTOR_LENGTH = MAX_NAME_LENGTH + 32;
const MAX_HOST_LENGTH = 255;

/** The fields of a plain object, or undefined. Never used as a map keyed by what a peer says. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

export function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength;
}

/** A node's name; never empty. */
export function isName(value: unknown): value is string {
  return isText(value, MAX_NAME_LENGTH) && value !== '';
}

export function isZone(value: unknown): value is string {
  return isText(value, MAX_NAME_LENGTH);
}

export function isActor(value: unknown): value is string {
  return isText(value, MAX_ACTOR_LENGTH) && value !== '';
}

export function isHost(value: unknown): value is string {
  return isText(value, MAX_HOST_LENGTH) && value !== '';
}

/** An integer in [0, limit). */
export function isBelow(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < limit;
}

export function isPort(value: unknown): value is number {
  return isBelow(value, 0x1_0000);
}

export function isUint32(value: unknown): value is number {
  return isBelow(value, 0x1_0000_0000);
}

export function isWeight(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= MAX_WEIGHT;
}

/** The list with each element parsed, or undefined when it is too long or one of them is refused. */
export function parseList<T>(
  value: unknown,
  maxLength: number,
  parse: (element: unknown) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > maxLength) return undefined;
  const list: T[] = [];
  for (const element of value as readonly unknown[]) {
    const parsed = parse(element);
    if (parsed === undefined) return undefined;
    list.push(parsed);
  }
  return list;
}

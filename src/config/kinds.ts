import { z } from 'zod';
import { IDENTIFIER, IDENTIFIER_RULE } from '../lib/identifier.ts';
import type { BusAddress } from '../ports/outbox.ts';
import { isHost, parseAddress, parsePort } from './address.ts';
import { parseDuration, parseSize } from './units.ts';

/**
 * The kinds of value a setting can have. Flags and the environment give text, the file gives text, numbers or
 * booleans; a kind takes all of them. What it refuses it answers with the same words that `--help` and the default
 * file describe it with: `allowed`, which completes the sentence "expected …".
 */
export interface Kind {
  /** What is allowed, as in "a port from 1 to 65535". */
  readonly allowed: string;
  /** How `--help` writes the value: `--port <port>`. */
  readonly placeholder: string;
}

/** A schema that makes a `T` of whatever its source gives. */
export type KindSchema<T> = z.ZodPipe<z.ZodUnknown, z.ZodTransform<T, unknown>>;

/** What is known of each schema made here. */
export const kinds = z.registry<Kind>();

function kind<T>(allowed: string, placeholder: string, parse: (input: unknown) => T | undefined): KindSchema<T> {
  const schema = z.unknown().transform((input, context): T => {
    const value = parse(input);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  });
  return schema.register(kinds, { allowed, placeholder });
}

/** The text of a scalar, so that `6379` and `"6379"` are the same; undefined for anything else. */
function scalar(input: unknown): string | undefined {
  return typeof input === 'string' ? input.trim() : typeof input === 'number' ? String(input) : undefined;
}

function scalarKind<T>(allowed: string, placeholder: string, parse: (text: string) => T | undefined) {
  return kind(allowed, placeholder, input => {
    const text = scalar(input);
    return text === undefined ? undefined : parse(text);
  });
}

/** Text that matches a pattern. A number in the file is refused: YAML has lost its leading zeros. */
export function text(allowed: string, pattern: RegExp) {
  return kind(allowed, 'text', input => (typeof input === 'string' && pattern.test(input) ? input : undefined));
}

/** A node, zone or keyspace name. */
export function identifier() {
  return text(IDENTIFIER_RULE, IDENTIFIER);
}

/** A password: any text of 1 to 512 characters. Never shown. */
export function secret() {
  return text('1 to 512 characters; digits alone need quotes', /^[\s\S]{1,512}$/);
}

export function host() {
  return scalarKind('an IP address or a host name', 'host', value => (isHost(value) ? value : undefined));
}

/** Port 0 is whichever is free. */
export function port() {
  return scalarKind('a port from 0 to 65535', 'port', parsePort);
}

/** A whole number between two bounds, both included. */
export function count(min: number, max: number) {
  return scalarKind(`a whole number from ${min} to ${max}`, 'n', value => {
    const number = /^\d{1,10}$/.test(value) ? Number(value) : -1;
    return number >= min && number <= max ? number : undefined;
  });
}

/** A number between two bounds, both included. */
export function ratio(min: number, max: number) {
  return scalarKind(`a number from ${min} to ${max}`, 'x', value => {
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

/** A path on this machine. */
export function path() {
  return text('a path', /^[^\0]{1,4096}$/);
}

/** A number of bytes between two sizes such as `1mb`, both included; with `orZero`, 0 too. */
export function size(min: string, max: string, orZero = false) {
  const [low, high] = [parseSize(min)!, parseSize(max)!];
  return scalarKind(`a size from ${min} to ${max}${orZero ? ', or 0' : ''}`, 'size', value => {
    const bytes = parseSize(value);
    if (bytes === undefined || (bytes === 0 && orZero)) return bytes;
    return bytes >= low && bytes <= high ? bytes : undefined;
  });
}

/** Milliseconds between two durations such as `500ms`, both included; with `orZero`, 0 too. */
export function duration(min: string, max: string, orZero = false) {
  const [low, high] = [parseDuration(min)!, parseDuration(max)!];
  return scalarKind(`a duration from ${min} to ${max}${orZero ? ', or 0' : ''}`, 'duration', value => {
    const ms = parseDuration(value);
    if (ms === undefined || (ms === 0 && orZero)) return ms;
    return ms >= low && ms <= high ? ms : undefined;
  });
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]) {
  return scalarKind(oneOf(words), words.join('|'), value => words.find(word => word === value));
}

function oneOf(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** `yes` or `no`; the file may say `true` or `false`. */
export function toggle() {
  return kind('yes or no', 'yes|no', input => {
    if (input === true || input === 'yes' || input === 'true') return true;
    if (input === false || input === 'no' || input === 'false') return false;
    return undefined;
  });
}

/** A count, or one of a few words. */
export function countOr<const T extends string>(max: number, ...words: readonly T[]) {
  const allowed = `a whole number from 1 to ${max}, or ${oneOf(words)}`;
  return scalarKind(allowed, `n|${words.join('|')}`, (value): number | T | undefined => {
    const word = words.find(one => one === value);
    if (word !== undefined) return word;
    const number = /^\d{1,3}$/.test(value) ? Number(value) : 0;
    return number >= 1 && number <= max ? number : undefined;
  });
}

const MAX_ADDRESSES = 256;

/** Addresses, as one text with commas between or as a list. */
export function addresses() {
  const allowed = `host:busport, such as 10.0.0.1:16379; several with commas between, at most ${MAX_ADDRESSES}`;
  return kind(allowed, 'host:busport,…', (input): readonly BusAddress[] | undefined => {
    const items = typeof input === 'string' ? input.split(',').filter(item => item.trim() !== '') : input;
    if (!Array.isArray(items) || items.length > MAX_ADDRESSES) return undefined;
    const parsed = items.map(item => (typeof item === 'string' ? parseAddress(item.trim()) : undefined));
    return parsed.every(address => address !== undefined) ? parsed : undefined;
  });
}

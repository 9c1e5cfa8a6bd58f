/** What clients do. `px` is a SET that expires, `nx` one that must find nothing. */
export const COMMANDS = ['get', 'mget', 'set', 'px', 'nx', 'mset', 'del', 'pexpire', 'persist'] as const;

export type OperationCommand = (typeof COMMANDS)[number];

/**
 * How an operation ended. Of all but `ok` the effect is unknown: it may come about, at any time or never.
 *
 * - `ok`: answered with something else than an error.
 * - `unavailable`: answered with `-UNAVAILABLE …`.
 * - `refused`: answered with another error.
 * - `lost`: the connection was lost, or given up, before an answer came.
 */
export const OUTCOMES = ['ok', 'unavailable', 'refused', 'lost'] as const;

export type OperationOutcome = (typeof OUTCOMES)[number];

/** Bytes a client sends as a value: an identifier that is never used twice, a blank, and what makes it long. */
export function encodeValue(id: string, length: number): Buffer {
  return Buffer.from(`${id} `.padEnd(length, 'abcdefghijklmnop'));
}

/** The identifier in a value. */
export function valueIdOf(value: Uint8Array): string {
  const end = value.indexOf(0x20);
  return Buffer.from(value.buffer, value.byteOffset, end < 0 ? value.length : end).toString('latin1');
}

/** What tells a key in its keyspace from every other key of every keyspace. */
export function keyId(db: number, name: string): string {
  return `${db} ${name}`;
}

/** A client's operation as the client saw it. */
export interface Operation {
  readonly client: number;
  readonly db: number;
  readonly command: OperationCommand;
  readonly keys: readonly string[];
  /** Identifiers of the values written, one for each key; empty where none is. */
  readonly values: readonly string[];
  readonly ttlMs: number;
  /** The node that the client was connected to. */
  readonly node: string;
  readonly startMs: number;
  /**
   * Position among the begins and ends of all operations. One that ended before another began came before it; there
   * is no other order between two.
   */
  readonly startOrder: number;
  endMs: number;
  /** Infinite while there was no answer, and for ever if none came or it was an error: the operation may yet take effect. */
  endOrder: number;
  outcome: OperationOutcome | undefined;
  /** What a read found, one for each key: an identifier, or undefined for nil. */
  found: readonly (string | undefined)[];
  /** The answer of `nx` (whether it was set), `del`, `pexpire` and `persist` (whether there was something). */
  applied: boolean;
  error: string;
}

const WRITES: readonly OperationCommand[] = ['set', 'px', 'nx', 'mset'];

/** Whether the operation writes values. */
export function writesValues({ command }: Operation): boolean {
  return WRITES.includes(command);
}

/** A line for people. */
export function describeOperation(operation: Operation): string {
  const { client, node, db, command, keys, values, ttlMs, startMs, endMs, outcome } = operation;
  const what = keys.map((key, i) => (values[i] === undefined ? key : `${key}=${values[i]}`)).join(' ');
  const ttl = ttlMs > 0 ? ` ttl ${ttlMs} ms` : '';
  const answer = outcome === 'ok' ? `→ ${answerOf(operation)}` : `→ ${outcome ?? 'no answer yet'} ${operation.error}`;
  const when = `${seconds(startMs)}–${outcome === undefined ? '' : seconds(endMs)}`;
  return `${when} c${client}@${node} db${db} ${command} ${what}${ttl} ${answer}`;
}

function answerOf({ command, found, applied }: Operation): string {
  if (command === 'get' || command === 'mget') return found.map(value => value ?? 'nil').join(' ');
  return command === 'set' || command === 'px' || command === 'mset' ? 'OK' : applied ? 'yes' : 'no';
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(4);
}
